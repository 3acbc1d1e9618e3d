"""With the keys of allocator, gate and issuer stolen, the thief gets nothing.

Each test lets the thief try; then the sale ends as the Python rules say, everybody has what is due,
and the thief holds no token.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import TYPE_CHECKING

import pytest

from gavelbook.auction import Rule
from tests.evm.compiled import contract
from tests.evm.machine import CHAIN_ID, account
from tests.evm.sale import (
    CLEARED,
    FUNDED,
    ISSUER,
    NO_DIGEST,
    Clearing,
    key_of,
)
from tests.evm.signatures import Key, malleable
from tests.hostile.scene import (
    NOTHING,
    THIEF,
    VICTIM,
    Stage,
    market,
    refused,
    signed,
    terms_of,
)
from tests.parity.books import OFFERED
from tests.parity.playing import ALLOCATOR, DIGEST, GATE
from tests.parity.spoiling import spoilt

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=OFFERED, ids=lambda pair: f"{pair[0].name}-{pair[1].name}")
def stage(_leave_no_trace: None, request: pytest.FixtureRequest) -> Stage:
    return Stage(market(), terms_of(market(), *request.param))


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


def test_supply_is_not_given_three_times_where_lots_wrap_around() -> None:
    """Lots still to be given are counted in 32 bits: three times 2**31 of them less 2**31 are 0."""
    supply = 2**31
    terms = terms_of(market(), Rule.PRICE_TIME, supply=supply)
    sale, crowd = market().open_sale(terms), [account(f"crowd {number}") for number in range(4)]
    market().machine.now = terms.start or 0
    for bidder, lots in zip(crowd, (supply, supply, supply, 1), strict=True):
        market().escrow(sale, bidder, lots * terms.auction.floor_price)
        sale.bid(bidder, 0, lots)
    market().machine.now = terms.end or 0
    margin = [key_of(bidder, 0) for bidder in crowd]

    for cut, level in ((4, 0), (3, supply - 1), (2, supply - 1)):
        clearing, signature = signed(sale, Clearing(0, level, cut))
        post = partial(sale.clear, clearing, margin, signature, THIEF)
        assert refused(post) == "OverAllocated"

    clearing, signature = signed(sale, Clearing(0, 0, 2))
    sale.clear(clearing, margin, signature)
    won = [sale.owed(bidder).tokens_now for bidder in crowd]
    assert won == [supply * terms.auction.lot_size, 0, 0, 0]


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


def test_progress_that_skipped_a_bid_is_begun_anew(stage: Stage) -> None:
    outcome = stage.close()
    market().machine.now = stage.terms.allocator_until or 0
    right, margin, honest = outcome.clearing, outcome.margin, account("hasty poster")
    stage.sale.advance(right, margin[1:], honest)
    post = partial(stage.sale.clear, right, margin, b"", honest)
    assert refused(post) == "MarginBidInvalid"

    stage.sale.advance(right, [], honest)
    assert stage.sale.progress(honest, right).open == 0
    post()

    stage.everybody_leaves(outcome)


def test_progress_of_one_result_serves_no_other(stage: Stage) -> None:
    """The whole margin shown under a wrong result helps no right one, and the other way round."""
    outcome = stage.close()
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
