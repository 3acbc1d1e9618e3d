"""What goes between the signer and its clients, as JSON."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from gavelbook.wire.scalars import Address, Hash32, Octets, Uint64, Uint256

TITLE_LENGTH = 200
TEXT_LENGTH = 4_000
SECRET_LENGTH = 1_024
ENTRIES_PER_PAGE = 200

Title = Annotated[str, Meta(max_length=TITLE_LENGTH)]
RequestId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Secret(str):
    """A password or passphrase: text that is not shown where it is written down by accident."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Secret:
        """Return ``text`` as a secret.

        Raises:
            ValueError: it is no text, or one of more than 1,024 characters.

        """
        # Half a character of two cannot be written, nor hashed.
        if not isinstance(text, str) or len(text) > SECRET_LENGTH or not _writable(text):
            raise ValueError(f"Expected a text of at most {SECRET_LENGTH} characters")
        return cls(text)

    def text(self) -> str:
        """Return what goes over the wire."""
        return str.__str__(self)

    def __repr__(self) -> str:
        return "Secret(…)"


def _writable(text: str) -> bool:
    return not any("\ud800" <= each <= "\udfff" for each in text)


class _Body(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a client sends."""


class _View(Struct, frozen=True, rename="camel"):
    """What the signer answers."""


class Credentials(_Body, frozen=True):
    """A name and its password; ``client`` is the address of whoever asks, as the pages see it."""

    name: Annotated[str, Meta(max_length=100)]
    password: Secret
    client: Annotated[str, Meta(max_length=100)] = ""


class NewPassword(_Body, frozen=True):
    """The password as it is and as it shall be."""

    password: Secret
    new_password: Secret


class TypedData(_Body, frozen=True):
    """Typed data (EIP-712) as wallets are asked for it; numbers as decimal text."""

    typed_data: dict[str, Any]
    title: Title = ""


class Text(_Body, frozen=True):
    """A text to sign (EIP-191)."""

    text: Annotated[str, Meta(max_length=TEXT_LENGTH)]
    title: Title = ""


class Transaction(_Body, frozen=True):
    """A call to send. The same ``request_id`` is sent once, however often it is asked for."""

    to: Address
    data: Octets
    value: Uint256
    request_id: RequestId
    title: Title = ""


class TransferRequest(_Body, frozen=True):
    """Base units of a token for somebody else's address, written with its checksum."""

    token: Address
    amount: Uint256
    to: str


class Confirmation(_Body, frozen=True):
    """The password, once more."""

    password: Secret


class NewLimit(_Body, frozen=True):
    """The most base units of a token that may leave in 24 hours."""

    token: Address
    amount: Uint256
    password: Secret


class ExportRequest(_Body, frozen=True):
    """What opens the account, what shall lock the file, and that its meaning was understood."""

    password: Secret
    passphrase: Secret
    understood: bool


class CloseRequest(_Body, frozen=True):
    """The password, and where what is left shall go; None where nothing is left."""

    password: Secret
    sweep_to: str | None = None


class AccountView(_View, frozen=True):
    """A managed account. Times are in Unix milliseconds."""

    name: str
    address: Address
    deposit_address: Address | None
    """Tokens sent there go into escrow at the exchange; None where there is none, or no chain."""
    created_at: Uint64
    expires_at: Uint64
    """When the session ends at the latest."""
    idle_until: Uint64
    """When it ends if it is not used."""


class SignedIn(_View, frozen=True):
    """A session: its token opens the account, and is shown this once."""

    token: Secret
    account: AccountView


class SessionView(_View, frozen=True):
    """A session of the account; ``current`` is the one that asks."""

    id: str
    client: str
    created_at: Uint64
    used_at: Uint64
    expires_at: Uint64
    current: bool


class SessionList(_View, frozen=True):
    """All open sessions, newest first."""

    sessions: list[SessionView]


class LineView(_View, frozen=True):
    """One thing a signature means: `You pay at most`, `120 DUSD`."""

    label: str
    text: str


class Signed(_View, frozen=True):
    """A signature, its digest, and what the signer understood it to mean."""

    signature: Octets
    digest: Hash32
    kind: str
    summary: list[LineView]


class Sent(_View, frozen=True):
    """A transaction that is in a block."""

    transaction: Hash32
    kind: str
    summary: list[LineView]


class TrailEntry(_View, frozen=True):
    """One signature or transaction, or another thing of weight, in the audit trail."""

    position: Uint64
    at: Uint64
    session: str
    kind: str
    digest: str
    title: str
    summary: list[LineView]
    transaction: str


class TrailPage(_View, frozen=True):
    """Entries of the account, newest first; ``next`` is the position to go on before, or None."""

    entries: list[TrailEntry]
    next: Uint64 | None


class TransferView(_View, frozen=True):
    """A transfer; ``state`` is asked, sent, done, failed or dropped. ``to`` has its checksum."""

    id: str
    token: Address
    symbol: str
    decimals: int
    amount: Uint256
    to: Address
    state: str
    asked_at: Uint64
    expires_at: Uint64
    """Until when it can be confirmed."""
    left: Uint256
    """What may still leave within the limit of 24 hours, this one not counted."""
    transaction: str


class TransferList(_View, frozen=True):
    """The newest transfers, newest first."""

    transfers: list[TransferView]


class LimitView(_View, frozen=True):
    """How much of a token may leave in 24 hours, in base units."""

    token: Address
    symbol: str
    decimals: int
    amount: Uint256
    left: Uint256
    next_amount: Uint256 | None
    """A higher limit that was asked for, which holds from ``next_at`` on."""
    next_at: Uint64 | None


class LimitList(_View, frozen=True):
    """The limits of all known tokens."""

    limits: list[LimitView]


class Exported(_View, frozen=True):
    """The account's key as an encrypted keystore (version 3), as JSON text."""

    keystore: Secret


class Closed(_View, frozen=True):
    """The transactions that emptied the wallet before the account was closed."""

    transactions: list[Hash32]


class Status(_View, frozen=True):
    """How the signer is."""

    chain_id: Uint64
    exchange: Address | None
    gas_account: Address
    gas_left: Uint256
    """Wei that the gas account holds."""
    gas_spent: Uint256
    """Wei it has paid in the last 24 hours, of `gas_limit` at most."""
    gas_limit: Uint256
    accounts: Uint64
    trail_position: Uint64
    trail_head: Hash32
