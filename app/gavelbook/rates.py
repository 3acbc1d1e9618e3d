"""How often somebody may ask: token buckets, and what stands for a network address."""

from __future__ import annotations

import ipaddress
import math
import threading
from dataclasses import dataclass
from functools import lru_cache
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from collections.abc import Callable

Key = TypeVar("Key", str, bytes, int)
_MOST_KEYS = 100_000
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: ``burst`` at once, then ``per_second``."""

    per_second: float
    burst: int


class RateLimited(GavelbookError):  # noqa: N818 -- said as people say it
    """Too much was asked for: wait ``details["retry_after"]`` seconds; nothing was done."""


class Buckets(Generic[Key]):
    """One token bucket for each key, at most 100,000 of them. Safe to share between threads.

    The floats here count requests, not money.
    """

    def __init__(self, name: str, rate: Rate, clock: Callable[[], float] = monotonic) -> None:
        """Start with all buckets full; ``clock`` is in seconds and never goes back."""
        self.name = name
        self.rate = rate
        self._clock = clock
        # Tokens left, and when that was so.
        self._buckets: dict[Key, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def remaining(self, key: Key) -> float:
        """Return how many tokens ``key`` has left."""
        tokens, then = self._buckets.get(key, (float(self.rate.burst), 0.0))
        return min(self.rate.burst, tokens + (self._clock() - then) * self.rate.per_second)

    def take(self, key: Key, cost: int = 1) -> int:
        """Take ``cost`` tokens of ``key`` and return how many are left.

        Raises:
            RateLimited: ``rate_limited``; nothing was taken.

        """
        rate = self.rate
        with self._lock:
            now, found = self._clock(), self._buckets.get(key)
            if found is None:
                tokens = float(rate.burst)
                if len(self._buckets) >= _MOST_KEYS:
                    self._prune()
            else:
                tokens = min(rate.burst, found[0] + (now - found[1]) * rate.per_second)
            if tokens >= cost:
                self._buckets[key] = (tokens - cost, now)
                return int(tokens - cost)
        raise self._refusal(int(tokens), max(1, self.seconds(cost - tokens)))

    def give_back(self, key: Key, cost: int = 1) -> None:
        """Put ``cost`` tokens back that somebody else had taken in the name of ``key``."""
        with self._lock:
            left = min(float(self.rate.burst), self.remaining(key) + cost)
            self._buckets[key] = (left, self._clock())

    def seconds(self, tokens: float) -> int:
        """Return how long ``tokens`` take to come, in whole seconds."""
        return math.ceil(tokens / self.rate.per_second)

    def _refusal(self, left: int, wait: int) -> GavelbookError:  # noqa: ARG002 -- for those who show it
        return RateLimited(
            "rate_limited", self._told_to_wait(wait), bucket=self.name, retry_after=wait
        )

    def _told_to_wait(self, wait: int) -> str:
        return (
            f"Expected at most {self.rate.per_second:g} {self.name} a second after a burst of "
            f"{self.rate.burst}, was more: try again in {wait} s"
        )

    def _prune(self) -> None:
        """Forget full buckets; if there are none, the older half."""
        full = [key for key in self._buckets if self.remaining(key) >= self.rate.burst]
        for key in full or list(self._buckets)[: _MOST_KEYS // 2]:
            del self._buckets[key]


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
