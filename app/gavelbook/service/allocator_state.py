"""An allocator whose memory is on disk, so that the next process continues where one ended."""

from __future__ import annotations

from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.event_store import EventStore
from gavelbook.chain.outbox import SqliteOutbox
from gavelbook.chain.sale import Sale
from gavelbook.chain.sender import Sender
from gavelbook.service.allocator import AllocatorService, AllocatorSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from gavelbook.chain.fees import FeePolicy

DEFAULT_FOLDER = Path.home() / ".gavelbook"


@contextmanager
def allocator_in(  # noqa: PLR0913
    folder: Path,
    web3: Web3,
    sale: str,
    account: LocalAccount,
    *,
    first_block: int,
    confirmations: int,
    policy: FeePolicy,
    keys_per_transaction: int,
    abort_expired: bool,
    show_progress: bool,
) -> Iterator[AllocatorService]:
    """Open the allocator of ``sale`` with its state in ``folder``.

    The events of a sale and its allocation file are named after chain and sale, the outbox after
    chain and account, which one process at a time may use.

    Raises:
        StoreError: ``store_in_use`` by another process, or ``store_unusable``.

    """
    chain_id = web3.eth.chain_id
    outbox_path = folder / f"outbox-{chain_id}-{account.address}.sqlite"
    with (
        closing(EventStore(folder / f"{chain_id}-{sale}.sqlite")) as store,
        closing(SqliteOutbox(outbox_path, chain_id, account.address)) as outbox,
    ):
        settings = AllocatorSettings(
            allocation_path=folder / f"{chain_id}-{sale}.allocation.csv",
            keys_per_transaction=keys_per_transaction,
            abort_expired=abort_expired,
            show_progress=show_progress,
        )
        reader = BidReader(web3, sale, first_block, store, confirmations)
        sender = Sender(web3, account, policy=policy, outbox=outbox)
        yield AllocatorService(Sale(web3, sale), sender, reader, settings)
