"""Finding bids and bidders of a sale by what people have at hand. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.sale_view import BidderLine, BidLine, SaleView

_TRANSACTION = re.compile(r"0x[0-9a-f]{64}")
_NUMBER = re.compile(r"#?\s*(\d{1,9})")


class Found(NamedTuple):
    """What a search came to: bids in arrival order, bidders most tokens first."""

    bids: tuple[BidLine, ...]
    bidders: tuple[BidderLine, ...]


def search(view: SaleView, wanted: str, name_of: Callable[[str], str | None]) -> Found:
    """Return the bids and bidders of ``view`` that ``wanted`` names; all where it is empty.

    Args:
        view: the sale.
        wanted: a bid's number (`12` or `#12`), the transaction that placed a bid, or a part of a
            bidder's address or name.
        name_of: the name of an address, where it has one.

    """
    text = wanted.strip().lower()
    if not text:
        return Found(view.bids, view.bidders)
    number = _NUMBER.fullmatch(text)
    if number:
        bids = tuple(line for line in view.bids if line.position == int(number[1]))
    elif _TRANSACTION.fullmatch(text):
        bids = tuple(line for line in view.bids if line.placed.transaction.lower() == text)
    else:
        named = {
            line.bidder
            for line in view.bidders
            if text in line.bidder.lower() or text in (name_of(line.bidder) or "").lower()
        }
        bids = tuple(line for line in view.bids if line.placed.bidder in named)
    who = {line.placed.bidder for line in bids}
    return Found(bids, tuple(line for line in view.bidders if line.bidder in who))
