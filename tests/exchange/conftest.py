"""An engine with markets and funded traders, as if it was new."""

from __future__ import annotations

import pytest

from tests.exchange.trading import Trading


@pytest.fixture
def trading() -> Trading:
    return Trading()
