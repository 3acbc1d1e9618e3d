"""What the steps of actions mean, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gavelbook.service.acting import Line
from gavelbook.service.amounts import decimal_text

if TYPE_CHECKING:
    from gavelbook.exchange.orders import Order
    from gavelbook.service.market_view import MarketTerms
    from gavelbook.service.sale_view import SaleView
    from gavelbook.service.ticket import Ticket

_BPS = 10_000


def moment(timestamp: int) -> str:
    """Return a time in words; Unix seconds."""
    return f"{datetime.fromtimestamp(timestamp, UTC):%d %b %Y, %H:%M} UTC"


def bid_lines(view: SaleView, tick: int, lots: int, escrow: int) -> tuple[Line, ...]:
    """Say what a bid is and what it locks."""
    money, size = view.payment_token, view.sale_token.amount(lots * view.auction.lot_size)
    price = money.amount(escrow // lots) if escrow else f"tick {tick}"
    return (
        Line("You bid for", f"{size} ({lots:,} lots)"),
        Line("At most per lot", price),
        Line("You lock", money.amount(escrow)),
        Line("Held by", f"the sale {view.address}"),
    )


def order_lines(terms: MarketTerms, ticket: Ticket, order: Order) -> tuple[Line, ...]:
    """Say what an order trades at worst, and until when it may settle."""
    buys = ticket.side == "buy"
    limit = terms.quote_of(order.lots, order.ticks)
    fee = limit * order.max_fee_bps // _BPS
    bound = limit + fee if buys else limit - fee
    return (
        Line("You buy" if buys else "You sell", f"{terms.size(order.lots)} {terms.base.symbol}"),
        Line("Limit", f"{terms.price(order.ticks)} {terms.quote.symbol} per {terms.priced_thing}"),
        Line("You pay at most" if buys else "You get at least", terms.quote.amount(bound)),
        Line(
            "Fee in it, at most",
            f"{terms.quote.amount(fee)} ({decimal_text(order.max_fee_bps, 2)} %)",
        ),
        Line("May settle until", moment(order.expiry)),
    )
