"""Names and passwords: what they may be."""

from __future__ import annotations

import re
import unicodedata

from gavelbook.accounts.errors import AccountsError

PASSWORD_LENGTH = 10
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{1,30})[a-z0-9]")
_LONGEST = 256
_KINDS_OF_CHARACTERS = 5


def account_name(text: str) -> str:
    """Return ``text`` as the name it stands for: case does not count.

    Raises:
        AccountsError: ``name_malformed``.

    """
    # Other alphabets fold into this one (long s, Kelvin sign): whoever looks alike is refused.
    name = text.strip().lower() if text.isascii() else ""
    if not _NAME.fullmatch(name):
        message = (
            "Expected a name of 3 to 32 letters (a to z), digits, dots, hyphens and underscores, "
            "with a letter or digit at both ends, was otherwise"
        )
        raise AccountsError("name_malformed", message)
    return name


def check_password(password: str, name: str) -> None:
    """Refuse a password that is easily guessed. The error never repeats it.

    Raises:
        AccountsError: ``password_weak``.

    """
    plain = normalized(password)
    if not PASSWORD_LENGTH <= len(plain) <= _LONGEST:
        expected = f"of {PASSWORD_LENGTH} to {_LONGEST} characters, was shorter or longer"
    elif len(set(plain)) < _KINDS_OF_CHARACTERS:
        expected = f"of at least {_KINDS_OF_CHARACTERS} different characters, was of fewer"
    elif name in plain.casefold():
        expected = "without the name in it, was with it"
    else:
        return
    raise AccountsError("password_weak", f"Expected a password {expected}")


def normalized(password: str) -> str:
    """Return ``password`` as it is hashed: the same on every keyboard."""
    return unicodedata.normalize("NFKC", str.__str__(password))
