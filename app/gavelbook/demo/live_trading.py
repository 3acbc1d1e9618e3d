"""Trading that goes on while the pages are served."""

from __future__ import annotations

import time
from random import Random
from typing import TYPE_CHECKING

from gavelbook.client.errors import ApiError, NetworkError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gavelbook.demo.exchange_server import ExchangeServer
    from gavelbook.demo.trading_floor import TradingFloor

_PAUSE_SECONDS = (0.8, 3.0)


class LiveTrading:
    """Lets the traders of ``floor`` go on slowly, between the visitors' orders."""

    def __init__(self, floor: TradingFloor, server: ExchangeServer, seed: int) -> None:
        """Prepare; `start` starts the exchange again, and `step` does the work."""
        self.url = server.url
        self._floor = floor
        self._server = server
        self._random = Random(seed)  # noqa: S311 -- a simulation that can be repeated
        self._next = time.monotonic()

    def start(self, pages: Mapping[str, str]) -> None:
        """Start the exchange with the pages, in the environment ``pages``.

        Errors as `ExchangeServer.start`.
        """
        self._server.start(pages)

    def step(self) -> None:
        """Play a round if it is time for one.

        Raises:
            DemoError: ``exchange_failed``, where the exchange is gone.

        """
        self._server.check()
        if time.monotonic() < self._next:
            return
        try:
            self._floor.play_round()
        except (ApiError, NetworkError):
            # A visitor may have been faster, or the exchange is busy: the next round comes soon.
            self._server.check()
        self._next = time.monotonic() + self._random.uniform(*_PAUSE_SECONDS)
