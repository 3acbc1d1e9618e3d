"""Rate limits: token buckets by address and by account, and how HTTP tells of them."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from gavelbook import rates
from gavelbook.api.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.api.settings import Rates


class Buckets(rates.Buckets[rates.Key]):
    """Token buckets whose refusal is a `RequestError` with Retry-After."""

    def headers(self, left: int) -> list[tuple[bytes, bytes]]:
        """Return the headers that tell a client where it stands."""
        return [
            (b"ratelimit-limit", b"%d" % self.rate.burst),
            (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % self.seconds(self.rate.burst - left)),
        ]

    def _refusal(self, left: int, wait: int) -> RequestError:
        return RequestError(
            "rate_limited",
            self._told_to_wait(wait),
            headers=((b"retry-after", b"%d" % wait), *self.headers(left)),
            bucket=self.name,
            retry_after=wait,
        )


class Limits:
    """All buckets of the API."""

    def __init__(self, rates: Rates, clock: Callable[[], float] = monotonic) -> None:
        self.ip: dict[str, Buckets[str]] = {
            name: Buckets(f"{name} per address", rate, clock)
            for name, rate in (
                ("reads", rates.reads_per_ip),
                ("orders", rates.orders_per_ip),
                ("cancels", rates.cancels_per_ip),
                ("sign-ins", rates.sign_ins_per_ip),
            )
        }
        self.orders: Buckets[bytes] = Buckets("orders per account", rates.orders_per_account, clock)
        self.cancels: Buckets[bytes] = Buckets(
            "cancels per account", rates.cancels_per_account, clock
        )
