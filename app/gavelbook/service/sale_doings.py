"""What anybody may do for a sale that nobody has decided: clear it without a signature, or end it.

The contract checks a result in full, so it does not matter who posts it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from gavelbook.chain.clearing_plan import chunked
from gavelbook.service.acting import Line, SendTransaction
from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from gavelbook.auction import SaleTerms
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.chain.sale import Sale
    from gavelbook.service.acting import Action
    from gavelbook.service.sale_view import Token

# Wallets guess gas by themselves; what is shown at once stays far under a transaction's limit.
_KEYS_SHOWN = 2_000


class Doing(StrEnum):
    """What anybody may do now for a closed sale without a result."""

    WAIT = "wait"
    """Nothing: until `SaleTerms.allocator_until` only a signed result counts."""
    CLEAR = "clear"
    ABORT = "abort"


def open_doing(terms: SaleTerms, now: int) -> Doing:
    """Return what anybody may do at ``now`` for a sale whose window is over and undecided."""
    if now >= (terms.abort_time or 0):
        return Doing.ABORT
    return Doing.CLEAR if now >= (terms.allocator_until or 0) else Doing.WAIT


def clear_unsigned(sale: Sale, plan: ClearingPlan, money: Token, caller: str) -> Action[str]:
    """Post the result of ``plan``; the result is the hash of the last transaction.

    A margin too long for one transaction is shown in several; what ``caller`` has shown before is
    not shown again.
    """
    hint = plan.unsigned_hint
    left = plan.margin_after(sale.progress_of(caller, hint).last_arrival)
    *before, last = list(chunked(left, _KEYS_SHOWN)) or [[]]
    for number, keys in enumerate(before, start=1):
        title = f"Show the bids that share the last lots, part {number} of {len(before) + 1}"
        yield SendTransaction(title, sale.advance(hint, keys))
    allocation = plan.allocation
    lines = (
        Line("Lots sold", f"{allocation.sold_lots:,}"),
        Line("Raised", f"{decimal_text(allocation.raised, money.decimals)} {money.symbol}"),
        Line("You pay", "only the network's fee"),
    )
    transaction: str = yield SendTransaction("Clear the sale", sale.clear(hint, last), lines=lines)
    return transaction


def abort_expired(sale: Sale) -> Action[str]:
    """Declare a sale failed that nobody cleared in time; the result is the transaction's hash."""
    lines = (
        Line("Every bid", "is refunded in full"),
        Line("You pay", "only the network's fee"),
    )
    transaction: str = yield SendTransaction("Call the sale off", sale.abort(), lines=lines)
    return transaction
