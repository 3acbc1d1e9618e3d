"""What the API knows for its operator only, and who that is."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from hashlib import sha256
from time import time
from typing import TYPE_CHECKING, Protocol

from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.exchange.batch_store import SignedBatch
    from gavelbook.service.exchange.chain_worker import ChainStatus

SHORTEST_TOKEN = 32


class RecentBatches(Protocol):
    """What is asked of the settler's store."""

    def recent(self, count: int) -> list[SignedBatch]:
        """Return the last ``count`` batches, newest first."""


@dataclass(frozen=True)
class Operating:
    """Who may see how the exchange does: whoever has ``token``; nobody where it is "".

    ``status`` tells of watcher and settler, ``batches`` what was sent by ``relayer``; None each
    where none runs.

    Raises:
        GavelbookError: ``operator_token_weak``.

    """

    token: str = field(default="", repr=False)
    status: Callable[[], ChainStatus] | None = None
    batches: RecentBatches | None = None
    relayer: bytes | None = None
    started: float = field(default_factory=time)

    def __post_init__(self) -> None:
        """Refuse a token that can be guessed."""
        if self.token and len(self.token) < SHORTEST_TOKEN:
            message = (
                f"Expected an operator token of at least {SHORTEST_TOKEN} characters, "
                f"was {len(self.token)}"
            )
            raise GavelbookError("operator_token_weak", message)

    def admits(self, token: str) -> bool:
        """Return whether ``token`` is the operator's, in a time that tells nothing about it."""
        right = hmac.compare_digest(_digest(token), _digest(self.token))
        return right and bool(self.token)


def _digest(token: str) -> bytes:
    return sha256(token.encode(errors="surrogateescape")).digest()
