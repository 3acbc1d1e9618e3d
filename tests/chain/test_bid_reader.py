import random

import pytest

from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.connection import connect
from gavelbook.chain.errors import ChainError, ChainUnreachable, StoreError
from gavelbook.chain.event_store import BlockMark, EventStore
from gavelbook.chain.sale_book import SaleBook
from gavelbook.chain.sale_events import EventKind, SaleEvent
from tests.chain.anvil_chain import running_anvil
from tests.chain.hooked_node import hooked_web3, rpc_error
from tests.chain.stage import Stage, people


def as_bids(stage, book, *, live=True):
    names = {account.address: i for i, account in enumerate(stage.bidders)}
    rows = book.live if live else book.rows
    return [(names[row.bidder], row.tick, row.lots, row.index, row.arrival) for row in rows]


@pytest.fixture
def own_stage():
    """A stage on an anvil of its own, for tests that take blocks back."""
    with running_anvil() as url:
        yield Stage(connect(url), people(8))


@pytest.mark.anvil
class TestReading:
    def test_bids_come_in_order_of_arrival(self, stage):
        sale = stage.open_sale()
        reader = stage.reader(sale)
        stage.place(sale, [(1, 3, 5), (0, 3, 6), (1, 2, 7), (2, 3, 1)])
        reader.sync()
        book = reader.book()
        assert as_bids(stage, book) == [
            (1, 3, 5, 0, 1),
            (0, 3, 6, 0, 2),
            (1, 2, 7, 1, 1),
            (2, 3, 1, 0, 3),
        ]
        places = [(row.block, row.log_index) for row in book.rows]
        assert places == sorted(places)
        assert book.block == stage.web3.eth.block_number
        assert book.lots_by_tick(16) == sale.lots_at(0, 16)
        assert list(book.bids.lots) == [5, 6, 7, 1]

    def test_cancelled_bids_stay_and_their_index_is_used_again(self, stage):
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (0, 4, 6), (0, 0), (0, 5, 7), (0, 0), (0, 6, 8)])
        reader = stage.reader(sale)
        reader.sync()
        book = reader.book()
        assert [(row.index, row.tick, row.live) for row in book.rows] == [
            (0, 3, False), (1, 4, True), (0, 5, False), (0, 6, True),
        ]  # fmt: skip
        assert book.bidders == (stage.bidders[0].address,)
        live = {(bid.index, bid.tick) for bid in sale.bids_of(stage.bidders[0].address)}
        assert live == {(row.index, row.tick) for row in book.live}

    def test_bids_of_one_block_are_ordered_by_log(self, stage):
        sale = stage.open_sale()
        stage.request("evm_setAutomine", [False])
        hashes = [
            (account, stage.sender(account).send(sale.bid(2, lots), gas=300_000))
            for lots, account in enumerate(stage.bidders, start=1)
        ]
        stage.request("anvil_mine", [1])
        for account, transaction in hashes:
            stage.sender(account).wait(transaction)
        reader = stage.reader(sale)
        reader.sync()
        rows = reader.book().rows
        assert len({row.block for row in rows}) == 1
        assert [row.arrival for row in rows] == [1, 2, 3, 4, 5, 6]

    def test_all_kinds_of_events(self, stage):
        sale = stage.open_sale(supply_lots=10)
        stage.place(sale, [(0, 3, 5), (0, 0), (1, 2, 4)])
        stage.move_to(sale.terms().allocator_until)
        from gavelbook.chain.sale import ClearingHint

        stage.do(stage.keeper, sale.clear(ClearingHint(0, 0, 0)))
        stage.do(stage.keeper, sale.claim(stage.bidders[1].address))
        stage.do(stage.keeper, sale.collect_proceeds())
        stage.do(stage.keeper, sale.collect_unsold())
        reader = stage.reader(sale)
        reader.sync()
        assert [event.kind for event in reader.events()] == [
            EventKind.BID_PLACED, EventKind.BID_CANCELLED, EventKind.BID_PLACED,
            EventKind.CLEARED, EventKind.TOKENS_CLAIMED,
            EventKind.PROCEEDS_COLLECTED, EventKind.UNSOLD_COLLECTED,
        ]  # fmt: skip
        (cleared,) = reader.events("Cleared")
        assert cleared.values == {
            "caller": stage.keeper.address, "digest": "0x" + 64 * "0", "marginal_tick": 0,
            "level": 0, "cut": 0, "sold_lots": 4, "raised": 4_400_000,
        }  # fmt: skip
        (collected,) = reader.events(EventKind.PROCEEDS_COLLECTED)
        assert collected.values == {"to": stage.proceeds, "amount": 4_400_000}

    def test_a_reader_stops_below_the_confirmations(self, stage):
        sale = stage.open_sale()
        reader = stage.reader(sale, confirmations=3)
        stage.place(sale, [(0, 3, 5)])
        reader.sync()
        assert reader.book().rows == ()
        stage.mine(3)
        seen = []
        reader.sync(lambda done, total: seen.append((done, total)))
        assert len(reader.book().rows) == 1
        assert seen
        assert seen[-1][0] == seen[-1][1]

    def test_a_reader_stops_at_a_block(self, stage):
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5)])
        block = stage.web3.eth.block_number
        stage.place(sale, [(0, 3, 6)])
        reader = stage.reader(sale)
        assert reader.sync(to_block=block) == block
        assert len(reader.book().rows) == 1

    def test_a_restart_resumes_from_the_last_block(self, stage, tmp_path):
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 2, 4)])
        path = tmp_path / "new" / "events.sqlite"
        store = EventStore(path)
        stage.reader(sale, store=store).sync()
        store.close()
        stage.place(sale, [(2, 1, 3)])
        web3 = hooked_web3(stage.web3)
        asked = []

        def watching(method, params, proceed):
            if method == "eth_getLogs":
                asked.append(int(params[0]["fromBlock"], 16))
            return proceed()

        web3.provider.hook = watching
        reader = BidReader(web3, sale.address, stage.first_block, EventStore(path))
        reader.sync()
        assert as_bids(stage, reader.book()) == [(0, 3, 5, 0, 1), (1, 2, 4, 0, 1), (2, 1, 3, 0, 1)]
        assert min(asked) > stage.first_block + 6

    def test_a_store_belongs_to_one_sale(self, stage, tmp_path):
        store = EventStore(tmp_path / "events.sqlite")
        stage.reader(stage.open_sale(), store=store)
        with pytest.raises(StoreError) as caught:
            stage.reader(stage.open_sale(), store=store)
        assert caught.value.code == "store_of_another_sale"


