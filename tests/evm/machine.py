"""One EVM with a clock: deploy, call as anybody, try and take back.

What pyrevm does that a chain does not: all calls belong to one endless transaction. Storage once
touched stays warm and keeps its first value as the "original" one, and transient storage survives.
Results do not depend on the first two, and transient storage is cleared before each call here; but
gas does, so gas is measured on a `cold` machine. ``gas_used`` includes the 21,000 of a transaction
and its calldata (4 a zero byte, 16 another), and leaves refunds out.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import pytest
from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from tests.evm.compiled import OVERRIDE, errors

try:
    import pyrevm
except ImportError:
    pytest.skip("pyrevm has no build for this Python", allow_module_level=True)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHAIN_ID = 31_337
GENESIS_TIME = 1_900_000_000
TRANSACTION_GAS_LIMIT = 16_777_216
"""Most gas of one transaction (EIP-7825)."""
CODE_SIZE_LIMIT = 24_576

_PANIC = bytes.fromhex("4e487b71")
_ACCOUNT = re.compile(r"(0x[0-9a-f]{40}): Account \{ info: ")
_SLOT = re.compile(
    r"(?<!\d)(\d+): StorageSlot \{ previous_or_original_value: \d+, present_value: (\d+) \}"
)


class Reverted(Exception):  # noqa: N818 -- it is what the chain calls it
    """A call was refused. ``name`` is that of the custom error; "" where there is none.

    ``Panic`` and ``Halt`` (out of gas, a bad jump) are names of their own.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        output = message.rpartition("output: 0x")[2].rstrip(" }") if "output: 0x" in message else ""
        self.data = bytes.fromhex(output)
        self.halted = message.startswith("Halt")
        selector = self.data[:4]
        if self.halted:
            self.name = "Halt"
        elif selector == _PANIC:
            self.name = "Panic"
        else:
            self.name = errors().get(selector, ("", ()))[0]

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What the error says, decoded."""
        if self.name == "Panic":
            return (int.from_bytes(self.data[4:], "big"),)
        if not self.name or self.halted:
            return ()
        try:
            return tuple(decode(errors()[self.data[:4]][1], self.data[4:]))
        except DecodingError:
            return ()

    def __str__(self) -> str:
        return f"{self.name or 'no error'}{self.arguments or ''} {self.data[:4].hex()}"


class Machine:
    """An EVM under Cancun rules whose clock stands still until it is moved."""

    def __init__(self) -> None:
        environment = pyrevm.Env(
            cfg=pyrevm.CfgEnv(chain_id=CHAIN_ID, limit_contract_code_size=_code_size_limit())
        )
        self._evm = pyrevm.EVM(env=environment, spec_id="CANCUN")
        self._now = GENESIS_TIME
        self._number = 1
        self._written: dict[str, dict[int, int]] = {}
        self.now = GENESIS_TIME

    @property
    def now(self) -> int:
        """The time of the block, in Unix seconds."""
        return self._now

    @now.setter
    def now(self, seconds: int) -> None:
        self._now = seconds
        self._number += 1
        self._evm.set_block_env(pyrevm.BlockEnv(number=self._number, timestamp=seconds))

    def deploy(self, creation: bytes, deployer: str) -> str:
        """Deploy and return the address.

        Raises:
            Reverted: the constructor refused.

        """
        self._evm.reset_transient_storage()
        try:
            return str(self._evm.deploy(deployer, creation)).lower()
        except RuntimeError as error:
            raise Reverted(str(error)) from None

    def call(
        self, sender: str, to: str, data: bytes, *, value: int = 0, gas: int | None = None
    ) -> bytes:
        """Call and keep what it changed.

        Raises:
            Reverted: the call was refused.

        """
        self._evm.reset_transient_storage()
        try:
            return bytes(self._evm.message_call(sender, to, data, value, gas))
        except RuntimeError as error:
            raise Reverted(str(error)) from None

    def logs(self) -> list[tuple[str, list[str], bytes]]:
        """Return address, topics and data of each event of the last call."""
        result = self._evm.result
        assert result
        return [(log.address.lower(), log.topics, bytes(log.data[1])) for log in result.logs]

    def gas_used(self) -> int:
        """Return the gas of the last call, before refunds."""
        result = self._evm.result
        assert result
        return result.gas_used

    def give_ether(self, account: str, amount: int) -> None:
        """Set the ether of an account."""
        self._evm.set_balance(account, amount)

    def code(self, account: str) -> bytes:
        """Return the code of an account and the zeros pyrevm puts behind it; empty if none."""
        return bytes(self._evm.get_code(account) or b"")

    def ether(self, account: str) -> int:
        """Return the ether of an account."""
        return int(self._evm.get_balance(account))

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Take everything back at the end of the ``with`` block, the clock too."""
        now = self._now
        checkpoint = self._evm.snapshot()
        try:
            yield
        finally:
            self._evm.revert(checkpoint)
            if self._now != now:
                self.now = now

    def storage(self) -> dict[str, dict[int, int]]:
        """Return every slot that a call has touched, by account."""
        slots = {address: dict(values) for address, values in self._written.items()}
        accounts = _ACCOUNT.split(self._evm.journal_str.partition("journal: [")[0])
        for address, text in zip(accounts[1::2], accounts[2::2], strict=True):
            touched = {int(slot): int(value) for slot, value in _SLOT.findall(text)}
            slots.setdefault(address, {}).update(touched)
        return slots

    def cold(self, changes: Mapping[tuple[str, int], int] | None = None) -> Self:
        """Return another machine in the same state, ether left out, on which nothing was touched.

        ``changes`` are values for slots, by account and slot.

        A call costs there what it costs as a transaction of its own on a chain. What is written in
        a snapshot stays in pyrevm's database when the snapshot is taken back, and is cold then.
        """
        copy = type(self)()
        copy.now = self._now
        storage = self.storage()
        for (address, slot), value in (changes or {}).items():
            storage[address][slot] = value
        for address, slots in storage.items():
            code = self._evm.get_code(address)
            if not code:
                continue
            with copy.trial():
                info = pyrevm.AccountInfo(nonce=1, code=code)
                copy._evm.insert_account_info(address, info)
            for slot, value in slots.items():
                with copy.trial():
                    copy._evm.insert_account_storage(address, slot, value)
            copy._written[address] = slots
        return copy


def _code_size_limit() -> int:
    """Return the limit of a chain (EIP-170); code compiled for a mutation run is not optimized."""
    return 10**6 if OVERRIDE in os.environ else CODE_SIZE_LIMIT


@lru_cache(100_000)
def account(name: str) -> str:
    """Return the address of a made-up account, spread like real addresses."""
    return "0x" + keccak(text=f"account {name}")[-20:].hex()


def word(value: int | str | bool) -> bytes:  # noqa: FBT001 -- a word holds any of them
    """Return an integer, an address or a truth value as the ABI writes it."""
    number = int(value, 16) if isinstance(value, str) else int(value)
    return number.to_bytes(32, "big")


def words(*values: int | str | bool) -> bytes:
    """Return values of one word each as the ABI writes them."""
    return b"".join(map(word, values))
