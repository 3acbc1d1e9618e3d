"""Auditing an exchange: its public log replayed, and compared with receipts and with the chain.

The log has only what the engine was told. An auditor's own engine says what follows from it, a
second book says whether that is price-time priority, and the chain says what was settled. Orders
carry their makers' signatures; deposits, exits and batches are compared with the chain's events.
What nobody can prove is that the matcher did not keep an order back before it was in the log, and
that a cancellation was asked for: for both, a trader has receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from gavelbook.chain.audit_difference import AuditDifference, expect
from gavelbook.chain.exchange_events import ExchangeEventKind
from gavelbook.exchange.commands import PlaceOrder, decode
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.reports import Filled
from gavelbook.exchange.signing import Domain, order_hash, recover
from gavelbook.service.exchange.audit_book import AuditBook
from gavelbook.service.exchange.audit_chain import Settlements, check_told, told_by_chain
from gavelbook.service.exchange.entries import entry_digest, next_head
from gavelbook.service.exchange.receipts import verify_receipt
from gavelbook.service.exchange.watch_inputs import CHAIN_COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gavelbook.chain.exchange_facts import ExchangeFacts
    from gavelbook.exchange.commands import Command
    from gavelbook.service.exchange.entries import Entry
    from gavelbook.service.exchange.public_log import Origin, PublicLog
    from gavelbook.service.exchange.receipts import Receipt


@dataclass(frozen=True, slots=True)
class ExchangeAudit:
    """What an audit came to. ``difference`` is the first one found, None where all is right.

    ``untold`` counts events of the chain that the log does not know yet; the latest few are normal.
    """

    entries: int
    orders: int
    fills: int
    settled_fills: int
    batches: int
    untold: int
    difference: AuditDifference | None

    @property
    def right(self) -> bool:
        """Whether everything is as it has to be."""
        return self.difference is None


def audit_exchange(
    facts: ExchangeFacts,
    log: PublicLog,
    receipts: Iterable[Receipt] = (),
    progress: Callable[[int], object] | None = None,
) -> ExchangeAudit:
    """Replay ``log`` and compare it with ``receipts`` and with ``facts`` of the chain.

    In this order: the log's chain of heads, every order's signature, the engine's answer and the
    priority of every fill, entry by entry; the receipts; what the log was told of the chain; what
    the chain settled.

    Raises:
        LogError: the log cannot be read.

    """
    audit = _Audit(facts, log.terms())
    difference = None
    try:
        audit.begin(sha256(log.origin).digest())
        for entry in log.entries:
            audit.replay(entry)
            if progress is not None:
                progress(entry.position)
        audit.check_receipts(receipts)
        audit.compare_with_chain()
    except AuditDifference as found:
        difference = found
    return ExchangeAudit(
        audit.position,
        audit.orders,
        audit.fills,
        audit.settlements.settled_fills,
        audit.settlements.batches,
        audit.untold,
        difference,
    )


class _Audit:
    """The replay so far."""

    def __init__(self, facts: ExchangeFacts, origin: Origin) -> None:
        self.facts = facts
        self._origin = origin
        self.domain = Domain(facts.chain_id, bytes.fromhex(facts.address[2:]))
        self.settlements = Settlements(facts)
        self.position = self.orders = self.fills = self.untold = 0
        self._time_ms = 0
        self._head = b""
        self._book = AuditBook()
        self._told: list[tuple[int, Command]] = []
        self._digests: dict[bytes, tuple[int, bytes]] = {}
        self._engine = Engine(origin.terms)
        self._approved = {
            (event.account("account"), event.hash("order_hash"))
            for event in facts.events
            if event.kind is ExchangeEventKind.ORDER_APPROVED
        }

    def begin(self, head: bytes) -> None:
        facts, origin = self.facts, self._origin
        expect("origin_differs", "the log's chain", str(facts.chain_id), origin.chain_id)
        contract = origin.contract.lower()
        expect("origin_differs", "the log's exchange", facts.address.lower(), contract)
        self._head = head

    def replay(self, entry: Entry) -> None:
        expect("position_differs", "the next position", self.position + 1, entry.position)
        digest = entry_digest(entry.position, entry.time_ms, entry.content)
        self._head = next_head(self._head, digest)
        place = f"the head at position {entry.position}"
        expect("head_differs", place, self._head.hex(), entry.head.hex())
        self.position = entry.position
        try:
            command = decode(entry.content)
            if isinstance(command, PlaceOrder):
                self._check_order(command)
                self._digests[command.order_hash] = (entry.position, digest)
            reports = self._engine.apply(entry.position, entry.time_ms, command)
        except ExchangeError as error:
            message = f"Expected entry {entry.position} to be taken, was refused: {error.message}"
            raise AuditDifference("entry_refused", message, position=entry.position) from error
        self._book.follow(entry.position, command, reports)
        self.fills += sum(isinstance(report, Filled) for report in reports)
        self.settlements.note_head(entry.position, entry.head)
        self.settlements.follow(entry.position, reports)
        if isinstance(command, CHAIN_COMMANDS):
            self._told.append((entry.position, command))

    def check_receipts(self, receipts: Iterable[Receipt]) -> None:
        matchers = self.facts.matchers()
        for receipt in receipts:
            name = f"0x{receipt.order_hash.hex()}"
            errors = []
            for matcher in matchers:
                try:
                    verify_receipt(receipt, self.domain, matcher)
                except ExchangeError as error:
                    errors.append(error)
            if len(errors) == len(matchers):
                why = errors[-1].message if errors else "no matcher is known from the blocks read"
                message = f"Expected a valid receipt of order {name}: {why}"
                raise AuditDifference("receipt_invalid", message)
            known = self._digests.get(receipt.order_hash)
            if known != (receipt.position, receipt.digests[0]):
                where = "nowhere" if known is None else f"at position {known[0]}, or otherwise"
                message = (
                    f"Expected order {name} at position {receipt.position} as its receipt says, "
                    f"was {where}"
                )
                raise AuditDifference("receipt_not_in_log", message, order_hash=name)

    def compare_with_chain(self) -> None:
        self.untold = check_told(told_by_chain(self.facts), self._told)
        self.settlements.check()

    def _check_order(self, command: PlaceOrder) -> None:
        self.orders += 1
        market = self._engine.market(command.order.market)
        place = f"the hash of the order at position {self.position}"
        due = order_hash(self.domain, market, command.order)
        expect("order_hash_differs", place, due.hex(), command.order_hash.hex())
        maker = command.order.maker
        if not command.signature:
            if (maker, due) not in self._approved:
                message = f"Expected the order at position {self.position} approved on chain"
                raise AuditDifference("order_not_approved", message, position=self.position)
            return
        place = f"the signer of the order at position {self.position}"
        expect("order_signature_differs", place, maker.hex(), recover(due, command.signature).hex())
