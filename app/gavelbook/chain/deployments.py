"""What was deployed where: one JSON file per chain."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gavelbook.chain.errors import DeploymentsError
from gavelbook.files.atomic import replacing

DEFAULT_FOLDER = Path("scripts", "deployments")
FOLDER_VARIABLE = "GAVELBOOK_DEPLOYMENTS"
EXCHANGE = "Exchange"
"""The name under which an exchange is recorded; a chain has one."""


@dataclass(frozen=True, slots=True)
class ContractRecord:
    """A deployed contract: ``transaction`` in block ``block`` made it from ``arguments``."""

    name: str
    address: str
    block: int
    transaction: str
    arguments: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class SaleRecord:
    """A sale and what a page shows of it without asking the chain. ``block`` made it."""

    address: str
    label: str
    block: int
    sale_symbol: str = ""
    payment_symbol: str = ""
    sale_decimals: int = 18
    payment_decimals: int = 18
    transaction: str = ""


class DeploymentStore:
    """The records in ``folder``, by default ``$GAVELBOOK_DEPLOYMENTS`` or scripts/deployments.

    Each file is replaced whole, so a reader never sees half of it. Records of the same contract
    name, and of the same sale address, replace each other.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)

    def record_contract(  # noqa: PLR0913, PLR0917 -- a record has so many columns
        self,
        chain_id: int,
        name: str,
        address: str,
        block: int,
        transaction: str,
        arguments: list[Any] | None = None,
    ) -> ContractRecord:
        """Record a deployed contract; numbers in ``arguments`` are kept as decimal text.

        Raises:
            DeploymentsError: ``deployments_malformed``.
            FileError: ``file_unwritable``.

        """
        plain = [_plain(argument) for argument in arguments or []]
        record = ContractRecord(name, address, block, transaction, plain)
        content = self._read(chain_id)
        content["contracts"][name] = asdict(record)
        self._write(chain_id, content)
        return record

    def record_sale(self, chain_id: int, sale: SaleRecord) -> None:
        """Record a sale; errors as `record_contract`."""
        content = self._read(chain_id)
        content["sales"] = [
            entry for entry in content["sales"] if entry["address"].lower() != sale.address.lower()
        ]
        content["sales"].append(asdict(sale))
        self._write(chain_id, content)

    def contracts(self, chain_id: int) -> dict[str, ContractRecord]:
        """Return the deployed contracts by name; none where nothing was recorded.

        Raises:
            DeploymentsError: ``deployments_malformed``.

        """
        entries = self._read(chain_id)["contracts"]
        return {name: self._record(ContractRecord, entry) for name, entry in entries.items()}

    def contract(self, chain_id: int, name: str) -> ContractRecord:
        """Return the deployed contract ``name``.

        Raises:
            DeploymentsError: ``contract_unknown`` or ``deployments_malformed``.

        """
        record = self.contracts(chain_id).get(name)
        if record is None:
            message = f"Expected a deployment of {name} on chain {chain_id} in {self.folder}"
            raise DeploymentsError("contract_unknown", message, name=name, chain_id=chain_id)
        return record

    def exchange(self, chain_id: int) -> ContractRecord | None:
        """Return the record of the exchange, None where none was made; errors as `contracts`."""
        return self.contracts(chain_id).get(EXCHANGE)

    def sales(self, chain_id: int) -> list[SaleRecord]:
        """Return the sales, oldest record first; errors as `contracts`."""
        return [self._record(SaleRecord, entry) for entry in self._read(chain_id)["sales"]]

    def sale(self, chain_id: int, address: str) -> SaleRecord | None:
        """Return the record of the sale at ``address``; errors as `contracts`."""
        matching = (s for s in self.sales(chain_id) if s.address.lower() == address.lower())
        return next(matching, None)

    def _path(self, chain_id: int) -> Path:
        return self.folder / f"{chain_id}.json"

    def _read(self, chain_id: int) -> dict[str, Any]:
        path = self._path(chain_id)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"chain_id": chain_id, "contracts": {}, "sales": []}
        except (OSError, ValueError) as error:
            raise self._malformed(path) from error
        if (
            not isinstance(content, dict)
            or content.get("chain_id") != chain_id
            or not isinstance(content.get("contracts"), dict)
            or not isinstance(content.get("sales"), list)
        ):
            raise self._malformed(path)
        return content

    def _write(self, chain_id: int, content: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self._path(chain_id)) as file:
            json.dump(content, file, indent=2, sort_keys=True)
            file.write("\n")

    def _record(self, kind: type[Any], entry: Any) -> Any:
        try:
            return kind(**entry)
        except TypeError as error:
            raise self._malformed(self.folder) from error

    def _malformed(self, path: Path) -> DeploymentsError:
        message = f"{path}: Expected a record of deployments, was malformed"
        return DeploymentsError("deployments_malformed", message, file=str(path))


def _plain(value: Any) -> Any:
    """Return ``value`` as JSON holds it without loss: integers as text, bytes in hexadecimal."""
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)
