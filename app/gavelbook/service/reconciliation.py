"""Sums over bids and terms beside the numbers on the chain: they must be the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelbook.service.sale_view import Decision, SaleView, Token


@dataclass(frozen=True, slots=True)
class Check:
    """One number computed from bids and terms beside the same number on the chain.

    ``token`` is None for a number of lots.
    """

    what: str
    computed: int
    on_chain: int
    token: Token | None = None

    @property
    def right(self) -> bool:
        """Whether both are the same."""
        return self.computed == self.on_chain

    @property
    def unit(self) -> str:
        """What both count: lots, or a token by its symbol."""
        return "lots" if self.token is None else self.token.symbol

    @property
    def computed_text(self) -> str:
        """The computed number, exact."""
        return self._text(self.computed)

    @property
    def on_chain_text(self) -> str:
        """The number on the chain, exact."""
        return self._text(self.on_chain)

    def _text(self, value: int) -> str:
        return f"{value:,}" if self.token is None else self.token.number(value)


def reconcile(view: SaleView) -> tuple[Check, ...]:
    """Compare the result, every payment out and both balances of a sale; nothing before a result.

    Tokens that strangers sent to the sale show up as a difference in the last two.
    """
    if view.decision is None:
        return ()
    return (*_result(view, view.decision), *_paid_out(view), *_left(view))


def _result(view: SaleView, decision: Decision) -> list[Check]:
    return [
        Check("Sold", sum(bid.filled for bid in view.bids), decision.sold_lots),
        Check(
            "Raised",
            sum(bid.payment for bid in view.bids),
            decision.raised,
            view.payment_token,
        ),
    ]


def _paid_out(view: SaleView) -> list[Check]:
    """Compare what bidders who claimed have coming with what the sale sent them."""
    moved, checks = view.moved, []
    if not view.terms.vesting_end:
        won = sum(line.tokens for line in view.bidders if line.bidder in moved.tokens_claimed)
        sent = sum(moved.tokens_claimed.values())
        checks.append(Check("Tokens sent to winners", won, sent, view.sale_token))
    refunds = sum(line.refund for line in view.bidders if line.bidder in moved.refunds_claimed)
    sent = sum(moved.refunds_claimed.values())
    checks.append(Check("Refunds sent to bidders", refunds, sent, view.payment_token))
    if moved.proceeds_collected:
        raised = sum(bid.payment for bid in view.bids)
        sent = moved.proceeds_collected
        checks.append(Check("Proceeds sent to the issuer", raised, sent, view.payment_token))
    if moved.unsold_collected:
        unsold = view.supply_tokens - sum(line.tokens for line in view.bidders)
        sent = moved.unsold_collected
        checks.append(Check("Unsold tokens returned", unsold, sent, view.sale_token))
    return checks


def _left(view: SaleView) -> list[Check]:
    moved = view.moved
    escrow = sum(bid.escrow for bid in view.bids)
    payment = escrow - sum(moved.refunds_claimed.values()) - moved.proceeds_collected
    tokens = view.supply_tokens - sum(moved.tokens_claimed.values()) - moved.unsold_collected
    return [
        Check(
            "Left in the contract",
            payment,
            moved.payment_held,
            view.payment_token,
        ),
        Check(
            "Left in the contract",
            tokens,
            moved.tokens_held,
            view.sale_token,
        ),
    ]
