"""Receipts: proof for a trader, without the exchange's help, that an order is in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gavelbook.exchange.commands import PlaceOrder, decode
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.signing import log_head_hash, recover
from gavelbook.service.exchange.entries import entry_digest, next_head
from gavelbook.service.exchange.errors import LogError

if TYPE_CHECKING:
    from gavelbook.exchange.signing import Domain
    from gavelbook.service.exchange.ports import Log


class Receipt(msgspec.Struct, frozen=True):
    """What proves an order's place: ``digests`` chain ``previous_head`` to the sealed ``head``.

    ``content`` is the order's entry in the log; its digest is the first of ``digests``, which are
    of the entries from ``position`` to ``head_position``. ``signature`` is the matcher's, over
    EIP-712 ``LogHead(uint256 position,bytes32 head)``.
    """

    order_hash: bytes
    position: int
    time_ms: int
    content: bytes
    previous_head: bytes
    digests: tuple[bytes, ...]
    head: bytes
    head_position: int
    signature: bytes


def receipt_of(log: Log, position: int) -> Receipt:
    """Return the receipt of the order at ``position``.

    Raises:
        LogError: ``log_position_unknown``, also where another command is there.

    """
    seal = log.seal_over(position)
    if position < 1 or seal is None:
        raise _unknown(position)
    previous_head = log.head_at(position - 1)
    entries = list(log.read(position - 1, seal.position - position + 1))
    command = decode(entries[0].content)
    if not isinstance(command, PlaceOrder):
        raise _unknown(position)
    return Receipt(
        command.order_hash,
        position,
        entries[0].time_ms,
        entries[0].content,
        previous_head,
        tuple(entry_digest(entry.position, entry.time_ms, entry.content) for entry in entries),
        seal.head,
        seal.position,
        seal.signature,
    )


def verify_receipt(receipt: Receipt, domain: Domain, matcher: bytes) -> None:
    """Check that ``matcher`` (20 bytes) signed a log with this order at this place.

    Raises:
        ExchangeError: ``receipt_invalid``, with the reason.

    """
    if not receipt.digests or len(receipt.digests) != receipt.head_position - receipt.position + 1:
        raise _invalid("one digest for each position up to the head's")
    if receipt.digests[0] != entry_digest(receipt.position, receipt.time_ms, receipt.content):
        raise _invalid("the entry's own digest first")
    try:
        command = decode(receipt.content)
        signer = recover(
            log_head_hash(domain, receipt.head_position, receipt.head), receipt.signature
        )
    except ExchangeError as error:
        raise _invalid(f"an entry and a signature ({error.message})") from error
    if not isinstance(command, PlaceOrder) or command.order_hash != receipt.order_hash:
        raise _invalid("an entry that places the order")
    head = receipt.previous_head
    for digest in receipt.digests:
        head = next_head(head, digest)
    if head != receipt.head:
        raise _invalid("digests that lead to the head")
    if signer != matcher:
        raise _invalid(f"the signature of 0x{matcher.hex()}, was of 0x{signer.hex()}")


def _unknown(position: int) -> LogError:
    message = f"Expected the position of an order, was {position}"
    return LogError("log_position_unknown", message, position=position)


def _invalid(expected: str) -> ExchangeError:
    return ExchangeError("receipt_invalid", f"Expected {expected}, was otherwise")
