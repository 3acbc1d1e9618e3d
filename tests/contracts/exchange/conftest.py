"""An exchange on which two traders' orders cross, and everybody has some of both tokens."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.evm.exchange import Floor
from tests.hostile.trading_scene import TradingStage

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def _floor() -> Floor:
    return Floor()


@pytest.fixture(scope="session")
def stage() -> None:
    """Replace the tokens and the factory of the sales' tests, which nobody needs here."""


@pytest.fixture
def floor() -> Iterator[Floor]:
    """An exchange with two markets, as if it was new."""
    with _floor().machine.trial():
        yield _floor()


@pytest.fixture
def trading(floor: Floor) -> TradingStage:
    """Two orders that cross, and money behind them."""
    return TradingStage(floor)
