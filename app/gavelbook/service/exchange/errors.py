"""What can go wrong around the engine."""

from __future__ import annotations

from gavelbook.errors import GavelbookError


class LogError(GavelbookError):
    """The log cannot be read or written: nothing goes on before somebody has looked at it."""


class ViewError(GavelbookError):
    """A view cannot be read or written; it can be deleted, and is then made anew from the log."""


class IntakeError(GavelbookError):
    """A command was not taken: it did not reach the log, and will not."""


class OutcomeUnknownError(GavelbookError):
    """The process ended before the log answered: what was asked may or may not have happened."""
