"""Orders for which a contract vouches on chain, and the hash of an order."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.exchange.orders import Order, Side
from tests.contracts.exchange.support import events, refuses
from tests.evm.exchange import CANCEL_NOTICE, MATCHER, Floor, raw
from tests.evm.exchange_signing import Batch, Fill, SignedOrder, order_hash, sign_batch
from tests.evm.machine import Reverted, account
from tests.evm.sale import STRANGER
from tests.hostile.trading_scene import LOTS, TAKER

NEVER = 2**256 - 1
WALLET = account("wallet")


@pytest.fixture
def order(trading):
    """An order of a wallet without a key."""
    trading.floor.fund(WALLET, trading.floor.base, 10**12)
    return trading.floor.order(WALLET, Side.SELL, LOTS, 100)


def _batch(trading, order, sequence=1):
    taker = trading.sign(TAKER, Side.BUY, sequence=sequence)
    return trading.batch([SignedOrder(order, approved=True), taker], [(1, 0, 1)])


def test_an_approved_order_settles_without_signature(trading, order):
    exchange, digest = trading.exchange, trading.floor.hash(order)
    trading.refuses(_batch(trading, order), "BadOrderSignature", 0)
    assert exchange.approve_order(WALLET, order) == digest
    assert events(exchange) == [("OrderApproved", WALLET, digest)]
    assert exchange.approval(WALLET, digest) == NEVER
    trading.settle(_batch(trading, order))
    assert exchange.lane(WALLET, 0)[:2] == (1, 1)


def test_a_revocation_counts_after_the_notice(trading, order):
    exchange, digest = trading.exchange, trading.floor.hash(order)
    exchange.approve_order(WALLET, order)
    until = trading.machine.now + CANCEL_NOTICE
    exchange.revoke_approval(WALLET, digest)
    assert events(exchange) == [("ApprovalRevoked", WALLET, digest, until)]
    assert exchange.approval(WALLET, digest) == until
    trading.machine.now = until - 1
    trading.settle(_batch(trading, order))
    trading.machine.now = until
    trading.refuses(_batch(trading, order, sequence=2), "BadOrderSignature", 0)
    exchange.approve_order(WALLET, order)
    trading.settle(_batch(trading, order, sequence=2))


def test_what_is_not_approved_cannot_be_revoked(trading, order):
    exchange, digest = trading.exchange, trading.floor.hash(order)
    call = exchange.revoke_approval
    refuses(lambda: call(WALLET, digest), "NotApproved", WALLET, digest)
    exchange.approve_order(WALLET, order)
    refuses(lambda: call(STRANGER, digest), "NotApproved", STRANGER, digest)
    call(WALLET, digest)
    refuses(lambda: call(WALLET, digest), "NotApproved", WALLET, digest)


def test_only_the_maker_approves(trading, order):
    refuses(lambda: trading.exchange.approve_order(STRANGER, order), "NotMaker", WALLET, STRANGER)
    unknown = msgspec.structs.replace(order, market=3)
    refuses(lambda: trading.exchange.approve_order(WALLET, unknown), "UnknownMarket", 3)


def test_an_approval_binds_no_more_than_the_terms(trading, order):
    trading.exchange.approve_order(WALLET, order)
    trading.machine.now = order.expiry + 1
    taker = trading.sign(TAKER, Side.BUY, expiry=order.expiry + 9)
    orders = [SignedOrder(order, approved=True), taker]
    trading.refuses(trading.batch(orders, [(1, 0, 1)]), "OrderExpired", 0, order.expiry)


def test_a_signature_beside_the_flag_is_no_approval(trading):
    flagged = trading.maker._replace(approved=True)
    trading.refuses(trading.batch([flagged, trading.taker]), "BadOrderSignature", 0)


_FLOOR = Floor()


def _orders(**known):
    def number(bits):
        return st.integers(0, 2**bits - 1)

    return st.builds(
        Order,
        market=st.sampled_from([1, 2]),
        maker=st.binary(min_size=20, max_size=20),
        side=st.sampled_from(Side),
        lots=number(64),
        ticks=number(64),
        lane=number(32),
        sequence=number(32),
        expiry=known.get("expiry", number(40)),
        max_fee_bps=number(16),
    )


@given(_orders())
def test_the_hash_is_what_wallets_sign(order):
    digest = order_hash(_FLOOR.exchange.domain, _FLOOR.markets[order.market], order)
    assert _FLOOR.exchange.order_hash(order) == digest


@given(_orders(expiry=st.just(2**40 - 1)))
def test_settlement_hashes_as_the_view_does(order):
    """An approval is found by the hash: a batch of approved orders shows both to be one."""
    terms = {"lots": max(order.lots, 1), "max_fee_bps": 0}
    order = msgspec.structs.replace(order, **terms)
    other = msgspec.structs.replace(
        order, maker=raw(STRANGER), side=Side(1 - order.side), ticks=order.ticks
    )
    batch = Batch(
        1,
        tuple(SignedOrder(o, approved=True) for o in (order, other)),
        (Fill(1, 0, 1),),
        market=order.market,
    )
    if order.ticks == 0 or order.maker == other.maker:
        return
    with _FLOOR.machine.trial():
        for each in (order, other):
            _FLOOR.exchange.approve_order("0x" + each.maker.hex(), each)
        signature = sign_batch(MATCHER, _FLOOR.exchange.domain, batch)
        with pytest.raises(Reverted) as caught:
            _FLOOR.exchange.settle(batch.pack(), signature)
        assert caught.value.name == "InsufficientBalance"
