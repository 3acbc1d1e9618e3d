"""What the signer signs, and what it refuses: plain Python over what it knows of a chain.

Nothing is signed that is not taken apart here, understood, and put together again from the
signer's own structures. No clock, no files, no network.
"""

from gavelbook.accounts.policy.messages import understand_message
from gavelbook.accounts.policy.transactions import UnderstoodCall, understand_call
from gavelbook.accounts.policy.transfers import check_destination
from gavelbook.accounts.policy.typed_data import Understood, understand_typed_data
from gavelbook.accounts.policy.venue import KnownSale, KnownToken, Owner, SignInPlace, Venue

__all__ = [
    "KnownSale",
    "KnownToken",
    "Owner",
    "SignInPlace",
    "Understood",
    "UnderstoodCall",
    "Venue",
    "check_destination",
    "understand_call",
    "understand_message",
    "understand_typed_data",
]
