"""The mutants listed in mutants.yaml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import yaml

from ape_gavelbook import paths

_EXCHANGE_PARTS = {
    "DepositForwarder.sol",
    "MarketTerms.sol",
    "libraries/BalanceWord.sol",
    "libraries/OrderDigest.sol",
    "libraries/Signatures.sol",
}


class Mutant(NamedTuple):
    """A change of one place in one contract file."""

    file: str
    name: str
    guards: str
    find: str
    put: str = ""

    @property
    def path(self) -> str:
        """The file by its name from the root."""
        return f"contracts/{self.file}"

    @property
    def of_exchange(self) -> bool:
        """Whether the file is a part of the exchange."""
        return self.file.startswith("Exchange") or self.file in _EXCHANGE_PARTS

    def source(self) -> str:
        """Return the text of the file after the change.

        Raises:
            ValueError: the text does not occur, or more than once.

        """
        original = (paths.project_root() / self.path).read_text()
        pattern = r"\s+".join(map(re.escape, self.find.split()))
        found = re.findall(pattern, original)
        if len(found) != 1:
            message = f"{self.name}: expected its text once in {self.file}, was {len(found)}"
            raise ValueError(message)
        return original.replace(found[0], self.put)


def read_mutants() -> tuple[Mutant, ...]:
    """Return the mutants in the order of the list."""
    files = yaml.safe_load(Path(__file__).with_name("mutants.yaml").read_text())
    return tuple(Mutant(file, **entry) for file, entries in files.items() for entry in entries)


MUTANTS = read_mutants()
