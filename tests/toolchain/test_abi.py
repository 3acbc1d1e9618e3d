"""The interface files in the package are those of the contracts."""

import json
from pathlib import Path

import pytest

from ape_gavelbook import abi

FOLDER = Path(__file__).parents[2] / abi.FOLDER


@pytest.fixture(scope="module")
def texts(project):
    return abi.interface_files(project)


def test_files_are_those_of_the_listed_contracts(texts):
    assert {path.name for path in FOLDER.glob("*.json")} == set(texts)


@pytest.mark.parametrize("name", abi.CONTRACTS)
def test_file_is_current(texts, name):
    written = (FOLDER / f"{name}.json").read_text()

    assert written == texts[f"{name}.json"], "the contract has changed: run `make abi`"


@pytest.mark.parametrize(("name", "deployed"), abi.CONTRACTS.items())
def test_bytecode_is_there_where_python_deploys(texts, name, deployed):
    content = json.loads(texts[f"{name}.json"])

    assert content["contractName"] == name
    assert content["abi"]
    assert ("bytecode" in content) == deployed
