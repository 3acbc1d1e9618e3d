"""Orders and messages to sign, of every size, and keys to sign them with."""

from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import strategies as st
from tiny_keccak import keccak256

from gavelbook.exchange.markets import MAX_LOT_SIZE, MAX_TICK_VALUE, Market
from gavelbook.exchange.orders import MAX_EXPIRY, MAX_LANE, MAX_LOTS, MAX_SEQUENCE, Order, Side
from gavelbook.exchange.signing import CancelRequest, Domain, Withdrawal

MAKER = Account.from_key(b"\x11" * 32)
MAKER_KEY = PrivateKey(b"\x11" * 32)
MAKER_ADDRESS = bytes.fromhex(MAKER.address[2:])
MARKET = Market(3, b"\xba" * 20, b"\xcd" * 20, 10**15, 10**4, 30, 10)
DOMAIN = Domain(31_337, b"\xee" * 20)


def whole(highest, lowest=0):
    """Draw integers with a liking for both ends and for powers of two."""
    edges = [1 << bits for bits in range(highest.bit_length())] + [lowest, highest]
    in_range = [edge for edge in edges if lowest <= edge <= highest]
    return st.sampled_from(in_range) | st.integers(lowest, highest)


addresses = st.binary(min_size=20, max_size=20) | st.sampled_from([b"\x00" * 20, b"\xff" * 20])
words = st.binary(min_size=32, max_size=32)
uint256 = whole(2**256 - 1)
domains = st.builds(Domain, uint256, addresses)
markets = st.builds(
    Market,
    id=whole(2**16 - 1, 1),
    base_token=addresses,
    quote_token=addresses,
    lot_size=whole(MAX_LOT_SIZE, 1),
    tick_value=whole(MAX_TICK_VALUE, 1),
    taker_fee_bps=st.just(0),
    maker_fee_bps=st.just(0),
)


@st.composite
def orders(draw, market_id=None):
    return Order(
        draw(whole(2**16 - 1, 1)) if market_id is None else market_id,
        draw(addresses),
        draw(st.sampled_from(Side)),
        draw(whole(MAX_LOTS, 1)),
        draw(whole(2**64 - 1, 1)),
        draw(whole(MAX_LANE)),
        draw(whole(MAX_SEQUENCE, 1)),
        draw(whole(MAX_EXPIRY)),
        draw(whole(2**16 - 1)),
    )


cancel_requests = st.builds(
    CancelRequest,
    addresses,
    uint256,
    st.sampled_from(["order", "client", "market", "all"]),
    st.text(max_size=80),
    uint256,
)
withdrawals = st.builds(Withdrawal, addresses, addresses, uint256, addresses, uint256, uint256)


def order(**changes):
    """Return an order of `MAKER`, with ``changes``."""
    fields = {
        "market": 3,
        "maker": MAKER_ADDRESS,
        "side": Side.SELL,
        "lots": 5,
        "ticks": 1_234,
        "lane": 2,
        "sequence": 9,
        "expiry": 1_790_000_000,
        "max_fee_bps": 50,
    }
    return Order(**{**fields, **changes})


def digest_of(typed_data):
    """Return the digest of ``typed_data`` as eth_account computes it."""
    signable = encode_typed_data(full_message=typed_data)
    return keccak256(b"\x19" + signable.version + signable.header + signable.body)
