import pytest

from gavelbook.chain.connection import connect
from tests.chain.anvil_chain import running_anvil
from tests.chain.stage import Stage, people


@pytest.fixture(scope="session")
def anvil_url():
    with running_anvil() as url:
        yield url


@pytest.fixture(scope="session")
def shared_stage(anvil_url):
    return Stage(connect(anvil_url), people(10))


@pytest.fixture
def stage(shared_stage):
    """A stage on anvil for all tests of the session; leaves the chain mining at once."""
    yield shared_stage
    shared_stage.request("evm_setAutomine", [True])
