"""Write the contracts' interfaces to the package, so that it runs without a compiler.

Run as ``python -m ape_gavelbook.abi``; ``make abi`` does.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import ape

from ape_gavelbook import paths

if TYPE_CHECKING:
    from ethpm_types import ContractType

FOLDER = Path("app", "gavelbook", "chain", "abi")

# Every contract that Python calls, and whether Python also deploys it and so needs its bytecode.
# A sale is deployed by its factory, whose bytecode contains the sale's.
CONTRACTS = {
    "Exchange": True,
    "FixedSupplyToken": True,
    "SaleFactory": True,
    "TokenSale": False,
}


def interface_files(project: ape.Project) -> dict[str, str]:
    """Return the text of each interface file by its name, compiling what has changed."""
    compiled = project.load_contracts()
    return {
        f"{name}.json": _text(compiled[name].contract_type, deployed=deployed)
        for name, deployed in CONTRACTS.items()
    }


def _text(contract: "ContractType", *, deployed: bool) -> str:
    """Return one interface as one line of JSON with sorted keys."""
    content = contract.model_dump(mode="json", by_alias=True, include={"abi", "name"})
    if deployed and contract.deployment_bytecode:
        content["bytecode"] = contract.deployment_bytecode.bytecode
    return json.dumps(content, sort_keys=True, separators=(",", ":")) + "\n"


def write() -> None:
    """Write all interface files and remove those of contracts that are no longer listed."""
    root = paths.project_root()
    folder = root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    texts = interface_files(ape.Project(root))
    for path in folder.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    write()
