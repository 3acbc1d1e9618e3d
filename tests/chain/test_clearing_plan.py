import csv
import io
import random

import pytest
from click.testing import CliRunner
from eth_utils.crypto import keccak

from gavelbook.auction import AuctionTerms, Pricing, Rule
from gavelbook.chain.clearing_plan import chunked, plan_clearing
from gavelbook.chain.dues import Due, Paid, dues, open_claims, vested_lots
from gavelbook.chain.sale_book import BidRow, SaleBook
from gavelbook.chain.sale_types import NO_DIGEST, Phase, bid_key
from gavelbook.cli import main

TERMS = {
    "pricing": Pricing.PAY_AS_BID, "supply_lots": 20, "lot_size": 10**15, "floor_price": 1_000_000,
    "tick_value": 50_000, "tick_count": 16, "min_bid_lots": 1, "cap_bps": 10_000,
}  # fmt: skip
# The sample of docs/formats.md.
SAMPLE = [
    (3, 4),
    (5, 3),
    (3, 2),
    (5, 2),
    (1, 4),
    (3, 6),
    (3, 1),
    (4, 4),
    (3, 5),
    (0, 3),
    (2, 5),
    (4, 1),
]


def name(number):
    from eth_utils.address import to_checksum_address

    return to_checksum_address(f"0x{number + 1:040x}")


def book_of(bids, rule, cancelled=()):
    """Return a book with one bidder for each bid, numbered as the contract numbers arrivals."""
    rows, arrivals = [], {}
    for position, (tick, lots) in enumerate(bids):
        group = 0 if rule is Rule.TOP_THEN_ROUND_ROBIN else tick
        arrivals[group] = arrivals.get(group, 0) + 1
        live = position not in cancelled
        rows.append(BidRow(name(position), 0, tick, lots, arrivals[group], 7, position, live))
    return SaleBook(tuple(rows), 7)


def plan_of(rule, bids=SAMPLE, cancelled=(), **changes):
    terms = AuctionTerms(rule=rule, **{**TERMS, **changes})
    return plan_clearing(terms, book_of(bids, rule, cancelled))


@pytest.mark.parametrize(
    ("rule", "expected", "margin"),
    [
        (Rule.PRICE_TIME, (3, 4, 3), [0, 2, 5, 6, 8]),
        (Rule.GROUP_ROUND_ROBIN, (3, 2, 3), [0, 2, 5, 6, 8]),
        (Rule.TOP_THEN_ROUND_ROBIN, (5, 1, 9), [0, 2, 4, 5, 6, 7, 8, 9, 10, 11]),
    ],
)
def test_the_worked_example(rule, expected, margin):
    plan = plan_of(rule)
    assert plan.hint[:3] == expected
    assert plan.margin_after(0) == [bid_key(name(position), 0) for position in margin]
    assert plan.hint.digest == keccak(plan.file) == plan.digest
    assert plan.unsigned_hint == plan.hint._replace(digest=NO_DIGEST)
    assert plan.result.phase is Phase.CLEARED


def test_a_cancelled_bid_keeps_its_arrival_to_itself():
    plan = plan_of(Rule.PRICE_TIME, cancelled={2})
    assert plan.hint[:3] == (3, 6, 3) or plan.hint.cut in {3, 4}
    assert bid_key(name(2), 0) not in plan.margin_after(0)
    arrivals = [arrival for arrival, _ in plan.margin]
    assert arrivals == [1, 3, 4, 5]


def test_nothing_is_shown_where_nothing_is_cut():
    plan = plan_of(Rule.GROUP_ROUND_ROBIN, supply_lots=10)
    assert plan.hint[:3] == (4, 0, 0)
    assert plan.margin == ()
    few = plan_of(Rule.GROUP_ROUND_ROBIN, supply_lots=100)
    assert few.hint[:3] == (0, 0, 0)


def test_a_failed_sale_has_an_empty_result():
    plan = plan_of(Rule.PRICE_TIME, minimum_raise=25_000_000)
    assert plan.result.phase is Phase.FAILED
    assert not any(plan.result[1:])
    rows = list(csv.DictReader(io.StringIO(plan.file.decode())))
    assert {row["filled"] for row in rows} == {"0"}


def test_the_margin_goes_on_after_an_arrival():
    plan = plan_of(Rule.GROUP_ROUND_ROBIN)
    assert plan.margin_after(3) == plan.margin_after(0)[3:]
    assert plan.margin_after(5) == []
    assert list(chunked(plan.margin_after(0), 2)) == [
        plan.margin_after(0)[:2], plan.margin_after(2)[:2], plan.margin_after(4),
    ]  # fmt: skip


def test_the_file_is_what_the_command_writes(tmp_path):
    plan = plan_of(Rule.TOP_THEN_ROUND_ROBIN)
    bids = "\n".join(f"{row.bidder},{row.tick},{row.lots}" for row in plan.book.live)
    (tmp_path / "bids.csv").write_text(f"bidder,tick,lots\n{bids}\n")
    terms = {**TERMS, "pricing": "PAY_AS_BID", "rule": "TOP_THEN_ROUND_ROBIN"}
    (tmp_path / "terms.yaml").write_text("\n".join(f"{k}: {v}" for k, v in terms.items()))
    arguments = ["allocate", str(tmp_path / "bids.csv"), "--terms", str(tmp_path / "terms.yaml")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "bids.allocation.csv").read_bytes() == plan.file
    assert f"0x{plan.digest.hex()}" in result.output


class TestDues:
    def test_lots_and_refunds_add_up(self):
        numbers = random.Random(2)
        for rule in Rule:
            bids = [(numbers.randrange(16), numbers.randint(1, 9)) for _ in range(40)]
            plan = plan_of(rule, bids)
            due = dues(plan.book, plan.allocation, failed=False)
            terms = plan.allocation.terms
            escrow = sum(row.lots * terms.price(row.tick) for row in plan.book.live)
            assert sum(d.won_lots for d in due.values()) == plan.allocation.sold_lots
            assert sum(d.refund for d in due.values()) == escrow - plan.allocation.raised

    def test_a_failed_sale_gives_all_back(self):
        plan = plan_of(Rule.PRICE_TIME, [(3, 4), (5, 3)])
        due = dues(plan.book, plan.allocation, failed=True)
        assert due == {name(0): Due(0, 4 * 1_150_000), name(1): Due(0, 3 * 1_250_000)}

    def test_lots_vest_in_whole_steps(self):
        class Vesting:
            vesting_start, vesting_cliff, vesting_end = 100, 150, 200

        vested = [vested_lots(Vesting, 7, time) for time in (0, 149, 150, 171, 199, 200, 999)]
        assert vested == [0, 0, 3, 4, 6, 7, 7]

    def test_who_can_claim(self):
        class Terms:
            vesting_start, vesting_cliff, vesting_end = 100, 150, 200

            class auction:  # noqa: N801
                lot_size = 10

        due = {"a": Due(4, 0), "b": Due(0, 5), "c": Due(4, 5), "d": Due(0, 0)}
        paid = {"c": Paid(20, 5), "b": Paid(0, 5)}
        assert open_claims(Terms, due, {}, 100) == ["b", "c"]
        assert open_claims(Terms, due, paid, 100) == []
        assert open_claims(Terms, due, paid, 150) == ["a"]
        assert open_claims(Terms, due, paid, 200) == ["a", "c"]
