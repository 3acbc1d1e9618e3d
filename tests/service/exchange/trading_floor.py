"""An exchange on a chain, traders with money in its escrow, and the service that settles."""

import time
from contextlib import contextmanager

from coincurve import PrivateKey
from eth_account import Account
from eth_utils.crypto import keccak

from gavelbook.chain.exchange import Exchange
from gavelbook.chain.exchange_factory import deploy_exchange, listed_market
from gavelbook.chain.exchange_types import Delays
from gavelbook.chain.factory import deploy_token
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.engine import EngineTerms
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import Domain, Withdrawal, order_hash, sign
from gavelbook.service.exchange.chain_worker import ChainSettings, chain_worker_in
from gavelbook.service.exchange.embedded import EmbeddedExchange
from gavelbook.service.exchange.matcher_key import MatcherKey
from gavelbook.service.exchange.settlement_status import SettlerSettings
from tests.chain.stage import FlatFees, people
from tests.evm.compiled import contract

HOUR, DAY = 3600, 24 * 3600
DELAYS = Delays(DAY, HOUR, 2 * DAY)
LOT_SIZE, TICK_VALUE = 10**6, 10**3
TAKER_FEE_BPS, MAKER_FEE_BPS = 30, 20
RICH = 10**15
CONFIRMATIONS = 2


class Trader:
    """Signs orders, each with the next sequence of its lane."""

    def __init__(self, floor, account):
        self.floor = floor
        self.account = account
        self.key = PrivateKey(bytes(account.key))
        self.address = bytes.fromhex(account.address[2:])
        self.sequences = {}

    def order(self, side, lots, ticks, *, market=1, lane=0, expiry=None, **options):
        """Return a signed order; ``options`` are those of `PlaceOrder`."""
        sequence = self.sequences[lane] = self.sequences.get(lane, 0) + 1
        expiry = expiry or int(self.floor.clock()) + HOUR
        order = Order(market, self.address, side, lots, ticks, lane, sequence, expiry, 50)
        digest = order_hash(self.floor.domain, self.floor.markets[market], order)
        return PlaceOrder(order, digest, sign(digest, self.key), **options)

    def buy(self, lots, ticks, **options):
        return self.order(Side.BUY, lots, ticks, **options)

    def sell(self, lots, ticks, **options):
        return self.order(Side.SELL, lots, ticks, **options)

    def withdrawal(self, token, amount, nonce, seconds=HOUR):
        deadline = int(self.floor.clock()) + seconds
        return Withdrawal(self.address, token, amount, self.address, nonce, deadline)


