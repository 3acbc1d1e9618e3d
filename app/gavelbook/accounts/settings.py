"""What the operator of a signer may set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gavelbook.accounts.policy.venue import SignInPlace
from gavelbook.errors import GavelbookError

if TYPE_CHECKING:
    from typing import Self

GWEI = 10**9
_HOUR = 60 * 60


class SignerSettings(BaseSettings):
    """Each as an environment variable `GAVELBOOK_SIGNER_<NAME>`; lists and mappings as JSON.

    The deployments are where `GAVELBOOK_DEPLOYMENTS` says.
    """

    model_config = SettingsConfigDict(env_prefix="GAVELBOOK_SIGNER_", extra="ignore")

    keystore: Path | None = None
    """The encrypted keystore; None for `GAVELBOOK_KEYSTORE`, else ~/.gavelbook/keystore.json."""
    passphrase: SecretStr | None = None
    """What opens it. Better: `passphrase_file`, or be asked."""
    passphrase_file: Path | None = None
    """A file with the passphrase on one line, readable by its owner only."""

    rpc_url: str = "http://127.0.0.1:8545"
    exchange: str | None = None
    """The exchange's address; None for the one recorded for the chain."""
    sign_in: tuple[str, ...] = ("http://127.0.0.1:8100",)
    """Public URLs of the exchange API: what sign-in messages may name."""

    state: Path = Field(default_factory=lambda: Path.home() / ".gavelbook" / "signer")
    """The folder of its database."""
    key_file: Path | None = None
    """The access key of the web processes, made if it is not there; None for one in `state`."""
    host: str = "127.0.0.1"
    port: int = Field(default=8200, ge=0, le=65_535)
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """What requests may name as host, without port."""

    first_key: int = Field(default=0, ge=0)
    """The number of the first key given out; above all used ones where a database was lost."""
    session_seconds: int = Field(default=7 * 24 * _HOUR, gt=0)
    idle_seconds: int = Field(default=12 * _HOUR, gt=0)
    registrations_per_client: int = Field(default=10, gt=0)
    """New accounts in an hour from one network address."""
    registrations_per_hour: int = Field(default=200, gt=0)

    actions_per_minute: int = Field(default=120, gt=0)
    """Signatures, transactions and changes that an account may ask for; a minute's at once."""

    daily_limit: int = Field(default=1_000, ge=0)
    """Whole tokens of a kind that may leave an account in 24 hours, unless it set a limit."""
    daily_limits: dict[str, int] = Field(default_factory=dict)
    """The same for single tokens, by their addresses."""
    gas_per_account_gwei: int = Field(default=20_000_000, ge=0)
    """Most that is given to one account for gas in 24 hours."""
    gas_in_all_gwei: int = Field(default=1_000_000_000, ge=0)
    """Most that is given to all together in 24 hours."""
    max_fee_gwei: int | None = Field(default=None, gt=0)
    wait_seconds: float = Field(default=90.0, gt=0)
    """How long a request waits for its block."""
    export_work_factor: int = Field(default=262_144, ge=2)
    """Of scrypt, for exported keys; lower in tests only."""

    @model_validator(mode="after")
    def _check_urls(self) -> Self:
        self.sign_in_places()
        return self

    def sign_in_places(self) -> tuple[SignInPlace, ...]:
        """Return what sign-in messages may name.

        Raises:
            GavelbookError: ``bad_url``.

        """
        return tuple(_place(url) for url in self.sign_in)

    @property
    def access_key_file(self) -> Path:
        """Where the access key is."""
        return self.key_file or self.state / "access-key"


def _place(url: str) -> SignInPlace:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise GavelbookError("bad_url", f"Expected an http or https URL, was {url!r}", value=url)
    return SignInPlace(parts.netloc, url)
