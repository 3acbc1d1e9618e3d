"""A running exchange for each module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.running import RunningExchange

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningExchange]:
    with RunningExchange(tmp_path_factory.mktemp("exchange")) as running:
        yield running
