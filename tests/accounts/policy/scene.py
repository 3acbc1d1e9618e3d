"""A place with an exchange, two sales and tokens, and one account."""

import copy

from eth_account import Account
from eth_utils.crypto import keccak
from web3 import Web3

from gavelbook.accounts.policy import (
    KnownSale,
    KnownToken,
    Owner,
    SignInPlace,
    Venue,
)
from gavelbook.auction import AuctionTerms, Pricing, Rule
from gavelbook.chain.signing import permit_message
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import CancelRequest, Domain, Withdrawal
from gavelbook.exchange.typed_data import (
    cancel_typed_data,
    order_typed_data,
    withdrawal_typed_data,
)

CHAIN, NOW = 31337, 1_800_000_000
KEY = Account.from_key(keccak(text="owner"))
WEB3 = Web3()


def address(name):
    return str(Web3.to_checksum_address(keccak(text=name)[-20:]))


def raw(checksummed):
    return bytes.fromhex(checksummed[2:])


EXCHANGE, SALE, ETHER_SALE = address("exchange"), address("sale"), address("other sale")
GVL, DUSD, ODD, FORWARDER = (address(each) for each in ("GVL", "DUSD", "ODD", "forwarder"))
STRANGER, UNKNOWN_TOKEN, FACTORY = (address(each) for each in ("stranger", "unknown", "factory"))
OWNER = Owner(KEY.address, FORWARDER)
MARKET = Market(1, raw(GVL), raw(DUSD), 10**15, 10**10, 30, 10)
AUCTION = AuctionTerms(
    rule=Rule.PRICE_TIME,
    pricing=Pricing.PAY_AS_BID,
    supply_lots=100,
    lot_size=10**15,
    floor_price=1_000_000,
    tick_value=50_000,
    tick_count=16,
    min_bid_lots=1,
    cap_bps=10_000,
)
TOKENS = {
    GVL: KnownToken(GVL, "Gavel", "GVL", 18, "1"),
    DUSD: KnownToken(DUSD, "Demo Dollar", "DUSD", 6, "2"),
    ODD: KnownToken(ODD, "Odd", "ODD", 0, None),
}
PLACE = SignInPlace("exchange.example", "https://exchange.example")
VENUE = Venue(
    chain_id=CHAIN,
    exchange=EXCHANGE,
    markets={1: MARKET},
    tokens=TOKENS,
    sales={
        SALE: KnownSale(SALE, "First sale", GVL, DUSD, AUCTION),
        ETHER_SALE: KnownSale(ETHER_SALE, "Other sale", GVL, ODD, AUCTION),
    },
    sign_in=(PLACE,),
    contracts=frozenset({FACTORY}),
)
DOMAIN = Domain(CHAIN, raw(EXCHANGE))
ORDER = Order(1, raw(KEY.address), Side.BUY, 5, 200, 3, 9, NOW + 1_000, 30)
WITHDRAWAL = Withdrawal(raw(KEY.address), raw(DUSD), 7_000_000, raw(KEY.address), 1, NOW + 1_000)


def order(**changes):
    fields = {name: getattr(ORDER, name) for name in Order.__struct_fields__}
    return order_typed_data(DOMAIN, MARKET, Order(**fields | changes))


def permit(token=DUSD, **changes):
    known = TOKENS.get(token, TOKENS[DUSD])
    fields = {
        "owner": KEY.address, "spender": EXCHANGE, "value": 5_000_000, "nonce": 0,
        "deadline": NOW + 3_600, "version": known.permit_version or "1",
        "token_name": known.name, "chain_id": CHAIN,
    }  # fmt: skip
    return permit_message(token=token, **fields | changes)


def withdrawal(**changes):
    fields = {name: getattr(WITHDRAWAL, name) for name in Withdrawal.__struct_fields__}
    return withdrawal_typed_data(DOMAIN, Withdrawal(**fields | changes))


def cancel(**changes):
    fields = {
        "account": raw(KEY.address), "market": 1, "scope": "market", "target": "",
        "timestamp": NOW * 1000,
    }  # fmt: skip
    return cancel_typed_data(DOMAIN, CancelRequest(**fields | changes))


def swapped(checksummed):
    """The address with every letter in the other case: its checksum is wrong."""
    return checksummed.swapcase().replace("X", "x", 1)


def changed(typed, *path_and_value):
    *path, name, value = path_and_value
    copied = copy.deepcopy(typed)
    inner = copied
    for step in path:
        inner = inner[step]
    inner[name] = value
    return copied
