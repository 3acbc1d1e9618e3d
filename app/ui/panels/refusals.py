"""What the exchange refuses, in words with amounts as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.wording import amount, sentence

if TYPE_CHECKING:
    from gavelbook.errors import GavelbookError
    from gavelbook.service.market_view import MarketTerms
    from gavelbook.service.sale_view import Token
    from gavelbook.service.ticket import Ticket


def order_refusal(error: GavelbookError, terms: MarketTerms, ticket: Ticket) -> str:
    """Say why the order ``ticket`` was refused."""
    details = error.details
    gives = terms.quote if ticket.side == "buy" else terms.base
    if error.code == "insufficient_balance":
        needed, available = (amount(gives, int(details[key])) for key in ("needed", "available"))
        return f"The order needs {needed} free in escrow, and there is {available}."
    if error.code == "post_only_would_cross":
        return f"At {terms.price(ticket.ticks)} it would have traded at once, and it is post-only."
    return sentence(error)


def money_refusal(error: GavelbookError, token: Token) -> str:
    """Say why a deposit or withdrawal of ``token`` was refused."""
    details = error.details
    if error.code == "insufficient_withdrawable":
        most, asked = (amount(token, int(details[key])) for key in ("withdrawable", "amount"))
        return (
            f"At most {most} can be withdrawn now, and {asked} was asked: what orders reserve and "
            "what has not settled stays."
        )
    if error.code == "exchange_paused":
        return "Deposits are paused for now. Withdrawals and exits go on."
    return sentence(error)
