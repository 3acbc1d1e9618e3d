"""Terms, prices and state of a sale as people read them."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelbook.auction import SaleTerms
    from gavelbook.chain.sale import Sale
    from gavelbook.chain.token import Token


def term_values(terms: SaleTerms) -> dict[str, object]:
    """Return every term under its key in a terms file."""
    from gavelbook.auction.sale_terms import TIME_KEYS

    values: dict[str, object] = {
        field.name: getattr(terms.auction, field.name) for field in fields(terms.auction)
    }
    for field in fields(terms):
        if field.name != "auction":
            values[field.name] = getattr(terms, field.name)
    return {
        key: _time(value) if key in TIME_KEYS and isinstance(value, int) else _plain(value)
        for key, value in values.items()
    }


def sale_facts(sale: Sale) -> dict[str, object]:
    """Return where a sale stands, its demand and result, and its terms."""
    terms, result, phase = sale.terms(), sale.result(), sale.phase()
    demand = sum(sale.lots_at(0, terms.auction.tick_count))
    facts: dict[str, object] = {
        "sale": sale.address,
        "phase": phase.name,
        "demand": f"{demand:,} lots of {terms.auction.supply_lots:,}",
    }
    if result.decided:
        facts["sold"] = f"{result.sold_lots:,} lots"
        facts["raised"] = f"{sale.raised():,} base units"
        facts["filled in full from"] = f"tick {result.full_from}"
        facts["margin from"] = f"tick {result.margin_from}"
        facts["level and cut"] = f"{result.level}, {result.cut}"
    return {**facts, **term_values(terms)}


def bid_price(terms: SaleTerms, tick: int) -> int:
    """Return payment token base units a lot at ``tick``.

    Raises:
        TermsError: ``tick_out_of_range``.

    """
    return terms.auction.price(tick)


def price_tick(terms: SaleTerms, price: str, decimals: int) -> int:
    """Return the tick of a price written in whole payment tokens a lot.

    Raises:
        AmountError: ``amount_malformed`` or ``amount_too_fine``.
        TermsError: ``price_off_tick``, naming the next prices.

    """
    from gavelbook.errors import TermsError
    from gavelbook.service.amounts import base_units, decimal_text

    auction = terms.auction
    units = base_units(price, decimals)
    tick, rest = divmod(units - auction.floor_price, auction.tick_value)
    if rest == 0 and 0 <= tick < auction.tick_count:
        return tick
    lower = min(max(tick, 0), auction.tick_count - 1)
    upper = min(lower + 1, auction.tick_count - 1)
    near = " or ".join(
        f"{decimal_text(auction.price(each), decimals)} (tick {each})"
        for each in dict.fromkeys((lower, upper))
    )
    raise TermsError("price_off_tick", f"Expected a price such as {near}, was {price}", price=price)


def amounts(units: int, token: Token) -> str:
    """Return an amount in whole tokens and in base units."""
    from gavelbook.service.amounts import decimal_text

    return f"{decimal_text(units, token.decimals())} {token.symbol()} ({units:,} base units)"


def _time(seconds: int) -> str:
    if seconds == 0:
        return "none"
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ} ({seconds})"


def _plain(value: object) -> object:
    name = getattr(value, "name", None)
    if name is not None:
        return name
    return "none" if value is None else f"{value:,}" if isinstance(value, int) else value
