"""Terms of markets as code: nobody forges them, and settlement goes by what `market` answers.

GAVELBOOK_EXAMPLES sets how many sets of markets are tried.
"""

from __future__ import annotations

import os
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import msgspec
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange.markets import MAX_LOT_SIZE, MAX_TICK_VALUE, Market, fee_of
from gavelbook.exchange.orders import Side
from tests.contracts.exchange.support import refuses
from tests.evm.compiled import contract
from tests.evm.exchange import (
    CANCEL_NOTICE,
    EXIT_DELAY,
    FEES,
    HOUR,
    KEY_DELAY,
    MATCHER,
    OWNER,
    Exchange,
    encode,
    raw,
    selector,
    text,
)
from tests.evm.exchange_signing import (
    Batch,
    Fill,
    Withdrawal,
    sign_batch,
    sign_order,
    sign_withdrawal,
)
from tests.evm.machine import Reverted, word, words
from tests.evm.sale import STRANGER
from tests.evm.signatures import Key
from tests.hostile.trading_scene import LOTS, MAKER, TAKER, THIEF, TradingStage, floor

if TYPE_CHECKING:
    from tests.evm.sale import Token

EXAMPLES = int(os.environ.get("GAVELBOOK_EXAMPLES", "60"))
BUYER, SELLER = Key("buyer"), Key("seller")
QUOTE_BITS = 209
"""Quote amounts of this many bits leave room for those of a few markets in one balance."""
MOST_MARKETS = 2**16 - 1
FIRST_HASHED_SLOT = 2**64


def terms_address(market: int, exchange: str | None = None) -> str:
    """Where settlement looks for the terms of a market."""
    place = b"\xff" + raw(exchange or floor().exchange.address) + word(market)
    return text(keccak(place + keccak(contract("MarketTerms").creation))[-20:])


def market_of(number: int, base: Token, quote: Token, **changes: int) -> Market:
    """Return the terms of another market, by default those of market 1."""
    tokens = {"base_token": raw(base.address), "quote_token": raw(quote.address)}
    return msgspec.structs.replace(floor().markets[1], id=number, **tokens, **changes)


def list_call(terms: Market) -> bytes:
    """Return the call that lists a market."""
    tokens = text(terms.base_token), text(terms.quote_token)
    numbers = terms.lot_size, terms.tick_value, terms.taker_fee_bps, terms.maker_fee_bps
    return encode("listMarket", *tokens, *numbers)


def check_kept(exchange: Exchange, terms: Market) -> None:
    """View and code say the same, which is what was listed."""
    kept = (
        word(text(terms.base_token)),
        *map(word, (terms.taker_fee_bps, terms.maker_fee_bps)),
        word(text(terms.quote_token)),
        *map(word, (terms.lot_size, terms.tick_value)),
    )
    view = exchange.send(STRANGER, encode("market", terms.id))
    code = exchange.machine.code(terms_address(terms.id, exchange.address))
    assert view == b"".join(kept)
    assert code[: len(view)] == view
    assert not any(code[len(view) :])


# --- What is listed is what trades ---


def number_of_bits(random: Random, most: int) -> int:
    """Return a number of 1 to ``most`` bits, often the highest or lowest."""
    return random.choice((1, 2**most - 1, random.getrandbits(random.randint(1, most)) or 1))


def any_terms(random: Random, number: int, base: Token, quote: Token) -> Market:
    """Return terms from the lowest to the highest that an exchange takes."""
    most = MAX_LOT_SIZE.bit_length(), MAX_TICK_VALUE.bit_length()
    lot_size, tick_value = (number_of_bits(random, bits) for bits in most)
    fees = [random.choice((0, 1, 255, 256, 999, 1_000)) for _ in range(2)]
    return market_of(
        number,
        base,
        quote,
        lot_size=lot_size,
        tick_value=tick_value,
        taker_fee_bps=fees[0],
        maker_fee_bps=fees[1],
    )


