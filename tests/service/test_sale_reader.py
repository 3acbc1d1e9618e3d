"""One sale, read again only where something came."""

import pytest

from gavelbook.chain.deployments import SaleRecord
from gavelbook.chain.errors import ChainUnreachable
from gavelbook.service.sale_reader import BlockClock, SaleReader

pytestmark = pytest.mark.anvil


@pytest.fixture
def sale(stage):
    return stage.open_sale()


@pytest.fixture
def clock(stage):
    return BlockClock(stage.web3)


@pytest.fixture
def reader(stage, sale, clock):
    return SaleReader(stage.web3, SaleRecord(str(sale.address), "Sale", stage.first_block), clock)


def test_what_could_not_be_read_is_read_the_next_time(stage, sale, reader, clock, monkeypatch):
    stage.place(sale, [(0, 3, 4)])
    assert len(reader.view().placed) == 1

    def silent(_numbers):
        raise ChainUnreachable("chain_unreachable", "Expected an answer, was none")

    stage.place(sale, [(1, 5, 3)])
    monkeypatch.setattr(clock, "learn", silent)
    reader.expire()
    with pytest.raises(ChainUnreachable):
        reader.view()
    monkeypatch.undo()
    reader.expire()
    assert len(reader.view().placed) == 2


def test_after_a_reorganisation_times_are_those_of_the_new_blocks(stage, sale, reader):
    before = stage.request("evm_snapshot")
    stage.place(sale, [(0, 3, 4)])
    old, old_time = reader.view().placed[0], stage.now()
    stage.request("evm_revert", [before])
    stage.request("evm_increaseTime", [30])
    stage.place(sale, [(0, 3, 4)])
    reader.expire()
    new = reader.view().placed[0]
    assert (new.bidder, new.tick, new.lots) == (old.bidder, old.tick, old.lots)
    # The clock of the chain is the machine's and 30 seconds: a second may be over or not.
    assert stage.now() > old_time + 20
    assert (old.placed_at, new.placed_at) == (old_time, stage.now())
