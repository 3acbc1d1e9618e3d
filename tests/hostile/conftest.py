"""One exchange and one market for all: what a test does to them is taken back after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.hostile.scene import market
from tests.hostile.trading_scene import TradingStage, floor

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    with floor().machine.trial(), market().machine.trial():
        yield


@pytest.fixture
def stage(_leave_no_trace: None) -> TradingStage:
    """Two orders that cross, and money behind them."""
    return TradingStage(floor())
