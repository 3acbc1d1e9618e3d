"""Matcher and fee recipient: proposed, accepted after the delay, dismissed at once."""

from __future__ import annotations

import pytest

from gavelbook.exchange.orders import Side
from tests.contracts.exchange.support import events, refuses
from tests.evm.exchange import FEES, KEY_DELAY, MATCHER, OWNER, encode
from tests.evm.machine import account, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS
from tests.hostile.trading_scene import MAKER, TAKER

NEW = account("new key")
OFFICES = pytest.mark.parametrize(
    ("office", "view", "holder"),
    [("Matcher", "matcher", MATCHER.address), ("FeeRecipient", "feeRecipient", FEES)],
)


@OFFICES
def test_a_new_key_counts_after_the_delay(floor, office, view, holder):
    exchange, machine = floor.exchange, floor.machine
    ready = machine.now + KEY_DELAY
    exchange.administer(f"propose{office}", NEW)
    assert events(exchange) == [(f"{office}Proposed", NEW, ready)]
    assert exchange.send(STRANGER, encode(f"proposed{office}")) == words(NEW, ready)
    assert exchange.number(view) == int(holder, 16)

    machine.now = ready - 1
    refuses(lambda: exchange.administer(f"accept{office}"), "ProposalNotReady", ready)
    machine.now = ready
    exchange.administer(f"accept{office}")
    assert events(exchange) == [(f"{office}Changed", NEW)]
    assert exchange.number(view) == int(NEW, 16)
    assert exchange.send(STRANGER, encode(f"proposed{office}")) == words(0, 0)
    refuses(lambda: exchange.administer(f"accept{office}"), "NothingProposed")


@OFFICES
def test_a_second_proposal_takes_the_place_of_the_first(floor, office, view, holder):
    exchange, machine = floor.exchange, floor.machine
    exchange.administer(f"propose{office}", NEW)
    machine.now += KEY_DELAY
    exchange.administer(f"propose{office}", holder)
    ready = machine.now + KEY_DELAY
    refuses(lambda: exchange.administer(f"accept{office}"), "ProposalNotReady", ready)
    machine.now = ready
    exchange.administer(f"accept{office}")
    assert exchange.number(view) == int(holder, 16)


@OFFICES
def test_keys_are_the_owners_business(floor, office, view, holder):
    exchange = floor.exchange
    for call in (
        lambda: exchange.administer(f"propose{office}", NEW, sender=holder),
        lambda: exchange.administer(f"accept{office}", sender=holder),
    ):
        refuses(call, "OwnableUnauthorizedAccount", holder)
    assert exchange.number(view) == int(holder, 16)


def test_nobody_is_proposed(floor):
    exchange = floor.exchange
    refuses(lambda: exchange.administer("proposeMatcher", ZERO_ADDRESS), "AddressMissing")
    for invalid in (ZERO_ADDRESS, exchange.address):
        call = encode("proposeFeeRecipient", invalid)
        refuses(lambda call=call: exchange.send(OWNER, call), "AccountInvalid", invalid)


@pytest.mark.parametrize("sender", [OWNER, MATCHER.address])
def test_the_matcher_is_dismissed_at_once(trading, sender):
    exchange = trading.exchange
    exchange.administer("proposeMatcher", NEW)
    exchange.administer("revokeMatcher", sender=sender)
    assert events(exchange) == [("MatcherChanged", ZERO_ADDRESS)]
    assert exchange.number("matcher") == 0
    trading.refuses(trading.batch(), "BadMatcherSignature")
    trading.machine.now += KEY_DELAY
    exchange.administer("acceptMatcher")
    assert exchange.number("matcher") == int(NEW, 16)


def test_nobody_else_dismisses_the_matcher(floor):
    call = encode("revokeMatcher")
    refuses(lambda: floor.exchange.send(STRANGER, call), "OwnableUnauthorizedAccount", STRANGER)


def test_fees_go_to_the_new_recipient(trading):
    exchange, quote = trading.exchange, trading.floor.quote.address
    fees = {"taker_fee_bps": 30, "maker_fee_bps": 20}
    trading.settle(trading.batch(fills=[(1, 0, 1)], **fees))
    before = exchange.held(FEES, quote)
    exchange.administer("proposeFeeRecipient", NEW)
    trading.machine.now += KEY_DELAY
    exchange.administer("acceptFeeRecipient")
    orders = [
        trading.sign(key, side, sequence=2) for key, side in ((MAKER, Side.SELL), (TAKER, Side.BUY))
    ]
    trading.settle(trading.batch(orders, fills=[(1, 0, 1)], **fees))
    assert before == exchange.held(FEES, quote) == exchange.held(NEW, quote) > 0
