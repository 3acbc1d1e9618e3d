"""What the newest block changed, in a few words: for pages that draw anew only when they must."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.connection import PAGE_READ_SECONDS, connect
from gavelbook.chain.deployments import DeploymentStore

if TYPE_CHECKING:
    from gavelbook.service.sale_desk import SaleDesk


class Pulse(NamedTuple):
    """The chain at ``block``, whose time is ``time`` (unix seconds).

    ``sales`` holds the `SaleView.version` of every recorded sale by its address.
    """

    block: int
    time: int
    sales: dict[str, str]


class ChainPulse:
    """Looks at the chain for everybody. For one thread at a time."""

    def __init__(self, rpc_url: str, desk: SaleDesk) -> None:
        """Ask the node at ``rpc_url``; versions of sales come from ``desk``.

        Raises:
            ChainUnreachable: the node does not answer.

        """
        self._web3 = connect(rpc_url, read_seconds=PAGE_READ_SECONDS)
        self._chain_id = int(self._web3.eth.chain_id)
        self._store = DeploymentStore()
        self._desk = desk
        self._hash = b""
        self._pulse: Pulse | None = None

    def look(self) -> Pulse:
        """Return the present pulse: the same object where no block came.

        Raises:
            ChainError: the chain cannot be read.
            DeploymentsError: the records are malformed.

        """
        head = self._web3.eth.get_block("latest")
        before = self._pulse
        if before is not None and bytes(head["hash"]) == self._hash:
            return before
        number = int(head["number"])
        known = {} if before is None or not self._follows(before, number) else before.sales
        first = before.block + 1 if before is not None else number
        sales = self._versions(known, first, number)
        self._hash = bytes(head["hash"])
        self._pulse = Pulse(number, int(head["timestamp"]), sales)
        return self._pulse

    def _follows(self, before: Pulse, number: int) -> bool:
        """Return whether the chain goes on from what was seen before."""
        if number <= before.block:
            return False
        return bytes(self._web3.eth.get_block(before.block)["hash"]) == self._hash

    def _versions(self, known: dict[str, str], first: int, last: int) -> dict[str, str]:
        """Return the versions of all sales; only of those that said something are read again."""
        addresses = [record.address for record in self._store.sales(self._chain_id)]
        touched = set(addresses)
        if known and addresses:
            logs = self._web3.eth.get_logs(
                {"address": [*addresses], "fromBlock": first, "toBlock": last}  # type: ignore[typeddict-item]
            )
            touched = {str(log["address"]) for log in logs} | (touched - known.keys())
        for address in touched:
            self._desk.expire(address)
        return {
            address: self._desk.view(address).version if address in touched else known[address]
            for address in addresses
        }