@pytest.mark.anvil
class TestBadNodes:
    @pytest.mark.parametrize("limit", [1, 2, 7])
    def test_ranges_are_halved_until_the_node_answers(self, stage, limit):
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 2, 4), (2, 3, 1)])
        web3 = hooked_web3(stage.web3)
        refused = []

        def limiting(method, params, proceed):
            if method == "eth_getLogs":
                first, last = (int(params[0][key], 16) for key in ("fromBlock", "toBlock"))
                if last - first + 1 > limit:
                    refused.append(last - first)
                    return rpc_error("query returned more than 10000 results", -32005)
            return proceed()

        web3.provider.hook = limiting
        reader = BidReader(web3, sale.address, stage.first_block)
        reader.sync()
        assert refused
        assert len(reader.book().rows) == 3

    def test_a_node_that_refuses_even_one_block(self, stage):
        sale = stage.open_sale()
        web3 = hooked_web3(stage.web3)
        web3.provider.hook = lambda method, _params, proceed: (
            rpc_error("logs are disabled") if method == "eth_getLogs" else proceed()
        )
        with pytest.raises(ChainError) as caught:
            BidReader(web3, sale.address, stage.first_block).sync()
        assert caught.value.code == "logs_refused"

    def test_an_outage_keeps_what_was_read(self, stage):
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 2, 4), (2, 3, 1)])
        web3 = hooked_web3(stage.web3)
        reader = BidReader(web3, sale.address, stage.first_block)
        reader._range = 1
        answers = iter(range(2))

        def failing(method, _params, proceed):
            if method == "eth_getLogs" and next(answers, None) is None:
                raise ChainUnreachable("rpc_unreachable", "Expected an answer")
            return proceed()

        web3.provider.hook = failing
        with pytest.raises(ChainUnreachable):
            reader.sync()
        last = reader.store.last_mark()
        assert last.number == stage.first_block + 2
        web3.provider.hook = lambda _method, _params, proceed: proceed()
        reader.sync()
        assert len(reader.book().rows) == 3

    def test_a_node_that_changes_its_mind_all_the_time(self, stage):
        sale = stage.open_sale()
        web3 = hooked_web3(stage.web3)
        numbers = random.Random(1)

        def restless(method, _params, proceed):
            answer = proceed()
            if method == "eth_getBlockByNumber":
                answer["result"]["hash"] = f"0x{numbers.getrandbits(256):064x}"
            return answer

        web3.provider.hook = restless
        with pytest.raises(ChainError) as caught:
            BidReader(web3, sale.address, stage.first_block).sync()
        assert caught.value.code == "chain_unsteady"


