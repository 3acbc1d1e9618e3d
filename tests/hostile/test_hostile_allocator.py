"""With the keys of allocator, gate and issuer stolen, the thief gets nothing.

Each test lets the thief try; then the sale ends as the Python rules say, everybody has what is due,
and the thief holds no token.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.evm.compiled import contract
from tests.evm.machine import CHAIN_ID, Reverted, account
from tests.evm.sale import (
    BIDS_PER_BIDDER,
    CLEARED,
    FUNDED,
    ISSUER,
    NO_DIGEST,
    ZERO_ADDRESS,
    Clearing,
    Owed,
    Sale,
    encode,
    encode_admit,
    encode_advance,
    encode_clear,
    encode_multicall,
    sale_contract,
    selector,
)
from tests.evm.signatures import Key, malleable
from tests.hostile.scene import (
    BIDDERS,
    DAY,
    HOUR,
    PROCEEDS,
    THIEF,
    Stage,
    market,
    refused,
    terms_of,
)
from tests.parity.books import OFFERED
from tests.parity.playing import ALLOCATOR, DIGEST, GATE
from tests.parity.spoiling import spoilt

if TYPE_CHECKING:
    from collections.abc import Callable

NOTHING = (0, 0)
VICTIM = BIDDERS[1]
ETHER = 10**18


@pytest.fixture(params=OFFERED, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> Stage:
    return Stage(market(), terms_of(market(), *request.param))


@pytest.fixture
def gated(_leave_no_trace: None) -> Stage:
    return Stage(market(), terms_of(market(), *OFFERED[2], gated=True))


def signed(sale: Sale, clearing: Clearing, digest: bytes = DIGEST) -> tuple[Clearing, bytes]:
    clearing = clearing._replace(digest=digest)
    return clearing, ALLOCATOR.sign_clearing(sale.address, clearing)


# --- Results ---------------------------------------------------------------------------------


def test_any_other_result_signed_is_refused(stage: Stage) -> None:
    outcome = stage.close()
    reasons = {name for name, _ in contract("ITokenSale").errors.values()}
    for moment in (stage.terms.end, stage.terms.allocator_until):
        market().machine.now = moment or 0
        for wrong, keys in spoilt(outcome, Random(1)):
            if (wrong, keys) != (outcome.clearing, outcome.margin):
                clearing, signature = signed(stage.sale, wrong)
                post = partial(stage.sale.clear, clearing, keys, signature, THIEF)
                assert refused(post) in reasons
    assert stage.sale.result().phase == FUNDED

    stage.clear(outcome)

    stage.everybody_leaves(outcome)


def test_account_that_signs_everything_changes_no_result() -> None:
    """An ERC-1271 allocator that vouches for anything: whoever posts decides nothing."""
    willing = market().machine.deploy(contract("WillingSigner").creation, THIEF)
    stage = Stage(market(), terms_of(market(), *OFFERED[3], allocator=willing))
    outcome = stage.close()

    for wrong, keys in spoilt(outcome, Random(2)):
        if (wrong, keys) != (outcome.clearing, outcome.margin):
            assert refused(partial(stage.sale.clear, wrong, keys, b"x", THIEF))
    stage.sale.clear(outcome.clearing, outcome.margin, b"x", THIEF)

    stage.everybody_leaves(outcome)


def test_thief_posts_the_right_result_first(stage: Stage) -> None:
    """Copied from the pool or with a digest of no file: the result is the same."""
    outcome = stage.close()
    clearing, signature = signed(stage.sale, outcome.clearing, digest=b"lies" * 8)

    stage.sale.clear(clearing, outcome.margin, signature, THIEF)

    clearing, signature = signed(stage.sale, outcome.clearing)
    late = partial(stage.sale.clear, clearing, outcome.margin, signature)
    assert refused(late) == "AlreadyDecided"
    assert stage.loot() == NOTHING
    stage.everybody_leaves(outcome)


def test_nothing_is_decided_twice(stage: Stage) -> None:
    outcome = stage.close()
    stage.clear(outcome)
    decided = stage.sale.result()

    for moment in (market().machine.now, stage.terms.abort_time or 0):
        market().machine.now = moment
        clearing, signature = signed(stage.sale, outcome.clearing)
        attempts: list[Callable[[], object]] = [
            partial(stage.sale.clear, clearing, outcome.margin, signature, THIEF),
            partial(stage.sale.clear, outcome.clearing, outcome.margin, b"", THIEF),
            partial(stage.sale.advance, outcome.clearing, outcome.margin, THIEF),
            partial(stage.sale.abort, THIEF),
        ]
        assert [refused(attempt) for attempt in attempts] == ["AlreadyDecided"] * 4
    assert stage.sale.result() == decided
    stage.everybody_leaves(outcome)


def test_nothing_is_decided_early(stage: Stage) -> None:
    outcome = stage.ledger.outcome()
    clearing, signature = signed(stage.sale, outcome.clearing)
    attempts: list[Callable[[], object]] = [
        partial(stage.sale.clear, clearing, outcome.margin, signature, THIEF),
        partial(stage.sale.clear, outcome.clearing, outcome.margin, b"", THIEF),
        partial(stage.sale.advance, outcome.clearing, outcome.margin, THIEF),
    ]
    for moment in (stage.terms.start or 0, (stage.terms.end or 0) - 1):
        market().machine.now = moment
        assert [refused(attempt) for attempt in attempts] == ["NotClosed"] * 3
        assert refused(partial(stage.sale.abort, THIEF)) == "AbortTooEarly"
        for call in (stage.sale.claim, stage.sale.claim_tokens, stage.sale.claim_refund):
            assert refused(partial(call, VICTIM, THIEF)) == "NotDecided"
        assert refused(partial(stage.sale.claim_many, [VICTIM])) == "NotDecided"
        assert refused(stage.sale.collect_proceeds) == "NotDecided"
        assert refused(stage.sale.collect_unsold) == "NotDecided"
        assert refused(partial(stage.sale.owed, VICTIM)) == "NotDecided"

    outcome = stage.close()
    stage.clear(outcome)
    stage.everybody_leaves(outcome)


def test_abort_is_no_shortcut(stage: Stage) -> None:
    """The issuer would rather not sell at this price: only time, and nobody's result, lets him."""
    outcome = stage.close()
    for moment in (stage.terms.end, stage.terms.allocator_until, (stage.terms.abort_time or 0) - 1):
        market().machine.now = moment or 0
        assert refused(partial(stage.sale.abort, ISSUER)) == "AbortTooEarly"

    stage.sale.clear(outcome.clearing, outcome.margin)

    stage.everybody_leaves(outcome)


