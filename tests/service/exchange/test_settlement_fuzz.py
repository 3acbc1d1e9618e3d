"""Engine and chain together, through everything that traders, nodes and kills do to them.

Whatever happens inside the windows, every match settles: no batch reverts, no fill is undone, and
in the end everybody has in the engine what the contract holds. GAVELBOOK_SETTLEMENT_RUNS and
GAVELBOOK_SEED set how many runs there are, and with which numbers they begin.
"""

import os
from contextlib import ExitStack, suppress
from random import Random

import pytest

from gavelbook.exchange.commands import CancelAll, RequestWithdrawal
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from tests.service.exchange.settling_steps import vain_transactions
from tests.service.exchange.trading_floor import CONFIRMATIONS, DAY, HOUR

pytestmark = pytest.mark.anvil

RUNS = int(os.environ.get("GAVELBOOK_SETTLEMENT_RUNS", "2"))
SEED = int(os.environ.get("GAVELBOOK_SEED", "1"))
ACTIONS = 90


class Run:
    """One floor, its service, and what may happen next."""

    def __init__(self, floor, folder, random):
        self.floor = floor
        self.folder = folder
        self.random = random
        self.stack = ExitStack()
        self.nonces = 0
        self.leaving = set()
        self.signed = []
        self.start()
        self.service.open_up()

    def start(self):
        self.service = self.stack.enter_context(
            self.floor.service(self.folder, max_fills=self.random.choice([2, 7, 50]))
        )

    def restart(self):
        self.stack.close()
        self.start()

    @property
    def trader(self):
        return self.random.choice(self.floor.traders)

    @property
    def token(self):
        return self.random.choice([self.floor.gold, self.floor.silver, self.floor.cash])

    def trade(self):
        for _ in range(self.random.randint(1, 8)):
            options = {"lane": self.random.randint(0, 3), "market": self.random.randint(1, 3)}
            side, lots = self.random.choice(list(Side)), self.random.randint(1, 10**8)
            placed = self.trader.order(side, lots, self.random.randint(4, 6), **options)
            # Too little money, or an account that leaves.
            with suppress(ExchangeError):
                self.service.submit(placed)
        self.service.catch_up()

    def cancel(self):
        self.service.submit(CancelAll(self.trader.address))

    def cancel_on_chain(self):
        trader, lane = self.trader, self.random.randint(0, 3)
        floor = self.floor
        known = floor.exchange.lane_of(trader.address, lane)
        sequence = trader.sequences.get(lane, 0)
        if sequence > max(known.sequence, known.cancelled_sequence) and not known.cancel_at:
            floor.do(trader.account, floor.exchange.cancel(lane, sequence))

    def deposit(self):
        self.floor.deposit(self.trader, self.token, self.random.randint(1, 10**9))

    def withdraw(self):
        trader, token = self.trader, self.token
        self.nonces += 1
        signed = trader.withdrawal(
            bytes.fromhex(token.address[2:]), self.random.randint(1, 10**14), self.nonces
        )
        fields = {name: getattr(signed, name) for name in signed.__struct_fields__}
        with suppress(ExchangeError):
            self.service.submit(RequestWithdrawal(**fields))
            self.signed.append((trader, signed))

    def pay(self):
        if self.signed:
            trader, signed = self.signed.pop(0)
            used = self.floor.exchange.withdrawal_nonce(trader.address)
            late = signed.deadline < self.floor.clock() + 60
            if signed.nonce > used and not late:
                call = self.floor.exchange.withdraw(signed, self.floor.key.sign_withdrawal(signed))
                # What it takes may wait for a batch that a reorganisation took back.
                self.floor.do(trader.account, call)

    def leave_or_stay(self):
        trader, token = self.trader, self.token
        exchange = self.floor.exchange
        if exchange.balance_of(trader.address, token.address).exit_at:
            self.floor.do(trader.account, exchange.cancel_exit([token.address]))
        else:
            self.floor.do(trader.account, exchange.request_exit([token.address]))

    def mine(self):
        self.floor.mine(self.random.randint(1, CONFIRMATIONS + 1))

    def step(self):
        self.service.step()

    def settle(self):
        self.service.settle()

    def pass_time(self):
        # Inside all windows, once everything that waits is settled.
        self.settle()
        self.floor.pass_time(self.random.randint(1, HOUR // 4))
        self.service.open_up()

    def leave_for_good(self):
        """Let whoever asked for it go, the delay being over."""
        self.settle()
        self.service.submit(*(CancelAll(trader.address) for trader in self.floor.traders))
        self.floor.pass_time(DAY + 60)
        exchange = self.floor.exchange
        for trader in self.floor.traders:
            for token in (self.floor.gold, self.floor.silver, self.floor.cash):
                if exchange.balance_of(trader.address, token.address).exit_at:
                    call = exchange.exit(token.address, trader.account.address)
                    self.floor.do(trader.account, call)
        self.signed.clear()
        self.service.open_up()

    def reorganise(self):
        """Replace the last blocks, no more than those that are not final."""
        here = self.floor.snapshot()
        height = self.floor.web3.eth.block_number
        waiting = list(self.signed)
        while self.floor.web3.eth.block_number - height < CONFIRMATIONS:
            self.random.choice([self.deposit, self.trade, self.step, self.mine_one])()
        gone = self.floor.web3.eth.block_number - height
        self.floor.revert(here)
        self.signed = waiting
        self.floor.pass_time(1)
        self.floor.mine(gone)
        self.service.step()

    def mine_one(self):
        self.floor.mine(1)

    def act(self):
        likely = {
            self.trade: 10,
            self.step: 8,
            self.mine: 5,
            self.settle: 3,
            self.deposit: 3,
            self.cancel: 2,
            self.cancel_on_chain: 2,
            self.withdraw: 3,
            self.pay: 2,
            self.leave_or_stay: 0.7,
            self.reorganise: 2,
            self.pass_time: 1,
            self.restart: 2,
            self.leave_for_good: 0.3,
        }
        self.random.choices(list(likely), list(likely.values()))[0]()
        status = self.service.settler.status
        assert (status.alarm, status.reverted, status.busted) == (None, 0, 0)
        assert self.service.watcher.status.problems == ()


@pytest.mark.parametrize("number", range(RUNS))
def test_every_match_settles(floor, tmp_path, number):
    run = Run(floor, tmp_path, Random(SEED * 1_000 + number))
    with run.stack:
        for _ in range(ACTIONS):
            run.act()
        run.settle()
        floor.mine()
        run.service.open_up()
        with run.service.running.sequencer.reading() as engine:
            assert engine.unsettled_fills() == 0
        run.service.reconcile()
        assert vain_transactions(floor) == 0
        assert floor.exchange.last_batch() > 0
