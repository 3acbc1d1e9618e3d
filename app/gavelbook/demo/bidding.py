"""Plays the moves of a crowd on sales of a chain whose clock the demo sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector
from tqdm import tqdm

from gavelbook.demo.bulk_sender import Message
from gavelbook.demo.crowd import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.chain.sale import Sale
    from gavelbook.demo.crowd import Move
    from gavelbook.demo.scene import Scene

_BID = function_signature_to_4byte_selector("bid(uint256,uint256)")
_CANCEL = function_signature_to_4byte_selector("cancel(uint256)")


def message(sale: Sale, move: Move) -> Message:
    """Return the transaction that makes ``move`` in ``sale``."""
    if move.kind is Kind.BID:
        data = _BID + encode(["uint256", "uint256"], [move.tick, move.lots])
    else:
        data = _CANCEL + encode(["uint256"], [move.index])
    return Message(sale.address, f"0x{data.hex()}")


def play(scene: Scene, sales: Sequence[Sale], moves: Sequence[Move], start: int) -> None:
    """Make every move in every sale, each at its second after ``start``, one block per move.

    Raises:
        DemoError: a sale refused a move.

    """
    hashes: list[str] = []
    for move in tqdm(moves, desc="    bidding", unit=" moves", leave=False, disable=None):
        bidder = scene.cast.bidders[move.bidder]
        hashes += scene.bulk.send((bidder, message(sale, move)) for sale in sales)
        scene.chain.mine_at(start + move.at)
    scene.bulk.receipts(hashes)