# --- Signatures ------------------------------------------------------------------------------


def test_signature_counts_for_one_sale_chain_and_result(stage: Stage) -> None:
    outcome = stage.close()
    right, signature = signed(stage.sale, outcome.clearing)
    other = account("another sale")
    thiefs = Key("thief")
    wrong: list[tuple[Clearing, bytes]] = [
        (right, ALLOCATOR.sign_clearing(other, right)),
        (right, ALLOCATOR.sign_clearing(stage.sale.address, right, chain_id=1)),
        (right, ALLOCATOR.sign_clearing(stage.sale.address, right, chain_id=CHAIN_ID + 1)),
        (right, thiefs.sign_clearing(stage.sale.address, right)),
        (right, GATE.sign_clearing(stage.sale.address, right)),
        (right, malleable(signature)),
        (right, signature[:64]),
        (right, signature + b"\0"),
        (right, signature[:64] + bytes([signature[64] ^ 1])),
        (right, signature[:64] + bytes([signature[64] - 27])),
        (right, bytes(65)),
        (right, b"\0"),
        (right._replace(digest=NO_DIGEST), signature),
        (right._replace(digest=b"lies" * 8), signature),
        (right._replace(cut=right.cut + 1), signature),
        (right._replace(level=right.level + 1), signature),
        (right._replace(tick=right.tick + 1), signature),
    ]
    for clearing, attempt in wrong:
        post = partial(stage.sale.clear, clearing, outcome.margin, attempt, THIEF)
        assert refused(post) == "SignatureInvalid"

    stage.sale.clear(right, outcome.margin, signature, THIEF)

    stage.everybody_leaves(outcome)


