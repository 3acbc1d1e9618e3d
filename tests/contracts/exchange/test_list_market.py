"""Listing markets."""

from __future__ import annotations

import msgspec
import pytest
from eth_utils.crypto import keccak

from tests.contracts.exchange.support import events, refuses
from tests.evm.compiled import contract
from tests.evm.exchange import Exchange, encode, raw, text
from tests.evm.machine import account, word, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS

MAX_LOT_SIZE, MAX_TICK_VALUE, MAX_FEE_BPS = 2**128 - 1, 2**108 - 1, 1_000
MOST_MARKETS = 2**16 - 1
FIRST_HASHED_SLOT = 2**64


def terms_address(floor, market):
    """Where settlement looks for the terms of a market: that of CREATE2, with the id as salt."""
    code_hash = keccak(contract("MarketTerms").creation)
    place = b"\xff" + raw(floor.exchange.address) + word(market) + code_hash
    return text(keccak(place)[-20:])


@pytest.fixture
def terms(floor):
    """A market of a pair not listed yet."""
    return msgspec.structs.replace(floor.markets[1], id=3, quote_token=raw(floor.third.address))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lot_size": 1, "tick_value": 1, "taker_fee_bps": 0, "maker_fee_bps": 0},
        {"lot_size": MAX_LOT_SIZE, "tick_value": MAX_TICK_VALUE},
        {"taker_fee_bps": MAX_FEE_BPS, "maker_fee_bps": MAX_FEE_BPS},
    ],
)
def test_a_market_is_kept_as_listed(floor, terms, changes):
    terms = msgspec.structs.replace(terms, **changes)
    base, quote = text(terms.base_token), text(terms.quote_token)
    assert floor.exchange.list_market(terms) == 3
    numbers = terms.lot_size, terms.tick_value, terms.taker_fee_bps, terms.maker_fee_bps
    assert events(floor.exchange) == [("MarketListed", 3, base, quote, *numbers)]
    assert floor.exchange.number("marketCount") == 3
    assert floor.exchange.number("marketOf", base, quote) == 3
    assert floor.exchange.number("marketOf", quote, base) == 0
    kept = base, terms.taker_fee_bps, terms.maker_fee_bps, quote, terms.lot_size, terms.tick_value
    assert floor.exchange.send(STRANGER, encode("market", 3)) == words(*kept)
    assert floor.machine.code(terms_address(floor, 3)).rstrip(b"\0") == words(*kept).rstrip(b"\0")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"lot_size": 0}, ("LotSizeInvalid", 0, MAX_LOT_SIZE)),
        ({"lot_size": MAX_LOT_SIZE + 1}, ("LotSizeInvalid", MAX_LOT_SIZE + 1, MAX_LOT_SIZE)),
        ({"tick_value": 0}, ("TickValueInvalid", 0, MAX_TICK_VALUE)),
        (
            {"tick_value": MAX_TICK_VALUE + 1},
            ("TickValueInvalid", MAX_TICK_VALUE + 1, MAX_TICK_VALUE),
        ),
        ({"taker_fee_bps": 1_001}, ("FeeInvalid", 1_001, MAX_FEE_BPS)),
        ({"maker_fee_bps": 1_001}, ("FeeInvalid", 1_001, MAX_FEE_BPS)),
        ({"maker_fee_bps": 2**16}, ("FeeInvalid", 2**16, MAX_FEE_BPS)),
    ],
)
def test_terms_out_of_range_are_refused(floor, terms, changes, error):
    terms = msgspec.structs.replace(terms, **changes)
    refuses(lambda: floor.exchange.list_market(terms), *error)
    assert floor.exchange.number("marketCount") == 2


def test_tokens_are_two_contracts(floor, terms):
    nobody = account("nobody")
    for field in ("base_token", "quote_token"):
        odd = msgspec.structs.replace(terms, **{field: raw(nobody)})
        refuses(lambda odd=odd: floor.exchange.list_market(odd), "NotAToken", nobody)
    same = msgspec.structs.replace(terms, quote_token=terms.base_token)
    refuses(lambda: floor.exchange.list_market(same), "TokensEqual", text(terms.base_token))


def test_a_pair_is_listed_once(floor):
    for market in floor.markets.values():
        other = msgspec.structs.replace(market, lot_size=1)
        refuses(lambda other=other: floor.exchange.list_market(other), "MarketExists", other.id)


def test_terms_are_no_program(floor):
    """Whoever calls them changes nothing and gets nothing; ether that comes stays."""
    address = terms_address(floor, 1)
    code = floor.machine.code(address)
    floor.machine.give_ether(STRANGER, 1)
    for data, value in ((b"", 0), (bytes(4), 0), (encode("market", 1), 0), (b"", 1)):
        assert floor.machine.call(STRANGER, address, data, value=value) == b""
    assert floor.machine.code(address) == code
    assert floor.machine.storage().get(address, {}) == {}


def test_terms_are_of_their_deployer(floor, terms):
    """An account has none to give, and what others deploy is nowhere that settlement looks."""
    refuses(lambda: floor.machine.deploy(contract("MarketTerms").creation, STRANGER), "")
    assert floor.machine.code(terms_address(floor, 3)) == b""
    floor.machine.give_ether(STRANGER, 1)
    floor.machine.call(STRANGER, terms_address(floor, 3), b"", value=1)
    assert floor.exchange.list_market(terms) == 3
    assert floor.machine.code(terms_address(floor, 3)).startswith(words(text(terms.base_token)))


def test_terms_are_not_where_forwarders_are(floor):
    """Both have a number for salt: that of the account 1 is that of the market 1."""
    first = text((1).to_bytes(20, "big"))
    assert floor.exchange.forwarder_of(first) != terms_address(floor, 1)
    floor.give(STRANGER, floor.base, 5)
    floor.base.transfer(STRANGER, floor.exchange.forwarder_of(first), 5)
    assert floor.exchange.sweep(first, floor.base.address) == 5


def test_only_the_owner_lists(floor, terms):
    call = floor.exchange.list_market
    refuses(lambda: call(terms, STRANGER), "OwnableUnauthorizedAccount", STRANGER)


def test_ids_end_where_a_batch_cannot_name_them(floor, terms):
    exchange = floor.exchange
    (slot,) = (
        slot
        for slot, value in floor.machine.storage()[exchange.address].items()
        if slot < FIRST_HASHED_SLOT and value == exchange.number("marketCount")
    )
    machine = floor.machine.cold({(exchange.address, slot): MOST_MARKETS - 1})
    full = Exchange(machine, exchange.address)
    assert full.list_market(terms) == MOST_MARKETS
    turned = {"base_token": terms.quote_token, "quote_token": terms.base_token}
    other = msgspec.structs.replace(terms, **turned)
    refuses(lambda: full.list_market(other), "TooManyMarkets", MOST_MARKETS)


@pytest.mark.parametrize("number", [0, 3, 2**16, 2**256 - 1])
def test_an_unknown_market_is_called_so(floor, number):
    call = encode("market", number)
    refuses(lambda: floor.exchange.send(STRANGER, call), "UnknownMarket", number)
    assert floor.exchange.number("marketOf", ZERO_ADDRESS, ZERO_ADDRESS) == 0
