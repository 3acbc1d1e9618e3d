"""What the API refuses by itself, and which HTTP status each code goes with."""

from __future__ import annotations

from typing import Any

from gavelbook.errors import GavelbookError

REFUSED = 422
_STATUS = {
    "malformed_json": 400,
    "malformed_body": 400,
    "malformed_query": 400,
    "malformed_path": 400,
    "malformed_message": 400,
    "session_required": 401,
    "unknown_session": 401,
    "bad_sign_in": 401,
    "operator_required": 401,
    "foreign_account": 403,
    "foreign_origin": 403,
    "not_found": 404,
    "unknown_market": 404,
    "unknown_order": 404,
    "log_position_unknown": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "duplicate_order": 409,
    "duplicate_client_id": 409,
    "sequence_passed": 409,
    "nonce_used": 409,
    "cancel_under_way": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "internal_error": 500,
    "cancel_only": 503,
    "overloaded": 503,
    "stopping": 503,
    "outcome_unknown": 504,
}


class RequestError(GavelbookError):
    """A request is refused before the exchange has seen it; ``headers`` go with the answer."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        **details: Any,
    ) -> None:
        """Keep ``headers`` beside what every error of the package has."""
        super().__init__(code, message, **details)
        self.headers = headers


def status_of(code: str) -> int:
    """Return the HTTP status for ``code``: 422 unless it has one of its own."""
    return _STATUS.get(code, REFUSED)
