"""What people are told of refusals whose own message is for programs, by their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.accounts.errors import PolicyError

if TYPE_CHECKING:
    from gavelbook.errors import GavelbookError

_MINUTE = 60

WORDS = {
    # Who one is
    "actor_missing": "Say who you are first: at the top of this page",
    "actor_unknown": "This account is none of the demo's",
    "signer_missing": "Only the owner's wallet can sign for this account",
    "sign_in_required": "Sign in to the exchange first, to show that the wallet is yours",
    "unknown_session": "Your session has ended. Sign in again",
    "session_required": "Your session has ended. Sign in again",
    "bad_sign_in": "The signature is not of this account, or came too late. Sign in again",
    "signature_malformed": (
        "The wallet signs in a way that this token does not take; allow the payment first"
    ),
    # Managed accounts
    "accounts_closed": "This site keeps no accounts. Use your own wallet",
    "signer_unreachable": "The signer of this site does not answer. Try again in a moment",
    "sign_in_failed": "Name and password do not go together",
    "password_wrong": "This is not the password of the account",
    "name_taken": "Somebody has this name already. Choose another",
    "registration_limited": "Too many accounts were opened from here. Try again later",
    "account_busy": "Another transaction of this account is on its way. Try again in a moment",
    "gas_account_empty": "The site cannot pay for transactions just now. Tell its operator",
    "gas_allowance_spent": "This account has sent all the transactions the site pays for in a day",
    "daily_limit": "This is more than the account may send in a day",
    "transfer_expired": "The transfer waited too long for its confirmation. Ask for it again",
    "transfer_settled": "This transfer was decided before",
    "money_left": "The account still has money. Take it out first",
    "balance_short": "The account has not so much of the token",
    # The exchange
    "no_answer": "The exchange does not answer",
    "rate_limited": "That was too much at once. Try again in a moment",
    "cancel_only": "The exchange takes no new orders just now. Orders can be cancelled",
    "overloaded": "The exchange is very busy. Try again in a moment",
    "stopping": "The exchange is being restarted. Try again in a moment",
    "sequence_passed": "The price was looked at for too long. Look at the order again",
    "account_exiting": "You are leaving the exchange: no new orders until that is over",
    "withdrawal_expired": "The exchange's consent has run out. Ask for the money again",
    # The chain
    "rpc_unreachable": "The chain does not answer",
    "rpc_timeout": "The chain does not answer in time",
    "rpc_error": "The chain does not answer as it should. Try again in a moment",
    "insufficient_funds": "The account has too little ether to pay for the transaction",
    "not_mined": "The transaction was sent and is in no block yet",
    "nonce_taken": "Another transaction of the account took the place of this one",
    "faucet_refused": "The faucet gives nothing to this account now",
}
"""Sentences without the point at their end."""


def words_of(error: GavelbookError) -> str | None:
    """Return what people are told; None where the error's own message says it well."""
    if error.code == "throttled":
        return f"Too many attempts. Wait {_waiting(error)}, then try again"
    if error.code in WORDS:
        return WORDS[error.code]
    if isinstance(error, PolicyError):
        return "The signer of this site does not sign this: it is no trade, bid or claim it knows"
    return None


def _waiting(error: GavelbookError) -> str:
    # The exchange and the signer spell it each in its own way.
    asked = error.details.get("retry_after", error.details.get("retryAfter", _MINUTE))
    seconds = int(asked)
    if seconds < _MINUTE:
        return f"{max(seconds, 1)} s"
    return f"{-(-seconds // _MINUTE)} min"
