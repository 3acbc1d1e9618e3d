"""What the exchange refuses, in words with amounts as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.wording import sentence

if TYPE_CHECKING:
    from gavelbook.errors import GavelbookError
    from gavelbook.service.sale_view import Token


def order_refusal(error: GavelbookError, gives: Token, limit: str) -> str:
    """Say why an order at ``limit`` that gives ``gives`` was refused."""
    details = error.details
    if error.code == "insufficient_balance":
        needed, available = (gives.amount(int(details[key])) for key in ("needed", "available"))
        return f"The order needs {needed} free in escrow, and there is {available}."
    if error.code == "post_only_would_cross":
        return f"At {limit} it would have traded at once, and it is post-only."
    return sentence(error)


def money_refusal(error: GavelbookError, token: Token) -> str:
    """Say why a deposit or withdrawal of ``token`` was refused."""
    details = error.details
    if error.code == "insufficient_withdrawable":
        most, asked = (token.amount(int(details[key])) for key in ("withdrawable", "amount"))
        return (
            f"At most {most} can be withdrawn now, and {asked} was asked: what orders reserve and "
            "what has not settled stays."
        )
    return sentence(error)
