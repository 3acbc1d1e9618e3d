"""Sending and signing with an account of ape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from web3.contract.contract import ContractConstructor, ContractFunction
    from web3.types import TxParams, TxReceipt

    from gavelbook.chain.sale_types import Permit
    from gavelbook.chain.token import Token

    Call = ContractFunction | ContractConstructor

_PERMIT_SECONDS = 3600
_HEADROOM = 5
"""A fifth more gas than estimated: the state may have changed a little when it is mined."""


class Signer:
    """``account`` of ape on the connected chain; a keystore account is unlocked once."""

    def __init__(self, provider: Any, account: Any) -> None:
        self.provider = provider
        self.web3 = provider.web3
        self.account = account
        self.address = str(account.address)
        # A stored account would ask before each signature; the script has asked for all of them.
        if hasattr(account, "set_autosign"):
            account.set_autosign(True)

    def send(self, what: str, call: Call, value: int = 0) -> TxReceipt:
        """Try ``call``, send it, wait for the confirmations of the network, and print its line.

        Raises:
            ContractRefused: the contract would refuse it; nothing was sent.
            ChainError: ``call_failed``, ``insufficient_funds`` or ``too_much_gas``, likewise.

        """
        transaction = self.provider.network.ecosystem.create_transaction(
            **self._to(call), value=value, gas_limit=self._gas_limit(call, value)
        )
        sent = self.account.call(transaction)
        receipt: TxReceipt = self.web3.eth.get_transaction_receipt(sent.txn_hash)
        click.echo(f"{what}: {sent.txn_hash} in block {receipt['blockNumber']}, "
                   f"{receipt['gasUsed']:,} gas")  # fmt: skip
        return receipt

    def permit(self, token: Token, spender: str, value: int) -> Permit:
        """Return a permit of just ``value`` base units, good for an hour; errors as `sign`."""
        from gavelbook.chain.block_time import block_time
        from gavelbook.chain.sale_types import Permit

        deadline = block_time(self.web3) + _PERMIT_SECONDS
        message = token.permit_typed_data(self.address, spender, value, deadline)
        return Permit.signed(value, deadline, self.sign(message))

    def sign(self, typed_data: dict[str, Any]) -> bytes:
        """Return the signature (65 bytes) under EIP-712 ``typed_data``.

        Raises:
            KeystoreError: ``signature_refused``.

        """
        from eth_account.messages import encode_typed_data

        from gavelbook.chain.errors import KeystoreError

        signature = self.account.sign_message(encode_typed_data(full_message=typed_data))
        if signature is None:
            raise KeystoreError("signature_refused", f"Expected a signature of {self.address}")
        return bytes(signature.encode_rsv())

    def _to(self, call: Call) -> dict[str, Any]:
        from web3.types import Nonce, Wei

        # Everything is given, so that web3 asks the node nothing; only the data is used.
        fields: TxParams = {
            "from": self.address,
            "gas": 0,
            "gasPrice": Wei(0),
            "nonce": Nonce(0),
            "chainId": 1,
        }
        built = call.build_transaction(fields)
        target = {"receiver": built["to"]} if built.get("to") else {}
        return {**target, "data": built["data"]}

    def _gas_limit(self, call: Call, value: int) -> int:
        from web3.exceptions import Web3Exception
        from web3.types import Wei

        from gavelbook.chain.errors import ChainError, InsufficientFunds
        from gavelbook.chain.fees import MAX_TRANSACTION_GAS
        from gavelbook.chain.refusals import refusal_of

        sender: TxParams = {
            "from": self.web3.to_checksum_address(self.address),
            "value": Wei(value),
        }
        try:
            gas = int(call.estimate_gas(sender))
        except Web3Exception as error:
            refusal = refusal_of(error)
            if refusal is not None:
                raise refusal from error
            if "insufficient funds" in str(error).lower():
                message = (
                    f"Expected ether for {value} wei and gas at {self.address}, was too little"
                )
                raise InsufficientFunds("insufficient_funds", message) from error
            raise ChainError("call_failed", f"Expected the call to work: {error}") from error
        if gas > MAX_TRANSACTION_GAS:
            message = f"Expected at most {MAX_TRANSACTION_GAS} gas, was {gas}"
            raise ChainError("too_much_gas", message)
        return min(gas + gas // _HEADROOM, MAX_TRANSACTION_GAS)
