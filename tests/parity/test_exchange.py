"""What the app signs, packs and computes is what the contract reads, checks and books.

GAVELBOOK_PARITY_EXAMPLES sets how many examples each property is tried on.
"""

from __future__ import annotations

import os
from functools import cache
from random import Random

import pytest
from coincurve import PrivateKey
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gavelbook.chain.event_forms import RawLog
from gavelbook.chain.exchange_events import ChainFill, read_exchange_log, read_fill
from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch, unpack_batch
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import MAX_LOT_SIZE, MAX_TICK_VALUE, fee_of
from gavelbook.exchange.orders import MAX_LOTS, MAX_TICKS, Order, Side
from gavelbook.exchange.signing import (
    Domain,
    Withdrawal,
    address_of,
    compact_signature,
    order_hash,
    recover,
    sign,
    withdrawal_hash,
)
from gavelbook.exchange.typed_data import order_typed_data
from gavelbook.service.exchange.matcher_key import MatcherKey
from tests.evm.exchange import FEES, HOUR, MAKER_FEE_BPS, TAKER_FEE_BPS, Floor
from tests.evm.machine import CHAIN_ID, Reverted

EXAMPLES = int(os.environ.get("GAVELBOOK_PARITY_EXAMPLES", "60"))
MATCHER_SECRET = keccak(text="key of matcher")
LOG_HEAD = keccak(text="log head")
FOREVER = 2**40 - 1

fuzz = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


def up_to(highest, lowest=0):
    """Numbers of every size, and those at the ends."""
    sizes = st.integers(0, highest.bit_length()).flatmap(lambda b: st.integers(0, 2**b - 1))
    ends = st.sampled_from([lowest, lowest + 1, highest - 1, highest])
    return (sizes | ends).map(lambda n: min(max(n, lowest), highest))


orders = st.builds(
    Order,
    market=st.sampled_from([1, 2]),
    maker=st.binary(min_size=20, max_size=20),
    side=st.sampled_from(Side),
    lots=up_to(MAX_LOTS, 1),
    ticks=up_to(MAX_TICKS, 1),
    lane=up_to(2**32 - 1),
    sequence=up_to(2**32 - 1, 1),
    expiry=up_to(2**40 - 1),
    max_fee_bps=up_to(1_000),
)


@cache
def floor(lot_size=10**6, tick_value=10**3):
    return Floor(lot_size, tick_value)


def domain_of(place):
    return Domain(CHAIN_ID, bytes.fromhex(place.exchange.address[2:]))


def matcher_of(place):
    return MatcherKey(domain_of(place), MATCHER_SECRET)


class Trader:
    def __init__(self, name):
        self.key = PrivateKey(keccak(text=f"key of {name}"))
        self.address = address_of(self.key)
        self.text = f"0x{self.address.hex()}"

    def order(self, place, side, lots, ticks, **changes):
        fields = {
            "market": 1, "maker": self.address, "side": side, "lots": lots, "ticks": ticks,
            "lane": 0, "sequence": 1, "expiry": FOREVER, "max_fee_bps": 100, **changes,
        }  # fmt: skip
        order = Order(**fields)
        digest = order_hash(domain_of(place), place.markets[order.market], order)
        return BatchOrder(order, sign(digest, self.key))


def settle(place, signed, fills, *, fees=(TAKER_FEE_BPS, MAKER_FEE_BPS)):
    """Pack and sign with the app, and settle; return the batch and its packed content."""
    number = place.exchange.last_batch() + 1
    batch = Batch(1, *fees, number, LOG_HEAD, tuple(signed), tuple(fills))
    content = pack_batch(batch)
    place.exchange.settle(content, matcher_of(place).sign_batch(1, number, content))
    return batch, content


def events(place):
    logs = [
        RawLog(1, "0x", i, "0x", tuple(bytes.fromhex(t[2:]) for t in topics), data)
        for i, (address, topics, data) in enumerate(place.exchange.machine.logs())
        if address == place.exchange.address
    ]
    return [read_exchange_log(log) for log in logs]


