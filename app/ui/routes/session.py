"""A cookie for those who stay signed in: tickets of a script become cookies it cannot set itself.

The script signs a visitor in over its own connection and puts the session's token behind a ticket.
The page sends the ticket here; the answer keeps the token where no script of a page can read it.
Only who holds a fresh ticket gets a cookie, so nobody can be given the session of another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gavelbook.service.session_tickets import COOKIE, TLS_COOKIE

if TYPE_CHECKING:
    from starlette.requests import Request

    from gavelbook.service.session_tickets import SessionTickets
    from ui.routes.site import Site

PATH = "/session"
_SECONDS = 7 * 24 * 60 * 60
_MOST_BYTES = 512
_NO_STORE = {"cache-control": "no-store"}


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    ticket: str


_DECODER = msgspec.json.Decoder(_Body)


class SessionCookie:
    """Sets and clears the cookie of a session on ``site``."""

    def __init__(self, tickets: SessionTickets, site: Site) -> None:
        self._tickets = tickets
        self._site = site
        tickets.cookie = TLS_COOKIE if site.encrypted else COOKIE

    def routes(self) -> list[Route]:
        """Return the routes at ``PATH``."""
        return [
            Route(PATH, self.begin, methods=["POST"]),
            Route(PATH, self.end, methods=["DELETE"]),
        ]

    async def begin(self, request: Request) -> Response:
        """Turn a ticket into a cookie."""
        if not self._asked_by_own_page(request):
            return _refusal(403, "Expected a page of this site to ask")
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            return _refusal(415, "Expected Content-Type application/json")
        token = await self._redeemed(request)
        if token is None:
            return _refusal(400, "Expected a ticket that is fresh and unused")
        answer = Response(status_code=204, headers=_NO_STORE)
        answer.set_cookie(
            self._tickets.cookie,
            token,
            max_age=_SECONDS,
            path="/",
            secure=self._site.encrypted,
            httponly=True,
            samesite="strict",
        )
        return answer

    async def end(self, request: Request) -> Response:
        """Clear the cookie."""
        if not self._asked_by_own_page(request):
            return _refusal(403, "Expected a page of this site to ask")
        answer = Response(status_code=204, headers=_NO_STORE)
        answer.delete_cookie(
            self._tickets.cookie,
            path="/",
            secure=self._site.encrypted,
            httponly=True,
            samesite="strict",
        )
        return answer

    def _asked_by_own_page(self, request: Request) -> bool:
        """Return whether a browser says so: here, unlike elsewhere, it has to."""
        return (
            request.headers.get("origin", "").lower() in self._site.origins()
            and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
        )

    async def _redeemed(self, request: Request) -> str | None:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                return None
        try:
            return self._tickets.redeem(_DECODER.decode(body).ticket)
        except (msgspec.MsgspecError, UnicodeError):
            return None


def _refusal(status: int, text: str) -> Response:
    return PlainTextResponse(f"{text}\n", status, headers=_NO_STORE)
