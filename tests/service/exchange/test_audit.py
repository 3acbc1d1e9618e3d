import json
import shutil
import sqlite3
from dataclasses import replace
from hashlib import sha256

import pytest
from click.testing import CliRunner

from gavelbook.chain.exchange_events import ExchangeEventKind
from gavelbook.chain.exchange_facts import collect_exchange_facts
from gavelbook.cli import main
from gavelbook.exchange import commands
from gavelbook.exchange.commands import decode, encode
from gavelbook.exchange.orders import Side
from gavelbook.exchange.reports import Filled, OrderDone, OrderRested
from gavelbook.service.exchange.audit import AuditDifference, audit_exchange
from gavelbook.service.exchange.audit_book import AuditBook
from gavelbook.service.exchange.audit_chain import check_told
from gavelbook.service.exchange.entries import Entry, entry_digest, next_head
from gavelbook.service.exchange.public_log import PublicLog, open_public_log
from gavelbook.service.exchange.receipts import receipt_of

A, B, C, D = (bytes([n]) * 32 for n in range(4))


class Story:
    """Some trading on a chain, its log, receipts and what the chain says, to be tampered with."""

    def __init__(self, floor, folder):
        self.floor = floor
        self.folder = folder
        maker, taker, other = floor.traders
        with floor.service(folder) as service:
            service.open_up()
            orders = [
                maker.sell(2, 7),
                other.sell(2, 7),
                maker.sell(2, 8, lane=1),
                taker.buy(3, 9),
                taker.buy(1, 8, lane=1),
                maker.sell(1, 5, market=2, lane=4),
                taker.buy(1, 5, market=2, lane=4),
            ]
            service.trade(*orders[:2])
            placed = service.submit(*orders[2:])
            service.settle()
            floor.deposit(maker, floor.gold, 5)
            service.open_up()
            self.receipts = [receipt_of(service.running.log, each.position) for each in placed]
        self.facts = collect_exchange_facts(floor.web3, floor.exchange.address, floor.from_block)
        log = open_public_log(str(folder / "log.sqlite"))
        self.origin, self.entries = log.origin, list(log.entries)

    def audit(self, *, receipts=None, changed=None, facts=None):
        """Audit; ``changed`` takes the commands and returns others, whose heads are right."""
        entries = self.entries if changed is None else self.rewritten(changed)
        log = PublicLog(self.origin, iter(entries))
        return audit_exchange(
            facts or self.facts, log, self.receipts if receipts is None else receipts
        )

    def rewritten(self, changed):
        head, entries = sha256(self.origin).digest(), []
        told = [(entry.time_ms, decode(entry.content)) for entry in self.entries]
        for position, (time_ms, command) in enumerate(changed(told), start=1):
            content = encode(command)
            head = next_head(head, entry_digest(position, time_ms, content))
            entries.append(Entry(position, time_ms, content, head))
        return entries

    def code(self, **options):
        return self.audit(**{"receipts": [], **options}).difference.code


@pytest.fixture(scope="module")
def story(sepolia_url, tmp_path_factory):
    from gavelbook.chain.connection import connect
    from tests.service.exchange.trading_floor import Floor

    return Story(Floor(connect(sepolia_url)), tmp_path_factory.mktemp("audit"))


def orders_swapped(told):
    """Put the second sell before the first: the one who came later is served first."""
    first, second, *_ = (
        i for i, (_, command) in enumerate(told) if isinstance(command, commands.PlaceOrder)
    )
    told[first], told[second] = (told[first][0], told[second][1]), (told[second][0], told[first][1])
    return told


def without(kind, number=0):
    def changed(told):
        places = [i for i, (_, command) in enumerate(told) if isinstance(command, kind)]
        del told[places[number]]
        return told

    return changed


