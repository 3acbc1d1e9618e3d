"""An audit says yes to an honest sale, and names what is wrong with any other."""

import dataclasses
import random

import pytest

from gavelbook.auction import Rule
from gavelbook.chain.audit import audit
from gavelbook.chain.audit_facts import SaleFacts, collect_facts
from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.sale_book import SaleBook
from gavelbook.chain.sale_events import EventKind
from gavelbook.chain.sale_types import Owed, Phase
from gavelbook.chain.signing import sign_clearing
from tests.chain.hooked_node import hooked_web3

pytestmark = pytest.mark.anvil
BIDS = [(0, 3, 4), (1, 5, 3), (2, 3, 2), (1, 4, 2), (3, 1, 4), (3, 0), (0, 3, 5), (4, 3, 1)]


@pytest.fixture(scope="module")
def facts(shared_stage):
    """A sale half paid out: the first bidder has claimed, the proceeds have left."""
    stage = shared_stage
    end = stage.now() + 10_000
    vesting = {"vesting_start": end, "vesting_cliff": end, "vesting_end": end + 1_000}
    sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=14, end=end, **vesting)
    stage.place(sale, BIDS)
    stage.close(sale)
    reader = stage.reader(sale)
    reader.sync()
    plan = plan_clearing(sale.terms().auction, reader.book())
    signature = sign_clearing(stage.allocator, stage.web3.eth.chain_id, sale.address, plan.hint)
    stage.do(stage.allocator, sale.clear(plan.hint, plan.margin_after(0), signature))
    stage.move_to(end + 500)
    stage.do(stage.keeper, sale.claim_many([stage.bidders[0].address, stage.bidders[1].address]))
    stage.do(stage.keeper, sale.collect_proceeds())
    return collect_facts(stage.web3, sale.address, stage.first_block)


def doctored(facts, kind, position=0, **values):
    """Return ``facts`` with the event ``kind`` changed, and the book with it."""
    events = list(facts.events)
    places = [i for i, event in enumerate(events) if event.kind is kind]
    place = places[position]
    changed = {**events[place].values, **values}
    events[place] = dataclasses.replace(events[place], values=changed)
    return with_events(facts, events)


def with_events(facts, events):
    bids = [e for e in events if e.kind in {EventKind.BID_PLACED, EventKind.BID_CANCELLED}]
    book = SaleBook.from_events(bids, facts.block)
    return dataclasses.replace(facts, events=tuple(events), book=book)


def without(facts, kind, position=0):
    places = [i for i, event in enumerate(facts.events) if event.kind is kind]
    return with_events(
        facts, [event for i, event in enumerate(facts.events) if i != places[position]]
    )


def difference(facts, allocation_file=None):
    report = audit(facts, allocation_file)
    assert not report.right
    assert report.difference.message.startswith("Expected ")
    return report.difference.code


def test_an_honest_sale(facts):
    report = audit(facts)
    assert report.difference is None
    assert (report.bids, report.bidders, report.sold_lots) == (6, 4, 14)
    assert report.phase is Phase.CLEARED
    assert report.raised == facts.raised


class TestBids:
    def test_a_bid_was_left_out(self, facts):
        assert difference(without(facts, EventKind.BID_PLACED, 3)) == "lots_differ"
        assert difference(without(facts, EventKind.BID_PLACED, 0)) == "arrival_differs"

    def test_a_cancel_was_left_out(self, facts):
        assert difference(without(facts, EventKind.BID_CANCELLED)) == "lots_differ"

    def test_a_bid_was_changed(self, facts):
        assert difference(doctored(facts, EventKind.BID_PLACED, lots=5)) == "lots_differ"
        assert difference(doctored(facts, EventKind.BID_PLACED, tick=15)) == "arrival_differs"
        assert difference(doctored(facts, EventKind.BID_PLACED, arrival=2)) == "arrival_differs"
        assert difference(doctored(facts, EventKind.BID_PLACED, index=2)) == "index_differs"
        assert difference(doctored(facts, EventKind.BID_PLACED, tick=16)) == "bid_invalid"
        assert difference(doctored(facts, EventKind.BID_PLACED, lots=0)) == "bid_invalid"
        assert difference(doctored(facts, EventKind.BID_PLACED, lots=15)) == "over_cap"

    def test_bids_changed_their_order(self, facts):
        events = list(facts.events)
        events[0], events[2] = events[2], events[0]
        assert difference(with_events(facts, events)) == "arrival_differs"

    def test_a_bid_was_too_late(self, facts):
        last = [event.block for event in facts.events_of(EventKind.BID_PLACED)][-1]
        times = {**facts.times, last: facts.terms.end}
        assert difference(dataclasses.replace(facts, times=times)) == "outside_window"

    def test_a_cancel_was_too_late(self, facts):
        terms = dataclasses.replace(facts.terms, cancel_until=0)
        assert difference(dataclasses.replace(facts, terms=terms)) == "outside_window"

    def test_nobody_admitted_a_bidder(self, facts):
        terms = dataclasses.replace(facts.terms, gate=facts.terms.allocator)
        assert difference(dataclasses.replace(facts, terms=terms)) == "not_admitted"


