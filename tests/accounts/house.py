"""Everything at the signer's door, without a chain."""

from gavelbook.accounts.doorkeeper import Doorkeeper
from gavelbook.accounts.registry import Registry
from gavelbook.accounts.sessions import Sessions
from gavelbook.accounts.store import AccountsStore
from gavelbook.accounts.throttle import Throttle
from gavelbook.accounts.trail import Trail
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet
from tests.accounts.signer_world import PASSWORD, cheap_passwords

HOUR, DAY = 3_600, 86_400
WALLET = HdWallet(DEVELOPMENT_MNEMONIC)


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 1_800_000_000_000

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += int(seconds * 1000)


class House:
    """Everything at the door, over one folder; opened again it is another process."""

    def __init__(self, folder, clock, passwords=None, **options):
        self.clock = clock
        self.store = AccountsStore(folder)
        self.trail = Trail(self.store, clock)
        self.registry = Registry(self.store, WALLET, clock, options.get("first_key", 0))
        self.sessions = Sessions(
            self.store, clock, lifetime_ms=7 * DAY * 1000, idle_ms=12 * HOUR * 1000, most=3
        )
        self.throttle = Throttle(
            self.store, clock, options.get("per_client", 3), options.get("per_hour", 50)
        )
        self.door = Doorkeeper(
            self.registry, self.sessions, passwords or cheap_passwords(), self.throttle, self.trail
        )

    def register(self, name="ada", client="192.0.2.1"):
        return self.door.register(name, PASSWORD, client)
