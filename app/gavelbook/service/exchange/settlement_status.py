"""When and how much the settler settles, and what it says about itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class SettlerSettings:
    """When and how much to settle.

    Attributes:
        batch_fills: settle as soon as so many fills are open.
        batch_seconds: settle when the oldest fill is so old; well below the engine's settlement
            window, so that no order expires on its way.
        max_fills: most fills of a batch. One that takes too much gas is halved anyway.
        window_fills: so many open fills are looked at to fill a batch of one market.
        inclusion_seconds: how long a transaction usually takes to be mined.
        wait_seconds: how long a step waits for a transaction before others get their turn.
        clock: the time in unix seconds.

    """

    batch_fills: int = 200
    batch_seconds: float = 10.0
    max_fills: int = 320
    window_fills: int = 1_000
    inclusion_seconds: int = 15
    wait_seconds: float = 1.0
    clock: Callable[[], float] = time.time


class Alarm(NamedTuple):
    """Why nothing settles, for a person to look at."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class SettleStatus:
    """How far the settler is.

    ``alarm`` is set while something is wrong that time alone does not cure; nothing settles then.
    ``resting`` says why nothing is done for the moment, "" where something was. ``reverted``
    counts transactions that were mined in vain since the process began.
    """

    last_batch: int = 0
    open_fills: int = 0
    in_flight: int = 0
    busted: int = 0
    reverted: int = 0
    resting: str = ""
    alarm: Alarm | None = None
