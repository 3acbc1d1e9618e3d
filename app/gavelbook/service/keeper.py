"""The keeper: pays out a decided sale, so that nobody has to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import structlog

from gavelbook.chain.block_time import block_time
from gavelbook.chain.dues import dues, open_claims, payments
from gavelbook.chain.errors import ChainError, TransactionLost, TransactionRefused
from gavelbook.chain.sale_types import Phase
from gavelbook.service.patience import Patience
from gavelbook.service.progress import Bar

if TYPE_CHECKING:
    from gavelbook.chain.bid_reader import BidReader
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.sale import Sale
    from gavelbook.chain.sender import Sender
    from gavelbook.chain.trying import Call

_log = structlog.get_logger("gavelbook.keeper")

BIDDERS_PER_TRANSACTION = 50
_TOO_MUCH_GAS = frozenset({"gas_not_estimated", "out_of_gas"})


@dataclass(frozen=True, slots=True)
class KeeperReport:
    """What a round came to: bidders paid something, and those a token refused to pay."""

    paid: int
    skipped: int


class Keeper:
    """Pays bidders what they can claim now, and the issuer proceeds and unsold tokens.

    Anybody may; every payment goes to whom it is due. A round that was killed is continued by the
    next, since what was paid is on the chain.
    """

    def __init__(  # noqa: PLR0913
        self,
        sale: Sale,
        sender: Sender,
        reader: BidReader,
        *,
        batch: int = BIDDERS_PER_TRANSACTION,
        gas_per_transaction: int = 16_000_000,
        patience: Patience | None = None,
        show_progress: bool = False,
    ) -> None:
        self.sale = sale
        self.sender = sender
        self.reader = reader
        self.batch = batch
        self.gas_per_transaction = gas_per_transaction
        self.patience = patience or Patience()
        self.show_progress = show_progress

    def run(self, plan: ClearingPlan) -> KeeperReport:
        """Pay everybody once what can be claimed now, then the issuer.

        Args:
            plan: the result that the sale has; whether it was cleared or failed, the sale says.

        Raises:
            ChainError: the sale has no result, or what stops a transaction for good.
            ChainUnreachable: the node was away for longer than the patience lasts.

        """
        waiting = self.patience.call(partial(self._candidates, plan))
        skipped = done = 0
        size = self.batch
        with Bar("Paying bidders", shown=self.show_progress) as bar:
            while done < len(waiting):
                batch = waiting[done : done + size]
                left = self.patience.call(partial(self._pay, batch))
                if left is None and len(batch) > 1:
                    size = len(batch) // 2
                    continue
                skipped += len(batch if left is None else left)
                done += len(batch)
                bar.update(done, len(waiting))
        self.patience.call(self._collect)
        _log.info("round_ended", paid=done - skipped, skipped=skipped)
        return KeeperReport(done - skipped, skipped)

    def _candidates(self, plan: ClearingPlan) -> list[str]:
        """Return everybody who by the events read can claim something now."""
        with Bar("Reading blocks", shown=self.show_progress) as bar:
            self.reader.sync(bar.update)
        failed = self.sale.result().phase is Phase.FAILED
        due = dues(plan.book, plan.allocation, failed=failed)
        paid = payments(self.reader.events())
        return open_claims(self.sale.terms(), due, paid, block_time(self.sale.web3))

    def _still_owed(self, bidders: list[str]) -> list[str]:
        owed = {bidder: self.sale.owed(bidder) for bidder in bidders}
        return [bidder for bidder in bidders if owed[bidder].tokens_now or owed[bidder].refund]

    def _pay(self, batch: list[str]) -> list[str] | None:
        """Pay ``batch`` in one transaction.

        Returns:
            Those that a token refused to pay; None where the transaction takes too much gas.

        """
        self.sender.recover()
        bidders = self._still_owed(batch)
        if not bidders:
            return []
        call = self.sale.claim_many(bidders)
        try:
            gas = self.sender.estimate_gas(call)
            if gas > self.gas_per_transaction:
                return None
            self._send("paid_bidders", call, gas=gas)
        except ChainError as error:
            if error.code not in _TOO_MUCH_GAS:
                raise
            return None
        left = self._still_owed(bidders)
        for bidder in left:
            _log.warning("transfer_refused", bidder=bidder)
        return left

    def _collect(self) -> None:
        """Send proceeds and unsold tokens on their way, where there are any left."""
        self.sender.recover()
        result = self.sale.result()
        auction = self.sale.terms().auction
        if self.sale.raised() and not result.proceeds_collected:
            self._send("collected_proceeds", self.sale.collect_proceeds())
        if result.sold_lots < auction.supply_lots and not result.unsold_collected:
            self._send("collected_unsold", self.sale.collect_unsold())

    def _send(self, what: str, call: Call, gas: int | None = None) -> None:
        """Send ``call``; what somebody else did in the meantime is as good."""
        try:
            receipt = self.sender.send_and_wait(call, gas=gas)
        except TransactionRefused as error:
            if error.code != "nothing_to_collect":
                raise
            return
        except TransactionLost as error:
            _log.warning("transaction_lost", code=error.code)
            return
        _log.info(what, transaction=receipt["transactionHash"].to_0x_hex(), gas=receipt["gasUsed"])
