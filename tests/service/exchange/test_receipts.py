"""A receipt convinces whoever has it and the matcher's address, and nothing else does."""

from dataclasses import dataclass

import msgspec
import pytest

from gavelbook.exchange.commands import CancelAll
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.signing import Domain, log_head_hash, recover
from gavelbook.service.exchange.entries import Applied, entry_digest
from gavelbook.service.exchange.errors import LogError
from gavelbook.service.exchange.receipts import receipt_of, verify_receipt
from tests.service.exchange.market_day import DOMAIN, MATCHER, exchange_in, place, trader


@dataclass
class Placed:
    running: object
    applied: list


@pytest.fixture(scope="module")
def placed(tmp_path_factory):
    own = trader(1)
    with exchange_in(tmp_path_factory.mktemp("exchange"), own) as running:
        # Together, so that a receipt has further digests.
        applied = place(running, *[own.order(lane=lane) for lane in range(5)])
        running.sequencer.submit(CancelAll(own.address)).result(10)
        yield Placed(running, applied)


def test_holds_for_each_order(placed):
    for applied in placed.applied:
        assert isinstance(applied, Applied)
        receipt = receipt_of(placed.running.log, applied.position)
        verify_receipt(receipt, DOMAIN, MATCHER.address)
        assert receipt.order_hash == applied.command.order_hash
        assert receipt.position == applied.position
        assert receipt.time_ms == applied.time_ms
        assert receipt.head == placed.running.log.head_at(receipt.head_position)
        digest = entry_digest(applied.position, applied.time_ms, receipt.content)
        assert receipt.digests[0] == digest
        signed = log_head_hash(DOMAIN, receipt.head_position, receipt.head)
        assert recover(signed, receipt.signature) == MATCHER.address


def test_orders_of_one_commit_share_its_signature(placed):
    receipts = [receipt_of(placed.running.log, applied.position) for applied in placed.applied]
    assert len({receipt.signature for receipt in receipts}) == 1
    assert [len(receipt.digests) for receipt in receipts] == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("position", [-1, 0, 1, 9, 10, 1_000])
def test_is_there_for_orders_alone(placed, position):
    assert placed.running.sequencer.tail.position == 9
    with pytest.raises(LogError) as refused:
        receipt_of(placed.running.log, position)
    assert refused.value.code == "log_position_unknown"


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"order_hash": b"\x01" * 32},
        lambda receipt: {"position": receipt.position + 1},
        lambda receipt: {"position": receipt.position - 1, "head_position": 7},
        lambda receipt: {"time_ms": receipt.time_ms + 1},
        lambda receipt: {"content": receipt.content.replace(b"GTC", b"IOC")},
        lambda _: {"previous_head": b"\x01" * 32},
        lambda receipt: {"digests": receipt.digests[:-1]},
        lambda _: {"digests": ()},
        lambda receipt: {"digests": (), "head_position": receipt.position - 1},
        lambda receipt: {"digests": (*receipt.digests[:-1], b"\x01" * 32)},
        lambda receipt: {"digests": (b"\x01" * 32, *receipt.digests[1:])},
        lambda _: {"head": b"\x01" * 32},
        lambda _: {"head": b"\x01" * 31},
        lambda receipt: {"head_position": receipt.head_position + 1},
        lambda receipt: {"signature": receipt.signature[:-2]},
        lambda _: {"signature": b"\x01" * 65},
    ],
)
def test_does_not_survive_a_change(placed, change):
    receipt = receipt_of(placed.running.log, placed.applied[1].position)
    changed = msgspec.structs.replace(receipt, **change(receipt))
    with pytest.raises(ExchangeError) as refused:
        verify_receipt(changed, DOMAIN, MATCHER.address)
    assert refused.value.code == "receipt_invalid"


@pytest.mark.parametrize(
    ("domain", "matcher"),
    [
        (DOMAIN, b"\x01" * 20),
        (Domain(1, DOMAIN.contract), MATCHER.address),
        (Domain(DOMAIN.chain_id, b"\x01" * 20), MATCHER.address),
    ],
)
def test_holds_for_one_matcher_and_one_exchange(placed, domain, matcher):
    receipt = receipt_of(placed.running.log, placed.applied[1].position)
    with pytest.raises(ExchangeError) as refused:
        verify_receipt(receipt, domain, matcher)
    assert refused.value.code == "receipt_invalid"
