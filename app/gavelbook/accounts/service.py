"""The signer: everything behind its HTTP interface, put together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

import structlog

from gavelbook.accounts.dispatches import Dispatches
from gavelbook.accounts.doorkeeper import Doorkeeper
from gavelbook.accounts.gas import GasStation
from gavelbook.accounts.leaving import LeavingDesk
from gavelbook.accounts.passwords import Passwords
from gavelbook.accounts.posting import Post
from gavelbook.accounts.registry import Registry
from gavelbook.accounts.sending_desk import SendingDesk
from gavelbook.accounts.sessions import Sessions
from gavelbook.accounts.settings import GWEI
from gavelbook.accounts.signing_desk import SigningDesk
from gavelbook.accounts.store import AccountsStore, now_ms
from gavelbook.accounts.throttle import Throttle
from gavelbook.accounts.trail import Trail
from gavelbook.accounts.transfer_limits import TransferLimits
from gavelbook.accounts.transfers import Transfers
from gavelbook.accounts.venue_reader import VenueReader
from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.fees import FeePolicy
from gavelbook.rates import Buckets, Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from gavelbook.accounts.registry import Account, KeySource
    from gavelbook.accounts.settings import SignerSettings


class SignerService:
    """Holds the keys, the database and the chain. Use it as a context to close it in order."""

    def __init__(  # noqa: PLR0913 -- clock and passwords are there for tests
        self,
        settings: SignerSettings,
        web3: Web3,
        keys: KeySource,
        gas_key: LocalAccount,
        *,
        clock: Callable[[], int] = now_ms,
        passwords: Passwords | None = None,
    ) -> None:
        """Open the database and take up what an earlier process left under way.

        Raises:
            StoreError: ``store_in_use``, ``store_exposed``, ``store_unusable``, or
                ``store_of_another`` chain or keystore.
            AccountsError: ``trail_broken``.
            ChainUnreachable: the node does not answer.

        """
        self.settings = settings
        self._web3 = web3
        self._stopped = threading.Event()
        self._store = AccountsStore(settings.state)
        try:
            self._store.belong_to(web3.eth.chain_id, str(keys.managed(0).address))
            self._put_together(keys, gas_key, clock, passwords or Passwords())
            position, head = self.trail.check()
        except BaseException:
            self._store.close()
            raise
        log = structlog.get_logger()
        log.info("audit_trail", position=position, head=head.hex())
        self._following = threading.Thread(
            target=self.sending.follow, args=(self._gas_post, self._stopped), daemon=True
        )
        self._following.start()

    def __enter__(self) -> Self:
        """Return the running service."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it."""
        self.close()

    def stop(self) -> None:
        """Wait for no transaction any more; what was sent is taken up by the next process."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and close the database."""
        self.stop()
        self._following.join(timeout=30)
        position, head = self.trail.head()
        self._store.close()
        structlog.get_logger().info("audit_trail", position=position, head=head.hex())

    def _put_together(
        self,
        keys: KeySource,
        gas_key: LocalAccount,
        clock: Callable[[], int],
        passwords: Passwords,
    ) -> None:
        settings, store, web3 = self.settings, self._store, self._web3
        policy = FeePolicy(
            max_fee_per_gas=settings.max_fee_gwei * GWEI if settings.max_fee_gwei else None
        )
        self.trail = Trail(store, clock)
        rate = Rate(settings.actions_per_minute / 60, settings.actions_per_minute)
        self.actions: Buckets[int] = Buckets("actions", rate)
        book = Dispatches(store, self.trail, clock)
        registry = Registry(store, keys, clock, settings.first_key)
        sessions = Sessions(
            store,
            clock,
            lifetime_ms=settings.session_seconds * 1000,
            idle_ms=settings.idle_seconds * 1000,
        )
        throttle = Throttle(
            store, clock, settings.registrations_per_client, settings.registrations_per_hour
        )
        self.doorkeeper = Doorkeeper(registry, sessions, passwords, throttle, self.trail)
        self.reader = VenueReader(
            web3, DeploymentStore(), settings.exchange, settings.sign_in_places()
        )
        self.signing = SigningDesk(registry, self.reader, self.trail, clock)
        self._gas_post = Post(web3, gas_key, store, book, policy, self._stopped)
        self.gas = GasStation(
            self._gas_post,
            book,
            clock,
            per_account=settings.gas_per_account_gwei * GWEI,
            in_all=settings.gas_in_all_gwei * GWEI,
            wait_seconds=settings.wait_seconds,
        )

        def new_post(account: Account) -> Post:
            return Post(web3, registry.key(account), store, book, policy, self._stopped)

        self.sending = SendingDesk(
            web3,
            registry,
            book,
            self.gas,
            self.signing,
            new_post,
            wait_seconds=settings.wait_seconds,
        )
        limits = TransferLimits(store, clock, settings.daily_limit, settings.daily_limits)
        self.transfers = Transfers(
            web3, store, self.reader, limits, self.doorkeeper, self.sending, self.trail, clock
        )
        self.leaving = LeavingDesk(
            web3,
            self.reader,
            self.doorkeeper,
            self.transfers,
            self.sending,
            self.trail,
            work_factor=settings.export_work_factor,
        )
