"""Whether everybody was paid what was due, no more and not before, and the rest is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.audit_difference import AuditDifference, expect
from gavelbook.chain.dues import Due, Paid, dues, payments, vested_lots
from gavelbook.chain.sale_events import EventKind, integer, text
from gavelbook.chain.sale_types import Owed, Phase

if TYPE_CHECKING:
    from gavelbook.chain.audit_facts import SaleFacts
    from gavelbook.chain.clearing_plan import ClearingPlan

_NOTHING = Due(0, 0)
_CLAIMS = (EventKind.TOKENS_CLAIMED, EventKind.REFUND_CLAIMED)
_COLLECTIONS = (EventKind.PROCEEDS_COLLECTED, EventKind.UNSOLD_COLLECTED)


def check_payments(facts: SaleFacts, plan: ClearingPlan) -> None:
    """Check claims and collections in their order, then what is owed and held now.

    Raises:
        AuditDifference: the first difference.

    """
    # Until there is a result the sale holds every bid, as one that failed does.
    failed = facts.result.phase is not Phase.CLEARED
    due = dues(facts.book, plan.allocation, failed=failed)
    if not facts.result.decided:
        expect("paid_undecided", "payments before a result", 0, len(facts.events_of(*_CLAIMS)))
        expect("paid_undecided", "collections", 0, len(facts.events_of(*_COLLECTIONS)))
        _check_held(facts, due, {}, raised=0)
        return
    _check_claims(facts, due)
    paid = payments(facts.events)
    _check_owed(facts, due, paid)
    raised = 0 if failed else plan.allocation.raised
    sold_lots = 0 if failed else plan.allocation.sold_lots
    _check_collected(facts, EventKind.PROCEEDS_COLLECTED, raised, facts.terms.proceeds_recipient)
    auction = facts.terms.auction
    unsold = (auction.supply_lots - sold_lots) * auction.lot_size
    _check_collected(facts, EventKind.UNSOLD_COLLECTED, unsold, facts.terms.unsold_recipient)
    _check_held(facts, due, paid, raised=raised)


def _check_claims(facts: SaleFacts, due: dict[str, Due]) -> None:
    """Add up each bidder's claims; no sum may ever exceed what was due at that time."""
    paid: dict[str, Paid] = {}
    for event in facts.events_of(*_CLAIMS):
        bidder, amount = text(event.values, "bidder"), integer(event.values, "amount")
        entry, owed = paid.setdefault(bidder, Paid()), due.get(bidder, _NOTHING)
        place = f"block {event.block}, log {event.log_index}"
        if event.kind is EventKind.REFUND_CLAIMED:
            # A refund is paid once and in full.
            expect("refund_differs", f"the refund of {bidder} before {place}", 0, entry.refund)
            expect("refund_differs", f"the refund of {bidder} in {place}", owed.refund, amount)
            entry.refund += amount
            continue
        entry.tokens += amount
        time = facts.times.get(event.block, facts.time)
        limit = vested_lots(facts.terms, owed.won_lots, time) * facts.terms.auction.lot_size
        if entry.tokens != limit:
            message = (
                f"Expected the tokens claimed by {bidder} up to {place} "
                f"to be {limit}, was {entry.tokens}"
            )
            raise AuditDifference("tokens_differ", message, bidder=bidder, block=event.block)


def _check_owed(facts: SaleFacts, due: dict[str, Due], paid: dict[str, Paid]) -> None:
    lot_size = facts.terms.auction.lot_size
    for bidder, entry in due.items():
        had = paid.get(bidder, Paid())
        vested = vested_lots(facts.terms, entry.won_lots, facts.time)
        still = Owed(
            vested * lot_size - had.tokens,
            (entry.won_lots - vested) * lot_size,
            entry.refund - had.refund,
        )
        for name, value in still._asdict().items():
            found = getattr(facts.owed[bidder], name)
            expect("owed_differs", f"{name} owed to {bidder}", value, found)


def _check_collected(facts: SaleFacts, kind: EventKind, due: int, recipient: str | None) -> None:
    events = facts.events_of(kind)
    if len(events) > 1:
        expect("collected_differs", f"the number of {kind}", 1, len(events))
    for event in events:
        expect("collected_differs", f"the amount of {kind}", due, integer(event.values, "amount"))
        expect("collected_differs", f"the recipient of {kind}", recipient, event.values["to"])


def _check_held(
    facts: SaleFacts, due: dict[str, Due], paid: dict[str, Paid], *, raised: int
) -> None:
    """Check that the sale holds what it owes; anybody may have sent it more."""
    auction = facts.terms.auction
    out = dict.fromkeys(_COLLECTIONS, 0)
    for event in facts.events_of(*_COLLECTIONS):
        out[event.kind] += integer(event.values, "amount")
    tokens_paid = sum(entry.tokens for entry in paid.values())
    sold = auction.supply_lots * auction.lot_size - tokens_paid - out[EventKind.UNSOLD_COLLECTED]
    refunds = sum(entry.refund for entry in due.values())
    refunds -= sum(entry.refund for entry in paid.values())
    money = raised - out[EventKind.PROCEEDS_COLLECTED] + refunds
    for name, held, owed in (
        ("sale", facts.sold_balance, sold),
        ("payment", facts.paid_balance, money),
    ):
        if held < owed:
            message = f"Expected the sale to hold {owed} of the {name} token, was {held}"
            raise AuditDifference("balance_short", message, token=name, held=held, owed=owed)
