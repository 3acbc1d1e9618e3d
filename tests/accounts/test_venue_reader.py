"""What the signer knows of its chain follows what is recorded."""

import pytest

from gavelbook.accounts import venue_reader
from gavelbook.accounts.venue_reader import VenueReader
from gavelbook.chain.deployments import EXCHANGE, DeploymentStore
from gavelbook.chain.exchange import Exchange
from tests.accounts.signer_world import Chain

pytestmark = pytest.mark.anvil


def test_another_exchange_brings_its_own_markets_and_deposit_addresses(
    chain, tmp_path, monkeypatch
):
    monkeypatch.setattr(venue_reader, "_RETRY_SECONDS", 0.0)
    store = DeploymentStore(tmp_path)
    first, second = chain.exchange, Chain(chain.stage, tmp_path / "other").exchange
    owner = chain.stage.issuer.address
    known = {}
    reader = VenueReader(chain.web3, store, None, ())
    for exchange in (first, second):
        store.record_contract(chain.chain_id, EXCHANGE, exchange.address, 1, "0x")
        venue = reader.venue(again=True)
        assert venue.exchange == exchange.address
        assert venue.markets == {1: exchange.market(1)}
        known[exchange.address] = reader.owner(owner).deposit_address

    asked = {
        each.address: Exchange(chain.web3, each.address).forwarder_of(owner)
        for each in (first, second)
    }
    assert known == asked
    assert len(set(known.values())) == 2