@pytest.mark.anvil
class TestReorganisations:
    def test_bids_taken_back_are_unwound(self, own_stage):
        stage = own_stage
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5)])
        reader = stage.reader(sale)
        reader.sync()
        stage.place(sale, [(1, 3, 6), (0, 0), (2, 1, 1)])
        reader.sync()
        assert [bid[0] for bid in as_bids(stage, reader.book())] == [1, 2]
        stage.request("anvil_reorg", [3, []])
        reader.sync()
        assert reader.unwound_events == 3
        assert [bid[0] for bid in as_bids(stage, reader.book())] == [0]
        stage.place(sale, [(2, 3, 2), (1, 3, 9)])
        reader.sync()
        assert as_bids(stage, reader.book()) == [(0, 3, 5, 0, 1), (2, 3, 2, 0, 2), (1, 3, 9, 0, 3)]

    def test_the_same_height_with_other_bids(self, own_stage):
        stage = own_stage
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 3, 6)])
        reader = stage.reader(sale)
        reader.sync()
        stage.request("anvil_rollback", [2])
        stage.place(sale, [(1, 3, 6), (0, 3, 5)])
        reader.sync()
        assert [bid[0] for bid in as_bids(stage, reader.book())] == [1, 0]

    def test_a_chain_that_became_shorter(self, own_stage):
        stage = own_stage
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 3, 6)])
        reader = stage.reader(sale)
        reader.sync()
        stage.request("anvil_rollback", [1])
        assert reader.sync() == stage.web3.eth.block_number
        assert [bid[0] for bid in as_bids(stage, reader.book())] == [0]

    def test_a_reorganisation_while_reading(self, own_stage):
        stage = own_stage
        sale = stage.open_sale()
        stage.place(sale, [(0, 3, 5), (1, 3, 6), (2, 3, 7)])
        web3 = hooked_web3(stage.web3)
        reader = BidReader(web3, sale.address, stage.first_block)
        struck = []

        def striking(method, _params, proceed):
            answer = proceed()
            if method == "eth_getLogs" and not struck:
                struck.append(stage.request("anvil_rollback", [2]))
                stage.place(sale, [(2, 3, 7)])
            return answer

        web3.provider.hook = striking
        reader.sync()
        assert struck
        assert [bid[0] for bid in as_bids(stage, reader.book())] == [0, 2]

    def test_many_random_reorganisations_leave_what_a_new_reader_reads(self, own_stage, tmp_path):
        stage = own_stage
        sale = stage.open_sale()
        numbers = random.Random(20)
        path = tmp_path / "events.sqlite"
        store = EventStore(path)
        reader = stage.reader(sale, store=store)
        for _ in range(12):
            for _ in range(numbers.randint(1, 4)):
                bidder = numbers.randrange(4)
                live = sale.bids_of(stage.bidders[bidder].address)
                if live and numbers.random() < 0.3:
                    stage.place(sale, [(bidder, numbers.choice(live).index)])
                elif len(live) < 20:
                    stage.place(sale, [(bidder, numbers.randrange(16), numbers.randint(1, 4))])
            reader._range = numbers.choice([1, 3, 2_000])
            reader.sync()
            depth = numbers.randint(0, 5)
            room = stage.web3.eth.block_number - stage.first_block - len(stage.bidders)
            if 0 < depth <= room:
                how = numbers.choice(["anvil_reorg", "anvil_rollback"])
                stage.request(how, [depth, []] if how == "anvil_reorg" else [depth])
            if numbers.random() < 0.3:
                store.close()
                store = EventStore(path)
                reader = stage.reader(sale, store=store)
            reader.sync()
            fresh = stage.reader(sale)
            fresh.sync()
            assert reader.events() == fresh.events()
            assert reader.book() == fresh.book()
            assert reader.book().lots_by_tick(16) == sale.lots_at(0, 16)


