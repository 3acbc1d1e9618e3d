"""What nodes mean when they refuse a request: there is no standard, only habits of speech."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from web3.exceptions import Web3RPCError


class SendAnswer(Enum):
    """What became of a transaction sent to a node."""

    ACCEPTED = "accepted"
    NONCE_TAKEN = "nonce taken"
    UNDERPRICED = "underpriced"
    NO_FUNDS = "insufficient funds"
    REFUSED = "refused"


_SEND_PHRASES = (
    (SendAnswer.ACCEPTED, ("already known", "known transaction", "already imported")),
    (
        # A replacement can be refused only where a transaction with this nonce is known.
        SendAnswer.NONCE_TAKEN,
        ("nonce too low", "nonce is too low", "invalid nonce", "old nonce", "replacement"),
    ),
    (
        SendAnswer.UNDERPRICED,
        ("underpriced", "less than block base fee", "fee too low", "below base fee"),
    ),
    (SendAnswer.NO_FUNDS, ("insufficient funds", "insufficient balance", "outoffunds")),
)


def classify_send_error(error: Web3RPCError) -> SendAnswer:
    """Return what the node's refusal of a transaction means."""
    text = str(error).lower()
    for answer, phrases in _SEND_PHRASES:
        if any(phrase in text for phrase in phrases):
            return answer
    return SendAnswer.REFUSED
