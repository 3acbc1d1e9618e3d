"""Texts that the signer signs: sign-in messages (ERC-4361) for places it knows, and no others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy.typed_data import Understood
from gavelbook.accounts.policy.venue import Line, SignInPlace
from gavelbook.errors import shown

if TYPE_CHECKING:
    from siwe import SiweMessage

    from gavelbook.accounts.policy.venue import Owner, Venue

SIGN_IN_SECONDS = 7 * 24 * 60 * 60
"""How far ahead the end of a sign-in may lie."""
CLOCK_SECONDS = 15 * 60
"""How old a message may be, and how far ahead its clock."""


def understand_message(venue: Venue, owner: Owner, text: str, now: int) -> Understood:
    """Return what ``owner`` would sign; ``now`` is in Unix seconds.

    Raises:
        PolicyError: ``message_malformed`` where it is no sign-in message, ``sign_in_foreign`` with
            the field of it that is wrong, ``deadline_passed`` or ``deadline_too_far``.

    """
    parsed = _parsed(text)
    place = SignInPlace(parsed.domain, str(parsed.uri))
    if place not in venue.sign_in:
        raise _foreign("domain", f"{place.domain} ({place.uri})", "a place this signer knows")
    if parsed.chain_id != venue.chain_id:
        raise _foreign("chain_id", parsed.chain_id, str(venue.chain_id))
    if parsed.address != owner.address:
        raise _foreign("address", parsed.address, owner.address)
    for field in ("scheme", "resources", "request_id", "not_before"):
        # Resources can carry capabilities; the exchange uses none of these.
        if getattr(parsed, field):
            raise _foreign(field, getattr(parsed, field), "left out")
    _check_times(parsed, now)
    prefix = f"\x19Ethereum Signed Message:\n{len(text.encode())}".encode()
    lines = (Line("Sign in at", place.domain), Line("Says", parsed.statement or "nothing"))
    return Understood("sign_in", keccak(prefix + text.encode()), lines)


def _check_times(parsed: SiweMessage, now: int) -> None:
    issued = _seconds(parsed.issued_at)
    if abs(issued - now) > CLOCK_SECONDS:
        raise _foreign("issued_at", str(parsed.issued_at), "now")
    if parsed.expiration_time is None:
        raise _foreign("expiration_time", None, "given")
    ends = _seconds(parsed.expiration_time)
    if ends < now:
        message = f"Expected a sign-in that has not ended, was {parsed.expiration_time}"
        raise PolicyError("deadline_passed", message)
    if ends > now + SIGN_IN_SECONDS:
        message = f"Expected a sign-in of at most {SIGN_IN_SECONDS} seconds, was longer"
        raise PolicyError("deadline_too_far", message)


def _parsed(text: str) -> SiweMessage:
    from siwe import SiweMessage

    try:
        parsed = SiweMessage.from_message(text)
        canonical = parsed.prepare_message() == text
    except Exception as error:  # noqa: BLE001 -- the parser raises errors of three libraries
        message = f"Expected a sign-in message (ERC-4361), was otherwise: {type(error).__name__}"
        raise PolicyError("message_malformed", message) from None
    if not canonical:
        message = "Expected a sign-in message as ERC-4361 writes it, was written in another way"
        raise PolicyError("message_malformed", message)
    return parsed


def _foreign(field: str, was: Any, expected: str) -> PolicyError:
    message = f"Expected {field} of the sign-in {expected}, was {shown(was)}"
    return PolicyError("sign_in_foreign", message, field=field)


def _seconds(text: str) -> int:
    # A message may leave the zone out; then it is read as UTC.
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
