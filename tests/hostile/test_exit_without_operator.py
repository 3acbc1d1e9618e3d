"""With every key of the operator gone, everybody leaves with all their money.

Nobody signs, relays or helps: whatever is called here is called by a stranger or a bidder.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.evm.sale import CLEARED, FAILED, NO_DIGEST, STRANGER
from tests.hostile.scene import BIDDERS, DAY, PROCEEDS, UNSOLD, Stage, market, refused, terms_of
from tests.parity.books import OFFERED, random_book
from tests.parity.playing import Table

if TYPE_CHECKING:
    from gavelbook.auction import Pricing, Rule

BOOKS = 15
CENTURY = 100 * 365 * DAY

every_rule = pytest.mark.parametrize(("rule", "pricing"), OFFERED)


@pytest.fixture(params=OFFERED, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> Stage:
    return Stage(market(), terms_of(market(), *request.param, gated=True))


def test_stranger_clears_when_the_allocator_is_silent(stage: Stage) -> None:
    outcome = stage.close()
    machine = market().machine

    for moment in (stage.terms.end or 0, (stage.terms.allocator_until or 0) - 1):
        machine.now = moment
        reason = refused(lambda: stage.sale.clear(outcome.clearing, outcome.margin))
        assert reason == "AllocatorWindow"
        assert refused(stage.sale.abort) == "AbortTooEarly"
    machine.now = stage.terms.allocator_until or 0
    stage.sale.clear(outcome.clearing, outcome.margin, sender=STRANGER)

    assert stage.sale.phase() == CLEARED
    stage.everybody_leaves(outcome)


def test_stranger_clears_in_the_last_second(stage: Stage) -> None:
    outcome = stage.close()
    market().machine.now = (stage.terms.abort_time or 0) - 1

    assert refused(stage.sale.abort) == "AbortTooEarly"
    stage.sale.clear(outcome.clearing, outcome.margin)

    stage.everybody_leaves(outcome)


def test_bidder_shows_the_margin_alone_bid_by_bid(stage: Stage) -> None:
    outcome = stage.close()
    market().machine.now = stage.terms.allocator_until or 0

    for key in outcome.margin:
        stage.sale.advance(outcome.clearing, [key], BIDDERS[4])
    stage.sale.clear(outcome.clearing, [], sender=BIDDERS[4])

    stage.everybody_leaves(outcome)


def test_nobody_clears_so_everything_goes_back(stage: Stage) -> None:
    outcome = stage.close()
    market().machine.now = stage.terms.abort_time or 0

    reason = refused(lambda: stage.sale.clear(outcome.clearing, outcome.margin))
    assert reason == "ClearingExpired"
    reason = refused(lambda: stage.sale.advance(outcome.clearing, outcome.margin))
    assert reason == "ClearingExpired"
    stage.sale.abort(STRANGER)

    assert stage.sale.phase() == FAILED
    all_refunded(stage)


def test_nobody_does_anything_for_a_century(stage: Stage) -> None:
    stage.close()
    market().machine.now += CENTURY

    stage.sale.abort(STRANGER)

    all_refunded(stage)


def test_claims_wait_for_a_century(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    market().machine.now += CENTURY

    stage.everybody_leaves(outcome)


def test_issuer_takes_the_sale_tokens_back(stage: Stage) -> None:
    """A token whose owner seizes it leaves nothing to win, so nobody pays."""
    outcome = stage.close()
    market().sale_token.seize(stage.sale.address, 1)
    market().machine.now = stage.terms.allocator_until or 0

    assert refused(lambda: stage.sale.clear(outcome.clearing, outcome.margin)) == "EscrowShort"
    market().machine.now = stage.terms.abort_time or 0
    stage.sale.abort()

    for bidder in BIDDERS:
        stage.sale.claim(bidder)
        assert market().payment_token.balance(bidder) == paid_in(stage, bidder)
    assert stage.held()[1] == 0


def test_frozen_payment_token_does_not_hold_the_sale_token(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    market().payment_token.freeze(stage.sale.address)

    for bidder in BIDDERS:
        won = outcome.won_lots(bidder)
        assert refused(partial(stage.sale.claim_tokens, bidder)) == (
            None if won else "NothingToClaim"
        )
        assert market().sale_token.balance(bidder) == won * stage.terms.auction.lot_size
    market().payment_token.freeze(stage.sale.address, on=False)

    stage.everybody_leaves(outcome)


def test_frozen_sale_token_does_not_hold_the_refund(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    market().sale_token.freeze(stage.sale.address)

    stage.sale.claim_many(BIDDERS)
    for bidder in BIDDERS:
        assert market().payment_token.balance(bidder) == outcome.refund(bidder)
        assert market().sale_token.balance(bidder) == 0
    stage.sale.collect_proceeds()
    market().sale_token.freeze(stage.sale.address, on=False)

    stage.everybody_leaves(outcome)


def test_one_frozen_bidder_stops_nobody_else(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    stuck, *others = BIDDERS
    market().payment_token.freeze(stuck)
    market().sale_token.freeze(stuck)

    stage.sale.claim_many(BIDDERS)

    for bidder in others:
        assert market().payment_token.balance(bidder) == outcome.refund(bidder)
    market().payment_token.freeze(stuck, on=False)
    market().sale_token.freeze(stuck, on=False)
    stage.everybody_leaves(outcome)


def test_without_bids_everything_is_unsold() -> None:
    terms = terms_of(market())
    sale = market().open_sale(terms)
    market().machine.now = terms.abort_time or 0

    sale.abort()
    sale.collect_unsold()

    unsold = terms.auction.supply_lots * terms.auction.lot_size
    assert market().sale_token.balance(UNSOLD) == unsold
    assert refused(sale.collect_proceeds) == "NothingToCollect"


@every_rule
def test_random_books_end_without_an_operator(rule: Rule, pricing: Pricing) -> None:
    """Cleared by a stranger or aborted, each claims alone."""
    random = Random(f"exit {rule} {pricing}")
    for number in range(BOOKS):
        book = random_book(random, rule, pricing)
        with market().machine.trial():
            table = Table(market(), book)
            table.place_bids()
            outcome = table.ledger.outcome()
            if number % 2:
                market().machine.now = table.terms.allocator_until or 0
                table.sale.clear(outcome.clearing._replace(digest=NO_DIGEST), outcome.margin)
                table.check_result(outcome)
                table.pay_out(outcome)
                continue
            escrows = {
                bidder: sum(
                    table.ledger.cost(e.tick, e.lots) for e in outcome.entries if e.bidder == bidder
                )
                for bidder in table.wallets
            }
            market().machine.now = table.terms.abort_time or 0
            table.sale.abort()
            for bidder, money in table.wallets.items():
                reason = refused(partial(table.sale.claim_to, bidder, bidder, bidder))
                assert reason == (None if escrows[bidder] else "NothingToClaim")
                assert market().payment_token.balance(bidder) == money + escrows[bidder]
            assert market().payment_token.balance(table.sale.address) == 0


def paid_in(stage: Stage, bidder: str) -> int:
    bids = stage.ledger.bids_of(bidder)
    return sum(stage.ledger.cost(bid.tick, bid.lots) for bid in bids)


def all_refunded(stage: Stage) -> None:
    for bidder in BIDDERS:
        stage.sale.claim(bidder)
        assert market().payment_token.balance(bidder) == paid_in(stage, bidder)
        assert market().sale_token.balance(bidder) == 0
    stage.sale.collect_unsold()
    assert refused(stage.sale.collect_proceeds) == "NothingToCollect"
    assert market().payment_token.balance(PROCEEDS) == 0
    assert stage.held() == (0, 0)
