"""Signing in and out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.api.operations import Operations
from gavelbook.wire.scalars import Address, Uint64
from gavelbook.wire.sessions import NonceAnswer, NonceRequest, SessionAnswer, SessionRequest

if TYPE_CHECKING:
    from gavelbook.api.desk import Desk
    from gavelbook.api.operations import Call
    from gavelbook.api.sessions import Session

OPERATIONS = Operations("sessions")


@OPERATIONS.add(
    "POST",
    "/v1/session/nonce",
    body=NonceRequest,
    answer=NonceAnswer,
    bucket="sign-ins",
)
async def create_nonce(desk: Desk, call: Call) -> NonceAnswer:
    """Ask for a message to sign in with.

    The message (ERC-4361) names this site, this chain and a nonce that can be used once. Sign it
    with `personal_sign` and send both to `POST /v1/session`.
    """
    nonce, message, expires = desk.sessions.message_for(call.body.account)
    return NonceAnswer(nonce, message, Uint64(int(expires * 1000)))


@OPERATIONS.add(
    "POST",
    "/v1/session",
    body=SessionRequest,
    answer=SessionAnswer,
    bucket="sign-ins",
    problems=("malformed_message", "bad_sign_in"),
)
async def create_session(desk: Desk, call: Call) -> SessionAnswer:
    """Sign in.

    Opens a session of the account that signed the message. The token goes into the header
    `Authorization: Bearer TOKEN`; it reads the account and cancels orders, and moves no money.
    """
    return _answer(*desk.sessions.open(call.body.message, call.body.signature))


@OPERATIONS.add(
    "POST", "/v1/session/rotate", answer=SessionAnswer, bucket="sign-ins", access="session"
)
async def rotate_session(desk: Desk, call: Call) -> SessionAnswer:
    """Exchange the session's token for another.

    The old token ends at once; the session ends when it would have ended.
    """
    return _answer(*desk.sessions.rotate(call.token or ""))


@OPERATIONS.add("DELETE", "/v1/session", answer=None, access="session")
async def delete_session(desk: Desk, call: Call) -> None:
    """Sign out: the token ends at once."""
    desk.sessions.close(call.token or "")


def _answer(token: str, session: Session) -> SessionAnswer:
    expires = Uint64(int(session.expires * 1000))
    return SessionAnswer(token, Address(session.account), expires)
