"""Where the log goes."""

from __future__ import annotations

import sys

import structlog


def log_to_stderr() -> None:
    """Write log events to standard error, one line each; standard output is for results."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        # Asked for each event, since a test or a terminal may put another in its place.
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
    )
