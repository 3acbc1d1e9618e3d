"""What can go wrong, as a tree of exceptions with stable codes.

* GavelbookError
  x TermsError
  x BidsError
    + BidFileError
  x FileError

Every error carries a ``code`` that programs may rely on and a message for people in the form
"Expected …, was …". Errors about rules that a contract enforces too carry the name of the
contract's error in snake case.
"""

from __future__ import annotations

from typing import Any, Self

_SHOWN_LENGTH = 80
_SHOWN_BITS = 300


def shown(value: object) -> str:
    """Return ``value`` as a message shows it: text quoted, whatever is long cut short."""
    if type(value) is int and value.bit_length() > _SHOWN_BITS:
        # Python refuses to write integers of thousands of digits.
        return f"an integer of {value.bit_length()} bits"
    if type(value) is int:
        return str(value)
    text = value if isinstance(value, str) else repr(value)
    text = text if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]}…"
    return repr(text) if isinstance(value, str) else text


class GavelbookError(Exception):
    """Base of every error the package raises on purpose: catch it to show ``code`` and message."""

    def __init__(self, code: str, message: str, **details: Any) -> None:
        """Keep ``code``, ``message`` and any ``details`` that a program may want to show."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details

    def at(self, place: str, **details: Any) -> Self:
        """Return the same error with ``place`` (a file, line or key) in front of the message."""
        return type(self)(self.code, f"{place}: {self.message}", **{**self.details, **details})

    def __reduce__(self) -> tuple[Any, ...]:
        """Support pickling, so that an error can cross a process boundary."""
        return _rebuild, (type(self), self.code, self.message, self.details)


def _rebuild(
    kind: type[GavelbookError], code: str, message: str, details: dict[str, Any]
) -> GavelbookError:
    return kind(code, message, **details)


class TermsError(GavelbookError):
    """The terms of a sale are refused: correct the value named by ``details["key"]``."""

    @classmethod
    def refuse(cls, code: str, key: str, value: object, expected: str) -> Self:
        """Return the error about ``value`` of ``key``; ``expected`` completes the sentence."""
        return cls(code, f"Expected {key} {expected}, was {shown(value)}", key=key, value=value)


class BidsError(GavelbookError):
    """Bids that no auction under these terms can hold: correct the bids, nothing was allocated."""


class BidFileError(BidsError):
    """A bid file is refused: correct the line named by ``details["line"]``, nothing was written."""


class FileError(GavelbookError):
    """A file cannot be read or written: check the path and its permissions, then run again."""
