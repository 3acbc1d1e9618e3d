"""What the exchange says of itself, computed again from its public log as anybody can."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Self

from gavelbook.demo.errors import DemoError
from gavelbook.exchange.commands import decode
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.orders import Side
from gavelbook.service.exchange.entries import entry_digest, next_head
from gavelbook.service.exchange.public_log import PublicLog
from gavelbook.service.exchange.receipts import Receipt, verify_receipt
from gavelbook.service.exchange.sqlite_log import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.client import Client
    from gavelbook.exchange.signing import Domain
    from gavelbook.wire.markets import BookSnapshot

BOOK_LEVELS = 500
"""Levels of a side that are compared."""


class LogReplay:
    """An engine of our own that follows the public log of an exchange."""

    def __init__(self, domain: Domain, origin: bytes) -> None:
        """Begin where the log of the exchange ``domain`` does: at its ``origin``.

        Raises:
            DemoError: ``log_differs``, where it is the log of something else.

        """
        terms = PublicLog(origin, iter(())).terms().terms
        if origin != origin_of(domain, terms):
            raise DemoError("log_differs", "Expected the log of this exchange, was another")
        self.engine = Engine(terms)
        self.head = sha256(origin).digest()

    @classmethod
    def begin(cls, domain: Domain, client: Client) -> Self:
        """Return a replay of the log at ``client``, before the first entry; errors as above."""
        return cls(domain, bytes(client.log(limit=1).origin))

    def follow(self, client: Client) -> None:
        """Read the log to its end and apply it.

        Raises:
            DemoError: ``log_differs``, where an entry does not follow from those before it.

        """
        while True:
            page = client.log(self.engine.position + 1)
            for entry in page.entries:
                position, time_ms, content = (
                    int(entry.position),
                    int(entry.time),
                    bytes(entry.entry),
                )
                self.head = next_head(self.head, entry_digest(position, time_ms, content))
                if self.head != bytes(entry.head) or position != self.engine.position + 1:
                    message = f"Expected entry {position} to follow in the log, did not"
                    raise DemoError("log_differs", message)
                self.engine.apply(position, time_ms, decode(content))
            if page.next is None:
                return

    def has(self, book: BookSnapshot) -> bool:
        """Return whether the engine has the same book, level by level."""
        ours = [
            [
                (level.ticks, level.lots)
                for level in self.engine.depth(int(book.market), side, BOOK_LEVELS)
            ]
            for side in Side
        ]
        theirs = [
            [(int(ticks), int(lots)) for ticks, lots in side] for side in (book.bids, book.asks)
        ]
        return ours == theirs

    def ledger(self, accounts: Iterable[str]) -> dict[tuple[bytes, bytes], int]:
        """Return base units by account and token; what is set aside is counted as well."""
        return {
            (account, token): balance.available + balance.reserved + balance.withdrawing
            for account in (bytes.fromhex(each[2:]) for each in accounts)
            for token, balance in self.engine.balances(account).items()
        }


def checked_receipt(client: Client, order_hash: bytes, domain: Domain, matcher: bytes) -> Receipt:
    """Return the receipt of an order; ``matcher`` has signed a log with the order in it.

    Raises:
        ExchangeError: ``receipt_invalid``.

    """
    seen = client.receipt(order_hash)
    receipt = Receipt(
        order_hash=bytes(seen.order_hash),
        position=int(seen.position),
        time_ms=int(seen.time),
        content=bytes(seen.content),
        previous_head=bytes(seen.previous_head),
        digests=tuple(map(bytes, seen.digests)),
        head=bytes(seen.head),
        head_position=int(seen.head_position),
        signature=bytes(seen.signature),
    )
    if receipt.order_hash != order_hash:
        raise DemoError("wrong_receipt", "Expected the receipt of an order, was another's")
    verify_receipt(receipt, domain, matcher)
    return receipt
