"""Compile the contracts for slither, with ape's settings.

Run as ``python -m ape_gavelbook.slither_input`` in slither's own environment; ``make lint`` does.
Left to itself slither takes one folder without those below it, and no optimiser.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from ape_gavelbook import paths

# slither knows its own format by the end of the name.
OUTPUT = Path("build", "slither", "gavelbook_export.json")

# Calls that a library attaches to a type of its own are too much for slither 0.11.6: it then
# leaves every contract that inherits this guard half analysed. It gets the same calls written out.
GUARD = Path("@openzeppelin", "contracts", "utils", "ReentrancyGuardTransient.sol")
PLAIN_GUARD = OUTPUT.with_name(GUARD.name)
_ATTACHED = re.compile(r"_reentrancyGuardStorageSlot\(\)\.asBoolean\(\)\.(tload|tstore)\((\w*)\)")


def plain_guard(source: str) -> str:
    """Return the source of the guard with its attached calls written out."""

    def written_out(call: re.Match[str]) -> str:
        function, value = call.groups()
        slot = "TransientSlot.asBoolean(_reentrancyGuardStorageSlot())"
        return f"TransientSlot.{function}({slot}{', ' * bool(value)}{value})"

    return _ATTACHED.sub(written_out, source).replace('"./', f'"{GUARD.parent.as_posix()}/')


def standard_json(root: Path) -> dict[str, Any]:
    """Return the compiler's input: all contracts but the mocks, settings from ape-config.yaml."""
    config = yaml.safe_load((root / "ape-config.yaml").read_text())["solidity"]
    contracts = sorted(
        path.relative_to(root).as_posix()
        for path in (root / "contracts").rglob("*.sol")
        if not {".cache", "mocks"} & set(path.relative_to(root).parts)
    )
    return {
        "language": "Solidity",
        "sources": {contract: {"urls": [contract]} for contract in contracts},
        "settings": {
            "evmVersion": config["evm_version"],
            "optimizer": {"enabled": config["optimize"], "runs": config["optimization_runs"]},
            "viaIR": config["via_ir"],
            "remappings": [
                "@openzeppelin/=node_modules/@openzeppelin/",
                f"{GUARD.as_posix()}={PLAIN_GUARD.as_posix()}",
            ],
        },
    }


def write(solc: str) -> None:
    """Compile with the given solc and write what slither reads."""
    from crytic_compile import CryticCompile
    from crytic_compile.platform.solc_standard_json import SolcStandardJson

    root = paths.project_root()
    output = root / OUTPUT
    output.parent.mkdir(parents=True, exist_ok=True)
    guard = root / "node_modules" / GUARD
    (root / PLAIN_GUARD).write_text(plain_guard(guard.read_text()))
    source = output.with_name("input.json")
    source.write_text(json.dumps(standard_json(root)))
    compiled = CryticCompile(SolcStandardJson(str(source)), solc=solc, solc_disable_warnings=True)
    (written,) = compiled.export(export_format="standard", export_dir=str(output.parent))
    Path(written).replace(output)


if __name__ == "__main__":
    write(sys.argv[1])
