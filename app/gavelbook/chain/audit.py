"""Auditing a sale: everything recomputed from public data and compared with what was posted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from gavelbook.chain.audit_bids import check_bids
from gavelbook.chain.audit_difference import AuditDifference, expect
from gavelbook.chain.audit_payments import check_payments
from gavelbook.chain.clearing_plan import ClearingPlan, plan_clearing
from gavelbook.chain.sale_events import EventKind, SaleEvent, integer, text
from gavelbook.chain.sale_types import Phase
from gavelbook.errors import BidsError

if TYPE_CHECKING:
    from gavelbook.chain.audit_facts import SaleFacts

__all__ = ["AuditDifference", "AuditReport", "audit"]


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit came to. ``difference`` is the first one found, None where all is right."""

    address: str
    block: int
    phase: Phase
    bids: int
    bidders: int
    sold_lots: int
    raised: int
    difference: AuditDifference | None

    @property
    def right(self) -> bool:
        """Whether everything is as it has to be."""
        return self.difference is None


def audit(facts: SaleFacts, allocation_file: bytes | None = None) -> AuditReport:
    """Recompute the sale from its bids and compare it with all that the chain says.

    In this order: the bids against the terms and the contract's totals; the result against the
    auction's rules; the allocation file and its digest; every claim and collection against what
    was due when it was made; what each bidder still has coming; what the sale still holds.
    """
    difference = None
    try:
        check_bids(facts)
        plan = _plan(facts)
        _check_result(facts, plan)
        _check_file(facts, plan, allocation_file)
        check_payments(facts, plan)
    except AuditDifference as found:
        difference = found
    return AuditReport(
        address=facts.address,
        block=facts.block,
        phase=facts.result.phase,
        bids=len(facts.book.live),
        bidders=len(facts.book.bidders),
        sold_lots=facts.result.sold_lots,
        raised=facts.raised,
        difference=difference,
    )


def _plan(facts: SaleFacts) -> ClearingPlan:
    try:
        return plan_clearing(facts.terms.auction, facts.book)
    except BidsError as error:
        raise AuditDifference(error.code, error.message, **error.details) from error


def _check_result(facts: SaleFacts, plan: ClearingPlan) -> None:
    events = facts.events_of(EventKind.CLEARED, EventKind.FAILED)
    expect("result_events", "events that decide the sale", int(facts.result.decided), len(events))
    if not events:
        return
    event = events[0]
    time = facts.times[event.block]
    if time < (facts.terms.end or 0):
        message = f"Expected a result after the end {facts.terms.end}, was at {time}"
        raise AuditDifference("result_early", message)
    aborted = event.kind is EventKind.FAILED and bool(event.values["aborted"])
    if aborted:
        if time < (facts.terms.abort_time or 0):
            message = f"Expected an abort from {facts.terms.abort_time} on, was at {time}"
            raise AuditDifference("abort_early", message)
        expect("result_phase", "the phase", Phase.FAILED.name, facts.result.phase.name)
        return
    _check_event(plan, event)
    _check_stored(facts, plan)


def _check_event(plan: ClearingPlan, event: SaleEvent) -> None:
    expected = EventKind.FAILED if plan.allocation.failed else EventKind.CLEARED
    expect("result_phase", "the event of the result", expected, event.kind)
    clearing = plan.allocation.clearing
    raised = integer(event.values, "raised")
    expect("raised_differs", "raised in the event", clearing.raised, raised)
    if event.kind is EventKind.FAILED:
        return
    due = {
        "marginal_tick": clearing.marginal_tick,
        "level": clearing.level,
        "cut": plan.hint.cut,
        "sold_lots": clearing.sold_lots,
    }
    for name, value in due.items():
        expect(f"{name}_differs", f"{name} in the event", value, integer(event.values, name))


def _check_stored(facts: SaleFacts, plan: ClearingPlan) -> None:
    """Compare the contract's own record, but for what was collected since."""
    for name, due in plan.result._asdict().items():
        if not name.endswith("_collected"):
            expect(f"{name}_differs", f"{name} in the sale", due, getattr(facts.result, name))
    expect("raised_differs", "raised in the sale", plan.allocation.raised, facts.raised)


def _check_file(facts: SaleFacts, plan: ClearingPlan, allocation_file: bytes | None) -> None:
    for event in facts.events_of(EventKind.CLEARED):
        signed = text(event.values, "digest")
        if int(signed, 16):
            due = f"0x{plan.digest.hex()}"
            expect("digest_differs", "the signed digest of the allocation file", due, signed)
    if allocation_file is None or allocation_file == plan.file:
        return
    lines = zip(plan.file.splitlines(), allocation_file.splitlines(), strict=False)
    for number, (due_line, line) in enumerate(lines, start=1):
        shown = line.decode("utf-8", "replace")
        expect("file_differs", f"line {number} of the allocation", due_line.decode(), shown)
    digests = (f"0x{keccak(content).hex()}" for content in (plan.file, allocation_file))
    expect("file_differs", "the digest of the allocation file", *digests)
