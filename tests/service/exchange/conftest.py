import pytest

from gavelbook.chain.connection import connect
from tests.chain.anvil_chain import running_anvil
from tests.service.exchange.trading_floor import Floor


@pytest.fixture(scope="session")
def sepolia_url():
    """A chain of these tests' own that says it is Sepolia."""
    with running_anvil("--chain-id", "11155111") as url:
        yield url


@pytest.fixture
def floor(sepolia_url):
    """A fresh exchange; what a test does to the chain beyond it is taken back."""
    web3 = connect(sepolia_url)
    floor = Floor(web3)
    here = floor.snapshot()
    yield floor
    floor.revert(here)
    floor.request("evm_setAutomine", True)  # noqa: FBT003
