"""Sentences and small pieces of text that several panels share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gavelbook.auction import Pricing, Rule
from gavelbook.service import action_lines
from gavelbook.service.amounts import decimal_text
from gavelbook.service.plain_text import csv_cell, one_line
from gavelbook.service.sale_view import Fill, Stage
from ui.error_words import words_of

if TYPE_CHECKING:
    from gavelbook.errors import GavelbookError
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.service.sale_view import SaleView, Token

_MINUTE, _HOUR, _DAY = 60, 60 * 60, 24 * 60 * 60

_TIMES = frozenset({"start", "end", "cancel_until", "allocator_until", "abort_time", "deadline"})

RULE_NAMES = {
    Rule.PRICE_TIME: "Price, then time",
    Rule.GROUP_ROUND_ROBIN: "Price, then rounds",
    Rule.TOP_THEN_ROUND_ROBIN: "Top price, then rounds",
}

PRICING_NAMES = {
    Pricing.PAY_AS_BID: "Everybody pays their own price",
    Pricing.UNIFORM: "Everybody pays the clearing price",
}

RULES_EXPLAINED = {
    Rule.PRICE_TIME: (
        "The best price is served first; at the same price the earlier bid goes first. Each bid "
        "is filled in full until the supply ends, so at most one bid is cut."
    ),
    Rule.GROUP_ROUND_ROBIN: (
        "The best price is served first. At the price where the supply ends, lots go round: one "
        "each per round, in order of arrival, until none is left."
    ),
    Rule.TOP_THEN_ROUND_ROBIN: (
        "The highest price is filled in full. Then lots go round over all other bids, whatever "
        "their price: one each per round, in order of arrival."
    ),
}

PRICING_EXPLAINED = {
    Pricing.PAY_AS_BID: "A winner pays the price of the own bid for every lot won.",
    Pricing.UNIFORM: (
        "Every winner pays the same: the lowest winning price, or the floor if demand stays under "
        "supply. What you bid above it comes back."
    ),
}

TRUST = (
    "The contract holds the money and nobody owns it. It checks the result before it accepts it, "
    "so neither the issuer nor the allocator can change who gets what; the worst they can do is "
    "delay, and then anybody can finish the sale."
)

TRUST_SHORT = (
    "The contracts hold the money and nobody owns them. They check every result before they accept "
    "it; whoever runs this site can delay, but can neither take money nor change who gets what."
)

FILL_WORDS = {Fill.FULL: "Full", Fill.PARTIAL: "Partial", Fill.NOTHING: "None"}

STAGE_WORDS = {
    Stage.FUNDED: ("Opens soon", "blue"),
    Stage.OPEN: ("Open for bids", "green"),
    Stage.CLOSED: ("Closed, being cleared", "orange"),
    Stage.CLEARED: ("Cleared", "violet"),
    Stage.FAILED: ("Failed, everybody is refunded", "red"),
}


_MARKS = re.compile(r"([\\`*_\[\]<>~|$&])|^(\s*)([#+\-=])|^(\s*\d+)([.)])")
"""What Markdown, HTML or TeX could take for more than a letter, anywhere or in front."""
_JOINED = re.compile(r":(?=[a-z_/+])|(?<=www)(?=\.)|(?=@)", re.IGNORECASE)
"""Where icons, colours and addresses are found even in escaped text."""
_WORD_JOINER = "\u2060"
_LONGEST = 200
_LONGEST_SENTENCE = 600


def plain(text: str, most: int = _LONGEST) -> str:
    """Return text that a stranger chose, as Markdown that shows it letter by letter.

    No link, picture, colour, icon or formula comes of it, no line ends in it, it cannot turn the
    direction of what follows, and what is longer than ``most`` letters is cut.
    """
    marked = _MARKS.sub(_escaped, one_line(text, most))
    return _JOINED.sub(rf"\g<0>{_WORD_JOINER}", marked)


def cell(text: str) -> str:
    """Return text that a stranger chose, so that no spreadsheet takes it for a formula."""
    return csv_cell(text)


def _escaped(found: re.Match[str]) -> str:
    anywhere, before, first, number, point = found.groups()
    if anywhere:
        return f"\\{anywhere}"
    return f"{before}\\{first}" if first else f"{number}\\{point}"


def sentence(error: GavelbookError) -> str:
    """Return what an error says as Markdown, with times as people read them."""
    text = words_of(error)
    if text is None:
        text = error.message
        for name in _TIMES & error.details.keys():
            text = text.replace(str(error.details[name]), moment(int(error.details[name])))
    return f"{plain(text, _LONGEST_SENTENCE)}."


def short(address: str) -> str:
    """Return an address as people compare them."""
    return f"{address[:6]}…{address[-4:]}"


def bidder_name(desk: SaleDesk, address: str) -> str:
    """Return who an address is: a name for an account of the demo, else the short address."""
    return desk.name_of(address) or short(address)


def amount(token: Token, units: int) -> str:
    """Return ``units`` in whole tokens, exact, for Markdown: the symbol is a stranger's text."""
    return f"{token.number(units)} {plain(token.symbol)}"


def price_text(view: SaleView, price: int) -> str:
    """Return a price per lot."""
    return view.payment_token.amount(price)


def duration(seconds: int) -> str:
    """Return a time span in its two largest units."""
    if seconds >= _DAY:
        return f"{seconds // _DAY} d {seconds % _DAY // _HOUR} h"
    if seconds >= _HOUR:
        return f"{seconds // _HOUR} h {seconds % _HOUR // _MINUTE} min"
    if seconds >= _MINUTE:
        return f"{seconds // _MINUTE} min {seconds % _MINUTE} s"
    return f"{seconds} s"


def moment(timestamp: int) -> str:
    """Return a time in words; Unix seconds."""
    return action_lines.moment(timestamp)


def clock_time(milliseconds: int) -> str:
    """Return the time of day; Unix milliseconds."""
    return f"{datetime.fromtimestamp(milliseconds // 1000, UTC):%H:%M:%S}"


def percent_of_bps(bps: int) -> str:
    """Return hundredths of a percent in percent, exact."""
    return f"{decimal_text(bps, 2)} %"


def ago(now: int, then: int) -> str:
    """Return how long ago something was."""
    return f"{duration(max(now - then, 0))} ago"


def ratio(part: int, whole: int) -> str:
    """Return ``part / whole`` with two digits, rounded down."""
    hundredths = part * 100 // whole
    return f"{hundredths // 100}.{hundredths % 100:02d}×"


def count(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
