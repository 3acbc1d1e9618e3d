"""How commands ask for passphrases, and end when they are told to."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from types import FrameType


def ask_passphrase(alias: str) -> str:
    """Return the passphrase of ``alias``, typed unseen."""
    return str(click.prompt(f"Passphrase of {alias}", hide_input=True, err=True))


def end_on_sigterm() -> None:
    """Let SIGTERM end the process in order, as if its command had returned."""
    signal.signal(signal.SIGTERM, _end)


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)
