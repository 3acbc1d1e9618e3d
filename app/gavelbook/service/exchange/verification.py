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
    recover_all,
    withdrawal_hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from gavelbook.exchange.commands import RequestWithdrawal
    from gavelbook.exchange.markets import Market
    from gavelbook.exchange.signing import CancelRequest, Domain
    from gavelbook.service.exchange.entries import Applied

    Approves = Callable[[bytes, bytes], bool]
    RecoverAll = Callable[[Sequence[tuple[bytes, bytes]]], Sequence[bytes | ExchangeError]]


def nothing_approved(_maker: bytes, _order_hash: bytes) -> bool:
    """Know of no order that a contract wallet approved on chain."""
    return False


class Verifier:
    """Checks signatures under the domain of one exchange; from any number of threads.

    ``approves`` says whether an order without signature, by maker and hash, is approved on chain.
    ``recover_all`` does for many orders what `gavelbook.exchange.signing.recover_all` does.
    """

    def __init__(
        self,
        domain: Domain,
        markets: Iterable[Market],
        approves: Approves = nothing_approved,
        recover_all: RecoverAll = recover_all,
    ) -> None:
        self._domain = domain
        self._approves = approves
        self._recover_all = recover_all
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
        (answer,) = self._check_orders((command,), recover_all)
        if isinstance(answer, ExchangeError):
            raise answer
        return answer

    def check_orders(self, commands: Sequence[PlaceOrder]) -> list[PlaceOrder | ExchangeError]:
        """Return for each of ``commands`` what `check_order` does, errors as values."""
        return self._check_orders(commands, self._recover_all)

    def _check_orders(
        self, commands: Sequence[PlaceOrder], recover_all: RecoverAll
    ) -> list[PlaceOrder | ExchangeError]:
        hashed = [self._with_hash(command) for command in commands]
        questions = [
            (each.order_hash, each.signature)
            for each in hashed
            if type(each) is PlaceOrder and each.signature
        ]
        signers = iter(recover_all(questions))
        return [
            _signed(each, next(signers)) if type(each) is PlaceOrder and each.signature else each
            for each in hashed
        ]

    def _with_hash(self, command: PlaceOrder) -> PlaceOrder | ExchangeError:
        """Return ``command`` with the hash of its order, approved on chain if it is not signed."""
        order = command.order
        market = self._markets.get(order.market)
        if market is None:
            return ExchangeError.refuse("unknown_market", "market", order.market, "one listed")
        try:
            digest = order_hash(self._domain, market, order)
        except ExchangeError as error:
            return error
        if not command.signature and not self._approves(order.maker, digest):
            message = "Expected a signature or an order approved on chain, was neither"
            return ExchangeError("bad_order_signature", message)
        return PlaceOrder(
            order,
            digest,
            command.signature,
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


def _signed(command: PlaceOrder, signer: bytes | ExchangeError) -> PlaceOrder | ExchangeError:
    """Return ``command`` where ``signer`` is its maker, or else why not."""
    if signer == command.order.maker:
        return command
    if isinstance(signer, ExchangeError):
        return ExchangeError("bad_order_signature", signer.message)
    return _foreign("bad_order_signature", command.order.maker, signer)


def _foreign(code: str, account: bytes, signer: bytes) -> ExchangeError:
    message = f"Expected the signature of 0x{account.hex()}, was of 0x{signer.hex()}"
    return ExchangeError(code, message, signer=f"0x{signer.hex()}")
