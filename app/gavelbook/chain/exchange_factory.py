"""Deploying exchanges, and what their deployment and their owner's transactions brought about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.errors import ChainError
from gavelbook.chain.event_forms import RawLog
from gavelbook.chain.exchange_events import ExchangeEventKind, read_exchange_log
from gavelbook.chain.factory import deployment

if TYPE_CHECKING:
    from web3 import Web3
    from web3.contract.contract import ContractConstructor
    from web3.types import TxReceipt

    from gavelbook.chain.exchange_types import Delays


def deploy_exchange(
    web3: Web3, *, owner: str, matcher: str, fee_recipient: str, delays: Delays
) -> ContractConstructor:
    """Return the deployment of an exchange, for `Sender.send`.

    The contract refuses delays but ``0 < cancel_notice <= exit <= key`` (``delays_invalid``).
    """
    accounts = [web3.to_checksum_address(each) for each in (owner, matcher, fee_recipient)]
    return deployment(web3, "Exchange", *accounts, delays.exit, delays.cancel_notice, delays.key)


def listed_market(receipt: TxReceipt) -> int:
    """Return the number of the market that the transaction of ``receipt`` listed.

    Raises:
        ChainError: ``no_market_listed``.

    """
    for log in receipt["logs"]:
        event = read_exchange_log(RawLog.of(log))
        if event is not None and event.kind is ExchangeEventKind.MARKET_LISTED:
            return event.integer("id")
    raise ChainError("no_market_listed", "Expected a transaction that lists a market, was another")
