"""Compile the contracts for slither, with ape's settings.

Run as ``python -m ape_gavelbook.slither_input`` in slither's own environment; ``make lint`` does.
Left to itself slither takes one folder without those below it, and no optimiser.
"""

import sys
from pathlib import Path
from typing import Any

import yaml
from crytic_compile import CryticCompile
from crytic_compile.platform.solc_standard_json import SolcStandardJson

from ape_gavelbook import paths

# slither knows its own format by the end of the name.
OUTPUT = Path("build", "slither", "gavelbook_export.json")


def standard_json(root: Path) -> dict[str, Any]:
    """Return the compiler's input: all contracts but the mocks, settings from ape-config.yaml."""
    config = yaml.safe_load((root / "ape-config.yaml").read_text())["solidity"]
    sources = sorted(
        path.relative_to(root).as_posix()
        for path in (root / "contracts").rglob("*.sol")
        if not {".cache", "mocks"} & set(path.relative_to(root).parts)
    )
    return {
        "language": "Solidity",
        "sources": {source: {"urls": [source]} for source in sources},
        "settings": {
            "evmVersion": config["evm_version"],
            "optimizer": {"enabled": config["optimize"], "runs": config["optimization_runs"]},
            "viaIR": config["via_ir"],
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
        },
    }


def write(solc: str) -> None:
    """Compile with the given solc and write what slither reads."""
    root = paths.project_root()
    output = root / OUTPUT
    compiled = CryticCompile(
        SolcStandardJson(standard_json(root)), solc=solc, solc_disable_warnings=True
    )
    # The name that crytic-compile gives is made of the input's text.
    (written,) = compiled.export(export_format="standard", export_dir=str(output.parent))
    Path(written).replace(output)


if __name__ == "__main__":
    write(sys.argv[1])
