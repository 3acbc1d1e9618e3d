"""What the signer refuses, and which HTTP status each code goes with.

* GavelbookError
  x AccountsError
    + Throttled
    + PolicyError
"""

from __future__ import annotations

from gavelbook.errors import GavelbookError

REFUSED = 422
_STATUS = {
    "malformed_json": 400,
    "malformed_body": 400,
    "malformed_query": 400,
    "access_key_required": 401,
    "session_required": 401,
    "unknown_session": 401,
    "sign_in_failed": 401,
    "password_wrong": 403,
    "foreign_origin": 403,
    "foreign_host": 403,
    "not_found": 404,
    "transfer_unknown": 404,
    "session_unknown": 404,
    "method_not_allowed": 405,
    "body_timeout": 408,
    "account_busy": 409,
    "name_taken": 409,
    "request_id_reused": 409,
    "transfer_settled": 409,
    "body_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "throttled": 429,
    "registration_limited": 429,
    "internal_error": 500,
    "gas_account_empty": 503,
    "overloaded": 503,
    "stopping": 503,
    "not_mined": 504,
}
_UNREACHABLE = "rpc_"


class AccountsError(GavelbookError):
    """The signer refuses; ``code`` says why. Nothing was signed unless the code says otherwise."""


class Throttled(AccountsError):  # noqa: N818 -- said as people say it
    """Too many attempts: wait ``details["retry_after"]`` seconds, then try again."""


class PolicyError(AccountsError):
    """What was to be signed is not understood or not allowed; ``code`` names the rule."""


def status_of(code: str) -> int:
    """Return the HTTP status for ``code``: 422 unless it has one of its own."""
    if code.startswith(_UNREACHABLE):
        return 503
    return _STATUS.get(code, REFUSED)