@pytest.mark.anvil
class TestAudit:
    def test_an_honest_log_is_right(self, story):
        audit = story.audit()
        assert audit.difference is None
        assert (audit.orders, audit.fills, audit.settled_fills, audit.batches) == (7, 4, 4, 2)
        assert (audit.untold, audit.entries) == (0, len(story.entries))

    def test_another_order_of_arrival_is_found_by_the_head_that_the_chain_has(self, story):
        assert story.code(changed=orders_swapped) == "log_head_unknown"

    def test_a_fill_on_chain_with_another_order_than_the_log_says(self, story):
        events = list(story.facts.events)
        fills = [i for i, e in enumerate(events) if e.kind is ExchangeEventKind.FILL]
        first, second = (events[i] for i in fills[:2])
        events[fills[0]] = replace(
            first, values={**first.values, "maker_order": second.values["maker_order"]}
        )
        audit = story.audit(facts=replace(story.facts, events=tuple(events)))
        assert audit.difference.code == "fill_differs"
        assert "the maker order of fill 1 in batch 1" in audit.difference.message

    def test_a_fill_on_chain_that_the_log_does_not_have(self, story):
        events = list(story.facts.events)
        place = next(i for i, e in enumerate(events) if e.kind is ExchangeEventKind.BATCH_SETTLED)
        events.insert(place, events[place - 1])
        facts = replace(story.facts, events=tuple(events))
        assert story.audit(facts=facts).difference.code in {"fill_invented", "fill_differs"}

    def test_an_order_left_out_is_found_by_its_receipt(self, story):
        audit = story.audit(changed=without(commands.PlaceOrder, 2))
        assert audit.difference.code == "receipt_not_in_log"

    def test_a_log_changed_without_its_heads(self, story):
        entries = list(story.entries)
        entries[4] = entries[4]._replace(time_ms=entries[4].time_ms + 1)
        log = PublicLog(story.origin, iter(entries))
        assert audit_exchange(story.facts, log).difference.code == "head_differs"

    def test_a_log_with_a_gap(self, story):
        log = PublicLog(story.origin, iter(story.entries[:3] + story.entries[4:]))
        assert audit_exchange(story.facts, log).difference.code == "position_differs"

    def test_an_order_that_its_maker_did_not_sign(self, story):
        def forged(told):
            return [
                (t, _with(c, signature=bytes(c.signature[:5]) + b"\1" + c.signature[6:]))
                if isinstance(c, commands.PlaceOrder)
                else (t, c)
                for t, c in told
            ]

        assert story.code(changed=forged) in {"order_signature_differs", "entry_refused"}

    def test_an_order_that_nobody_approved(self, story):
        def unsigned(told):
            return [
                (t, _with(c, signature=b"") if isinstance(c, commands.PlaceOrder) else c)
                for t, c in told
            ]

        assert story.code(changed=unsigned) == "order_not_approved"

    def test_a_deposit_that_never_was(self, story):
        def invented(told):
            told.insert(20, (told[19][0], commands.Deposit(b"\x66" * 20, b"\x67" * 20, 5)))
            return told

        assert story.code(changed=invented) == "chain_differs"

    def test_a_deposit_kept_back(self, story):
        assert story.code(changed=without(commands.Deposit, 3)) in {
            "chain_differs",
            "entry_refused",
        }

    def test_the_latest_events_may_be_untold(self, story):
        audit = story.audit(changed=without(commands.Deposit, -1), receipts=[])
        # Other heads than the chain has; the last deposit came after them.
        assert (audit.difference, audit.untold) == (None, 1)

    def test_a_batch_that_commits_to_another_log(self, story):
        def late(told):
            return [(time_ms + 1, command) for time_ms, command in told]

        assert story.code(changed=late) == "log_head_unknown"

    def test_a_receipt_of_another_matcher(self, story):
        forged = story.receipts[0]
        fields = {name: getattr(forged, name) for name in forged.__struct_fields__}
        spoilt = type(forged)(**{**fields, "head_position": forged.head_position, "head": A})
        assert story.audit(receipts=[spoilt]).difference.code == "receipt_invalid"

    def test_a_receipt_where_the_blocks_read_name_no_matcher(self, story):
        events = [e for e in story.facts.events if e.kind is not ExchangeEventKind.MATCHER_CHANGED]
        audit = story.audit(facts=replace(story.facts, events=tuple(events)))
        assert audit.difference.code == "receipt_invalid"
        assert "no matcher" in audit.difference.message

    def test_the_log_of_another_exchange(self, story):
        origin = story.origin.replace(b'"11155111"', b'"1"')
        audit = audit_exchange(story.facts, PublicLog(origin, iter(story.entries)))
        assert audit.difference.code == "origin_differs"


@pytest.mark.anvil
class TestCommand:
    def run(self, story, *arguments):
        url = story.floor.web3.provider.endpoint_uri
        start = str(story.floor.from_block)
        command = ["audit", story.floor.exchange.address, "--rpc", url, "--from-block", start]
        return CliRunner().invoke(main, [*command, *arguments])

    def test_says_yes(self, story, tmp_path):
        copy, receipt = tmp_path / "copy.sqlite", tmp_path / "receipt.json"
        shutil.copy(story.folder / "log.sqlite", copy)
        receipt.write_text(json.dumps(_as_answered(story.receipts[0])))
        answer = self.run(story, "--log", str(copy), "--receipt", str(receipt))
        assert answer.exit_code == 0, answer.output
        assert answer.output.startswith("yes: 7 orders and 4 fills in ")
        assert "4 fills settled in 2 batches" in answer.output

    def test_says_no_and_names_the_difference(self, story, tmp_path):
        copy = tmp_path / "copy.sqlite"
        shutil.copy(story.folder / "log.sqlite", copy)
        with sqlite3.connect(copy) as database:
            database.execute("UPDATE log SET time_ms = time_ms + 1 WHERE position = 5")
        answer = self.run(story, "--log", str(copy))
        assert answer.exit_code == 1
        assert answer.output.startswith("no: head_differs: Expected the head at position 5")

    @pytest.mark.parametrize(
        ("arguments", "code"),
        [
            (["--log", "nowhere.sqlite"], "log_unreadable"),
            (["--log", "http://127.0.0.1:9"], "log_unreachable"),
            (["--log", "x", "--receipt", "nowhere.json"], "file_unreadable"),
            (["--log", "x", "--receipt", __file__], "receipt_malformed"),
        ],
    )
    def test_says_what_it_cannot_read(self, story, arguments, code):
        answer = self.run(story, *arguments)
        assert answer.exit_code == 2
        assert f"error: {code}: " in answer.output


