"""A sale under any sequence of calls: its money is what it owes, after every call.

Everything the sale should hold, and everybody's wallet, is kept a second time in Python and
compared after each step. GAVELBOOK_EXAMPLES sets how many sequences are tried for each rule and
pricing, GAVELBOOK_SEED where they begin.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache, partial
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gavelbook.auction import AuctionTerms, Pricing, Rule, SaleTerms
from tests.evm.ledger import Ledger, Outcome
from tests.evm.machine import account
from tests.evm.sale import CLEARED, CLOSED, FAILED, FUNDED, OPEN, ZERO_ADDRESS, Market, Owed
from tests.parity.books import OFFERED
from tests.parity.playing import (
    ALLOCATOR,
    DAY,
    DIGEST,
    GATE,
    HOUR,
    PROCEEDS,
    UNSOLD,
    pieces,
    refused,
)
from tests.parity.spoiling import spoilt

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = int(os.environ.get("GAVELBOOK_EXAMPLES", "80"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
STEPS = 50
BIDDERS = tuple(account(f"machine bidder {number}") for number in range(4))
CALLERS = (*BIDDERS, account("keeper"), account("spoiler"))
LOT_SIZE = 10**6

bidders = st.sampled_from(BIDDERS)
callers = st.sampled_from(CALLERS)
ticks = st.sampled_from([0, 0, 1, 1, 2, 3, 4, 5])
sizes = st.sampled_from([0, 1, 1, 2, 3, 3, 5, 8, 12])
seeds = st.integers(0, 2**16)


@cache
def market() -> Market:
    return Market()


class Solvency(RuleBasedStateMachine):
    """One sale; rules are what anybody may do, the rest are ghosts."""

    rule_of_sale: ClassVar[Rule]
    pricing: ClassVar[Pricing]

    def __init__(self) -> None:
        super().__init__()
        self.undo = market().machine.trial()
        self.undo.__enter__()
        self.outcome: Outcome | None = None
        self.aborted = False
        self.donated = Counter[str]()
        self.money = dict.fromkeys(BIDDERS, 0)
        self.paid_in = dict.fromkeys(BIDDERS, 0)
        self.tokens = dict.fromkeys(BIDDERS, 0)
        self.refunded: set[str] = set()
        self.frozen: set[tuple[str, str]] = set()
        self.collected: set[str] = set()
        self.shown: dict[tuple[str, Any], int] = {}

    def teardown(self) -> None:
        self.undo.__exit__(None, None, None)

    # --- Opening ---

    @initialize(
        crowd=seeds,
        tick_count=st.sampled_from([1, 2, 3, 5, 5]),
        cap_bps=st.sampled_from([10_000, 10_000, 6_000]),
        raise_bps=st.sampled_from([0, 0, 0, 0, 5_000, 10_000]),
        gated=st.booleans(),
        vested=st.booleans(),
        cancellable=st.sampled_from([True, True, True, False]),
        begin=st.sampled_from(["open", "open", "closed", "cleared"]),
    )
    def open_sale(
        self,
        crowd: int,
        tick_count: int,
        cap_bps: int,
        raise_bps: int,
        gated: bool,  # noqa: FBT001
        vested: bool,  # noqa: FBT001
        cancellable: bool,  # noqa: FBT001
        begin: str,
    ) -> None:
        random = Random(crowd)
        supply = random.randint(2, 40)
        start = market().machine.now + HOUR
        end = start + DAY
        vesting = (end + DAY, end + 2 * DAY, end + 9 * DAY) if vested else (0, 0, 0)
        self.terms = SaleTerms(
            auction=AuctionTerms(
                rule=self.rule_of_sale,
                pricing=self.pricing,
                supply_lots=supply,
                lot_size=LOT_SIZE,
                floor_price=10,
                tick_value=3,
                tick_count=tick_count,
                min_bid_lots=1,
                cap_bps=cap_bps,
                minimum_raise=supply * 10 * raise_bps // 10_000,
            ),
            sale_token=market().sale_token.address,
            payment_token=market().payment_token.address,
            allocator=ALLOCATOR.address,
            gate=GATE.address if gated else None,
            proceeds_recipient=PROCEEDS,
            unsold_recipient=UNSOLD,
            start=start,
            end=end,
            cancel_until=end - HOUR if cancellable else 0,
            allocator_until=end + HOUR,
            abort_time=end + HOUR + DAY,
            vesting_start=vesting[0],
            vesting_cliff=vesting[1],
            vesting_end=vesting[2],
        )
        self.sale = market().open_sale(self.terms)
        self.ledger = Ledger(self.terms.auction, gated=gated)
        self.now = start
        for number, bidder in enumerate(BIDDERS[:-1] if gated else ()):
            self.admit(bidder, 1 + number // 2, BIDDERS[0])
        for _ in range(random.randint(0, 12)):
            size = random.choice((1, 3, 5, 8, 13))
            self.bid([(random.choice(BIDDERS), random.randrange(tick_count), size)])
        if begin != "open":
            self.wait_for_the_end(0)
        if begin == "cleared":
            self.clear(BIDDERS[0], signed=True, number=2, seed=crowd)

    # --- Bidding ---

    @precondition(lambda self: self._phase() == OPEN)
    @rule(wishes=st.lists(st.tuples(bidders, ticks, sizes), min_size=1, max_size=5))
    def bid(self, wishes: list[tuple[str, int, int]]) -> None:
        for bidder, tick, lots in wishes:
            call = partial(self.sale.bid, bidder, tick, lots)
            expected = self.ledger.refusal(bidder, tick, lots)
            if expected:
                assert refused(call) == expected
            elif ("payment", bidder) not in self.frozen:
                cost = self.ledger.cost(tick, lots)
                market().escrow(self.sale, bidder, cost)
                self.money[bidder] += cost
                if self._stuck("payment", bidder):
                    assert refused(call) == "Frozen"
                    continue
                assert call() == self.ledger.place(bidder, tick, lots)
                self.money[bidder] -= cost
                self.paid_in[bidder] += cost

    @precondition(lambda self: self._phase() != OPEN)
    @rule(bidder=bidders)
    def bid_late(self, bidder: str) -> None:
        assert refused(partial(self.sale.bid, bidder, 0, 1)) == "WindowClosed"

    @rule(bidder=bidders, number=st.integers(0, 4))
    def cancel(self, bidder: str, number: int) -> None:
        call = partial(self.sale.cancel, bidder, number)
        if self.now >= self.terms.cancel_until:
            assert refused(call) == "CancelClosed"
        elif not self.ledger.has(bidder, number):
            assert refused(call) == "NoSuchBid"
        elif self._stuck("payment", bidder):
            assert refused(call) == "Frozen"
        else:
            call()
            entry = self.ledger.remove(bidder, number)
            cost = self.ledger.cost(entry.tick, entry.lots)
            self.paid_in[bidder] -= cost
            self.money[bidder] += cost

    @precondition(lambda self: self.terms.gate)
    @rule(bidder=bidders, entity=st.integers(1, 2), sender=callers)
    def admit(self, bidder: str, entity: int, sender: str) -> None:
        name, deadline = entity.to_bytes(32, "big"), self.now + 1
        signature = GATE.sign_admission(self.sale.address, bidder, name, deadline)
        call = partial(self.sale.admit, bidder, name, deadline, signature, sender)
        known = self.ledger.entity_of.setdefault(bidder, str(entity))
        assert refused(call) == (None if known == str(entity) else "AlreadyAdmitted")

    # --- Time ---

    @precondition(lambda self: self._phase() == OPEN)
    @rule(before=st.sampled_from([0, 0, 1]))
    def wait_for_the_end(self, before: int) -> None:
        self.now = max(self.now, (self.terms.end or 0) - before)

    @rule(seconds=st.sampled_from([1, 60, HOUR, DAY // 2]))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule(before=st.sampled_from([0, 0, 0, 1]))
    def wait_for_what_comes_next(self, before: int) -> None:
        terms = self.terms
        moments = (terms.end, terms.allocator_until, terms.abort_time, terms.vesting_cliff)
        later = [m for m in (*moments, terms.vesting_end) if m and m - before > self.now]
        self.now = min(later) - before if later else self.now + DAY

    @property
    def now(self) -> int:
        return market().machine.now

    @now.setter
    def now(self, seconds: int) -> None:
        market().machine.now = seconds

    # --- Deciding ---

    @precondition(lambda self: self._phase() != OPEN or self.now % 7 == 0)
    @rule(sender=callers, signed=st.booleans(), number=st.integers(1, 3), seed=seeds)
    def clear(self, sender: str, signed: bool, number: int, seed: int) -> None:  # noqa: FBT001
        outcome = self.ledger.outcome()
        clearing, signature = outcome.clearing, b""
        if signed:
            clearing = clearing._replace(digest=DIGEST)
            signature = ALLOCATOR.sign_clearing(self.sale.address, clearing)
        expected = self._clear_refusal(signed=signed)
        shown = self.shown.get((sender, clearing[:3]), 0)
        first, *rest = pieces(outcome.margin[shown:], number, Random(seed))
        if self._clear_refusal(signed=True):
            call = partial(self.sale.advance, clearing, first, sender)
            assert refused(call) == self._clear_refusal(signed=True)
            first, rest = outcome.margin, []
        for piece in rest:
            self.sale.advance(clearing, first, sender)
            self.shown[sender, clearing[:3]] = shown = shown + len(first)
            first = piece
        last = first
        assert refused(partial(self.sale.clear, clearing, last, signature, sender)) == expected
        if expected is None:
            self.outcome = outcome

    @precondition(lambda self: self._phase() == CLOSED)
    @rule(sender=callers, signed=st.booleans(), seed=seeds)
    def clear_wrongly(self, sender: str, signed: bool, seed: int) -> None:  # noqa: FBT001
        random = Random(seed)
        outcome = self.ledger.outcome()
        clearing, keys = random.choice(list(spoilt(outcome, random)))
        rest = outcome.margin[self.shown.get((sender, clearing[:3]), 0) :]
        if clearing == outcome.clearing and keys == rest:
            return
        signature = b""
        if signed:
            clearing = clearing._replace(digest=DIGEST)
            signature = ALLOCATOR.sign_clearing(self.sale.address, clearing)
        assert refused(partial(self.sale.clear, clearing, keys, signature, sender))

    @precondition(lambda self: self._phase() == CLOSED)
    @rule(sender=callers)
    def forget_what_was_shown(self, sender: str) -> None:
        clearing = self.ledger.outcome().clearing
        if not self._clear_refusal(signed=True):
            self.sale.advance(clearing, [], sender)
            self.shown[sender, clearing[:3]] = 0

    @precondition(lambda self: self._phase() == CLOSED)
    @rule(sender=callers, seed=seeds)
    def advance_wrongly(self, sender: str, seed: int) -> None:
        random = Random(seed)
        outcome = self.ledger.outcome()
        clearing, keys = random.choice(list(spoilt(outcome, random)))
        if clearing != outcome.clearing:
            refused(partial(self.sale.advance, clearing, keys, sender))

    @rule(sender=callers)
    def abort(self, sender: str) -> None:
        expected = None
        if self._phase() in {CLEARED, FAILED}:
            expected = "AlreadyDecided"
        elif self.now < (self.terms.abort_time or 0):
            expected = "AbortTooEarly"
        assert refused(partial(self.sale.abort, sender)) == expected
        self.aborted |= expected is None

    # --- Claiming ---

    @precondition(lambda self: self._decided() or self.now % 7 == 0)
    @rule(bidder=bidders, sender=callers, legs=st.sampled_from(["both", "tokens", "refund"]))
    def claim(self, bidder: str, sender: str, legs: str) -> None:
        ways = {
            "both": self.sale.claim,
            "tokens": self.sale.claim_tokens,
            "refund": self.sale.claim_refund,
        }
        tokens, refund = legs != "refund", legs != "tokens"
        self._claim(partial(ways[legs], bidder, sender), bidder, tokens=tokens, refund=refund)

    @precondition(lambda self: self._decided())
    @rule(bidder=bidders, tokens=st.booleans(), refund=st.booleans())
    def claim_to(self, bidder: str, tokens: bool, refund: bool) -> None:  # noqa: FBT001
        to = (bidder if tokens else ZERO_ADDRESS, bidder if refund else ZERO_ADDRESS)
        call = partial(self.sale.claim_to, bidder, *to)
        self._claim(call, bidder, tokens=tokens, refund=refund)

    @precondition(lambda self: self._decided() or self.now % 7 == 0)
    @rule(chosen=st.lists(st.sampled_from(CALLERS), max_size=6), sender=callers)
    def claim_many(self, chosen: list[str], sender: str) -> None:
        if not self._decided():
            assert refused(partial(self.sale.claim_many, chosen, sender)) == "NotDecided"
            return
        self.sale.claim_many(chosen, sender)
        for bidder in set(chosen) & set(BIDDERS):
            if not self._stuck("sale", bidder):
                self._book_tokens(bidder)
            if not self._stuck("payment", bidder):
                self._book_refund(bidder)

    @precondition(lambda self: self._decided() or self.now % 7 == 0)
    @rule(sender=callers)
    def collect_proceeds(self, sender: str) -> None:
        self._collect("proceeds", partial(self.sale.collect_proceeds, sender), self._raised())

    @precondition(lambda self: self._decided() or self.now % 7 == 0)
    @rule(sender=callers)
    def collect_unsold(self, sender: str) -> None:
        self._collect("unsold", partial(self.sale.collect_unsold, sender), self._unsold())

    # --- Disturbing ---

    @rule(token=st.sampled_from(["sale", "payment"]), amount=st.integers(1, 10**7), sender=callers)
    def donate(self, token: str, amount: int, sender: str) -> None:
        if not self._stuck(token, sender):
            self._token(token).mint(sender, amount)
            self._token(token).transfer(sender, self.sale.address, amount)
            self.donated[token] += amount

    @precondition(lambda self: self._decided() or self.now % 3 == 0)
    @rule(token=st.sampled_from(["sale", "payment"]), bidder=bidders, on=st.booleans())
    def freeze(self, token: str, bidder: str, on: bool) -> None:  # noqa: FBT001
        self._token(token).freeze(bidder, on)
        (self.frozen.add if on else self.frozen.discard)((token, bidder))

    @precondition(lambda self: self.now % 3 == 0)
    @rule(on=st.sampled_from([True, False, False, False]))
    def freeze_the_sale(self, on: bool) -> None:  # noqa: FBT001
        for token in ("sale", "payment"):
            self._token(token).freeze(self.sale.address, on)
            (self.frozen.add if on else self.frozen.discard)((token, self.sale.address))

    # --- What must hold ---

    @invariant()
    def the_sale_holds_what_it_owes(self) -> None:
        if not hasattr(self, "sale"):
            return
        address = self.sale.address
        payments = self.ledger.escrow()
        lots = self.terms.auction.supply_lots
        if self._decided():
            payments = sum(self._refund(b) for b in BIDDERS if b not in self.refunded)
            payments += 0 if "proceeds" in self.collected else self._raised()
            lots = sum(self._won(b) - self.tokens[b] for b in BIDDERS)
            lots += 0 if "unsold" in self.collected else self._unsold() // LOT_SIZE
        assert market().payment_token.balance(address) == payments + self.donated["payment"]
        assert market().sale_token.balance(address) == lots * LOT_SIZE + self.donated["sale"]

    @invariant()
    def everybody_has_what_is_due(self) -> None:
        if not hasattr(self, "sale"):
            return
        for bidder in BIDDERS:
            assert market().payment_token.balance(bidder) == self.money[bidder]
            assert market().sale_token.balance(bidder) == self.tokens[bidder] * LOT_SIZE
        for caller in CALLERS[-2:]:
            assert market().payment_token.balance(caller) == 0
            assert market().sale_token.balance(caller) == 0

    @invariant()
    def the_sale_says_what_is_so(self) -> None:
        if not hasattr(self, "sale"):
            return
        auction = self.terms.auction
        assert self.sale.phase() == self._phase()
        assert self.sale.lots_at(0, auction.tick_count) == self.ledger.lots_at()
        for entity in set(self.ledger.entity_of.values()):
            lots = self.ledger.lots_of(entity)
            assert (
                self.sale.entity_lots(int(entity).to_bytes(32, "big")) == lots <= auction.cap_lots
            )
        if not self._decided():
            assert [self.sale.bids_of(b) for b in BIDDERS] == [*map(self.ledger.bids_of, BIDDERS)]
            assert self.sale.raised() == 0
            return
        assert self.sale.raised() == self._raised()
        for bidder in BIDDERS:
            vested = self._vested(bidder)
            refund = 0 if bidder in self.refunded else self._refund(bidder)
            now, later = vested - self.tokens[bidder], self._won(bidder) - vested
            assert self.sale.owed(bidder) == Owed(now * LOT_SIZE, later * LOT_SIZE, refund)

    @invariant()
    def nobody_pays_or_gets_too_much(self) -> None:
        if not self._decided():
            return
        assert sum(self.tokens.values()) <= self.terms.auction.supply_lots
        for bidder in BIDDERS:
            asked = sum(bid.lots for bid in self.ledger.bids_of(bidder))
            assert self.tokens[bidder] <= self._won(bidder) <= asked
            assert 0 <= self._refund(bidder) <= self.paid_in[bidder]
        paid = sum(self.paid_in[b] - self._refund(b) for b in BIDDERS)
        assert paid == self._raised()

    # --- Ghosts ---

    def _phase(self) -> int:
        if self.aborted or (self.outcome and self.outcome.allocation.failed):
            return FAILED
        if self.outcome:
            return CLEARED
        if self.now < (self.terms.start or 0):
            return FUNDED
        return OPEN if self.now < (self.terms.end or 0) else CLOSED

    def _decided(self) -> bool:
        return self.aborted or self.outcome is not None

    def _clear_refusal(self, *, signed: bool) -> str | None:
        if self.now < (self.terms.end or 0):
            return "NotClosed"
        if self._decided():
            return "AlreadyDecided"
        if self.now >= (self.terms.abort_time or 0):
            return "ClearingExpired"
        if not signed and self.now < (self.terms.allocator_until or 0):
            return "AllocatorWindow"
        return None

    def _won(self, bidder: str) -> int:
        return self.outcome.won_lots(bidder) if self.outcome else 0

    def _refund(self, bidder: str) -> int:
        return self.outcome.refund(bidder) if self.outcome else self.paid_in[bidder]

    def _raised(self) -> int:
        return self.outcome.allocation.raised if self.outcome else 0

    def _unsold(self) -> int:
        sold = self.outcome.allocation.sold_lots if self.outcome else 0
        return (self.terms.auction.supply_lots - sold) * LOT_SIZE

    def _vested(self, bidder: str) -> int:
        won, (start, end) = self._won(bidder), (self.terms.vesting_start, self.terms.vesting_end)
        if self.now >= end:
            return won
        return (
            won * (self.now - start) // (end - start) if self.now >= self.terms.vesting_cliff else 0
        )

    def _token(self, name: str) -> Any:
        return market().payment_token if name == "payment" else market().sale_token

    def _stuck(self, token: str, owner: str) -> bool:
        return bool({(token, owner), (token, self.sale.address)} & self.frozen)

    def _claim(
        self, call: Callable[[], object], bidder: str, *, tokens: bool, refund: bool
    ) -> None:
        if not self._decided():
            assert refused(call) == "NotDecided"
            return
        tokens = tokens and self._vested(bidder) > self.tokens[bidder]
        refund = refund and bidder not in self.refunded and self._refund(bidder) > 0
        if not tokens and not refund:
            assert refused(call) == "NothingToClaim"
        elif (tokens and self._stuck("sale", bidder)) or (
            refund and self._stuck("payment", bidder)
        ):
            assert refused(call) == "Frozen"
        else:
            call()
            if tokens:
                self._book_tokens(bidder)
            if refund:
                self._book_refund(bidder)

    def _book_tokens(self, bidder: str) -> None:
        self.tokens[bidder] = self._vested(bidder)

    def _book_refund(self, bidder: str) -> None:
        if bidder not in self.refunded:
            self.refunded.add(bidder)
            self.money[bidder] += self._refund(bidder)

    def _collect(self, what: str, call: Callable[[], object], amount: int) -> None:
        expected = None
        if not self._decided():
            expected = "NotDecided"
        elif what in self.collected or not amount:
            expected = "NothingToCollect"
        elif self._stuck("payment" if what == "proceeds" else "sale", PROCEEDS):
            expected = "Frozen"
        assert refused(call) == expected
        if expected is None:
            self.collected.add(what)


@pytest.mark.parametrize(("rule_of_sale", "pricing"), OFFERED)
def test_solvency(rule_of_sale: Rule, pricing: Pricing) -> None:
    machine = type("Solvency", (Solvency,), {"rule_of_sale": rule_of_sale, "pricing": pricing})
    run_state_machine_as_test(
        seed(SEED * len(OFFERED) + OFFERED.index((rule_of_sale, pricing)))(machine),
        settings=settings(
            database=None,
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
        ),
    )
