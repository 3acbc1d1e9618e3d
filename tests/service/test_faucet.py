"""Play money: on a local chain of a demo, and nowhere else."""

import pytest

from gavelbook.chain.connection import connect
from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.faucet import Faucet, open_faucet
from tests.chain.anvil_chain import running_anvil

pytestmark = pytest.mark.anvil

SOMEBODY = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


@pytest.fixture(scope="module")
def local():
    with running_anvil() as url:
        yield url


@pytest.fixture
def nothing_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))


def test_another_chain_has_none():
    with running_anvil("--chain-id", "11155111") as url:
        assert open_faucet(DeskSettings(rpc_url=url, demo_accounts=True)) is None
        with pytest.raises(GavelbookError) as error:
            Faucet(connect(url))
    assert error.value.code == "faucet_refused"


def test_a_site_that_is_no_demo_has_none(local):
    assert open_faucet(DeskSettings(rpc_url=local, demo_accounts=False)) is None


def test_without_an_exchange_there_is_ether_only(local, nothing_recorded):
    faucet = open_faucet(DeskSettings(rpc_url=local, demo_accounts=True))
    assert [gift.symbol for gift in faucet.gifts] == ["ETH"]


def test_an_address_that_is_none_is_refused(local, nothing_recorded):
    faucet = open_faucet(DeskSettings(rpc_url=local, demo_accounts=True))
    with pytest.raises(GavelbookError) as error:
        faucet.give("0x1234")
    assert error.value.code == "address_malformed"


def test_whoever_has_plenty_gets_nothing(local, nothing_recorded):
    faucet = open_faucet(DeskSettings(rpc_url=local, demo_accounts=True))
    with pytest.raises(GavelbookError) as error:
        faucet.give(SOMEBODY)
    assert error.value.code == "faucet_refused"