class TestBooks:
    """A book refuses events that no sale emits: then some are missing."""

    BIDDER = "0x00000000000000000000000000000000000000Cc"

    def event(self, kind, log_index, **changes):
        values = {"bidder": self.BIDDER, "tick": 1, "index": 0, "lots": 2, "arrival": 1}
        return SaleEvent(kind, 5, log_index, "0x", values | changes)

    @pytest.mark.parametrize(
        ("kind", "changes"),
        [
            (EventKind.BID_PLACED, {}),
            (EventKind.BID_CANCELLED, {"index": 1}),
            (EventKind.BID_CANCELLED, {"lots": 3}),
            (EventKind.BID_CANCELLED, {"tick": 3}),
            (EventKind.BID_CANCELLED, {"arrival": 3}),
        ],
    )
    def test_contradictions(self, kind, changes):
        events = [self.event(EventKind.BID_PLACED, 0), self.event(kind, 1, **changes)]
        with pytest.raises(ChainError) as caught:
            SaleBook.from_events(events, 5)
        assert caught.value.code == "events_incomplete"

    def test_no_bids(self):
        book = SaleBook.from_events([], 5)
        assert (book.live, book.bidders, len(book.bids)) == ((), (), 0)


class TestStore:
    def test_amounts_are_decimal_text(self, tmp_path):
        store = EventStore(tmp_path / "events.sqlite")
        values = {"to": "0x00000000000000000000000000000000000000Cc", "amount": 2**256 - 1}
        event = SaleEvent(EventKind.PROCEEDS_COLLECTED, 5, 0, "0xab", values)
        failed = SaleEvent(EventKind.FAILED, 6, 0, "0xac", {"raised": 0, "aborted": True})
        store.add([event, failed], [BlockMark(6, "0x66")])
        assert list(store.events()) == [event, failed]
        (text,) = store._database.execute("SELECT values_json FROM events LIMIT 1").fetchone()
        assert f'"{2**256 - 1}"' in text

    def test_a_write_is_whole_or_not_at_all(self):
        store = EventStore()
        event = SaleEvent(EventKind.FAILED, 6, 0, "0xac", {"raised": 0, "aborted": True})
        with pytest.raises(Exception, match="UNIQUE"):
            store.add([event, event], [BlockMark(6, "0x66")])
        assert list(store.events()) == []
        assert store.last_mark() is None

    def test_a_file_that_is_no_database(self, tmp_path):
        path = tmp_path / "events.sqlite"
        path.write_bytes(b"not a database" * 100)
        with pytest.raises(StoreError):
            EventStore(path)
