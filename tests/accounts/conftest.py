import pytest

from gavelbook.chain.deployments import FOLDER_VARIABLE
from tests.accounts.house import Hands, House
from tests.accounts.signer_world import Chain, running_signer
from tests.chain.conftest import anvil_url, shared_stage, stage

__all__ = ["anvil_url", "shared_stage", "stage"]


@pytest.fixture(scope="session")
def chain(shared_stage, tmp_path_factory):
    """Contracts and money, recorded where signers look."""
    return Chain(shared_stage, tmp_path_factory.mktemp("deployments"))


@pytest.fixture(scope="session")
def world(chain, tmp_path_factory):
    """A signer that all tests share; each has users of its own."""
    with running_signer(chain, tmp_path_factory.mktemp("signer") / "state") as world:
        yield world


@pytest.fixture(autouse=True)
def records(request, monkeypatch):
    """Have signers look where this chain's contracts are recorded."""
    if "chain" in request.fixturenames:
        monkeypatch.setenv(FOLDER_VARIABLE, str(request.getfixturevalue("chain").folder))


@pytest.fixture
def user(world):
    """Somebody with money who is signed in."""
    return world.user()


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def house(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    yield house
    house.store.close()


def code_of(call, *arguments, **options):
    """Return the code with which ``call`` is refused."""
    from gavelbook.errors import GavelbookError

    with pytest.raises(GavelbookError) as refused:
        call(*arguments, **options)
    return refused.value.code
