"""Tokens that call back or do not arrive, and ether: nothing moves that is not paid for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.evm.sale import (
    ISSUER,
    ZERO_ADDRESS,
    encode,
    encode_admit,
    encode_advance,
    encode_clear,
    encode_multicall,
    sale_contract,
    selector,
)
from tests.hostile.scene import (
    BIDDERS,
    DAY,
    NOTHING,
    PROCEEDS,
    THIEF,
    VICTIM,
    Stage,
    market,
    refused,
    signed,
    terms_of,
)
from tests.parity.books import OFFERED

if TYPE_CHECKING:
    from collections.abc import Callable


ETHER = 10**18


@pytest.fixture(params=OFFERED, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> Stage:
    return Stage(market(), terms_of(market(), *request.param))


def test_no_entry_point_opens_in_the_middle_of_a_transfer(stage: Stage) -> None:
    """A token whose transfers call every function that changes anything."""
    outcome = stage.close()
    right = outcome.clearing
    calls = [
        encode("bid", 0, 1),
        encode("cancel", 0),
        encode("bidWithPermit", 0, 1, 0, 2**255, 27, 0, 0),
        encode_admit(VICTIM, b"e" * 32, 2**255, bytes(65)),
        encode_clear(right, outcome.margin, b""),
        encode_advance(right, outcome.margin),
        encode("abort"),
        encode("claim", VICTIM),
        encode("claimTokens", VICTIM),
        encode("claimRefund", VICTIM),
        encode("claimTo", THIEF, THIEF, 0),
        selector("claimMany") + bytes.fromhex(f"{32:064x}{1:064x}{VICTIM[2:]:>064}"),
        encode("collectProceeds"),
        encode("collectUnsold"),
    ]
    changing = {f.selector for f in sale_contract().functions.values() if not f.view}
    assert {call[:4] for call in calls} == changing - {selector("multicall")}
    guard = selector_of_error("ReentrancyGuardReentrantCall")
    market().machine.now = stage.terms.start or 0
    market().escrow(stage.sale, THIEF, 10**6)
    for call in calls:
        assert hooked(stage, "payment", call, lambda: stage.sale.bid(THIEF, 0, 1)) == guard
        assert hooked(stage, "payment", call, lambda: stage.sale.cancel(VICTIM, 0)) == guard
    market().machine.now = stage.terms.end or 0
    stage.clear(outcome)
    payers: dict[str, list[Callable[[], object]]] = {
        "payment": [
            partial(stage.sale.claim, BIDDERS[3]),
            partial(stage.sale.claim_refund, BIDDERS[3]),
            partial(stage.sale.claim_to, BIDDERS[3], THIEF, THIEF),
            partial(stage.sale.claim_many, [BIDDERS[3]]),
            stage.sale.collect_proceeds,
        ],
        "sale": [
            partial(stage.sale.claim, BIDDERS[0]),
            partial(stage.sale.claim_tokens, BIDDERS[0]),
            partial(stage.sale.claim_to, BIDDERS[0], THIEF, THIEF),
            partial(stage.sale.claim_many, [BIDDERS[0]]),
        ],
    }
    assert outcome.refund(BIDDERS[3])
    assert outcome.won_lots(BIDDERS[0])
    for token, actions in payers.items():
        for action in actions:
            for call in calls:
                assert hooked(stage, token, call, action) == guard


def hooked(stage: Stage, token: str, call: bytes, action: Callable[[], object]) -> bytes:
    """Make a call in the middle of an action; return what it answered."""
    chosen = market().payment_token if token == "payment" else market().sale_token
    with market().machine.trial():
        chosen.set_hook(stage.sale.address, call)
        action()
        assert chosen.hook_outcome() == 1
        return chosen.hook_answer()[:4]


def selector_of_error(name: str) -> bytes:
    return next(s for s, (error, _) in sale_contract().errors.items() if error == name)


def test_payment_that_does_not_arrive_is_no_bid(stage: Stage) -> None:
    market().escrow(stage.sale, THIEF, 10**6)
    market().payment_token.set_fee(1)

    assert refused(partial(stage.sale.bid, THIEF, 5, 3)) == "PaymentMismatch"
    assert stage.sale.bids_of(THIEF) == []


def test_supply_that_does_not_arrive_opens_no_sale() -> None:
    market().sale_token.set_fee(1)

    assert refused(partial(market().open_sale, terms_of(market()))) == "FundingMismatch"


def test_proceeds_that_are_gone_stop_the_clearing(stage: Stage) -> None:
    """A payment token whose owner seizes the escrow: nobody wins on credit."""
    outcome = stage.close()
    clearing, signature = signed(stage.sale, outcome.clearing)
    kept = stage.held()[1] - outcome.allocation.raised
    post = partial(stage.sale.clear, clearing, outcome.margin, signature)
    market().payment_token.seize(stage.sale.address, kept + 1)

    assert refused(post) == "EscrowShort"
    market().payment_token.mint(stage.sale.address, 1)
    post()
    assert stage.sale.raised() == outcome.allocation.raised


def test_ether_sent_along_buys_nothing(stage: Stage) -> None:
    machine = market().machine
    machine.give_ether(THIEF, ETHER)
    for data in (encode("bid", 0, 1), b""):
        send = partial(stage.sale.send, THIEF, data, value=1000)
        assert refused(send) == "EtherNotAccepted"
    for name, function in sale_contract().functions.items():
        if not function.payable:
            data = selector(name) + bytes(32 * 8)
            assert refused(partial(stage.sale.send, THIEF, data, value=1)) == ""
    assert machine.ether(stage.sale.address) == 0


def test_ether_is_counted_once() -> None:
    """Wrapped ether as payment: several bids in one call cannot share one payment."""
    machine = market().machine
    terms = terms_of(market(), *OFFERED[0], payment_token=market().wrapped_ether)
    sale = market().open_sale(terms)
    machine.now = terms.start or 0
    machine.give_ether(THIEF, ETHER)
    cost = 2 * terms.auction.price(3)
    bid = encode("bid", 3, 2)

    for value in (cost - 1, cost + 1):
        assert refused(partial(sale.send, THIEF, bid, value=value)) == "PaymentMismatch"
    twice = encode_multicall([bid, bid])
    assert refused(partial(sale.send, THIEF, twice, value=cost)) == ""
    assert sale.bids_of(THIEF) == []
    sale.send(THIEF, bid, value=cost)
    assert machine.ether(THIEF) == ETHER - cost
    sale.cancel(THIEF, 0)
    sale.send(THIEF, bid, value=cost)
    machine.now = terms.abort_time or 0
    sale.abort()
    assert refused(partial(sale.claim_to, THIEF, THIEF, sale.address, unwrap=True)) == (
        "RecipientInvalid"
    )
    sale.claim_to(THIEF, ZERO_ADDRESS, THIEF, unwrap=True)
    assert machine.ether(THIEF) == ETHER - cost
    again = partial(sale.claim_to, THIEF, THIEF, THIEF, unwrap=True)
    assert refused(again) == "NothingToClaim"
    assert machine.ether(sale.address) == 0


def test_ether_is_unwrapped_only_where_it_is_wrapped(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)

    unwrap = partial(stage.sale.claim_to, BIDDERS[3], BIDDERS[3], BIDDERS[3], unwrap=True)

    assert refused(unwrap) == "EtherNotAccepted"
    stage.everybody_leaves(outcome)


def test_calls_bundled_by_the_thief_are_his_own(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    bundle = [encode("claim", VICTIM), encode("claimTo", THIEF, THIEF, 0)]

    assert refused(partial(stage.sale.multicall, THIEF, bundle)) == "NothingToClaim"
    nested = encode_multicall([encode("claim", VICTIM), encode("collectProceeds")])
    stage.sale.multicall(THIEF, [nested])
    assert refused(partial(stage.sale.multicall, THIEF, [nested])) == "NothingToClaim"
    assert stage.loot() == NOTHING
    assert market().payment_token.balance(PROCEEDS) == outcome.allocation.raised

    stage.everybody_leaves(outcome)


def test_issuer_cannot_take_back_what_is_for_sale(stage: Stage) -> None:
    outcome = stage.close()
    for moment in (stage.terms.end, stage.terms.allocator_until):
        market().machine.now = moment or 0
        assert refused(partial(stage.sale.collect_unsold, ISSUER)) == "NotDecided"
        assert refused(partial(stage.sale.collect_proceeds, ISSUER)) == "NotDecided"
    stage.clear(outcome)
    market().machine.now += 365 * DAY
    refused(partial(stage.sale.collect_unsold, ISSUER))
    stage.sale.collect_proceeds(ISSUER)
    assert refused(partial(stage.sale.collect_unsold, ISSUER)) == "NothingToCollect"
    assert refused(partial(stage.sale.collect_proceeds, ISSUER)) == "NothingToCollect"

    stage.everybody_leaves(outcome)
