"""What can go wrong with words and keys.

* GavelbookError
  x WalletError
"""

from __future__ import annotations

from gavelbook.errors import GavelbookError


class WalletError(GavelbookError):
    """Words, a passphrase or a keystore that make no wallet. No message repeats a secret."""
