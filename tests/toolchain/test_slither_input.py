"""slither gets all contracts, ape's settings, and a guard that it can follow."""

import re
from pathlib import Path

import yaml

from ape_gavelbook import slither_input

ROOT = Path(__file__).parents[2]


def test_all_contracts_but_mocks_are_given():
    sources = slither_input.standard_json(ROOT)["sources"]

    assert "contracts/tokens/FixedSupplyToken.sol" in sources
    assert "contracts/TokenSale.sol" in sources
    assert not [source for source in sources if "/mocks/" in source or ".cache" in source]


def test_settings_are_those_of_ape():
    solidity = yaml.safe_load((ROOT / "ape-config.yaml").read_text())["solidity"]

    settings = slither_input.standard_json(ROOT)["settings"]

    assert settings["evmVersion"] == solidity["evm_version"]
    assert settings["optimizer"]["runs"] == solidity["optimization_runs"]
    assert settings["viaIR"] == solidity["via_ir"]


def test_guard_is_the_same_with_its_calls_written_out():
    guard = (ROOT / "node_modules" / slither_input.GUARD).read_text()

    plain = slither_input.plain_guard(guard)

    code = re.sub(r"//.*", "", plain)
    assert ".asBoolean()." not in code
    assert code.count("TransientSlot.tstore(TransientSlot.asBoolean(") == 2
    assert code.count("TransientSlot.tload(TransientSlot.asBoolean(") == 1
    assert 'from "@openzeppelin/contracts/utils/TransientSlot.sol"' in code
    assert len(plain.splitlines()) == len(guard.splitlines())
