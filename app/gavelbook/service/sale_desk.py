"""What the pages can ask for: sales, and bids, cancels and claims of the accounts of a demo.

The pages see `SaleView`s and plain values; all of web3 stays behind this desk.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.audit import audit
from gavelbook.chain.audit_facts import collect_facts
from gavelbook.chain.connection import connect
from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.errors import ChainError
from gavelbook.chain.token import Token
from gavelbook.service.customers import Customers
from gavelbook.service.sale_reader import BlockClock, SaleReader

if TYPE_CHECKING:
    from web3.contract.contract import ContractFunction

    from gavelbook.chain.audit import AuditReport
    from gavelbook.service.customers import Customer
    from gavelbook.service.desk_settings import DeskSettings
    from gavelbook.service.sale_view import SaleView

_PERMIT_SECONDS = 60 * 60


@dataclass(frozen=True, slots=True)
class Pocket:
    """What a customer holds and, from a decided sale, can claim now; in base units."""

    payment_tokens: int
    sale_tokens: int
    claimable_tokens: int
    claimable_refund: int

    @property
    def can_claim(self) -> bool:
        """Whether there is something to claim."""
        return bool(self.claimable_tokens or self.claimable_refund)


@dataclass(frozen=True, slots=True)
class SaleTitle:
    """A sale to choose."""

    address: str
    name: str


class SaleDesk:
    """One desk serves all sessions. Safe to share between threads."""

    def __init__(self, settings: DeskSettings) -> None:
        """Connect.

        Raises:
            ChainUnreachable: the node does not answer.

        """
        self._web3 = connect(settings.rpc_url)
        self._chain_id = int(self._web3.eth.chain_id)
        self._store = DeploymentStore()
        self._clock = BlockClock(self._web3)
        self._readers: dict[str, SaleReader] = {}
        self._lock = threading.Lock()
        self.signers = Customers(self._web3, enabled=settings.demo_accounts)
        self.customers = self.signers.all

    def sales(self) -> list[SaleTitle]:
        """Return all recorded sales, newest first."""
        records = self._store.sales(self._chain_id)
        return [SaleTitle(record.address, record.label) for record in reversed(records)]

    def now(self) -> int:
        """Return the time of the block that comes next, as far as the chain says."""
        return self.signers.chain_time()

    def view(self, address: str) -> SaleView:
        """Return a sale as it is; errors as `SaleReader.view`."""
        return self._reader(address).view()

    def expire(self, address: str) -> None:
        """Read the sale again at the next `view`: something has happened to it."""
        self._reader(address).expire()

    def name_of(self, address: str) -> str | None:
        """Return the name of a customer; None for a stranger."""
        return self.signers.name_of(address)

    def pocket(self, view: SaleView, customer: Customer) -> Pocket:
        """Return what ``customer`` holds and can claim from the sale."""
        tokens = refund = 0
        if view.decision is not None:
            owed = self._reader(view.address).sale.owed(customer.address)
            tokens, refund = owed.tokens_now, owed.refund
        payment = Token(self._web3, view.payment_token.address)
        sold = Token(self._web3, view.sale_token.address)
        return Pocket(
            payment.balance_of(customer.address), sold.balance_of(customer.address), tokens, refund
        )

    def bid(self, view: SaleView, customer: Customer, tick: int, lots: int) -> str:
        """Bid in one transaction that carries its own allowance; return the transaction hash.

        Raises:
            TransactionRefused: the sale refuses the bid; nothing was sent.
            ChainError: as `Sender.send_and_wait`.

        """
        sale, account = self._reader(view.address).sale, self.signers.account(customer)
        # Off the ladder there is no price; the sale says so itself.
        ladder = range(view.auction.tick_count)
        escrow = lots * view.auction.price(tick) if tick in ladder else 0
        token = Token(self._web3, view.payment_token.address)
        deadline = self.now() + _PERMIT_SECONDS
        permit = token.sign_permit(account, view.address, escrow, deadline)
        return self._send(view, customer, sale.bid_with_permit(tick, lots, permit))

    def cancel(self, view: SaleView, customer: Customer, index: int) -> str:
        """Cancel a bid; return the transaction hash; errors as `bid`."""
        return self._send(view, customer, self._reader(view.address).sale.cancel(index))

    def claim(self, view: SaleView, customer: Customer) -> str:
        """Claim everything owed now; return the transaction hash; errors as `bid`."""
        call = self._reader(view.address).sale.claim(customer.address)
        return self._send(view, customer, call)

    def allocation_file(self, view: SaleView) -> bytes:
        """Return the allocation as the file whose digest the allocator signs."""
        return self._reader(view.address).allocation_file()

    def audit(self, view: SaleView) -> AuditReport:
        """Compute everything again from public data and compare; errors as `collect_facts`."""
        record = self._reader(view.address).record
        return audit(collect_facts(self._web3, record.address, record.block))

    def _send(self, view: SaleView, customer: Customer, call: ContractFunction) -> str:
        receipt = self.signers.send(customer, call)
        self._reader(view.address).expire()
        return str(receipt["transactionHash"].to_0x_hex())

    def _reader(self, address: str) -> SaleReader:
        with self._lock:
            if address not in self._readers:
                record = self._store.sale(self._chain_id, address)
                if record is None:
                    raise ChainError("sale_unknown", f"Expected a recorded sale, was {address}")
                self._readers[address] = SaleReader(self._web3, record, self._clock)
            return self._readers[address]
