"""A real exchange service over a real chain with two tokens; only settlement is left out."""

import asyncio
import threading
from contextlib import contextmanager

from eth_account import Account
from eth_utils.crypto import keccak

from gavelbook.api.serving import serve
from gavelbook.api.settings import ApiSettings, Rates
from gavelbook.chain.connection import connect
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.exchange_factory import deploy_exchange
from gavelbook.chain.exchange_types import Delays
from gavelbook.chain.factory import deploy_token
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token
from gavelbook.client import Client
from gavelbook.exchange.commands import Deposit, HaltMarket, ListMarket, ResumeMarket
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.markets import Market
from gavelbook.exchange.signing import Domain
from gavelbook.rates import Rate
from gavelbook.service.exchange.embedded import EmbeddedExchange
from gavelbook.service.exchange.matcher_key import MatcherKey
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, visitors
from tests.chain.stage import FlatFees

WHOLE = 10**18
LOT_SIZE, TICK_VALUE = WHOLE, WHOLE // 100
TAKER_FEE_BPS, MAKER_FEE_BPS = 30, 10
IN_WALLET, IN_ESCROW = 50_000 * WHOLE, 10_000 * WHOLE
MATCHER = keccak(text="matcher of the market page")
PLENTY = Rate(1e9, 10**9)


class MarketWorld:
    """One market, GVL for DUSD, and a maker with plenty of both. Visitors have both, too."""

    def __init__(self, web3, owner, symbols=("GVL", "DUSD")):
        self.web3 = web3
        self.owner = owner
        self.sender = Sender(web3, owner, policy=FlatFees())
        self.fees = Account.from_key(keccak(text="fees")).address
        self.gvl = self._token("Gavel", symbols[0])
        self.dusd = self._token("Demo Dollar", symbols[1])
        matcher = MatcherKey(Domain(1, bytes(20)), MATCHER).address
        receipt = self._do(
            deploy_exchange(
                web3,
                owner=owner.address,
                matcher=f"0x{matcher.hex()}",
                fee_recipient=self.fees,
                delays=Delays(3_600, 60, 7_200),
            )
        )
        self.exchange = Exchange(web3, receipt["contractAddress"])
        self.domain = Domain(web3.eth.chain_id, bytes.fromhex(self.exchange.address[2:]))
        self.market = Market(
            1,
            _bytes(self.gvl.address),
            _bytes(self.dusd.address),
            LOT_SIZE,
            TICK_VALUE,
            TAKER_FEE_BPS,
            MAKER_FEE_BPS,
        )
        self.visitors = [visitor.account for visitor in visitors(HdWallet(DEVELOPMENT_MNEMONIC))]
        self.maker_account = Account.from_key(keccak(text="maker"))
        for token in (self.gvl, self.dusd):
            self._do(token.approve(self.exchange.address, 10**30))
            for account in (*self.visitors, self.maker_account):
                self._do(token.transfer(account.address, IN_WALLET))
                self._do(self.exchange.deposit_for(account.address, token.address, IN_ESCROW))

    @contextmanager
    def serving(self, folder, operating=None, origins=(), **options):
        """Run service and API, with what is in escrow on the chain known to the service."""
        terms = EngineTerms(_bytes(self.fees))
        with EmbeddedExchange(folder, self.domain, terms, MATCHER) as self.service:
            self.service.start()
            self.submit(ListMarket(self.market))
            for account in (*self.visitors, self.maker_account):
                for token in (self.gvl, self.dusd):
                    self.deposit(account, token, IN_ESCROW)
            with _api(self.service, operating, origins, **options) as self.url:
                self.maker = Client(self.url, account=self.maker_account)
                yield self

    def deposit(self, account, token, amount):
        """Tell the service of money, as its watcher does."""
        return self.submit(Deposit(_bytes(account.address), _bytes(token.address), amount))

    def halt(self):
        self.submit(HaltMarket(1))

    def resume(self):
        self.submit(ResumeMarket(1))

    def submit(self, command):
        return self.service.sequencer.submit(command).result(20)

    def clear(self):
        """Take every order off the book."""
        self.maker.cancel_all()
        for account in self.visitors:
            with Client(self.url, account=account) as visitor:
                visitor.cancel_all()

    def quote(self, bids=(), asks=()):
        """Have the maker place orders of ticks and lots, and wait until the views have them."""
        for side, orders in (("buy", bids), ("sell", asks)):
            for ticks, lots in orders:
                self.maker.limit(1, side, lots, ticks)
        self.settle_down()

    def settle_down(self):
        """Wait until the views have all that happened."""
        assert self.service.views.wait_for(self.service.sequencer.tail.position, 20)

    def visitor(self, index):
        """A client of a visitor, signed in."""
        client = Client(self.url, account=self.visitors[index])
        client.sign_in()
        return client

    def _token(self, name, symbol):
        made = self._do(deploy_token(self.web3, name, symbol, 10**40, self.owner.address))
        return Token(self.web3, made["contractAddress"])

    def _do(self, call):
        return self.sender.send_and_wait(call, gas=8_000_000)


@contextmanager
def _api(service, operating, origins, rates=None, trusted_proxies=""):
    """Serve in a thread of its own; give the address."""
    ready = threading.Event()
    found = {}

    async def run():
        found["loop"], found["task"] = asyncio.get_running_loop(), asyncio.current_task()

        def up(port):
            found["port"] = port
            ready.set()

        settings = ApiSettings(origins=origins, rates=rates or Rates(*[PLENTY] * 7))
        try:
            await serve(
                service,
                settings,
                host="127.0.0.1",
                port=0,
                operating=operating,
                trusted_proxies=trusted_proxies,
                ready=up,
            )
        except asyncio.CancelledError:
            return

    thread = threading.Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    assert ready.wait(20), "the API did not start"
    try:
        yield f"http://127.0.0.1:{found['port']}"
    finally:
        found["loop"].call_soon_threadsafe(found["task"].cancel)
        thread.join(20)


def open_world(chain, **options):
    """Prepare tokens, contract and money on ``chain``; options as `MarketWorld`."""
    web3 = connect(chain.url)
    (owner,) = HdWallet(DEVELOPMENT_MNEMONIC).accounts(1)
    people = [owner, *(v.account for v in visitors(HdWallet(DEVELOPMENT_MNEMONIC)))]
    chain.batch("anvil_setBalance", [(each.address, hex(100 * WHOLE)) for each in people])
    return MarketWorld(web3, owner, **options)


def _bytes(address):
    return bytes.fromhex(address[2:])
