"""What one lot and one tick of a market are, and the amounts that follow."""

from __future__ import annotations

import msgspec

from gavelbook.exchange.errors import ExchangeError, check_address, check_range

BPS = 10_000
MAX_MARKET = 2**16 - 1
MAX_LOT_SIZE = 2**128 - 1
MAX_TICK_VALUE = 2**108 - 1
MAX_MARKET_FEE_BPS = 1_000


class Market(msgspec.Struct, frozen=True, array_like=True):
    """The terms of a market, fixed at its listing.

    Units: ``lot_size`` in base token base units a lot; ``tick_value`` in quote token base units
    that one lot costs per tick; fees in 1/10,000 of quote. Tokens are the 20 bytes of addresses.
    """

    id: int
    base_token: bytes
    quote_token: bytes
    lot_size: int
    tick_value: int
    taker_fee_bps: int
    maker_fee_bps: int

    def base_amount(self, lots: int) -> int:
        """Return what ``lots`` are in base token base units."""
        return lots * self.lot_size

    def quote_amount(self, lots: int, ticks: int) -> int:
        """Return what ``lots`` cost at ``ticks``, before fees, in quote token base units."""
        return lots * ticks * self.tick_value

    def check(self) -> None:
        """Refuse terms that the contract would refuse.

        Raises:
            ExchangeError: ``market_out_of_range``, ``address_malformed``, ``tokens_equal``,
                ``lot_size_invalid``, ``tick_value_invalid`` or ``fee_invalid``.

        """
        check_range("market_out_of_range", "id", self.id, 1, MAX_MARKET)
        for key in ("base_token", "quote_token"):
            check_address(key, getattr(self, key))
        if self.base_token == self.quote_token:
            raise ExchangeError.refuse(
                "tokens_equal", "quote_token", self.quote_token.hex(), "another than base_token"
            )
        check_range("lot_size_invalid", "lot_size", self.lot_size, 1, MAX_LOT_SIZE)
        check_range("tick_value_invalid", "tick_value", self.tick_value, 1, MAX_TICK_VALUE)
        for key in ("taker_fee_bps", "maker_fee_bps"):
            check_range("fee_invalid", key, getattr(self, key), 0, MAX_MARKET_FEE_BPS)


def fee_of(quote: int, fee_bps: int) -> int:
    """Return the fee of one fill worth ``quote`` base units, floored to whole base units."""
    return quote * fee_bps // BPS
