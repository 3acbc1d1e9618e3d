"""Integer amounts as people read and write them, exact in both directions."""

from __future__ import annotations

import re

from gavelbook.errors import GavelbookError, shown

_DECIMAL = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)?(?:\.(\d*))?", re.ASCII)


class AmountError(GavelbookError):
    """A text that names no amount of a token: write it as digits with at most one point."""


def decimal_text(units: int, decimals: int) -> str:
    """Return ``units`` base units in whole ones: every digit that counts, grouped by thousands.

    >>> decimal_text(1_234_500, 3)
    '1,234.5'
    """
    sign, digits = ("-", -units) if units < 0 else ("", units)
    whole, part = divmod(digits, 10**decimals)
    fraction = f"{part:0{decimals}d}".rstrip("0") if part else ""
    return f"{sign}{whole:,}{'.' if fraction else ''}{fraction}"


def base_units(text: str, decimals: int) -> int:
    """Return the base units that ``text`` names, the inverse of `decimal_text`.

    Raises:
        AmountError: ``amount_malformed``, or ``amount_too_fine`` for more digits than a base unit.

    """
    found = _DECIMAL.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        message = f"Expected an amount such as 1,250.5, was {shown(text)}"
        raise AmountError("amount_malformed", message, value=text)
    whole, fraction = (found[1] or "0").replace(",", ""), (found[2] or "").rstrip("0")
    if len(fraction) > decimals:
        message = f"Expected at most {decimals} digits after the point, was {shown(text)}"
        raise AmountError("amount_too_fine", message, value=text)
    return int(whole + fraction.ljust(decimals, "0"))
