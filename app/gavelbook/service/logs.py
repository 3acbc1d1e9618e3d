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
        logger_factory=structlog.PrintLoggerFactory(file=sys.stderr),
    )
