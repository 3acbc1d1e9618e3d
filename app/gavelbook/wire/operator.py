"""What an exchange tells its operator about itself."""

from __future__ import annotations

from msgspec import Struct

from gavelbook.wire.scalars import Address, Hash32, Uint16, Uint64, Uint256


class WatcherView(Struct, frozen=True, rename="camel"):
    """How far the exchange has read its chain."""

    head_block: Uint64
    confirmed_block: Uint64
    """The last block whose events count."""
    confirmed_time: Uint64
    """Its time, unix seconds."""
    waiting: Uint64
    """Inputs that are read but not in the log yet."""
    refused: list[str]
    """The first few inputs that the engine did not take, and why."""


class AlarmView(Struct, frozen=True):
    """Why nothing settles."""

    code: str
    message: str


class SettlerView(Struct, frozen=True, rename="camel"):
    """How far the exchange has written to its chain."""

    relayer: Address | None
    """Who sends batches and pays for them."""
    last_batch: Uint64
    in_flight: Uint64
    """Transactions that were sent and are not mined."""
    busted: Uint64
    """Fills that could never settle and were undone."""
    reverted: Uint64
    """Transactions that were mined in vain since the start."""
    resting: str
    """Why nothing is settled for the moment; empty where something is."""
    alarm: AlarmView | None
    gas_used: Uint256
    """Of all batches that were mined."""
    settled_fills: Uint64
    """In those batches."""


class BatchView(Struct, frozen=True, rename="camel"):
    """A batch; its transaction is null until it was sent, its gas null until it was mined."""

    batch: Uint64
    market: Uint16
    fills: Uint64
    transaction_hash: Hash32 | None
    gas_used: Uint256 | None


class OperatorView(Struct, frozen=True, rename="camel"):
    """The whole exchange at a glance; watcher and settler are null where none runs."""

    started: Uint64
    """Unix milliseconds."""
    cancel_only: bool
    position: Uint64
    views_position: Uint64
    """How far the tables behind private reads are; they follow the log."""
    queued_commands: Uint64
    """Taken, and not applied yet."""
    unsettled_fills: Uint64
    oldest_unsettled: Uint64 | None
    """Unix milliseconds of the oldest fill that is not settled."""
    unreachable: str
    """Why the chain does not answer; empty where it does."""
    watcher: WatcherView | None
    settler: SettlerView | None
    batches: list[BatchView]
    """The last twenty, newest first."""