@pytest.mark.parametrize("units", [(10**6, 10**3), (MAX_LOT_SIZE, MAX_TICK_VALUE), (1, 1)])
class TestOrderHash:
    @fuzz
    @given(order=orders)
    def test_is_the_contracts_and_the_wallets(self, units, order):
        place = floor(*units)
        market = place.markets[order.market]
        digest = order_hash(domain_of(place), market, order)
        assert place.exchange.order_hash(order) == digest
        signable = encode_typed_data(full_message=order_typed_data(domain_of(place), market, order))
        assert keccak(b"\x19" + signable.version + signable.header + signable.body) == digest


class TestSignatures:
    @fuzz
    @given(st.integers(0, 511), st.booleans(), st.booleans())
    def test_both_take_the_same_ones(self, bit, spoilt, compact):
        place = floor()
        maker, taker = Trader("maker"), Trader("taker")
        sell, buy = maker.order(place, Side.SELL, 1, 5), taker.order(place, Side.BUY, 1, 5)
        signature = compact_signature(buy.signature)
        if spoilt:
            number = int.from_bytes(signature, "big") ^ 1 << bit
            signature = number.to_bytes(64, "big")
        elif not compact:
            signature = buy.signature
        digest = order_hash(domain_of(place), place.markets[1], buy.order)
        try:
            taken = recover(digest, signature) == taker.address
        except ExchangeError:
            taken = False
        assert taken is not spoilt
        with place.machine.trial():
            place.fund(maker.text, place.base, 10**6)
            place.fund(taker.text, place.quote, 10**6)
            batch = (sell, buy._replace(signature=signature))
            if taken:
                settle(place, batch, [BatchFill(1, 0, 1)])
            else:
                with pytest.raises(Reverted) as refused:
                    settle(place, batch, [BatchFill(1, 0, 1)])
                assert (refused.value.name, refused.value.arguments) == ("BadOrderSignature", (1,))

    @fuzz
    @given(amount=up_to(10**30, 1), nonce=up_to(2**256 - 1, 1))
    def test_a_withdrawal_signed_by_the_app_is_paid(self, amount, nonce):
        place, trader = floor(), Trader("leaver")
        token, to = bytes.fromhex(place.base.address[2:]), b"\x0b" * 20
        deadline = place.machine.now + HOUR
        signed = Withdrawal(trader.address, token, amount, to, nonce, deadline)
        with place.machine.trial():
            place.fund(trader.text, place.base, amount)
            own = sign(withdrawal_hash(domain_of(place), signed), trader.key)
            fields = (trader.text, place.base.address, amount, f"0x{to.hex()}", nonce, deadline)
            consent = matcher_of(place).sign_withdrawal(signed)
            place.exchange.withdraw(fields, own, consent)
            assert place.base.balance(f"0x{to.hex()}") == amount
            assert place.exchange.held(trader.text, place.base.address) == 0


