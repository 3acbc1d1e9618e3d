"""What can go wrong between a client and the exchange."""

from __future__ import annotations

from typing import Any

from gavelbook.errors import GavelbookError


class ApiError(GavelbookError):
    """The exchange refused a request: ``code`` says why, ``details`` hold the problem's members."""

    @property
    def status(self) -> int:
        """The HTTP status of the answer."""
        return int(self.details.get("status", 0))

    @classmethod
    def of(cls, problem: dict[str, Any]) -> ApiError:
        """Return the error that the members of ``problem`` describe."""
        details = {key: value for key, value in problem.items() if key not in {"code", "detail"}}
        return cls(str(problem.get("code")), str(problem.get("detail")), **details)


class NetworkError(GavelbookError):
    """No answer came, after all attempts.

    Whether an order was accepted is not known: sending the same signed bytes again tells, and
    never places it twice.
    """


class AnswerError(GavelbookError):
    """An answer is not what the API describes: another version, or no Gavelbook at all."""


class ClientError(GavelbookError):
    """A call cannot be made as it is: nothing was sent."""


class StreamError(GavelbookError):
    """The stream ended for a reason that connecting again does not cure."""
