"""The terms of an auction, checked as the sale contract checks them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from gavelbook.errors import TermsError

MAX_TICK_COUNT = 4096
"""Most ticks of one sale; the contract walks them all."""

MAX_UINT256 = 2**256 - 1
BPS = 10_000


class Rule(IntEnum):
    """How lots go to bids; ties by arrival order. Numbered as in the contract."""

    PRICE_TIME = 0
    """Best price first, earliest first inside a price; the last bid may be partial."""

    GROUP_ROUND_ROBIN = 1
    """Best price first; inside the price where supply ends, one lot each per round."""

    TOP_THEN_ROUND_ROBIN = 2
    """The highest price in full, then one lot each per round over all other bids."""


class Pricing(IntEnum):
    """What a winner pays for each lot. Numbered as in the contract."""

    PAY_AS_BID = 0
    """The price of the own bid."""

    UNIFORM = 1
    """The lowest winning price, or the floor where demand stays under supply."""


@dataclass(frozen=True, slots=True)
class AuctionTerms:
    """The part of a sale's terms that decides who gets what.

    Units: ``supply_lots`` and ``min_bid_lots`` in lots; ``lot_size`` in sale token base units a
    lot; ``floor_price`` and ``tick_value`` in payment token base units a lot; ``cap_bps`` in
    1/10,000 of supply; ``minimum_raise`` in payment token base units.

    Raises:
        TermsError: a value is of another type (``rule_unknown``, ``pricing_unknown``,
            ``not_an_integer``, ``negative``), or outside what the contract accepts
            (``supply_invalid``, ``tick_count_invalid``, ``unit_zero``, ``cap_invalid``,
            ``cap_under_minimum``, ``pricing_not_offered``, ``amount_too_large``).

    """

    rule: Rule
    pricing: Pricing
    supply_lots: int
    lot_size: int
    floor_price: int
    tick_value: int
    tick_count: int
    min_bid_lots: int
    cap_bps: int = 100
    minimum_raise: int = 0

    def __post_init__(self) -> None:
        """Refuse terms under which some amount could not be computed or paid."""
        if not isinstance(self.rule, Rule):
            raise TermsError.refuse("rule_unknown", "rule", self.rule, "a Rule")
        if not isinstance(self.pricing, Pricing):
            raise TermsError.refuse("pricing_unknown", "pricing", self.pricing, "a Pricing")
        self._check_integers()
        self._check_bounds()
        self._check_amounts()

    @property
    def cap_lots(self) -> int:
        """Most lots one bidder may bid for in total, rounded down."""
        return self.supply_lots * self.cap_bps // BPS

    def price(self, tick: int) -> int:
        """Return the price at ``tick`` in payment token base units a lot.

        Raises:
            TermsError: ``tick_out_of_range``.

        """
        if not 0 <= tick < self.tick_count:
            expected = f"from 0 to {self.tick_count - 1}"
            raise TermsError.refuse("tick_out_of_range", "tick", tick, expected)
        return self.floor_price + int(tick) * self.tick_value

    def _check_integers(self) -> None:
        for key in _INTEGER_KEYS:
            value = getattr(self, key)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TermsError.refuse("not_an_integer", key, value, "an integer")
            if value < 0:
                raise TermsError.refuse("negative", key, value, "at least 0")
            if value > MAX_UINT256:
                raise TermsError.refuse("amount_too_large", key, value, "less than 2**256")

    def _check_bounds(self) -> None:
        if self.supply_lots == 0:
            raise TermsError.refuse("supply_invalid", "supply_lots", 0, "at least 1 lot")
        if not 1 <= self.tick_count <= MAX_TICK_COUNT:
            expected = f"from 1 to {MAX_TICK_COUNT}"
            raise TermsError.refuse("tick_count_invalid", "tick_count", self.tick_count, expected)
        for key in ("lot_size", "floor_price", "tick_value"):
            if getattr(self, key) == 0:
                raise TermsError.refuse("unit_zero", key, 0, "at least 1")
        if not 1 <= self.cap_bps <= BPS:
            raise TermsError.refuse("cap_invalid", "cap_bps", self.cap_bps, f"from 1 to {BPS}")
        if not 1 <= self.min_bid_lots <= self.cap_lots:
            expected = f"from 1 to the cap per bidder of {self.cap_lots} lots"
            raise TermsError.refuse(
                "cap_under_minimum", "min_bid_lots", self.min_bid_lots, expected
            )
        if self.rule is Rule.TOP_THEN_ROUND_ROBIN and self.pricing is Pricing.UNIFORM:
            expected = "PAY_AS_BID with TOP_THEN_ROUND_ROBIN"
            raise TermsError.refuse("pricing_not_offered", "pricing", self.pricing.name, expected)

    def _check_amounts(self) -> None:
        if self.lot_size * self.supply_lots > MAX_UINT256:
            expected = "lot_size * supply_lots less than 2**256"
            raise TermsError.refuse("amount_too_large", "lot_size", self.lot_size, expected)
        # The contract bounds floor_price + tick_value even where tick 0 is the only one.
        if self.floor_price + max(self.tick_count - 1, 1) * self.tick_value > MAX_UINT256:
            expected = "a highest price less than 2**256"
            raise TermsError.refuse("amount_too_large", "tick_value", self.tick_value, expected)
        highest = self.price(self.tick_count - 1)
        if highest * self.supply_lots > MAX_UINT256:
            expected = "highest price * supply_lots less than 2**256"
            raise TermsError.refuse("amount_too_large", "floor_price", self.floor_price, expected)
        most = highest * self.supply_lots
        if self.minimum_raise > most:
            expected = f"at most {most}, what the whole supply brings at the highest tick"
            raise TermsError.refuse(
                "minimum_raise_unreachable", "minimum_raise", self.minimum_raise, expected
            )


_INTEGER_KEYS = (
    "supply_lots",
    "lot_size",
    "floor_price",
    "tick_value",
    "tick_count",
    "min_bid_lots",
    "cap_bps",
    "minimum_raise",
)
