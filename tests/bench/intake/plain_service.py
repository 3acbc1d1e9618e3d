"""The plain service beside ours: FastAPI, eth_account, and a commit of SQLite for each order.

What one writes first with well-known libraries, and not badly: coincurve under eth_account, one
event loop, a book in price and time order, WAL with synchronous FULL. No balances, no receipts.
Runs in the benchmarks' own environment: ``.venv-bench/bin/python plain_service.py FOLDER``.
"""

from __future__ import annotations

import bisect
import json
import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn
from eth_account import Account
from eth_account.messages import encode_typed_data
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

LOT_SIZE, TICK_VALUE = 10**16, 10**12
BASE, QUOTE = "0x" + "0b" * 20, "0x" + "0a" * 20
DOMAIN = {
    "name": "Gavelbook Exchange",
    "version": "1",
    "chainId": 31_337,
    "verifyingContract": "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512",
}
TYPES = {
    "Order": [
        {"name": name, "type": kind}
        for kind, name in (
            ("string", "side"),
            ("uint256", "baseAmount"),
            ("address", "baseToken"),
            ("uint256", "quoteLimit"),
            ("address", "quoteToken"),
            ("uint256", "maxFeeBps"),
            ("address", "maker"),
            ("uint256", "market"),
            ("uint256", "lane"),
            ("uint256", "sequence"),
            ("uint256", "expiry"),
        )
    ]
}


class OrderBody(BaseModel):
    """An order as it is sent."""

    market: str
    maker: str
    side: str
    lots: str
    ticks: str
    lane: str
    sequence: str
    expiry: str
    max_fee_bps: str = Field(alias="maxFeeBps")
    signature: str
    time_in_force: str = Field(alias="timeInForce")


app = FastAPI()
database = sqlite3.connect(Path(sys.argv[1]) / "plain.sqlite", check_same_thread=False)
database.execute("PRAGMA journal_mode = WAL")
database.execute("PRAGMA synchronous = FULL")
database.execute("CREATE TABLE IF NOT EXISTS log (position INTEGER PRIMARY KEY, entry TEXT)")
# Prices with the sign that makes the best one the first, arrival, lots left.
books: dict[str, list[list[int]]] = {"buy": [], "sell": []}


@app.post("/v1/orders")
async def place(order: OrderBody) -> dict[str, str]:
    """Verify, match, commit, answer."""
    lots, ticks = int(order.lots), int(order.ticks)
    message = {
        "side": order.side,
        "baseAmount": lots * LOT_SIZE,
        "baseToken": BASE,
        "quoteLimit": lots * ticks * TICK_VALUE,
        "quoteToken": QUOTE,
        "maxFeeBps": int(order.max_fee_bps),
        "maker": order.maker,
        "market": int(order.market),
        "lane": int(order.lane),
        "sequence": int(order.sequence),
        "expiry": int(order.expiry),
    }
    signable = encode_typed_data(DOMAIN, TYPES, message)
    signer = Account.recover_message(signable, signature=order.signature)
    if signer.lower() != order.maker.lower():
        raise HTTPException(422, "bad signature")
    trades = match(order.side, lots, ticks)
    entry = json.dumps({"order": order.model_dump(), "trades": trades})
    with database:
        position = database.execute("INSERT INTO log (entry) VALUES (?)", (entry,)).lastrowid
    return {"position": str(position)}


def match(side: str, lots: int, ticks: int) -> list[list[int]]:
    """Trade with what crosses, best price and oldest first; the rest joins the book."""
    others = books["sell" if side == "buy" else "buy"]
    trades = []
    while lots and others:
        price = abs(others[0][0])
        if price > ticks if side == "buy" else price < ticks:
            break
        traded = min(lots, others[0][2])
        trades.append([price, traded])
        lots -= traded
        others[0][2] -= traded
        if not others[0][2]:
            others.pop(0)
    if lots:
        own = books[side]
        bisect.insort(own, [-ticks if side == "buy" else ticks, len(own), lots])
    return trades


if __name__ == "__main__":
    listening = socket.create_server(("127.0.0.1", 0), backlog=2_048)
    print(listening.getsockname()[1], flush=True)
    config = uvicorn.Config(app, access_log=False, log_level="error")
    uvicorn.Server(config).run(sockets=[listening])
