"""Whether who signed an order, a cancellation or a withdrawal is whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.reports import MarketListed
from gavelbook.exchange.signing import (
    Withdrawal,
    cancel_hash,
    order_hash,
    recover,
    withdrawal_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gavelbook.exchange.commands import RequestWithdrawal
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.signing import CancelRequest, Domain
    from gavelbook.service.exchange.entries import Applied

    Approves = Callable[[bytes, bytes], bool]


def nothing_approved(_maker: bytes, _order_hash: bytes) -> bool:
    """Know of no order that a contract wallet approved on chain."""
    return False


class Verifier:
    """Checks signatures under the domain of one exchange; from any number of threads.

    ``approves`` says whether an order without signature, by maker and hash, is approved on chain.
    """

    def __init__(
        self, domain: Domain, markets: Iterable[Market], approves: Approves = nothing_approved
    ) -> None:
        self._domain = domain
        self._approves = approves
        self._markets = {market.id: market for market in markets}

    def follow(self, applied: Sequence[Applied]) -> None:
        """Learn of markets listed since; a listener of the sequencer."""
        for entry in applied:
            for report in entry.reports:
                if type(report) is MarketListed:
                    self._markets[report.market.id] = report.market

    def check_order(self, command: PlaceOrder) -> PlaceOrder:
        """Return ``command`` with the hash of its order.

        Raises:
            ExchangeError: ``unknown_market``, ``order_out_of_range`` or ``bad_order_signature``.

        """
        order, signature = command.order, command.signature
        market = self._markets.get(order.market)
        if market is None:
            raise ExchangeError.refuse("unknown_market", "market", order.market, "one listed")
        digest = order_hash(self._domain, market, order)
        if signature:
            try:
                signer = recover(digest, signature)
            except ExchangeError as error:
                raise ExchangeError("bad_order_signature", error.message) from error
            if signer != order.maker:
                raise _foreign("bad_order_signature", order.maker, signer)
        elif not self._approves(order.maker, digest):
            message = "Expected a signature or an order approved on chain, was neither"
            raise ExchangeError("bad_order_signature", message)
        return PlaceOrder(
            order,
            digest,
            signature,
            command.time_in_force,
            command.good_till,
            command.post_only,
            command.self_trade_prevention,
            command.client_id,
        )

    def check_cancel(self, request: CancelRequest, signature: bytes) -> None:
        """Check that the account of ``request`` signed it.

        Raises:
            ExchangeError: ``message_out_of_range`` or ``bad_signature``.

        """
        self._check(cancel_hash(self._domain, request), signature, request.account)

    def check_withdrawal(self, command: RequestWithdrawal) -> None:
        """Check that the account of ``command`` signed it.

        Raises:
            ExchangeError: ``message_out_of_range`` or ``bad_signature``.

        """
        withdrawal = Withdrawal(
            command.account,
            command.token,
            command.amount,
            command.to,
            command.nonce,
            command.deadline,
        )
        self._check(withdrawal_hash(self._domain, withdrawal), command.signature, command.account)

    @staticmethod
    def _check(digest: bytes, signature: bytes, account: bytes) -> None:
        signer = recover(digest, signature)
        if signer != account:
            raise _foreign("bad_signature", account, signer)


def _foreign(code: str, account: bytes, signer: bytes) -> ExchangeError:
    message = f"Expected the signature of 0x{account.hex()}, was of 0x{signer.hex()}"
    return ExchangeError(code, message, signer=f"0x{signer.hex()}")
