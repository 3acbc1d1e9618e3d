"""Play a book on a sale, and check each step against the same book in Python."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

from gavelbook.auction import SaleTerms
from tests.evm.ledger import Ledger, Outcome
from tests.evm.machine import Reverted, account
from tests.evm.sale import (
    CLEARED,
    FAILED,
    ZERO_ADDRESS,
    Market,
    Owed,
    Result,
)
from tests.evm.signatures import Key
from tests.parity.books import MAX, Book, Cancel, bidder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ALLOCATOR = Key("allocator")
GATE = Key("gate")
PROCEEDS, UNSOLD, RELAYER = account("proceeds"), account("unsold"), account("relayer")
HOUR, DAY = 60 * 60, 24 * 60 * 60
DIGEST = b"file" * 8


def sale_terms(market: Market, book: Book) -> SaleTerms:
    """Return terms whose window opens in an hour and closes a day later."""
    start = market.machine.now + HOUR
    end = start + DAY
    vesting = (end + 2 * DAY, end + 10 * DAY, end + 90 * DAY) if book.vested else (0, 0, 0)
    return SaleTerms(
        auction=book.auction,
        sale_token=market.sale_token.address,
        payment_token=market.payment_token.address,
        allocator=ALLOCATOR.address,
        gate=None if book.entities is None else GATE.address,
        proceeds_recipient=PROCEEDS,
        unsold_recipient=UNSOLD,
        start=start,
        end=end,
        cancel_until=end if book.cancellable else 0,
        allocator_until=end + HOUR,
        abort_time=end + HOUR + DAY,
        vesting_start=vesting[0],
        vesting_cliff=vesting[1],
        vesting_end=vesting[2],
    )


def refused(call: Callable[[], object]) -> str | None:
    """Return the name of the error that a call meets, None where it is accepted."""
    try:
        call()
    except Reverted as revert:
        return revert.name
    return None


class Table:
    """A sale at which a book is played; the machine's changes are the caller's to take back."""

    def __init__(self, market: Market, book: Book) -> None:
        self.market = market
        self.book = book
        self.terms = sale_terms(market, book)
        self.sale = market.open_sale(self.terms)
        self.ledger = Ledger(book.auction, gated=book.entities is not None)
        self.wallets = dict.fromkeys(book.bidders, 0)
        self._minted = 0

    def place_bids(self) -> None:
        """Play all steps and go to the end of the window."""
        self.market.machine.now = self.terms.start or 0
        for number, entity in enumerate(self.book.entities or ()):
            if entity and bidder_name(number) in self.wallets:
                self._admit(bidder_name(number), entity)
        for bidder in self.wallets:
            self.market.payment_token.approve(bidder, self.sale.address)
        for step in self.book.steps:
            bidder = bidder_name(step.bidder)
            if isinstance(step, Cancel):
                self._cancel(bidder, step.number)
            else:
                self._place(bidder, step.tick, step.lots)
        self._check_book()
        self.market.machine.now = self.terms.end or 0

    def clear(self, outcome: Outcome, *, sender: str = RELAYER) -> None:
        """Post the result as the book says: signed or when the window is over, in pieces."""
        clearing, signature = outcome.clearing, b""
        if self.book.signed:
            clearing = clearing._replace(digest=DIGEST)
            signature = ALLOCATOR.sign_clearing(self.sale.address, clearing)
        else:
            self.market.machine.now = self.terms.allocator_until or 0
        *shown, last = pieces(outcome.margin, self.book.pieces, Random(self.book.seed))
        for piece in shown:
            self.sale.advance(clearing, piece, sender)
        self.sale.clear(clearing, last, signature, sender)

    def check_result(self, outcome: Outcome) -> None:
        """Compare what the sale keeps and owes with the Python result."""
        allocation = outcome.allocation
        assert self.sale.result() == expected_result(outcome)
        assert self.sale.raised() == allocation.raised
        now = self.market.machine.now
        for bidder in self.wallets:
            assert self.sale.owed(bidder) == self._expected_owed(outcome, bidder, now)

    def pay_out(self, outcome: Outcome) -> None:
        """Claim and collect everything in a random way; nothing may be left."""
        random = Random(self.book.seed)
        if self.terms.vesting_end:
            self._claim_while_vesting(outcome, random)
        self._claim_all(random)
        self._collect(outcome)
        sale_token, payment_token = self.market.sale_token, self.market.payment_token
        lot_size = self.book.auction.lot_size
        for bidder, money in self.wallets.items():
            tokens = outcome.won_lots(bidder) * lot_size
            refund = outcome.refund(bidder)
            receivers = (bidder, _other(bidder))
            assert sum(map(sale_token.balance, receivers)) == tokens
            assert sum(map(payment_token.balance, receivers)) == money + refund
            assert self.sale.bids_of(bidder) == []
            assert refused(partial(self.sale.claim, bidder)) == "NothingToClaim"
        assert sale_token.balance(self.sale.address) == 0
        assert payment_token.balance(self.sale.address) == 0

    # --- Bids ---

    def _admit(self, bidder: str, entity: int) -> None:
        deadline = self.market.machine.now + HOUR
        name = entity.to_bytes(32, "big")
        signature = GATE.sign_admission(self.sale.address, bidder, name, deadline)
        self.sale.admit(bidder, name, deadline, signature)
        self.ledger.entity_of[bidder] = str(entity)

    def _place(self, bidder: str, tick: int, lots: int) -> None:
        expected = self.ledger.refusal(bidder, tick, lots)
        if expected:
            assert refused(lambda: self.sale.bid(bidder, tick, lots)) == expected
            return
        cost = self.ledger.cost(tick, lots)
        missing = max(0, cost - self.wallets[bidder])
        if self._minted + missing > MAX:
            return
        if missing:
            self.market.payment_token.mint(bidder, missing)
        self._minted += missing
        self.wallets[bidder] += missing - cost
        index = self.sale.bid(bidder, tick, lots)
        assert index == self.ledger.place(bidder, tick, lots)

    def _cancel(self, bidder: str, index: int) -> None:
        expected = None
        if not self.book.cancellable:
            expected = "CancelClosed"
        elif not self.ledger.has(bidder, index):
            expected = "NoSuchBid"
        assert refused(lambda: self.sale.cancel(bidder, index)) == expected
        if expected is None:
            entry = self.ledger.remove(bidder, index)
            self.wallets[bidder] += self.ledger.cost(entry.tick, entry.lots)

    def _check_book(self) -> None:
        for bidder, money in self.wallets.items():
            assert self.sale.bids_of(bidder) == self.ledger.bids_of(bidder)
            assert self.market.payment_token.balance(bidder) == money
        count = self.book.auction.tick_count
        assert self.sale.lots_at(0, count) == self.ledger.lots_at()
        for entity in set(self.ledger.entity_of.values()):
            name = int(entity).to_bytes(32, "big")
            assert self.sale.entity_lots(name) == self.ledger.lots_of(entity)
        escrow = self.market.payment_token.balance(self.sale.address)
        assert escrow == self.ledger.escrow()

    # --- Claims ---

    def _expected_owed(self, outcome: Outcome, bidder: str, now: int) -> Owed:
        won = outcome.won_lots(bidder)
        vested = self._vested(won, now)
        lot_size = self.book.auction.lot_size
        return Owed(vested * lot_size, (won - vested) * lot_size, outcome.refund(bidder))

    def _vested(self, lots: int, now: int) -> int:
        start, end = self.terms.vesting_start, self.terms.vesting_end
        if now >= end:
            return lots
        return lots * (now - start) // (end - start) if now >= self.terms.vesting_cliff else 0

    def _claim_while_vesting(self, outcome: Outcome, random: Random) -> None:
        machine, terms = self.market.machine, self.terms
        times = sorted(random.randint(machine.now, terms.vesting_end - 1) for _ in range(2))
        for time in [*times, terms.vesting_end]:
            machine.now = time
            for bidder in self.wallets:
                if random.random() < 0.6:
                    vested = self._vested(outcome.won_lots(bidder), time)
                    before = self.sale.owed(bidder)
                    refused(partial(self.sale.claim, bidder))
                    had = self.market.sale_token.balance(bidder)
                    assert had == vested * self.book.auction.lot_size
                    assert self.sale.owed(bidder) == Owed(0, before.tokens_later, 0)

    def _claim_all(self, random: Random) -> None:
        bidders = list(self.wallets)
        random.shuffle(bidders)
        if random.random() < 0.3:
            self.sale.claim_many([*bidders, *bidders[:2], account("nobody")])
            return
        for bidder in bidders:
            owed = self.sale.owed(bidder)
            expected = None if any(owed) else "NothingToClaim"
            way = random.randrange(4)
            if way == 0:
                assert refused(partial(self.sale.claim, bidder)) == expected
            elif way == 1:
                to = _other(bidder)
                assert refused(partial(self.sale.claim_to, bidder, to, to)) == expected
            else:
                self._claim_legs(bidder, owed, swap=way == 3)

    def _claim_legs(self, bidder: str, owed: Owed, *, swap: bool = False) -> None:
        legs: list[tuple[Callable[[], object], int]] = [
            (lambda: self.sale.claim_tokens(bidder), owed.tokens_now),
            (lambda: self.sale.claim_to(bidder, ZERO_ADDRESS, _other(bidder)), owed.refund),
        ]
        for leg, amount in reversed(legs) if swap else legs:
            assert refused(leg) == (None if amount else "NothingToClaim")
            assert refused(leg) == "NothingToClaim"

    def _collect(self, outcome: Outcome) -> None:
        allocation, auction = outcome.allocation, self.book.auction
        unsold = (auction.supply_lots - allocation.sold_lots) * auction.lot_size
        for collect, amount in (
            (self.sale.collect_proceeds, allocation.raised),
            (self.sale.collect_unsold, unsold),
        ):
            assert refused(collect) == (None if amount else "NothingToCollect")
            assert refused(collect) == "NothingToCollect"
        assert self.market.payment_token.balance(PROCEEDS) == allocation.raised
        assert self.market.sale_token.balance(UNSOLD) == unsold


def expected_result(outcome: Outcome) -> Result:
    """Return what the sale must keep of this result."""
    if outcome.allocation.failed:
        return Result(FAILED, *[0] * 9)
    found = outcome.allocation.clearing
    return Result(
        phase=CLEARED,
        by_rounds=found.by_rounds,
        proceeds_collected=0,
        unsold_collected=0,
        marginal_tick=outcome.clearing.tick,
        full_from=found.full_from_tick,
        margin_from=found.margin_from_tick,
        level=outcome.clearing.level,
        cut=outcome.clearing.cut,
        sold_lots=found.sold_lots,
    )


def pieces(margin: Sequence[int], number: int, random: Random) -> list[list[int]]:
    """Cut a margin into at most so many pieces, none but the last one empty."""
    ends = {random.randint(1, len(margin)) for _ in range(number - 1)} if margin else set()
    bounds = [0, *sorted(ends), len(margin)]
    return [list(margin[a:b]) for a, b in pairwise(bounds)]


def _other(bidder: str) -> str:
    return account(f"other account of {bidder}")
