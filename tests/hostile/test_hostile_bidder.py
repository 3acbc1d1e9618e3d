"""A thief among the bidders: no claim pays him, no bid and no admission counts twice."""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from tests.evm.machine import Reverted, account
from tests.evm.sale import (
    BIDS_PER_BIDDER,
    ISSUER,
    ZERO_ADDRESS,
    Owed,
    encode,
    selector,
)
from tests.evm.signatures import Key, malleable
from tests.hostile.scene import (
    BIDDERS,
    HOUR,
    NOTHING,
    THIEF,
    VICTIM,
    Stage,
    market,
    refused,
    terms_of,
)
from tests.parity.books import OFFERED
from tests.parity.playing import ALLOCATOR, GATE


@pytest.fixture(params=OFFERED, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> Stage:
    return Stage(market(), terms_of(market(), *request.param))


@pytest.fixture
def gated(_leave_no_trace: None) -> Stage:
    return Stage(market(), terms_of(market(), *OFFERED[2], gated=True))


# --- Claims ----------------------------------------------------------------------------------


def test_claims_for_others_pay_the_others(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)

    for target in (THIEF, ISSUER):
        assert refused(partial(stage.sale.claim_to, THIEF, target, target)) == "NothingToClaim"
    for bidder in BIDDERS:
        for call in (stage.sale.claim_tokens, stage.sale.claim_refund, stage.sale.claim):
            refused(partial(call, bidder, THIEF))
            refused(partial(call, bidder, THIEF))
    stage.sale.claim_many([*BIDDERS, *BIDDERS, THIEF], THIEF)
    for collect in (stage.sale.collect_proceeds, stage.sale.collect_unsold):
        refused(partial(collect, THIEF))
        assert refused(partial(collect, THIEF)) == "NothingToCollect"

    assert stage.loot() == NOTHING
    stage.check_paid(outcome)
    assert stage.held() == NOTHING


def test_claims_pay_once_by_whatever_way(stage: Stage) -> None:
    """A bidder turned thief claims each leg by each entry point, in one call and in many."""
    outcome = stage.close()
    stage.clear(outcome)
    ways = ["claim", "claimTokens", "claimRefund"]
    for bidder in BIDDERS:
        for first in ways:
            with market().machine.trial():
                refused(partial(stage.sale.send, bidder, encode(first, bidder)))
                for way in ways * 2:
                    refused(partial(stage.sale.send, bidder, encode(way, bidder)))
                refused(partial(stage.sale.claim_to, bidder, bidder, bidder))
                refused(partial(stage.sale.claim_to, bidder, bidder, ZERO_ADDRESS))
                refused(partial(stage.sale.claim_to, bidder, ZERO_ADDRESS, bidder))
                stage.sale.claim_many([bidder] * 3)
                assert stage.sale.owed(bidder) == Owed(0, 0, 0)
                stage.everybody_leaves(outcome)


def test_sale_itself_and_nobody_receive_nothing(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)

    for bidder in BIDDERS:
        for pair in ((stage.sale.address, bidder), (bidder, stage.sale.address)):
            assert refused(partial(stage.sale.claim_to, bidder, *pair)) == "RecipientInvalid"
        nobody = partial(stage.sale.claim_to, bidder, ZERO_ADDRESS, ZERO_ADDRESS)
        assert refused(nobody) == "NothingToClaim"

    stage.everybody_leaves(outcome)


def test_gas_meant_to_run_out_takes_nothing(stage: Stage) -> None:
    """A keeper who sends just too little gas makes transfers fail: the legs stay owed."""
    outcome = stage.close()
    stage.clear(outcome)
    data = selector("claimMany") + bytes.fromhex(f"{32:064x}{len(BIDDERS):064x}")
    data += b"".join(bytes(12) + bytes.fromhex(bidder[2:]) for bidder in BIDDERS)
    lot_size = stage.terms.auction.lot_size
    outcomes = set()
    for gas in range(40_000, 700_000, 7_000):
        with market().machine.trial():
            try:
                market().machine.call(THIEF, stage.sale.address, data, gas=gas)
            except Reverted:
                outcomes.add("refused")
            for bidder in BIDDERS:
                owed = stage.sale.owed(bidder)
                got = market().sale_token.balance(bidder)
                back = market().payment_token.balance(bidder)
                assert got + owed.tokens_now == outcome.won_lots(bidder) * lot_size
                assert back + owed.refund == outcome.refund(bidder)
                if (back and owed.tokens_now) or (got and owed.refund):
                    outcomes.add("one leg")
            outcomes.add("paid" if stage.sale.owed(BIDDERS[-1]) == Owed(0, 0, 0) else "open")
            stage.everybody_leaves(outcome)
    assert {"refused", "paid"} <= outcomes


# --- Bids and admissions ---------------------------------------------------------------------


def test_thief_with_the_gate_key_pays_like_anybody(gated: Stage) -> None:
    """He admits himself as many entities: his lots are won and paid for by the rules."""
    accounts = [account(f"account {number} of the thief") for number in range(4)]
    for number, name in enumerate(accounts):
        gated.admit(name, 100 + number)
        gated.bid(name, 5, 2)
    outcome = gated.close()

    gated.clear(outcome)

    everybody = [*BIDDERS, *accounts]
    gated.sale.claim_many(everybody)
    for name in everybody:
        won = outcome.won_lots(name)
        assert market().sale_token.balance(name) == won * gated.terms.auction.lot_size
        assert market().payment_token.balance(name) == outcome.refund(name)
    assert sum(outcome.won_lots(name) for name in everybody) <= gated.terms.auction.supply_lots


def test_admission_counts_once_for_one_bidder_sale_and_chain(gated: Stage) -> None:
    sale, newcomer = gated.sale, account("newcomer")
    deadline = market().machine.now + HOUR
    entity = (7).to_bytes(32, "big")
    sign = partial(GATE.sign_admission, entity=entity, deadline=deadline)
    good = sign(sale.address, newcomer)
    bad = [
        sign(account("another sale"), newcomer),
        sign(sale.address, newcomer, chain_id=1),
        sign(sale.address, THIEF),
        Key("thief").sign_admission(sale.address, newcomer, entity, deadline),
        ALLOCATOR.sign_admission(sale.address, newcomer, entity, deadline),
        GATE.sign_admission(sale.address, newcomer, entity, deadline + 1),
        GATE.sign_admission(sale.address, newcomer, (8).to_bytes(32, "big"), deadline),
        malleable(good),
        good[:64],
        b"",
    ]
    for signature in bad:
        admit = partial(sale.admit, newcomer, entity, deadline, signature, THIEF)
        assert refused(admit) == "SignatureInvalid"
    zero = GATE.sign_admission(sale.address, newcomer, bytes(32), deadline)
    assert refused(partial(sale.admit, newcomer, bytes(32), deadline, zero)) == "EntityZero"

    with market().machine.trial():
        market().machine.now = deadline
        assert refused(partial(sale.admit, newcomer, entity, deadline, good)) == "AdmissionExpired"
    sale.admit(newcomer, entity, deadline, good, THIEF)
    other = (9).to_bytes(32, "big")
    move = GATE.sign_admission(sale.address, newcomer, other, deadline)
    assert refused(partial(sale.admit, newcomer, other, deadline, move)) == "AlreadyAdmitted"
    assert sale.bids_of(newcomer) == []
    for victim in BIDDERS:
        move = GATE.sign_admission(sale.address, victim, entity, deadline)
        assert refused(partial(sale.admit, victim, entity, deadline, move)) == "AlreadyAdmitted"


def test_wallets_of_one_entity_share_one_cap(gated: Stage) -> None:
    wallets = [account(f"wallet {number}") for number in range(3)]
    cap = gated.terms.auction.cap_lots
    for wallet in wallets:
        gated.admit(wallet, 50)
        market().escrow(gated.sale, wallet, 10**6)
    gated.bid(wallets[0], 1, cap - 1)

    assert refused(partial(gated.sale.bid, wallets[1], 1, 2)) == "OverCap"
    gated.bid(wallets[1], 1, 1)
    assert refused(partial(gated.sale.bid, wallets[2], 1, 1)) == "OverCap"
    gated.sale.cancel(wallets[0], 0)
    gated.ledger.remove(wallets[0], 0)
    gated.bid(wallets[2], 0, cap - 1)
    assert refused(partial(gated.sale.bid, wallets[1], 1, 1)) == "OverCap"


def test_many_cancels_and_bids_never_hide_or_double_a_bid(stage: Stage) -> None:
    """Indexes freed and used again by a thief who bids at every place he has."""
    market().escrow(stage.sale, THIEF, 10**9)
    random = Random(5)
    for _ in range(300):
        live = [bid.number for bid in stage.ledger.bids_of(THIEF)]
        if live and (len(live) == BIDS_PER_BIDDER or random.random() < 0.4):
            number = random.choice(live)
            stage.sale.cancel(THIEF, number)
            stage.ledger.remove(THIEF, number)
        elif stage.ledger.lots_of(THIEF) < stage.terms.auction.cap_lots:
            tick = random.randrange(stage.terms.auction.tick_count)
            assert stage.sale.bid(THIEF, tick, 1) == stage.ledger.place(THIEF, tick, 1)
        assert stage.sale.bids_of(THIEF) == stage.ledger.bids_of(THIEF)
    outcome = stage.close()
    stage.clear(outcome)
    stage.sale.claim(THIEF)
    stage.sale.claim_many(BIDDERS)
    stage.sale.collect_proceeds()
    refused(stage.sale.collect_unsold)

    assert stage.held() == NOTHING
    assert stage.loot()[0] == outcome.won_lots(THIEF) * stage.terms.auction.lot_size


def test_bidder_has_so_many_bids_and_no_more(stage: Stage) -> None:
    market().escrow(stage.sale, THIEF, 10**6)
    cap = stage.terms.auction.cap_lots
    for _ in range(cap):
        stage.bid(THIEF, 0, 1)
    for lots in (1, 2**32, 2**256 - cap, 2**256 - 1):
        assert refused(partial(stage.sale.bid, THIEF, 0, lots)) == "OverCap"

    terms = terms_of(market(), *OFFERED[0], supply=100)
    sale = market().open_sale(terms)
    market().machine.now = terms.start or 0
    market().escrow(sale, THIEF, 10**6)
    for number in range(BIDS_PER_BIDDER):
        assert sale.bid(THIEF, 0, 1) == number
    assert refused(partial(sale.bid, THIEF, 0, 1)) == "TooManyBids"
    sale.cancel(THIEF, 7)
    assert sale.bid(THIEF, 1, 1) == 7
    assert refused(partial(sale.bid, THIEF, 0, 1)) == "TooManyBids"


def test_no_index_reaches_the_bid_of_another() -> None:
    """An index as large as an address: the thief's address is a part of the victim's."""
    stage = Stage(market(), terms_of(market(), *OFFERED[0]))
    thief, victim = f"0x{0x1000:040x}", f"0x{0x1003:040x}"
    stage.bid(victim, 1, 3)
    reach = (0x1003 << 8) * 3

    for index in (reach, reach + 1, (0x3 << 8) * 3, 24, 25, 24 * 256, 2**255, 2**256 - 1):
        assert refused(partial(stage.sale.cancel, thief, index)) == "NoSuchBid"

    assert stage.sale.bids_of(victim) == stage.ledger.bids_of(victim)


def test_bids_after_the_window_and_cancels_after_theirs_are_refused(stage: Stage) -> None:
    market().escrow(stage.sale, THIEF, 10**6)
    market().machine.now = (stage.terms.end or 0) - 1
    stage.bid(THIEF, 0, 1)
    stage.sale.cancel(THIEF, 0)
    stage.ledger.remove(THIEF, 0)
    outcome = stage.close()
    for moment in (stage.terms.end, stage.terms.allocator_until, stage.terms.abort_time):
        market().machine.now = moment or 0
        assert refused(partial(stage.sale.bid, THIEF, 5, 1)) == "WindowClosed"
        assert refused(partial(stage.sale.cancel, VICTIM, 0)) == "CancelClosed"
    market().machine.now = (stage.terms.start or 0) - 1
    assert refused(partial(stage.sale.bid, THIEF, 5, 1)) == "NotOpen"
    stage.clear(outcome)
    assert refused(partial(stage.sale.cancel, VICTIM, 0)) == "CancelClosed"
