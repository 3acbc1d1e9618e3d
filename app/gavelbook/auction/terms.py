"""The terms of a sale: `AuctionTerms` decide who gets what, `SaleTerms` add the contract's part."""

from gavelbook.auction.auction_terms import (
    MAX_TICK_COUNT,
    MAX_UINT256,
    AuctionTerms,
    Pricing,
    Rule,
)
from gavelbook.auction.sale_terms import SaleTerms

__all__ = ["MAX_TICK_COUNT", "MAX_UINT256", "AuctionTerms", "Pricing", "Rule", "SaleTerms"]
