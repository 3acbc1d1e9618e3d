"""A real signer over a real chain with an exchange, a market and a sale; nothing is faked."""

import contextlib
import itertools
import threading
from dataclasses import dataclass

import pytest
from argon2 import PasswordHasher
from eth_account import Account

from gavelbook.accounts.access_key import AccessKey
from gavelbook.accounts.client import AccountsClient
from gavelbook.accounts.passwords import Passwords
from gavelbook.accounts.service import SignerService
from gavelbook.accounts.serving import server
from gavelbook.accounts.settings import SignerSettings
from gavelbook.accounts.store import now_ms
from gavelbook.chain.deployments import EXCHANGE, FOLDER_VARIABLE, DeploymentStore, SaleRecord
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.exchange_factory import deploy_exchange
from gavelbook.chain.exchange_types import Delays
from gavelbook.exchange.signing import Domain
from gavelbook.service.exchange.matcher_key import MatcherKey
from gavelbook.wallet import HdWallet, Role

WHOLE = 10**18
LOT_SIZE, TICK_VALUE = WHOLE, WHOLE // 100
MATCHER = b"\x33" * 32
SIGN_IN = "http://127.0.0.1:8100"
PASSWORD = "correct horse battery"
GAS_MONEY = 100 * WHOLE
ETHER_GWEI = 10**9

_NUMBERS = itertools.count(1)


def cheap_passwords():
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class Clock:
    """The signer's clock, which a test can set forward."""

    def __init__(self):
        self.ahead = 0

    def __call__(self):
        return now_ms() + self.ahead

    def forward(self, seconds):
        self.ahead += int(seconds * 1000)


class Chain:
    """Contracts and money on a stage, recorded for a signer."""

    def __init__(self, stage, folder):
        self.stage, self.web3, self.folder = stage, stage.web3, folder
        self.chain_id = int(stage.web3.eth.chain_id)
        self.sender = stage.sender(stage.issuer)
        self.exchange = self._exchange()
        self.domain = Domain(self.chain_id, bytes.fromhex(self.exchange.address[2:]))
        self.matcher = MatcherKey(self.domain, MATCHER)
        self.sale = stage.open_sale(end=stage.now() + 30 * 24 * 60 * 60)
        self.market = self.exchange.market(1)
        store = DeploymentStore(folder)
        store.record_contract(self.chain_id, EXCHANGE, self.exchange.address, 1, "0x")
        store.record_contract(self.chain_id, "SaleFactory", stage.factory.address, 1, "0x")
        self.record_sale(self.sale)

    def record_sale(self, sale, label="Test sale"):
        DeploymentStore(self.folder).record_sale(self.chain_id, SaleRecord(sale.address, label, 1))

    def give_ether(self, address, wei):
        self.stage.request("anvil_setBalance", [address, hex(wei)])

    def give(self, token, address, amount):
        self.sender.send_and_wait(token.transfer(address, amount))

    def _exchange(self):
        matcher = MatcherKey(Domain(1, bytes(20)), MATCHER).address
        owner = self.stage.issuer.address
        receipt = self.sender.send_and_wait(
            deploy_exchange(
                self.web3,
                owner=owner,
                matcher=f"0x{matcher.hex()}",
                fee_recipient=owner,
                delays=Delays(3_600, 60, 7_200),
            ),
            gas=8_000_000,
        )
        exchange = Exchange(self.web3, receipt["contractAddress"])
        self.sender.send_and_wait(
            exchange.list_market(
                self.stage.sold.address,
                self.stage.paid.address,
                lot_size=LOT_SIZE,
                tick_value=TICK_VALUE,
                taker_fee_bps=30,
                maker_fee_bps=10,
            )
        )
        return exchange

    def settings(self, state, **changes):
        usual = {
            "state": state,
            "port": 0,
            "sign_in": (SIGN_IN,),
            "daily_limit": 100,
            "registrations_per_client": 1_000,
            "registrations_per_hour": 1_000,
            "gas_per_account_gwei": ETHER_GWEI,
            "gas_in_all_gwei": 50 * ETHER_GWEI,
            "wait_seconds": 20,
            "export_work_factor": 2,
        }
        return SignerSettings(**usual | changes)


@dataclass
class User:
    """Somebody with a managed account who is signed in."""

    client: AccountsClient
    name: str
    token: str
    address: str

    def trail(self):
        return [entry.kind for entry in self.client.audit_trail(self.token, limit=200).entries]


class SignerWorld:
    """A running signer: its service, its address and a client with its key."""

    def __init__(self, chain, service, clock, url):
        self.chain, self.service, self.clock, self.url = chain, service, clock, url
        self.key_file = service.settings.access_key_file
        self.client = AccountsClient.with_key_file(url, self.key_file)

    def user(self, tokens=1_000, name=None):
        """Open an account with money of both tokens in its wallet."""
        name = name or f"user{next(_NUMBERS)}"
        signed_in = self.client.register(name, PASSWORD, client=f"192.0.2.{next(_NUMBERS) % 250}")
        address = signed_in.account.address.text()
        if tokens:
            for token in (self.chain.stage.paid, self.chain.stage.sold):
                self.chain.give(token, address, tokens * WHOLE)
        return User(self.client, name, signed_in.token, address)


def service_of(chain, settings, wallet, gas_key, clock):
    """Make a service that looks at ``chain``'s records."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(chain.folder))
        return SignerService(
            settings, chain.web3, wallet, gas_key, clock=clock, passwords=cheap_passwords()
        )


@contextlib.contextmanager
def running_signer(chain, state, **changes):
    """Run a signer in this process and yield its world."""
    clock = Clock()
    settings = chain.settings(state, **changes)
    wallet = HdWallet.random()
    gas_key = wallet.operator(Role.GAS)
    chain.give_ether(gas_key.address, GAS_MONEY)
    ready, port = threading.Event(), []

    def up(opened):
        port.append(opened)
        ready.set()

    with service_of(chain, settings, wallet, gas_key, clock) as service:
        AccessKey(settings.access_key_file)
        running = server(service, up)
        thread = threading.Thread(target=running.run, daemon=True)
        thread.start()
        assert ready.wait(20), "the signer did not start"
        world = SignerWorld(chain, service, clock, f"http://127.0.0.1:{port[0]}")
        world.wallet, world.gas_key = wallet, gas_key
        try:
            yield world
        finally:
            running.should_exit = True
            thread.join(20)
            world.client.close()


def stranger():
    """An address that has nothing to do with anybody."""
    return Account.create().address
