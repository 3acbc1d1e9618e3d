"""What the operations of the API work with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gavelbook.api.operating import Operating

if TYPE_CHECKING:
    from gavelbook.api.limits import Limits
    from gavelbook.api.recent_cancels import RecentCancels
    from gavelbook.api.sessions import Sessions
    from gavelbook.api.settings import ApiSettings
    from gavelbook.api.settlements import Settlements
    from gavelbook.api.stream.feed import Feed
    from gavelbook.exchange.engine import EngineTerms
    from gavelbook.exchange.signing import Domain, Withdrawal
    from gavelbook.service.exchange.async_intake import AsyncIntake
    from gavelbook.service.exchange.intake import Intake
    from gavelbook.service.exchange.ports import Log
    from gavelbook.service.exchange.sequencer import Sequencer
    from gavelbook.service.exchange.view_queries import Views


class Cosigner(Protocol):
    """Signs for the matcher what the engine has set aside."""

    def __call__(self, withdrawal: Withdrawal) -> bytes:
        """Return the matcher's signature over EIP-712 ``Withdrawal``."""


@dataclass(slots=True)
class Desk:
    """The exchange as the API sees it, and what the API keeps itself.

    Belongs to one event loop; sequencer, views and log may be asked from it, as their calls are
    short.
    """

    settings: ApiSettings
    terms: EngineTerms
    domain: Domain
    matcher: bytes
    sequencer: Sequencer
    intake: AsyncIntake
    checker: Intake
    views: Views
    log: Log
    settlements: Settlements
    cosign: Cosigner
    origin: bytes
    """What the log begins with: the first head is its SHA-256."""
    limits: Limits
    sessions: Sessions
    feed: Feed
    recent_cancels: RecentCancels
    operating: Operating = field(default_factory=Operating)
    cancel_only: bool = False
    """Whether the operator has stopped new orders."""

    async def current_views(self) -> Views:
        """Return the views once they have all that is durable now, so that one reads one's writes.

        They are a few milliseconds behind. Where they are more, what they have has to do.
        """
        position = self.sequencer.tail.position
        if self.views.position < position:
            await asyncio.to_thread(self.views.wait_for, position, self.settings.view_patience)
        return self.views