def trade(random: Random, terms: Market, sequence: int) -> None:
    """Trade at a market at the fees it allows, refuse what is above them, compare all balances."""
    lots = number_of_bits(random, 64)
    room = QUOTE_BITS - lots.bit_length() - terms.tick_value.bit_length()
    ticks = number_of_bits(random, min(64, room))
    quote, base = terms.quote_amount(lots, ticks), terms.base_amount(lots)
    fees = [fee_of(quote, bps) for bps in (terms.taker_fee_bps, terms.maker_fee_bps)]
    by_address = {token.address: token for token in floor().tokens}
    tokens = [by_address[text(each)] for each in (terms.base_token, terms.quote_token)]
    floor().fund(SELLER.address, tokens[0], base)
    floor().fund(BUYER.address, tokens[1], quote + fees[0])
    orders = [
        floor().sign(
            key,
            floor().order(
                key.address,
                side,
                lots,
                ticks,
                sequence=sequence,
                max_fee_bps=2**16 - 1,
                market=terms.id,
            ),
        )
        for key, side in ((BUYER, Side.BUY), (SELLER, Side.SELL))
    ]
    batch = floor().batch(
        orders,
        [(0, 1, lots)],
        market=terms.id,
        taker_fee_bps=terms.taker_fee_bps,
        maker_fee_bps=terms.maker_fee_bps,
    )
    for field in ("taker_fee_bps", "maker_fee_bps"):
        cap = getattr(terms, field)
        dearer = batch._replace(**{field: cap + 1})
        refuses(partial(floor().settle, dearer), "FeeAboveMarket", cap, cap + 1)
    owners = BUYER.address, SELLER.address, FEES

    def held() -> list[int]:
        return [floor().exchange.held(o, t.address) for o in owners for t in tokens]

    before = held()
    floor().settle(batch)
    moves = base, -quote - fees[0], -base, quote - fees[1], 0, sum(fees)
    assert held() == [a + b for a, b in zip(before, moves, strict=True)]


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.integers(0, 2**32))
def check_any_terms(seed: int) -> None:
    random = Random(seed)
    with floor().machine.trial():
        first, second, third = floor().tokens
        pairs = [(first, third), (third, first), (second, third), (third, second)]
        random.shuffle(pairs)
        markets = {n: any_terms(random, n, *pair) for n, pair in enumerate(pairs, start=3)}
        for terms in markets.values():
            assert floor().exchange.list_market(terms) == terms.id
        floor().markets.update(markets)
        try:
            for sequence in range(1, 4):
                trade(random, random.choice(list(markets.values())), sequence)
            for terms in floor().markets.values():
                check_kept(floor().exchange, terms)
        finally:
            for number in markets:
                del floor().markets[number]


def test_any_market_settles_by_the_terms_it_was_listed_with() -> None:
    check_any_terms()


def test_an_order_of_one_market_fills_at_no_other_with_the_same_terms() -> None:
    """Market 3 differs from market 1 by its id and quote token only."""
    stage, exchange = TradingStage(floor()), floor().exchange
    assert exchange.list_market(market_of(3, floor().base, floor().third)) == 3
    for key in (MAKER, TAKER):
        floor().fund(key.address, floor().third, 10**12)
    for other in (2, 3):
        stage.refuses(stage.batch(market=other), "BadOrderSignature", 0)


def test_the_highest_id_trades() -> None:
    stage, exchange = TradingStage(floor()), floor().exchange
    floor().fund(TAKER.address, floor().third, 10**12)
    (slot,) = (
        slot
        for slot, value in floor().machine.storage()[exchange.address].items()
        if slot < FIRST_HASHED_SLOT and value == exchange.number("marketCount")
    )
    machine = floor().machine.cold({(exchange.address, slot): MOST_MARKETS - 1})
    full = Exchange(machine, exchange.address)
    terms = market_of(MOST_MARKETS, floor().base, floor().third)
    assert full.list_market(terms) == MOST_MARKETS
    check_kept(full, terms)
    orders = [
        sign_order(key, full.domain, terms, msgspec.structs.replace(o.order, market=terms.id))
        for key, o in ((MAKER, stage.maker), (TAKER, stage.taker))
    ]
    batch = Batch(1, tuple(orders), (Fill(1, 0, LOTS),), market=terms.id)
    full.settle(batch.pack(), sign_batch(MATCHER, full.domain, batch))
    assert full.held(MAKER.address, floor().third.address) == terms.quote_amount(LOTS, 100)


# --- Nobody else makes terms ---


def test_no_batch_of_a_market_not_listed_settles() -> None:
    """Whoever pays ether to where its terms would be, or deploys the forwarder of that number."""
    stage = TradingStage(floor())
    random = Random("ids")
    ids = {0, *(2**n + m for n in range(2, 16) for m in (-1, 0, 1, 2)), MOST_MARKETS}
    ids.update(random.randrange(3, 2**16) for _ in range(200))
    for number in sorted(ids):
        stage.refuses(stage.batch(market=number), "UnknownMarket", number)
    for number in (3, MOST_MARKETS):
        floor().machine.give_ether(THIEF.address, 1)
        floor().machine.call(THIEF.address, terms_address(number), b"", value=1)
        owner = text(number.to_bytes(20, "big"))
        floor().base.mint(stage.exchange.forwarder_of(owner), 1)
        stage.exchange.sweep(owner, floor().base.address)
        stage.refuses(stage.batch(market=number), "UnknownMarket", number)


