"""One-time tickets: how a page has the browser keep the token of a session.

A page cannot set a cookie that scripts cannot read; a route of the server can. So the page gives
the browser a ticket, the browser hands it to the route, and the token itself never passes through
a script.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

COOKIE = "gavelbook_session"
"""The cookie that holds the token, where there is no TLS."""
TLS_COOKIE = f"__Host-{COOKIE}"
"""The same where there is: with this name browsers take it from the site itself, from no other
site under the same domain."""

_SECONDS = 60.0
_MOST = 10_000


class _Kept(NamedTuple):
    token: str
    until: float


class SessionTickets:
    """Tickets that were given out. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.cookie = COOKIE
        """The name of the cookie on this site."""
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def issue(self, token: str) -> str:
        """Return a ticket that is good for ``token`` once, within a minute."""
        ticket = secrets.token_urlsafe(32)
        with self._lock:
            now = self._clock()
            while self._kept and (
                len(self._kept) >= _MOST or next(iter(self._kept.values())).until <= now
            ):
                self._kept.popitem(last=False)
            self._kept[ticket] = _Kept(token, now + _SECONDS)
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """Return the token of ``ticket``; None where it was used, is too old or never was."""
        with self._lock:
            kept = self._kept.pop(ticket, None)
        return kept.token if kept is not None and kept.until > self._clock() else None


TICKETS = SessionTickets()
"""Those of this process: pages and routes run in one."""
