"""Signed orders as the load generator sends them: whole HTTP requests, made beforehand.

Two hundred signers quote around a wandering price, each in 64 lanes, so that a later order replaces
an earlier one and the book stays as it is in a busy market; one order in five crosses the spread.
"""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

from coincurve import PrivateKey
from tiny_keccak import keccak256

from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import SIDE_NAMES, Domain, address_of, order_hash, sign

SIGNERS = 200
LANES = 200
BATCH = 50
CHAIN_ID = 31_337
CONTRACT = bytes.fromhex("e7f1725e7734ce288f8367e1bb143e90bb3f0512")
MARKET = Market(1, b"\x0b" * 20, b"\x0a" * 20, 10**16, 10**12, 20, 10)
MATCHER_KEY = bytes(keccak256(b"matcher"))
MIDDLE = 10_000
_LIFETIME = 86_400
_CROSSING = 0.2
_SEED = 20_261_121


class Plan(NamedTuple):
    """What one run sends: rounds for each signer, of ``per_request`` orders in a request."""

    first_sequence: int
    rounds: int
    per_request: int


def key_of(signer: int) -> PrivateKey:
    """Return the key of a signer."""
    return PrivateKey(bytes(keccak256(f"signer {signer}".encode())))


def signer_addresses() -> list[bytes]:
    """Return the accounts of all signers."""
    return [address_of(key_of(signer)) for signer in range(SIGNERS)]


def requests(plan: Plan) -> list[list[bytes]]:
    """Return for each signer the requests it sends one after the other."""
    with ProcessPoolExecutor() as pool:
        return list(pool.map(_requests_of, range(SIGNERS), [plan] * SIGNERS, chunksize=10))


def _requests_of(signer: int, plan: Plan) -> list[bytes]:
    draw = random.Random(_SEED + signer * 1_000_003 + plan.first_sequence)
    key, domain = key_of(signer), Domain(CHAIN_ID, CONTRACT)
    maker, expiry = address_of(key), int(time.time()) + _LIFETIME
    sent = []
    bodies: list[dict[str, str]] = []
    for number in range(plan.rounds * plan.per_request):
        lane, lap = number % LANES, number // LANES
        side = Side(draw.randrange(2))
        away = draw.randint(1, 50) * (-1 if draw.random() < _CROSSING else 1)
        ticks = MIDDLE + (away if side is Side.SELL else -away)
        order = Order(
            MARKET.id,
            maker,
            side,
            draw.randint(1, 100),
            ticks,
            lane,
            plan.first_sequence + lap,
            expiry,
            MARKET.taker_fee_bps,
        )
        signature = sign(order_hash(domain, MARKET, order), key)
        bodies.append(_body(order, signature))
        if len(bodies) == plan.per_request:
            sent.append(_request(bodies))
            bodies = []
    return sent


def _body(order: Order, signature: bytes) -> dict[str, str]:
    return {
        "market": str(order.market),
        "maker": f"0x{order.maker.hex()}",
        "side": SIDE_NAMES[order.side],
        "lots": str(order.lots),
        "ticks": str(order.ticks),
        "lane": str(order.lane),
        "sequence": str(order.sequence),
        "expiry": str(order.expiry),
        "maxFeeBps": str(order.max_fee_bps),
        "signature": f"0x{signature.hex()}",
        "timeInForce": "GTC",
    }


def _request(bodies: list[dict[str, str]]) -> bytes:
    if len(bodies) == 1:
        path, content = "/v1/orders", json.dumps(bodies[0])
    else:
        path, content = "/v1/orders/batch", json.dumps({"orders": bodies})
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(content)}\r\n\r\n{content}"
    ).encode()
