"""Letting a contract take tokens: signed where the token can, else approved in a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.sale_types import Permit
from gavelbook.service.acting import Action, Line, SendTransaction, SignTypedData

if TYPE_CHECKING:
    from gavelbook.chain.token import Token

PERMIT_SECONDS = 60 * 60
_TITLE = "Allow the payment"


def allow(  # noqa: PLR0913, PLR0917 -- an allowance has so many terms
    token: Token, owner: str, spender: str, amount: int, deadline: int, lines: tuple[Line, ...] = ()
) -> Action[Permit | None]:
    """Let ``spender`` take ``amount`` base units of ``owner``; until ``deadline`` where signed.

    Returns:
        The permit for the call that takes the tokens; None where an allowance is in place.

    """
    allowed = token.allowance(owner, spender)
    if allowed >= amount:
        return None
    if token.takes_permits(owner):
        data = token.permit_typed_data(owner, spender, amount, deadline)
        signature = yield SignTypedData(_TITLE, data, lines)
        return Permit.signed(amount, deadline, signature)
    if allowed:
        # Some tokens change an allowance only by way of zero.
        yield SendTransaction("Take back the old allowance", token.approve(spender, 0), 0, lines)
    yield SendTransaction(_TITLE, token.approve(spender, amount), 0, lines)
    return None