class TestSettlement:
    @settings(fuzz, max_examples=EXAMPLES)
    @given(seed=st.integers(0, 2**32), fees=st.tuples(up_to(TAKER_FEE_BPS), up_to(MAKER_FEE_BPS)))
    def test_amounts_fees_events_and_digest(self, seed, fees):
        random, place = Random(seed), floor()
        market = place.markets[1]
        makers = [Trader(f"maker {i}") for i in range(2)]
        takers = [Trader(f"taker {i}") for i in range(3)]
        sells = random.random() < 0.5
        sides = (Side.SELL, Side.BUY) if sells else (Side.BUY, Side.SELL)
        fills = []
        signed = [m.order(place, sides[0], 10**6, random.randint(1, 10**9)) for m in makers]
        for taker in takers:
            worst = 2**40 if sells else 1
            signed.append(taker.order(place, sides[1], 10**6, worst))
        for _ in range(random.randint(1, 8)):
            who = (2 + random.randrange(3), random.randrange(2))
            fills.append(BatchFill(*who, random.randint(1, 10**4)))
        used = sorted({f.taker for f in fills} | {f.maker for f in fills})
        places = {old: new for new, old in enumerate(used)}
        signed = [signed[i] for i in used]
        fills = [BatchFill(places[f.taker], places[f.maker], f.lots) for f in fills]

        everybody = [*makers, *takers]
        due = {(t.text, token): 0 for t in everybody for token in ("base", "quote")}
        earned = 0
        announced = []
        for fill in fills:
            maker, taker = signed[fill.maker].order, signed[fill.taker].order
            base, quote = market.base_amount(fill.lots), market.quote_amount(fill.lots, maker.ticks)
            taker_fee, maker_fee = fee_of(quote, fees[0]), fee_of(quote, fees[1])
            earned += taker_fee + maker_fee
            for order, fee in ((taker, taker_fee), (maker, maker_fee)):
                sign_ = 1 if order.side == Side.BUY else -1
                due[f"0x{order.maker.hex()}", "base"] += sign_ * base
                due[f"0x{order.maker.hex()}", "quote"] -= sign_ * quote + fee
            hashes = [order_hash(domain_of(place), market, o) for o in (maker, taker)]
            announced.append((*hashes, fill.lots, maker.ticks))
        with place.machine.trial():
            rich = 10**40
            for trader in everybody:
                place.fund(trader.text, place.base, rich)
                place.fund(trader.text, place.quote, rich)
            before = place.exchange.held(FEES, place.quote.address)
            batch, content = settle(place, signed, fills, fees=fees)
            seen = events(place)
            for (owner, name), change in due.items():
                token = getattr(place, name).address
                assert place.exchange.held(owner, token) == rich + change
            assert place.exchange.held(FEES, place.quote.address) - before == earned
            for index, (order, _) in enumerate(batch.orders):
                lots = sum(f.lots for f in fills if index in {f.maker, f.taker})
                lane = place.exchange.lane(f"0x{order.maker.hex()}", order.lane)
                assert (lane.sequence, lane.filled_lots) == (1, lots)

        *found, end = seen
        assert [read_fill(event) for event in found] == [
            ChainFill(maker, taker, 1, batch.number, lots, ticks, not sells, *fees)
            for maker, taker, lots, ticks in announced
        ]
        assert end.hash("content_hash") == keccak(content)
        assert (end.hash("log_head"), end.integer("fees")) == (LOG_HEAD, earned)
        assert unpack_batch(content)[:5] == batch[:5]

    @fuzz
    @given(lots=up_to(MAX_LOTS, 2**60), ticks=up_to(MAX_TICKS, 2**60))
    def test_amounts_beyond_any_balance_are_refused_not_wrapped(self, lots, ticks):
        place = floor(1, MAX_TICK_VALUE)
        maker, taker = Trader("maker"), Trader("taker")
        sell, buy = (Side.SELL, lots, ticks), (Side.BUY, lots, ticks)
        pair = (maker.order(place, *sell), taker.order(place, *buy))
        quote = place.markets[1].quote_amount(lots, ticks)
        needed = quote + fee_of(quote, TAKER_FEE_BPS)
        most = 2**216 - 1
        with place.machine.trial():
            place.fund(maker.text, place.base, lots)
            place.fund(taker.text, place.quote, most)
            with pytest.raises(Reverted) as refused:
                settle(place, pair, [BatchFill(1, 0, lots)])
        error = refused.value
        assert error.name in {"InsufficientBalance", "BalanceTooLarge"}
        if error.name == "InsufficientBalance":
            assert error.arguments[2:] == (most, needed)
            assert needed > most

    def test_another_content_than_the_signed_one_is_refused(self):
        place, maker, taker = floor(), Trader("maker"), Trader("taker")
        pair = (maker.order(place, Side.SELL, 2, 5), taker.order(place, Side.BUY, 2, 5))
        one, two = (
            pack_batch(Batch(1, 0, 0, 1, LOG_HEAD, pair, (BatchFill(1, 0, lots),)))
            for lots in (1, 2)
        )
        with place.machine.trial():
            place.fund(maker.text, place.base, 10**7)
            place.fund(taker.text, place.quote, 10**7)
            with pytest.raises(Reverted, match="BadMatcherSignature"):
                place.exchange.settle(two, matcher_of(place).sign_batch(1, 1, one))
            place.exchange.settle(two, matcher_of(place).sign_batch(1, 1, two))