def test_terms_of_another_exchange_are_its_own() -> None:
    """A thief who owns an exchange lists what he wants there: nothing comes of it here."""
    stage, machine = TradingStage(floor()), floor().machine
    delays = (EXIT_DELAY, CANCEL_NOTICE, KEY_DELAY)
    arguments = words(THIEF.address, THIEF.address, THIEF.address, *delays)
    there = Exchange(
        machine, machine.deploy(contract("Exchange").creation + arguments, THIEF.address)
    )
    for number in (1, 2, 3):
        pair = floor().tokens[number - 1], floor().tokens[number % 3]
        terms = market_of(number, *pair, taker_fee_bps=1_000)
        assert there.list_market(terms, THIEF.address) == number
        check_kept(there, terms)
    stage.refuses(stage.batch(market=3), "UnknownMarket", 3)
    stage.refuses(stage.batch(taker_fee_bps=31), "FeeAboveMarket", 30, 31)
    check_kept(stage.exchange, floor().markets[1])


def test_a_listing_of_any_gas_happens_in_whole_or_not() -> None:
    """The sixty-third of gas that is kept back from the code never pays for a market without it."""
    machine, exchange = floor().machine, floor().exchange
    terms = market_of(3, floor().base, floor().third)
    call, pair = list_call(terms), (floor().base.address, floor().third.address)

    def listed(gas: int) -> bool:
        with machine.trial():
            try:
                machine.call(OWNER, exchange.address, call, gas=gas)
            except Reverted:
                assert machine.code(terms_address(3)) == b""
                assert exchange.number("marketCount") == 2
                assert exchange.number("marketOf", *pair) == 0
                return False
            check_kept(exchange, terms)
            return True

    low, high = 21_000, 1_000_000
    assert listed(high)
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if listed(middle) else (middle, high)
    for gas in (*range(22_000, 2 * high, 1_777), *range(high - 40, high + 40)):
        assert listed(gas) == (gas >= high)


# --- A token that calls back ---


def own_by(token: Token) -> None:
    """Make a token, which makes any call in the middle of a transfer, the owner of the exchange."""
    floor().exchange.administer("transferOwnership", token.address)
    token.set_hook(floor().exchange.address, selector("acceptOwnership"))
    token.mint(THIEF.address, 10**6)
    token.transfer(THIEF.address, STRANGER, 1)
    assert token.hook_outcome() == 2


def test_a_market_listed_in_the_middle_of_a_deposit_is_whole() -> None:
    exchange, token = floor().exchange, floor().third
    own_by(token)
    terms = market_of(3, floor().base, token)
    token.set_hook(exchange.address, list_call(terms))
    token.approve(THIEF.address, exchange.address)
    exchange.deposit(THIEF.address, token.address, 5)
    assert token.hook_outcome() == 2
    check_kept(exchange, terms)
    exchange.deposit(THIEF.address, token.address, 7)
    assert token.hook_outcome() == 1
    assert exchange.number("marketCount") == 3
    assert exchange.held(THIEF.address, token.address) == 12

    token.set_hook(exchange.address, list_call(market_of(4, token, floor().base, lot_size=7)))
    token.transfer(THIEF.address, exchange.forwarder_of(THIEF.address), 5)
    check_kept(exchange, market_of(4, token, floor().base, lot_size=7))
    token.set_hook(exchange.address, list_call(market_of(5, floor().quote, token)))
    assert exchange.sweep(THIEF.address, token.address) == 5
    check_kept(exchange, market_of(5, floor().quote, token))
    assert exchange.held(THIEF.address, token.address) == 17


# --- Terms as an account or a token ---


def test_terms_vouch_for_nobody() -> None:
    """They answer every call with success and nothing, which is not a yes."""
    stage, exchange, place = TradingStage(floor()), floor().exchange, terms_address(1)
    token, deadline = floor().base.address, floor().machine.now + HOUR
    floor().give(THIEF.address, floor().base, 10)
    exchange.deposit_for(THIEF.address, place, token, 10)
    taking = Withdrawal(place, token, 10, THIEF.address, 1, deadline)
    agreed = sign_withdrawal(MATCHER, exchange.domain, taking)
    for signature in (b"", bytes(64), bytes(65), b"\xff" * 96):
        call = partial(exchange.withdraw, taking, signature, agreed, THIEF.address)
        refuses(call, "SignatureInvalid", place)
    refuses(partial(exchange.exit_for, place, token), "NoExit", place, token)
    order = floor().order(place, Side.SELL, LOTS, 100)
    for approved in (False, True):
        entry = stage.maker._replace(order=order, signature=bytes(64), approved=approved)
        stage.refuses(stage.batch((entry, stage.taker)), "BadOrderSignature", 0)
    assert exchange.held(place, token) == 10


def test_terms_are_no_money() -> None:
    """A token that takes every transfer and says nothing would be money from nowhere."""
    exchange, place = floor().exchange, terms_address(1)
    for call in (
        partial(exchange.deposit, THIEF.address, place, 10**30),
        partial(exchange.deposit_for, THIEF.address, MAKER.address, place, 10**30),
        partial(exchange.sweep, THIEF.address, place),
    ):
        refuses(call, "")
    assert exchange.held(THIEF.address, place) == 0
