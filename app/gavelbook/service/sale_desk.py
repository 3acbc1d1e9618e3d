"""What the pages can ask for: sales, and bids, cancels and claims of whoever acts.

The pages see `SaleView`s and plain values; all of web3 stays behind this desk.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gavelbook.chain.audit import audit
from gavelbook.chain.audit_facts import collect_facts
from gavelbook.chain.connection import PAGE_READ_SECONDS, connect
from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.errors import ChainError
from gavelbook.chain.token import Token
from gavelbook.service.acting import Action, Line, SendTransaction
from gavelbook.service.action_lines import bid_lines
from gavelbook.service.allowance import PERMIT_SECONDS, allow
from gavelbook.service.demo_signer import DemoSigner
from gavelbook.service.sale_doings import abort_expired, clear_unsigned
from gavelbook.service.sale_reader import BlockClock, SaleReader

if TYPE_CHECKING:
    from web3.contract.contract import ContractFunction

    from gavelbook.chain.audit import AuditReport
    from gavelbook.service.acting import Actor
    from gavelbook.service.desk_settings import DeskSettings
    from gavelbook.service.sale_view import SaleView


@dataclass(frozen=True, slots=True)
class Pocket:
    """What somebody holds and, from a decided sale, can claim now; in base units.

    ``payment_tokens`` are what a bid can be paid with: ether or wrapped ether, whichever is more,
    where the sale takes ether.
    """

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
        self.web3 = connect(settings.rpc_url, read_seconds=PAGE_READ_SECONDS)
        self.chain_id = int(self.web3.eth.chain_id)
        self._store = DeploymentStore()
        self._clock = BlockClock(self.web3)
        self._readers: dict[str, SaleReader] = {}
        self._lock = threading.Lock()
        self.demo_signer = DemoSigner(self.web3, enabled=settings.demo_accounts)
        self.demo_actors = self.demo_signer.actors

    def sales(self) -> list[SaleTitle]:
        """Return all recorded sales, newest first."""
        records = self._store.sales(self.chain_id)
        return [SaleTitle(record.address, record.label) for record in reversed(records)]

    def now(self) -> int:
        """Return the time of the block that comes next, as far as the chain says."""
        return int(self.web3.eth.get_block("pending")["timestamp"])

    def view(self, address: str) -> SaleView:
        """Return a sale as it is; errors as `SaleReader.view`."""
        return self._reader(address).view()

    def expire(self, address: str) -> None:
        """Read the sale again at the next `view`: something has happened to it."""
        self._reader(address).expire()

    def name_of(self, address: str) -> str | None:
        """Return the name of an account of the demo; None for a stranger."""
        return next((each.name for each in self.demo_actors if each.address == address), None)

    def pocket(self, view: SaleView, actor: Actor) -> Pocket:
        """Return what ``actor`` holds and can claim from the sale."""
        tokens = refund = 0
        if view.decision is not None:
            owed = self._reader(view.address).sale.owed(actor.address)
            tokens, refund = owed.tokens_now, owed.refund
        payment = Token(self.web3, view.payment_token.address).balance_of(actor.address)
        if self.takes_ether(view):
            payment = max(payment, self._ether_of(actor.address))
        sold = Token(self.web3, view.sale_token.address).balance_of(actor.address)
        return Pocket(payment, sold, tokens, refund)

    def bid(self, view: SaleView, actor: Actor, tick: int, lots: int) -> Action[str]:
        """Bid in one transaction, with an allowance signed before it; results in its hash.

        Where the sale takes ether, whoever has too little of it wrapped sends it along instead.

        Raises:
            TransactionRefused: the sale refuses the bid; nothing was sent.
            ChainError: as `Sender.send_and_wait`.

        """
        sale = self._reader(view.address).sale
        # Off the ladder there is no price; the sale says so itself.
        ladder = range(view.auction.tick_count)
        escrow = lots * view.auction.price(tick) if tick in ladder else 0
        token = Token(self.web3, view.payment_token.address)
        lines = bid_lines(view, tick, lots, escrow)
        if self.takes_ether(view) and token.balance_of(actor.address) < escrow:
            return (
                yield from self._sent(view, "Place the bid", sale.bid(tick, lots), lines, escrow)
            )
        until = self.now() + PERMIT_SECONDS
        permit = yield from allow(token, actor.address, view.address, escrow, until, lines)
        permitted = sale.bid_with_permit(tick, lots, permit) if permit else sale.bid(tick, lots)
        return (yield from self._sent(view, "Place the bid", permitted, lines))

    def cancel(self, view: SaleView, actor: Actor, index: int) -> Action[str]:
        """Cancel bid ``index`` of ``actor``; results in the hash; errors as `bid`."""
        call = self._reader(view.address).sale.cancel(index)
        lines = (Line("Cancels", f"bid {index + 1} of {actor.name}"), _back_to(actor))
        return (yield from self._sent(view, "Cancel the bid", call, lines))

    def claim(self, view: SaleView, actor: Actor) -> Action[str]:
        """Claim everything owed now; results in the hash; errors as `bid`."""
        call = self._reader(view.address).sale.claim(actor.address)
        return (yield from self._sent(view, "Claim tokens and refund", call, (_back_to(actor),)))

    def claim_tokens(self, view: SaleView, actor: Actor) -> Action[str]:
        """Claim the tokens won that are released; results in the hash; errors as `bid`."""
        call = self._reader(view.address).sale.claim_tokens(actor.address)
        return (yield from self._sent(view, "Claim tokens", call, (_back_to(actor),)))

    def claim_refund(self, view: SaleView, actor: Actor) -> Action[str]:
        """Claim the refund; results in the hash; errors as `bid`."""
        call = self._reader(view.address).sale.claim_refund(actor.address)
        return (yield from self._sent(view, "Claim the refund", call, (_back_to(actor),)))

    def admit(
        self, view: SaleView, actor: Actor, entity: bytes, deadline: int, signature: bytes
    ) -> Action[str]:
        """Have ``actor`` admitted by what the gate signed for it; errors as `bid`."""
        sale = self._reader(view.address).sale
        call = sale.admit(actor.address, entity, deadline, signature)
        lines = (Line("Admits", actor.address), Line("As a wallet of", f"0x{entity.hex()}"))
        return (yield from self._sent(view, "Enter the sale", call, lines))

    def clear(self, view: SaleView, actor: Actor) -> Action[str]:
        """Post the result that the bids come to, without signature; results in the hash.

        Raises:
            TransactionRefused: only a signed result counts now, or somebody was quicker.
            ChainError: as `bid`.

        """
        reader = self._reader(view.address)
        posted = clear_unsigned(reader.sale, reader.plan(), view.payment_token, actor.address)
        transaction: str = yield from posted
        self.expire(view.address)
        return transaction

    def abort(self, view: SaleView) -> Action[str]:
        """Call off a sale that nobody cleared in time; results in the hash; errors as `bid`."""
        transaction: str = yield from abort_expired(self._reader(view.address).sale)
        self.expire(view.address)
        return transaction

    def admitted(self, view: SaleView, actor: Actor) -> bool:
        """Return whether ``actor`` may bid: always, where the sale has no gate."""
        if view.terms.gate is None:
            return True
        return any(self._reader(view.address).sale.entity_of(actor.address))

    def takes_ether(self, view: SaleView) -> bool:
        """Return whether bids are paid in ether, wrapped by the sale."""
        return self._reader(view.address).takes_ether

    def allocation_file(self, view: SaleView) -> bytes:
        """Return the allocation as the file whose digest the allocator signs."""
        return self._reader(view.address).plan().file

    def audit(self, view: SaleView) -> AuditReport:
        """Compute everything again from public data and compare; errors as `collect_facts`."""
        record = self._reader(view.address).record
        return audit(collect_facts(self.web3, record.address, record.block))

    def _ether_of(self, address: str) -> int:
        return int(self.web3.eth.get_balance(self.web3.to_checksum_address(address)))

    def _sent(
        self,
        view: SaleView,
        title: str,
        call: ContractFunction,
        lines: tuple[Line, ...],
        value: int = 0,
    ) -> Action[str]:
        transaction: str = yield SendTransaction(title, call, value, lines)
        self.expire(view.address)
        return transaction

    def _reader(self, address: str) -> SaleReader:
        with self._lock:
            if address not in self._readers:
                record = self._store.sale(self.chain_id, address)
                if record is None:
                    raise ChainError("sale_unknown", f"Expected a recorded sale, was {address}")
                self._readers[address] = SaleReader(self.web3, record, self._clock)
            return self._readers[address]


def _back_to(actor: Actor) -> Line:
    return Line("Paid to", actor.address)
