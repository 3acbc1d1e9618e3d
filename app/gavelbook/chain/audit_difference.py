"""The first thing an audit finds that is not as it has to be."""

from __future__ import annotations

from gavelbook.errors import GavelbookError, shown


class AuditDifference(GavelbookError):  # noqa: N818 -- it is a finding
    """Public data contradict each other: ``details`` hold what was expected and what was found."""


def expect(code: str, what: str, due: object, found: object) -> None:
    """Refuse ``found`` where it is not ``due``.

    Raises:
        AuditDifference: with ``code``.

    """
    if due != found:
        message = f"Expected {what} to be {_text(due)}, was {_text(found)}"
        raise AuditDifference(code, message, expected=due, found=found)


def _text(value: object) -> str:
    return value if isinstance(value, str) else shown(value)
