"""Calls with any data: nothing is gained by them, and no well-formed one ends in a panic.

Every function is called in every phase with well-formed edges (huge integers, odd addresses, long
lists) and with data cut, stretched and garbled. GAVELBOOK_CALLS sets how many calls a phase gets.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import Any

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak

from tests.evm.compiled import Function, contract
from tests.evm.machine import Reverted, account
from tests.evm.sale import FUNDED, ISSUER, encode_terms, key_of, sale_contract
from tests.hostile.scene import (
    BIDDERS,
    PROCEEDS,
    SUPPLY,
    THIEF,
    UNSOLD,
    Stage,
    market,
    refused,
    terms_of,
)
from tests.parity.books import OFFERED

CALLS = int(os.environ.get("GAVELBOOK_CALLS", "4000"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
GAS = 16_700_000
PHASES = ("funded", "open", "closed", "unsigned", "late", "cleared", "failed", "claimed")
TOO_MUCH_MEMORY = 0x41
"""The panic of Solidity where a caller asks for an array that no memory holds."""

EDGES: tuple[int, ...] = (
    0,
    1,
    2,
    3,
    5,
    6,
    15,
    16,
    23,
    24,
    255,
    256,
    4095,
    4096,
    2**12,
    2**16,
    2**24,
    2**32 - 1,
)
EDGES += (2**32, 2**40, 2**64 - 1, 2**64, 2**128, 2**160, 2**255, 2**256 - 2, 2**256 - 1)


def brought_to(phase: str) -> Stage:
    """Return a sale with honest bids, in a phase of its life."""
    stage = Stage(market(), terms_of(market(), *OFFERED[3], gated=True))
    terms, machine = stage.terms, market().machine
    moments = {
        "funded": (terms.start or 0) - 1,
        "open": terms.start,
        "closed": terms.end,
        "unsigned": terms.allocator_until,
        "late": terms.abort_time,
    }
    machine.now = moments.get(phase) or terms.allocator_until or 0
    if phase in {"cleared", "claimed"}:
        stage.clear(stage.close())
    if phase == "failed":
        machine.now = terms.abort_time or 0
        stage.sale.abort()
    if phase == "claimed":
        stage.everybody_leaves(stage.ledger.outcome())
    return stage


class Caller:
    """Makes up calls of a contract."""

    def __init__(self, random: Random, stage: Stage) -> None:
        self._random = random
        self._stage = stage
        outcome = stage.ledger.outcome()
        self._numbers = (*EDGES, *outcome.clearing[:3], *(e.arrival for e in outcome.entries))
        self._keys = [entry.key for entry in outcome.entries]
        self._margin = outcome.margin
        names = (*BIDDERS, THIEF, ISSUER, PROCEEDS, UNSOLD, stage.sale.address, account("nobody"))
        tokens = (market().sale_token.address, market().payment_token.address)
        self._addresses = (*names, *tokens, "0x" + "00" * 20, "0x" + "ff" * 20)

    def well_formed(self, function: Function) -> bytes:
        """Return a call with values of the right types."""
        values = [self._value(kind) for kind in function.inputs]
        return function.selector + abi_encode(function.inputs, values)

    def malformed(self, function: Function) -> bytes:
        """Return a call whose data was cut, stretched or garbled."""
        random, data = self._random, bytearray(self.well_formed(function))
        match random.randrange(6):
            case 0:
                del data[random.randrange(len(data)) :]
            case 1:
                data += random.randbytes(random.randrange(100))
            case 2:
                for _ in range(random.randint(1, 8)):
                    data[random.randrange(len(data))] ^= random.randrange(256)
            case 3 if len(data) >= 36:
                at = 4 + 32 * random.randrange((len(data) - 4) // 32)
                data[at : at + 32] = random.choice(EDGES).to_bytes(32, "big")
            case 4:
                data[4:] = random.randbytes(random.randrange(400))
            case _:
                data[:] = random.randbytes(random.randrange(80))
        return bytes(data)

    def _value(self, kind: str) -> Any:  # noqa: PLR0911 -- one for each type
        random = self._random
        if kind.startswith("("):
            return tuple(self._value(part) for part in kind[1:-1].split(","))
        if kind.endswith("[]"):
            return self._list(kind)
        if kind == "address":
            return random.choice(self._addresses)
        if kind == "bool":
            return random.random() < 0.5
        if kind == "bytes":
            return random.randbytes(random.choice((0, 0, 1, 64, 65, 66, 300)))
        if kind == "bytes32":
            return random.choice((bytes(32), random.randbytes(32), b"\xff" * 32))
        if kind == "bytes4":
            return random.randbytes(4)
        return random.choice(self._numbers) % 2 ** int(kind.removeprefix("uint"))

    def _list(self, kind: str) -> Any:
        random = self._random
        if kind == "uint256[]" and random.random() < 0.3:
            return self._margin
        if kind == "uint256[]":
            keys = [*self._keys, *EDGES, key_of(THIEF, 0), key_of(BIDDERS[0], 24)]
            return random.choices(keys, k=random.randrange(9))
        if kind == "bytes[]":
            functions = [f for f in sale_contract().functions.values() if f.name != "multicall"]
            return [self.well_formed(random.choice(functions)) for _ in range(random.randrange(4))]
        return [self._value(kind[:-2]) for _ in range(random.choice((0, 1, 2, 5, 40)))]


def wealth(stage: Stage) -> list[int]:
    """Return what is owed to or held by each bidder and recipient, and by the thief."""
    sale, tokens = stage.sale, (market().sale_token, market().payment_token)
    holders = (*BIDDERS, PROCEEDS, UNSOLD, THIEF, ISSUER, account("nobody"))
    found = [token.balance(holder) for token in tokens for holder in holders]
    if sale.result().phase == FUNDED:
        return found + [len(sale.bids_of(bidder)) for bidder in BIDDERS] + sale.lots_at(0, 6)
    for number, bidder in enumerate(BIDDERS):
        owed = sale.owed(bidder)
        found[number] += owed.tokens_now + owed.tokens_later
        found[number + len(holders)] += owed.refund
    return found


def settled(stage: Stage) -> tuple[int, int]:
    """Return what proceeds and unsold tokens come to, collected or not."""
    result = stage.sale.result()
    unsold = (SUPPLY - result.sold_lots) * stage.terms.auction.lot_size
    return stage.sale.raised(), unsold


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("formed", ["well", "mal"])
def test_nobody_gains_by_any_call(phase: str, formed: str) -> None:
    random = Random(f"{SEED} {phase} {formed}")
    stage = brought_to(phase)
    sale, machine = stage.sale, market().machine
    caller = Caller(random, stage)
    functions = list(sale_contract().functions.values())
    accepted: set[str] = set()
    for _ in range(CALLS // len(PHASES) // 2):
        function = random.choice(functions)
        data = caller.well_formed(function) if formed == "well" else caller.malformed(function)
        with machine.trial():
            before = wealth(stage)
            try:
                machine.call(THIEF, sale.address, data, gas=GAS)
                accepted.add(function.name)
            except Reverted as revert:
                assert_explained(revert, function, data, well_formed=formed == "well")
            check_wealth(stage, before)
    assert len(accepted) > 2, "too few calls did anything"


def check_wealth(stage: Stage, before: list[int]) -> None:
    """Nobody has less or more, apart from what a right clearing gives and collecting moves."""
    thief = [market().sale_token.balance(THIEF), market().payment_token.balance(THIEF)]
    assert thief == [0, 0]
    if stage.sale.result().phase == FUNDED:
        assert wealth(stage) == before
        return
    after = wealth(stage)
    holders = len(BIDDERS) + 5
    if len(after) == len(before):
        same = [i for i in range(len(after)) if i % holders not in {len(BIDDERS), len(BIDDERS) + 1}]
        assert [after[i] for i in same] == [before[i] for i in same]
        raised, unsold = settled(stage)
        assert market().payment_token.balance(PROCEEDS) in {0, raised}
        assert market().sale_token.balance(UNSOLD) in {0, unsold}
        return
    # The call decided the sale: by the one right result, or by an abort in its time.
    if stage.sale.raised():
        outcome = stage.ledger.outcome()
        assert stage.sale.raised() == outcome.allocation.raised
        assert [stage.sale.owed(b).refund for b in BIDDERS] == [*map(outcome.refund, BIDDERS)]


def assert_explained(
    revert: Reverted, function: Function, data: bytes, *, well_formed: bool
) -> None:
    """A refusal has a reason: a custom error, or the decoder's empty one."""
    context = f"{revert} by {function.name} with {data.hex()}"
    if revert.name == "Panic":
        assert revert.arguments == (TOO_MUCH_MEMORY,), context
        return
    # Anybody may ask for an array that no gas pays for.
    hungry = function.name in {"lotsAt", "multicall"}
    assert hungry or revert.name or not well_formed, context
    assert hungry or revert.name != "Halt", context


