"""What stops the demo."""

from __future__ import annotations

from gavelbook.errors import GavelbookError


class DemoError(GavelbookError):
    """The demo cannot go on: a tool is missing, or its chain refused something unexpected."""