def test_signature_for_one_sale_is_refused_by_its_twin() -> None:
    """Two sales with the same terms and the same bids."""
    terms = terms_of(market(), *OFFERED[0])
    first, second = market().open_sale(terms), market().open_sale(terms)
    market().machine.now = terms.start or 0
    for sale in (first, second):
        market().escrow(sale, VICTIM, 10**6)
        sale.bid(VICTIM, 2, 20 - 5)
    market().machine.now = terms.end or 0
    clearing, signature = signed(first, Clearing(2, 0, 0))

    assert refused(partial(second.clear, clearing, [], signature)) == "SignatureInvalid"
    first.clear(clearing, [], signature)
    assert first.phase() == CLEARED
    assert second.result().phase == FUNDED


def test_clearing_without_signature_vouches_for_no_file(stage: Stage) -> None:
    outcome = stage.close()
    market().machine.now = stage.terms.allocator_until or 0
    unsigned = outcome.clearing._replace(digest=DIGEST)

    reason = refused(partial(stage.sale.clear, unsigned, outcome.margin, b"", THIEF))

    assert reason == "DigestUnsigned"
    stage.clear(outcome)
    stage.everybody_leaves(outcome)


# --- Showing the margin in pieces ------------------------------------------------------------


def test_progress_belongs_to_its_caller(stage: Stage) -> None:
    """Pieces shown by the thief, right or wrong, neither help nor harm anybody else."""
    outcome = stage.close()
    if not outcome.margin:
        pytest.skip("no margin under this rule")
    market().machine.now = stage.terms.allocator_until or 0
    right, (first, *rest) = outcome.clearing, outcome.margin
    for wrong, keys in spoilt(outcome, Random(3)):
        refused(partial(stage.sale.advance, wrong, keys, THIEF))
        refused(partial(stage.sale.advance, wrong, keys[:1], THIEF))
    stage.sale.advance(right, [first], account("helper"))

    honest = account("honest poster")
    assert stage.sale.progress(honest, right).open == 0
    assert refused(partial(stage.sale.clear, right, rest, b"", honest)) == "MarginIncomplete"
    stage.sale.advance(right, [first], honest)
    again = partial(stage.sale.advance, right, [first], honest)
    assert refused(again) == "MarginBidInvalid"
    assert refused(partial(stage.sale.clear, right, [], b"", honest)) == "MarginIncomplete"
    stage.sale.clear(right, rest, b"", honest)

    stage.everybody_leaves(outcome)


def test_progress_of_one_result_serves_no_other(stage: Stage) -> None:
    """The whole margin shown under a wrong result helps no right one, and the other way round."""
    outcome = stage.close()
    if not outcome.margin:
        pytest.skip("no margin under this rule")
    market().machine.now = stage.terms.allocator_until or 0
    right, margin = outcome.clearing, outcome.margin
    stage.sale.advance(right, margin, THIEF)

    for wrong, _ in spoilt(outcome, Random(4)):
        if wrong != right:
            assert refused(partial(stage.sale.clear, wrong, [], b"", THIEF))
            assert refused(partial(stage.sale.clear, wrong, margin[-1:], b"", THIEF))
    assert refused(partial(stage.sale.clear, right, margin[-1:], b"", THIEF)) == "MarginBidInvalid"
    assert stage.sale.progress(THIEF, right).unshown_lots == 0
    stage.sale.clear(right, [], b"", THIEF)

    stage.everybody_leaves(outcome)


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


# --- Tokens that call back, and ether --------------------------------------------------------


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
