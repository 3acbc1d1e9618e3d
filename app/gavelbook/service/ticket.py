"""An order as it is being written, and what it would do to the book as it stands.

Amounts are integers in base units, sizes in lots, prices in ticks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gavelbook.service.market_view import BPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from gavelbook.service.market_view import Book, Level, MarketTerms, Side
    from gavelbook.service.sale_view import Token
    from gavelbook.wire.orders import SelfTradePrevention

_MOST_LOTS = 2**64
TimeInForce = Literal["GTC", "GTT", "IOC", "FOK"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is to be ordered. ``good_for`` seconds count with GTT only."""

    side: Side
    lots: int
    ticks: int
    """The limit: no lot is traded at a worse price."""
    time_in_force: TimeInForce = "GTC"
    post_only: bool = False
    good_for: int = 0
    self_trade_prevention: SelfTradePrevention = "cancel_newest"
    """Which order ends where the account meets itself."""

    @property
    def rests(self) -> bool:
        """Whether what does not trade at once stays in the book."""
        return self.time_in_force in {"GTC", "GTT"}

    def fee_bps(self, terms: MarketTerms) -> int:
        """Return the highest fee that may apply to it: what its signature has to allow."""
        if self.post_only:
            return terms.maker_fee_bps
        return terms.max_fee_bps if self.rests else terms.taker_fee_bps


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a ticket would do if it arrived now."""

    trades_now: int
    """Lots that trade at once."""
    quote_now: int
    """What these cost or bring, before fees."""
    fee_now: int
    """The highest fee of these."""
    worst_now: int | None
    """The worst price of these in ticks."""
    rests: int
    lapses: int
    """Lots that neither trade nor rest."""
    needs: int
    """What has to be free for it, in the token it gives."""
    gives: Token
    bound: int
    """What all of it costs at most, or brings at least, fees included; in quote."""
    fee_bound: int
    """The highest fee, where all of it trades at the limit; in quote."""
    objection: str = ""
    """Why nothing would come of it; empty where nothing speaks against it."""


def outlook(terms: MarketTerms, book: Book, ticket: Ticket) -> Outlook:
    """Return what ``ticket`` would do to ``book``."""
    taken = _reach(book.against(ticket.side), ticket)
    quote_now = sum(terms.quote_of(lots, ticks) for ticks, lots in taken)
    trades_now = sum(lots for _, lots in taken)
    rest = ticket.lots - trades_now
    limit = terms.quote_of(ticket.lots, ticket.ticks)
    fee_bound = limit * ticket.fee_bps(terms) // BPS
    buys = ticket.side == "buy"
    return Outlook(
        trades_now=trades_now,
        quote_now=quote_now,
        fee_now=quote_now * terms.taker_fee_bps // BPS,
        worst_now=taken[-1][0] if taken else None,
        rests=rest if ticket.rests else 0,
        lapses=0 if ticket.rests else rest,
        needs=limit + fee_bound if buys else terms.base_of(ticket.lots),
        gives=terms.quote if buys else terms.base,
        bound=limit + fee_bound if buys else limit - fee_bound,
        fee_bound=fee_bound,
        objection=_objection(ticket, trades_now),
    )


def worst_price(book: Book, side: Side, lots: int, room_bps: int) -> int | None:
    """Return the limit in ticks of a market order: the price that ``lots`` reach, and some room.

    None where nobody is on the other side. The room is rounded away from the reached price, so
    that it is at least one tick.
    """
    offered = book.against(side)
    if not offered:
        return None
    reached = next((each for each in offered if each.total >= lots), offered[-1]).ticks
    room = -(-reached * room_bps // BPS)
    return reached + room if side == "buy" else max(reached - room, 1)


def average_price(terms: MarketTerms, lots: int, quote: int) -> int:
    """Return what one priced thing costs on average, in base units of quote, rounded to nearest.

    ``quote`` is the cost of ``lots``.
    """
    unit: int = 10**terms.base.decimals
    whole = terms.base_of(lots)
    if terms.priced_by_lot:
        whole, unit = lots, 1
    return (2 * quote * unit + whole) // (2 * whole)


def most_lots(
    terms: MarketTerms, book: Book, written: Callable[[int], Ticket | None], free: int
) -> int:
    """Return the most lots whose order ``free`` base units of the token given pay for.

    ``written`` makes the order of so many lots; more lots never need less.
    """

    def affordable(lots: int) -> bool:
        ticket = written(lots)
        return ticket is not None and outlook(terms, book, ticket).needs <= free

    if not affordable(1):
        return 0
    enough, too_many = 1, 2
    while too_many < _MOST_LOTS and affordable(too_many):
        enough, too_many = too_many, too_many * 2
    while too_many - enough > 1:
        middle = (enough + too_many) // 2
        enough, too_many = (middle, too_many) if affordable(middle) else (enough, middle)
    return enough


def _reach(offered: tuple[Level, ...], ticket: Ticket) -> list[tuple[int, int]]:
    """Return the ticks and lots that ``ticket`` would trade with."""
    taken = []
    left = ticket.lots
    for level in offered:
        crosses = (
            level.ticks <= ticket.ticks if ticket.side == "buy" else level.ticks >= ticket.ticks
        )
        if not left or not crosses:
            break
        lots = min(left, level.lots)
        taken.append((level.ticks, lots))
        left -= lots
    return taken


def _objection(ticket: Ticket, trades_now: int) -> str:
    if ticket.post_only and trades_now:
        return "The exchange would refuse it: post-only, and it would trade at once."
    if ticket.time_in_force == "FOK" and trades_now < ticket.lots:
        return "It would end without a trade: all or nothing, and not all of it can trade now."
    return ""