class Floor:
    """An exchange with markets 1 (gold for cash), 2 (silver for cash) and 3 (gold for silver).

    ``accounts``: owner, relayer, then traders, who hold everything in escrow.
    """

    def __init__(self, web3, count=3):
        self.web3 = web3
        # Earlier tests may have left the chain in the future.
        self.offset = max(0, web3.eth.get_block("latest")["timestamp"] - time.time())
        self.matcher_secret = keccak(text=f"matcher {time.monotonic_ns()}")
        self.owner, self.relayer, *accounts = people(count + 2)
        # Its nonces are the settler's alone, in one test after another.
        self.relayer = Account.create()
        self.senders = {}
        self.request("anvil_setBalance", self.relayer.address, hex(10**22))
        self.fees = Account.create().address
        matcher = MatcherKey(Domain(1, bytes(20)), self.matcher_secret).address
        receipt = self.do(
            self.owner,
            deploy_exchange(
                web3,
                owner=self.owner.address,
                matcher=f"0x{matcher.hex()}",
                fee_recipient=self.fees,
                delays=DELAYS,
            ),
        )
        self.from_block = receipt["blockNumber"]
        self.exchange = Exchange(web3, receipt["contractAddress"])
        self.domain = Domain(web3.eth.chain_id, bytes.fromhex(self.exchange.address[2:]))
        self.key = MatcherKey(self.domain, self.matcher_secret)
        self.gold, self.silver, self.cash = (self._token(s) for s in ("GLD", "SLV", "CSH"))
        for base, quote in (
            (self.gold, self.cash),
            (self.silver, self.cash),
            (self.gold, self.silver),
        ):
            receipt = self.do(self.owner, self.listing(base, quote))
            assert listed_market(receipt)
        self.markets = {number: self.exchange.market(number) for number in (1, 2, 3)}
        self.traders = [Trader(self, account) for account in accounts]
        for token in (self.gold, self.silver, self.cash):
            self.do(self.owner, token.approve(self.exchange.address, 10**30))
            for trader in self.traders:
                self.deposit(trader, token, RICH)

    def listing(self, base, quote):
        return self.exchange.list_market(
            base.address,
            quote.address,
            lot_size=LOT_SIZE,
            tick_value=TICK_VALUE,
            taker_fee_bps=TAKER_FEE_BPS,
            maker_fee_bps=MAKER_FEE_BPS,
        )

    def rotate_matcher(self):
        """Have another key be the matcher's, which services started from now on have."""
        self.matcher_secret = keccak(self.matcher_secret)
        self.key = MatcherKey(self.domain, self.matcher_secret)
        self.do(self.owner, self.exchange.propose_matcher(f"0x{self.key.address.hex()}"))
        self.pass_time(DELAYS.key + 60)
        self.do(self.owner, self.exchange.accept_matcher())
        self.mine()

    def wild_token(self):
        """Return a token that anybody mints to himself and takes from others."""
        code = contract("WildToken")
        empty = self.web3.eth.contract(abi=[], bytecode=code.creation)
        address = self.do(self.owner, empty.constructor())["contractAddress"]
        abi = [
            {
                "type": "function",
                "name": name,
                "stateMutability": "nonpayable",
                "inputs": [{"name": "", "type": kind} for kind in code.functions[name].inputs],
                "outputs": [],
            }
            for name in ("mint", "seize")
        ]
        return Token(self.web3, address), self.web3.eth.contract(address, abi=abi).functions

    def deposit(self, trader, token, amount):
        call = self.exchange.deposit_for(trader.address, token.address, amount)
        return self.do(self.owner, call)

    def do(self, account, call):
        if account.address not in self.senders:
            self.senders[account.address] = Sender(self.web3, account, policy=FlatFees())
        return self.senders[account.address].send_and_wait(call, gas=8_000_000)

    def clock(self):
        """The time of chain and service, in unix seconds."""
        return time.time() + self.offset

    def pass_time(self, seconds):
        """Let chain and service grow older by a block of that time."""
        self.offset += seconds
        self.request("evm_setNextBlockTimestamp", int(self.clock()) + 1)
        self.request("evm_mine")

    def mine(self, blocks=CONFIRMATIONS + 1):
        """Mine blocks, by default so many that what was there is final."""
        for _ in range(blocks):
            self.request("evm_mine")

    def snapshot(self):
        """Remember the chain as it is, for `revert`."""
        self._finish_mining()
        return self.request("evm_snapshot")

    def revert(self, snapshot):
        """Go back to ``snapshot``, which is used up with it."""
        self._finish_mining()
        self.request("evm_revert", snapshot)

    def _finish_mining(self):
        """Wait until no transaction is being mined.

        Else a snapshot of anvil 1.7.1 has the state after it and not its block, and a revert leaves
        holes in the chain.
        """
        ends = time.monotonic() + 10
        while self.request("anvil_getAutomine") and self._has_pending():
            assert time.monotonic() < ends, "a transaction is not mined"
            time.sleep(0.002)

    def _has_pending(self):
        return self.request("txpool_status")["pending"] != "0x0"

    def held(self, trader, token):
        address = trader if isinstance(trader, str) else trader.address
        return self.exchange.balance_of(address, token.address).amount

    def request(self, method, *params):
        """Ask the node something that web3 has no name for."""
        answer = self.web3.provider.make_request(method, list(params))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["result"]

    @contextmanager
    def service(self, folder, web3=None, **settings):
        """Run the exchange in ``folder``, and its worker, which steps when it is told to."""
        terms = EngineTerms(fee_recipient=bytes.fromhex(self.fees[2:]))
        exchange = self.exchange if web3 is None else Exchange(web3, self.exchange.address)

        def failed(error):
            raise error

        with EmbeddedExchange(
            folder,
            self.domain,
            terms,
            self.matcher_secret,
            clock_ms=lambda: int(self.clock() * 1000),
            on_failure=failed,
        ) as running:
            running.start()
            chain = ChainSettings(
                from_block=self.from_block,
                confirmations=CONFIRMATIONS,
                fees=settings.pop("fees", None) or FlatFees(),
                settler=SettlerSettings(
                    **{
                        "batch_seconds": 0,
                        "inclusion_seconds": 1,
                        "wait_seconds": 5,
                        "clock": self.clock,
                        **settings,
                    }
                ),
            )
            with chain_worker_in(
                folder, exchange, running, self.key, self.relayer, settings=chain
            ) as worker:
                yield Service(self, running, worker)

    def _token(self, symbol):
        receipt = self.do(
            self.owner, deploy_token(self.web3, symbol, symbol, 10**30, self.owner.address)
        )
        return Token(self.web3, receipt["contractAddress"])


class Service:
    """A running exchange with its worker."""

    def __init__(self, floor, running, worker):
        self.floor = floor
        self.running = running
        self.worker = worker
        self.watcher, self.settler = worker.watcher, worker.settler

    def submit(self, *commands):
        """Give commands to the engine and return what was applied."""
        futures = [self.running.sequencer.submit(command) for command in commands]
        return [future.result(10) for future in futures]

    def trade(self, maker_order, taker_order):
        """Place two orders and wait until the views have them; return the fills."""
        applied = self.submit(maker_order, taker_order)
        self.catch_up()
        return [report for each in applied for report in each.reports if hasattr(report, "quote")]

    def catch_up(self):
        assert self.running.views.wait_for(self.running.sequencer.tail.position, 10)

    def step(self):
        self.worker.step()
        self.catch_up()

    def open_up(self):
        """Let the watcher tell of everything there is."""
        self.floor.mine()
        self.watcher.step()
        self.catch_up()

    def settle(self, steps=30):
        """Step until everything is settled for good; return the status of the settler."""
        for _ in range(steps):
            self.step()
            if not list(self.running.views.open_fills()):
                return self.settler.status
            self.floor.mine(1)
        raise AssertionError(self.settler.status)

    def balance(self, trader, token):
        with self.running.sequencer.reading() as engine:
            return engine.balance(trader.address, bytes.fromhex(token.address[2:]))

    def reconcile(self):
        """Check that every trader has in the engine what the chain holds."""
        for trader in self.floor.traders:
            for token in (self.floor.gold, self.floor.silver, self.floor.cash):
                has = self.balance(trader, token)
                total = has.available + has.reserved + has.withdrawing
                assert total == self.floor.held(trader, token), (trader.account.address, token)
