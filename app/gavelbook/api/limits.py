"""Rate limits: token buckets by address and by account."""

from __future__ import annotations

import ipaddress
import math
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from gavelbook.api.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.api.settings import Rate, Rates

Key = TypeVar("Key", str, bytes)
_MOST_KEYS = 100_000
_IPV6_PREFIX = 64


class Buckets(Generic[Key]):
    """One token bucket for each key, at most 100,000 of them.

    The floats here count requests, not money.
    """

    def __init__(self, name: str, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        self.name = name
        self.rate = rate
        self._clock = clock
        # Tokens left, and when that was so.
        self._buckets: dict[Key, tuple[float, float]] = {}

    def remaining(self, key: Key) -> float:
        """Return how many tokens ``key`` has left."""
        tokens, then = self._buckets.get(key, (float(self.rate.burst), 0.0))
        return min(self.rate.burst, tokens + (self._clock() - then) * self.rate.per_second)

    def take(self, key: Key, cost: int = 1) -> int:
        """Take ``cost`` tokens of ``key`` and return how many are left.

        Raises:
            RequestError: ``rate_limited``, with Retry-After; nothing was taken.
        """
        now, rate = self._clock(), self.rate
        found = self._buckets.get(key)
        if found is None:
            tokens = float(rate.burst)
            if len(self._buckets) >= _MOST_KEYS:
                self._prune()
        else:
            tokens = min(rate.burst, found[0] + (now - found[1]) * rate.per_second)
        if tokens < cost:
            raise self._refusal(tokens, cost)
        left = tokens - cost
        self._buckets[key] = (left, now)
        return int(left)

    def give_back(self, key: Key, cost: int = 1) -> None:
        """Put ``cost`` tokens back that somebody else had taken in the name of ``key``."""
        self._put(key, min(float(self.rate.burst), self.remaining(key) + cost))

    def headers(self, left: int) -> list[tuple[bytes, bytes]]:
        """Return the headers that tell a client where it stands."""
        return [
            (b"ratelimit-limit", b"%d" % self.rate.burst),
            (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % self._seconds(self.rate.burst - left)),
        ]

    def _put(self, key: Key, left: float) -> None:
        self._buckets[key] = (left, self._clock())

    def _prune(self) -> None:
        """Forget full buckets; if there are none, the older half."""
        full = [key for key in self._buckets if self.remaining(key) >= self.rate.burst]
        for key in full or list(self._buckets)[: _MOST_KEYS // 2]:
            del self._buckets[key]

    def _seconds(self, tokens: float) -> int:
        return math.ceil(tokens / self.rate.per_second)

    def _refusal(self, left: float, cost: int) -> RequestError:
        seconds = max(1, self._seconds(cost - left))
        message = (
            f"Expected at most {self.rate.per_second:g} {self.name} a second after a burst of "
            f"{self.rate.burst}, was more: try again in {seconds} s"
        )
        return RequestError(
            "rate_limited",
            message,
            headers=((b"retry-after", b"%d" % seconds), *self.headers(int(left))),
            bucket=self.name,
            retry_after=seconds,
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


@lru_cache(maxsize=65_536)
def address_key(host: str) -> str:
    """Return what stands for ``host``: a /64 network for IPv6, since one client has all of it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return host
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False).network_address)