class TestResult:
    @pytest.mark.parametrize(
        ("name", "code"),
        [
            ("marginal_tick", "marginal_tick_differs"),
            ("level", "level_differs"),
            ("cut", "cut_differs"),
            ("sold_lots", "sold_lots_differs"),
            ("raised", "raised_differs"),
        ],
    )
    def test_the_event_is_another(self, facts, name, code):
        (event,) = facts.events_of(EventKind.CLEARED)
        changed = doctored(facts, EventKind.CLEARED, **{name: event.values[name] + 1})
        assert difference(changed) == code

    @pytest.mark.parametrize(
        "name", ["marginal_tick", "full_from", "margin_from", "level", "cut", "sold_lots"]
    )
    def test_the_record_is_another(self, facts, name):
        result = facts.result._replace(**{name: getattr(facts.result, name) + 1})
        assert difference(dataclasses.replace(facts, result=result)) == f"{name}_differs"

    def test_the_record_has_another_kind_of_margin_or_sum(self, facts):
        result = facts.result._replace(by_rounds=False)
        assert difference(dataclasses.replace(facts, result=result)) == "by_rounds_differs"
        raised = dataclasses.replace(facts, raised=facts.raised - 1)
        assert difference(raised) == "raised_differs"

    def test_the_result_came_early_or_twice_or_from_nowhere(self, facts):
        (event,) = facts.events_of(EventKind.CLEARED)
        early = {**facts.times, event.block: facts.terms.end - 1}
        assert difference(dataclasses.replace(facts, times=early)) == "result_early"
        twice = dataclasses.replace(facts, events=(*facts.events, event))
        assert difference(twice) == "result_events"
        assert difference(without(facts, EventKind.CLEARED)) == "result_events"

    def test_a_sale_that_was_cleared_said_it_failed(self, facts):
        (event,) = facts.events_of(EventKind.CLEARED)
        for aborted, code in ((False, "result_phase"), (True, "abort_early")):
            failed = dataclasses.replace(
                event, kind=EventKind.FAILED, values={"raised": 0, "aborted": aborted}
            )
            events = [failed if e is event else e for e in facts.events]
            assert difference(with_events(facts, events)) == code

    def test_the_file_is_another(self, facts):
        plan = plan_clearing(facts.terms.auction, facts.book)
        assert audit(facts, plan.file).right
        lines = plan.file.split(b"\n")
        for tampered in (
            plan.file.replace(b",3,4,", b",3,5,"),
            plan.file + b"\n",
            b"\n".join([lines[0], lines[2], lines[1], *lines[3:]]),
            b"",
            b"\xff",
        ):
            assert difference(facts, tampered) == "file_differs"

    def test_the_allocator_signed_another_file(self, facts):
        changed = doctored(facts, EventKind.CLEARED, digest="0x" + 64 * "1")
        assert difference(changed) == "digest_differs"
        assert audit(doctored(facts, EventKind.CLEARED, digest="0x" + 64 * "0")).right


