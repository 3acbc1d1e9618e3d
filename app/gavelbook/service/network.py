"""Which chain the pages show, and the contracts on it."""

from __future__ import annotations

from typing import NamedTuple

from gavelbook.chain.deployments import DeploymentStore

_NAMES = {1: "Ethereum", 11155111: "Sepolia", 31337: "Local chain"}


class Network(NamedTuple):
    """A chain and what is recorded on it: contracts by name, in the order of their names."""

    chain_id: int
    name: str
    contracts: dict[str, str]


def network(chain_id: int, name: str) -> Network:
    """Return the chain ``chain_id`` with its recorded contracts.

    Args:
        chain_id: of the chain.
        name: what it is called, for a chain that has no usual name.

    Raises:
        DeploymentsError: ``deployments_malformed``.

    """
    records = DeploymentStore().contracts(chain_id)
    addresses = {key: record.address for key, record in sorted(records.items())}
    return Network(chain_id, _NAMES.get(chain_id, name), addresses)
