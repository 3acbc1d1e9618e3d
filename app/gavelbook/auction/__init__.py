"""The auction: terms, bids, who gets what, and the demand curve. Pure: no input or output.

Sizes are integer lots, prices integer ticks, money integer base units of the payment token.
"""

from gavelbook.auction.allocation import Allocation, Outcomes, allocate
from gavelbook.auction.bids import Bids
from gavelbook.auction.clearing import Clearing
from gavelbook.auction.demand import DemandCurve, DemandStep, demand_curve
from gavelbook.auction.terms import AuctionTerms, Pricing, Rule, SaleTerms

__all__ = [
    "Allocation",
    "AuctionTerms",
    "Bids",
    "Clearing",
    "DemandCurve",
    "DemandStep",
    "Outcomes",
    "Pricing",
    "Rule",
    "SaleTerms",
    "allocate",
    "demand_curve",
]