def test_terms_are_refused_with_a_reason_or_make_a_sale() -> None:
    """Any integers as terms: a custom error or a sale, never a panic."""
    random = Random(SEED)
    good = encode_terms(terms_of(market()))
    create = contract("SaleFactory").functions["createSale"].selector
    market().sale_token.mint(ISSUER, 10**30)
    names = {name for name, _ in contract("ITokenSale").errors.values()}
    seen: dict[str | None, int] = {}
    now = market().machine.now
    near = [now, now + 1, now + 3600, now + 90_000, now + 10**6, now + 10**7]
    for _ in range(1_500):
        words = bytearray(good)
        for _ in range(random.choice((1, 1, 2, 3, 8))):
            at = random.randrange(2, 24)
            number = random.choice(
                (*EDGES, *near, 2**256 // 15, 2**256 // 16, random.randrange(20))
            )
            if at < 6:
                number %= 2**160
            elif at < 8:
                number %= 3 if at == 6 else 2
            words[32 * at : 32 * at + 32] = number.to_bytes(32, "big")
        with market().machine.trial():
            make = partial(market().machine.call, ISSUER, market().factory, create + bytes(words))
            name = refused(make)
        assert name in names | {None, "ERC20InsufficientBalance"}, words.hex()
        seen[name] = seen.get(name, 0) + 1
    assert len(seen) > 12


def test_unknown_selectors_are_refused() -> None:
    stage = brought_to("cleared")
    random = Random(SEED)
    for name in ("owner()", "pause()", "withdraw()", "sweep(address)", "upgradeTo(address)"):
        for data in (keccak(text=name)[:4], keccak(text=name)[:4] + random.randbytes(64)):
            with pytest.raises(Reverted):
                stage.sale.send(THIEF, data)
