"""What the operator of an API may set."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gavelbook.errors import GavelbookError, shown
from gavelbook.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Iterable

_CHANGE = re.compile(r"([a-z_]+)=([1-9][0-9]{0,8})/([1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rates:
    """How much an address and an account may ask for; an order of a batch counts like any other."""

    reads_per_ip: Rate = Rate(50, 200)
    orders_per_ip: Rate = Rate(200, 1_000)
    orders_per_account: Rate = Rate(100, 500)
    cancels_per_ip: Rate = Rate(400, 2_000)
    cancels_per_account: Rate = Rate(200, 1_000)
    sign_ins_per_ip: Rate = Rate(1, 20)
    messages_per_stream: Rate = Rate(10, 100)

    def having(self, changes: Iterable[str]) -> Rates:
        """Return these rates with ``changes``, each as `orders_per_ip=200/1000`.

        Raises:
            GavelbookError: ``bad_rate``.
        """
        rates = self
        names = [each.name for each in fields(Rates)]
        for change in changes:
            found = _CHANGE.fullmatch(change)
            if found is None or found[1] not in names:
                message = (
                    f"Expected NAME=PER_SECOND/BURST with a name of {', '.join(names)}, "
                    f"was {shown(change)}"
                )
                raise GavelbookError("bad_rate", message, value=change)
            rates = replace(rates, **{found[1]: Rate(int(found[2]), int(found[3]))})
        return rates


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How the API presents itself and what it bounds. Times are in seconds."""

    public_url: str = "http://127.0.0.1:8100"
    """Where clients reach it: what sign-in messages have to name, and its own origin."""

    origins: tuple[str, ...] = ()
    """Origins of other sites whose pages may call (CORS) and stream; none unless named."""

    rates: Rates = field(default_factory=Rates)
    max_body: int = 262_144
    body_timeout: float = 10.0
    view_patience: float = 0.5
    """How long a reader waits for views that lag behind the log."""

    nonce_lifetime: float = 300.0
    session_lifetime: float = 86_400.0
    sessions_per_account: int = 16
    cancel_window: float = 30.0
    heartbeat: float = 15.0
    streams: int = 1_000
    """Open WebSockets at most, over all clients."""
    streams_per_ip: int = 64
    stream_buffer: int = 512
    """Messages that wait for a slow consumer before it is disconnected."""
    resume_buffer: int = 1_024
    """Deltas kept per channel for those who come back."""

    @property
    def origin(self) -> str:
        """The origin of ``public_url``."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def domain(self) -> str:
        """The authority of ``public_url``: the domain of sign-in messages."""
        return urlsplit(self.public_url).netloc

    def __post_init__(self) -> None:
        """Refuse settings that cannot work."""
        for url in (self.public_url, *self.origins):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.netloc:
                message = f"Expected an http or https URL, was {url!r}"
                raise GavelbookError("bad_url", message, value=url)