class TestBook:
    """Fills that a dishonest engine would report."""

    @pytest.fixture
    def book(self):
        book = AuditBook()
        for position, (order_hash, side, ticks) in enumerate(
            [(A, Side.SELL, 7), (B, Side.SELL, 6), (C, Side.SELL, 6), (D, Side.BUY, 3)]
        ):
            rested = OrderRested(order_hash, b"", 1, side, 5, ticks, 0)
            book.follow(position, commands.Clock(), [rested])
        return book

    def fill(self, maker, lots, ticks, side=Side.BUY):
        return Filled(1, 1, maker, rb"\9" * 32, b"", b"", lots, ticks, side, 0, 0, 0, 0)

    def test_takes_the_best_price_and_then_the_oldest(self, book):
        for maker, lots, ticks in ((B, 5, 6), (C, 2, 6), (C, 3, 6), (A, 1, 7)):
            book.follow(9, commands.Clock(), [self.fill(maker, lots, ticks)])
        book.follow(9, commands.Clock(), [self.fill(D, 5, 3, Side.SELL)])

    def test_takes_the_next_after_one_that_ended(self, book):
        done = OrderDone(B, b"", 1, Side.SELL, 5, 6, True, "cancelled")  # noqa: FBT003
        book.follow(9, commands.Clock(), [done, self.fill(C, 1, 6)])

    @pytest.mark.parametrize(
        ("maker", "lots", "ticks", "side"),
        [
            (A, 1, 7, Side.BUY),
            (C, 1, 6, Side.BUY),
            (B, 1, 7, Side.BUY),
            (B, 6, 6, Side.BUY),
            (B, 1, 6, Side.SELL),
        ],
    )
    def test_names_a_violation(self, book, maker, lots, ticks, side):
        with pytest.raises(AuditDifference) as caught:
            book.follow(9, commands.Clock(), [self.fill(maker, lots, ticks, side)])
        assert caught.value.code == "priority_violated"


class TestReorganisedChains:
    def test_what_came_and_went_is_left_out(self):
        one, two = (commands.Deposit(bytes([n]) * 20, A[:20], 5) for n in (1, 2))
        gone = commands.ReverseDeposit(one.account, one.token, 5)
        assert check_told([two], [(1, one), (2, gone), (3, two)]) == 0
        assert check_told([two, one], [(1, one), (2, gone), (3, two)]) == 1
        assert check_told([one], [(1, one), (2, gone), (3, one)]) == 0

    def test_an_exit_that_came_and_went(self):
        holding = (b"\1" * 20, A[:20])
        asked, cancelled = commands.ExitRequested(*holding), commands.ExitCancelled(*holding)
        left, back = commands.Exited(*holding, 5), commands.Deposit(*holding, 5)
        log = list(enumerate([asked, left, back, asked]))
        assert check_told([asked], log) == 0
        assert check_told([], [*log, (4, cancelled)]) == 0
        assert check_told([asked, left], log[:2]) == 0

    @pytest.mark.parametrize("logged", [[1, 1], [2], [1, -1, 2]])
    def test_what_never_was_is_found(self, logged):
        def command(n):
            kind = commands.Deposit if n > 0 else commands.ReverseDeposit
            return kind(bytes([abs(n)]) * 20, A[:20], 5)

        with pytest.raises(AuditDifference):
            check_told([command(1)], list(enumerate(map(command, logged))))


def _with(command, **changes):
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, **changes})


def _as_answered(receipt):
    def octets(value):
        return f"0x{value.hex()}"

    return {
        "orderHash": octets(receipt.order_hash),
        "position": str(receipt.position),
        "time": str(receipt.time_ms),
        "content": octets(receipt.content),
        "previousHead": octets(receipt.previous_head),
        "digests": [octets(each) for each in receipt.digests],
        "head": octets(receipt.head),
        "headPosition": str(receipt.head_position),
        "signature": octets(receipt.signature),
    }