class TestPayments:
    @pytest.mark.parametrize("change", [-1, 1])
    def test_another_amount_was_paid(self, facts, change):
        for kind, code in (
            (EventKind.TOKENS_CLAIMED, "tokens_differ"),
            (EventKind.REFUND_CLAIMED, "refund_differs"),
            (EventKind.PROCEEDS_COLLECTED, "collected_differs"),
        ):
            amount = facts.events_of(kind)[0].values["amount"] + change
            assert difference(doctored(facts, kind, amount=amount)) == code

    def test_somebody_else_was_paid(self, facts):
        for kind, code in (
            (EventKind.TOKENS_CLAIMED, "tokens_differ"),
            (EventKind.REFUND_CLAIMED, "refund_differs"),
        ):
            changed = doctored(facts, kind, bidder=facts.address)
            assert difference(changed) == code
        stolen = doctored(facts, EventKind.PROCEEDS_COLLECTED, to=facts.address)
        assert difference(stolen) == "collected_differs"

    def test_a_payment_was_made_twice(self, facts):
        for kind, code in (
            (EventKind.TOKENS_CLAIMED, "tokens_differ"),
            (EventKind.REFUND_CLAIMED, "refund_differs"),
            (EventKind.PROCEEDS_COLLECTED, "collected_differs"),
        ):
            twice = dataclasses.replace(facts, events=(*facts.events, facts.events_of(kind)[0]))
            assert difference(twice) == code

    def test_tokens_were_paid_before_they_vested(self, facts):
        block = facts.events_of(EventKind.TOKENS_CLAIMED)[0].block
        times = {**facts.times, block: facts.times[block] - 400}
        assert difference(dataclasses.replace(facts, times=times)) == "tokens_differ"

    @pytest.mark.parametrize("name", Owed._fields)
    def test_a_bidder_is_owed_something_else(self, facts, name):
        bidder = facts.book.bidders[2]
        owed = facts.owed[bidder]
        changed = owed._replace(**{name: getattr(owed, name) + 1})
        wrong = dataclasses.replace(facts, owed={**facts.owed, bidder: changed})
        assert difference(wrong) == "owed_differs"

    @pytest.mark.parametrize("name", ["sold_balance", "paid_balance"])
    def test_the_sale_holds_less_than_it_owes(self, facts, name):
        held = getattr(facts, name)
        assert difference(dataclasses.replace(facts, **{name: held - 1})) == "balance_short"
        assert audit(dataclasses.replace(facts, **{name: held + 1})).right

    def test_somebody_was_paid_before_the_result(self, facts):
        result = facts.result._replace(phase=Phase.FUNDED)
        undecided = without(dataclasses.replace(facts, result=result), EventKind.CLEARED)
        assert difference(undecided) == "paid_undecided"


def test_any_single_change_is_noticed(facts):
    """Whatever number of whatever event is changed, the audit does not say yes."""
    numbers = random.Random(11)
    harmless = {("Cleared", "caller"), ("TokensClaimed", "to"), ("RefundClaimed", "to")}
    for position, event in enumerate(facts.events):
        for name, value in event.values.items():
            if (str(event.kind), name) in harmless:
                continue
            other = value + numbers.choice([-1, 1]) if isinstance(value, int) else "0x" + "a" * 40
            changed = dataclasses.replace(event, values={**event.values, name: other})
            events = [*facts.events[:position], changed, *facts.events[position + 1 :]]
            try:
                wrong = with_events(facts, events)
            except Exception:  # noqa: BLE001 -- a book that cannot be is as good as noticed
                continue
            assert not audit(wrong).right, (event.kind, name)


def test_facts_are_frozen():
    assert dataclasses.fields(SaleFacts)
    assert SaleFacts.__dataclass_params__.frozen


def test_a_chain_that_moves_while_it_is_read_is_read_again(shared_stage):
    stage = shared_stage
    sale = stage.open_sale()
    stage.place(sale, [(0, 3, 5)])
    web3 = hooked_web3(stage.web3)
    struck = []

    def striking(method, _params, proceed):
        if method == "eth_call" and len(struck) < 2:
            struck.append(stage.request("anvil_rollback", [1]))
            stage.place(sale, [(0, 3, 6 + len(struck))])
        return proceed()

    web3.provider.hook = striking
    facts = collect_facts(web3, sale.address, stage.first_block)
    assert len(struck) == 2
    assert [row.lots for row in facts.book.live] == [8]
    assert audit(facts).right
