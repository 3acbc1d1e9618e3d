"""The public log replayed by the demo, with an exchange that tells the truth or does not."""

from types import SimpleNamespace

import msgspec
import pytest
from msgspec.structs import replace

from gavelbook.demo.errors import DemoError
from gavelbook.demo.log_replay import BOOK_LEVELS, LogReplay, checked_receipt
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from gavelbook.exchange.signing import Domain
from gavelbook.service.exchange.errors import LogError
from gavelbook.service.exchange.public_log import public_log
from gavelbook.service.exchange.receipts import receipt_of
from gavelbook.wire.accounts import LogEntryView, LogPage, ReceiptView
from gavelbook.wire.scalars import Hash32, Octets, Signature, Uint64
from tests.service.exchange.market_day import (
    BASE,
    DOMAIN,
    QUOTE,
    RICH,
    exchange_in,
    place,
    state_hash,
    trader,
)

MAKER, TAKER = trader(1), trader(2)


class FakeClient:
    """Answers from a running exchange as its API does; ``tamper`` changes entries on the way."""

    def __init__(self, running, page=3, tamper=lambda entry: entry):
        self.running = running
        self.page = page
        self.tamper = tamper

    def log(self, start=1, limit=None):
        entries = [
            self.tamper(
                LogEntryView(
                    Uint64(each.position),
                    Uint64(each.time_ms),
                    Octets(each.content),
                    Hash32(each.head),
                )
            )
            for each in self.running.log.read(start - 1, min(limit or self.page, self.page))
        ]
        following = start + len(entries)
        end = self.running.log.tail.position
        return LogPage(
            Octets(self.running.origin), entries, Uint64(following) if following <= end else None
        )

    def receipt(self, order_hash):
        with self.running.sequencer.reading() as engine:
            receipt = receipt_of(self.running.log, engine.order(order_hash).position)
        return ReceiptView(
            order_hash=Hash32(receipt.order_hash),
            position=Uint64(receipt.position),
            time=Uint64(receipt.time_ms),
            content=Octets(receipt.content),
            previous_head=Hash32(receipt.previous_head),
            digests=[Hash32(each) for each in receipt.digests],
            head=Hash32(receipt.head),
            head_position=Uint64(receipt.head_position),
            signature=Signature(receipt.signature),
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with exchange_in(tmp_path_factory.mktemp("exchange"), MAKER, TAKER) as running:
        place(running, *(MAKER.order(Side.SELL, 5, 100 + lane, lane) for lane in range(4)))
        place(running, *(TAKER.order(Side.BUY, 2, 101, lane) for lane in range(3)))
        yield running


def replayed(client):
    replay = LogReplay.begin(DOMAIN, client)
    replay.follow(client)
    return replay


def book_of(running, **changes):
    with running.sequencer.reading() as engine:
        bids, asks = (
            [(level.ticks, level.lots) for level in engine.depth(1, side, BOOK_LEVELS)]
            for side in Side
        )
    return SimpleNamespace(**{"market": 1, "bids": bids, "asks": asks, **changes})


def test_the_log_gives_the_state_of_the_exchange(running):
    replay = replayed(FakeClient(running))
    assert replay.engine.state_hash() == state_hash(running)
    assert replay.head == running.log.tail.head


def test_following_again_takes_only_what_is_new(running):
    replay = replayed(FakeClient(running))
    place(running, MAKER.order(Side.SELL, 1, 200, lane=9))
    replay.follow(FakeClient(running))
    assert replay.engine.state_hash() == state_hash(running)


def test_a_book_that_does_not_follow_from_the_log_is_told(running):
    replay = replayed(FakeClient(running))
    honest = book_of(running)
    assert honest.asks
    assert replay.has(honest)
    ticks, lots = honest.asks[0]
    assert not replay.has(book_of(running, asks=[(ticks, lots + 1), *honest.asks[1:]]))
    assert not replay.has(book_of(running, bids=honest.asks, asks=honest.bids))


def test_the_ledger_counts_everything_anybody_has(running):
    replay = replayed(FakeClient(running))
    accounts = [f"0x{each.address.hex()}" for each in (MAKER, TAKER)]
    ledger = replay.ledger(accounts)
    assert sum(ledger[each.address, BASE] for each in (MAKER, TAKER)) == 2 * RICH
    # Fees wait for their settlement.
    assert 0 < 2 * RICH - sum(ledger[each.address, QUOTE] for each in (MAKER, TAKER)) < 10**12


@pytest.mark.parametrize(
    "tamper",
    [
        lambda entry: replace(entry, time=Uint64(int(entry.time) + 1)),
        lambda entry: replace(entry, entry=Octets(bytes(entry.entry) + b" ")),
        lambda entry: replace(entry, head=Hash32(bytes(32))),
        lambda entry: replace(entry, position=Uint64(int(entry.position) + 1)),
    ],
)
def test_an_entry_that_was_changed_is_told(running, tamper):
    def fifth(entry):
        return tamper(entry) if entry.position == 5 else entry

    with pytest.raises(DemoError, match=r"entry [56] to follow"):
        replayed(FakeClient(running, tamper=fifth))


def test_the_log_of_another_exchange_is_told(running):
    with pytest.raises(DemoError) as refused:
        LogReplay.begin(Domain(DOMAIN.chain_id + 1, DOMAIN.contract), FakeClient(running))
    assert refused.value.code == "log_differs"


def test_the_whole_log_can_be_audited(running):
    log = public_log(FakeClient(running, page=2))
    assert log.origin == running.origin
    assert list(log.entries) == list(running.log.read(0))


def test_a_log_that_goes_round_is_refused(running):
    class Round(FakeClient):
        def log(self, start=1, limit=None):
            return msgspec.structs.replace(super().log(start, limit), next=Uint64(1))

    with pytest.raises(LogError) as refused:
        list(public_log(Round(running)).entries)
    assert refused.value.code == "log_malformed"


def test_a_receipt_counts_with_the_matchers_signature_only(running):
    (answer,) = place(running, MAKER.order(Side.SELL, 1, 300, lane=8))
    order_hash, matcher = answer.command.order_hash, running.key.address
    receipt = checked_receipt(FakeClient(running), order_hash, DOMAIN, matcher)
    assert receipt.order_hash == order_hash
    with pytest.raises(ExchangeError, match="signature of"):
        checked_receipt(FakeClient(running), order_hash, DOMAIN, MAKER.address)
