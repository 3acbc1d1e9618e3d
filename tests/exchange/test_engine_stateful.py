"""Any commands in any order: what must hold of the engine after each of them.

Every number that the engine shows is compared with one that the test has from the reports alone.
"""

from __future__ import annotations

from collections import Counter
from itertools import takewhile

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gavelbook.exchange import commands
from gavelbook.exchange.engine import Engine
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import SelfTradePrevention, Side, TimeInForce
from tests.exchange.report_reader import MARKETS, ReportReader
from tests.exchange.trading import (
    FEE_RECIPIENT,
    TOKENS,
    TRADERS,
    WINDOW_S,
    Trading,
)

ACCOUNTS = (*TRADERS, FEE_RECIPIENT)

traders = st.sampled_from(TRADERS)
tokens = st.sampled_from(TOKENS)
markets = st.sampled_from(sorted(MARKETS))
amounts = st.integers(1, 60_000)


placements = st.fixed_dictionaries(
    {
        "maker": traders,
        "side": st.sampled_from(Side),
        "lots": st.integers(1, 9),
        "ticks": st.integers(1, 6),
        "market": st.sampled_from([1, 1, 2]),
        "lane": st.integers(0, 9),
        "time_in_force": st.sampled_from([*[TimeInForce.GTC] * 5, *TimeInForce]),
        "post_only": st.sampled_from([False, False, False, True]),
        "self_trade_prevention": st.sampled_from(SelfTradePrevention),
        "client_id": st.sampled_from(["", "", "a", "b"]),
        "lives_s": st.integers(1, 40),
    }
)


class Exchange(RuleBasedStateMachine):
    """The engine under any commands; those that are refused leave no trace (see `Trading`)."""

    @initialize(funds=st.sampled_from([40_000, 10**7]))
    def open(self, funds: int) -> None:
        self.trading = Trading(funds=0, max_open_orders=6, max_lanes=8)
        self.reader = ReportReader()
        self.nonces: Counter[bytes] = Counter()
        self.pending: dict[tuple[bytes, int], int] = {}
        self.deposits: list[tuple[bytes, bytes, int]] = []
        self.exits: list[tuple[bytes, bytes]] = []
        self.undisturbed = True
        for trader in TRADERS:
            for token in TOKENS:
                self.deposit(trader, token, funds)

    def do(self, command: commands.Command) -> bool:
        """Apply a command and return whether it was taken."""
        try:
            reports = self.trading.apply(command)
        except ExchangeError:
            return False
        for report in reports:
            self.reader.read(report)
        return True

    @rule(orders=st.lists(placements, min_size=1, max_size=8))
    def place(self, orders: list[dict]) -> None:
        for values in orders:
            in_force, lives_s = values["time_in_force"], values["lives_s"]
            settled = {key: value for key, value in values.items() if key != "lives_s"}
            self.do(
                self.trading.order(
                    expiry=self.trading.time_ms // 1_000 + WINDOW_S + lives_s,
                    good_till=self.trading.time_ms + lives_s * 500 if in_force == "GTT" else 0,
                    **settled,
                )
            )

    @rule(orders=st.lists(placements, min_size=5, max_size=8))
    def place_many(self, orders: list[dict]) -> None:
        self.place(orders)

    @rule(orders=st.lists(placements, min_size=5, max_size=8))
    def place_more(self, orders: list[dict]) -> None:
        self.place(orders)

    @precondition(lambda self: self.reader.open)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(list(self.reader.open.values())))
        assert self.do(commands.CancelOrder(order.account, order.order_hash))

    @rule(trader=traders, client_id=st.sampled_from(["a", "b"]))
    def cancel_client(self, trader: bytes, client_id: str) -> None:
        self.do(commands.CancelClient(trader, client_id))

    @rule(trader=traders, market=markets)
    def cancel_market(self, trader: bytes, market: int) -> None:
        assert self.do(commands.CancelMarket(trader, market))

    @rule(trader=traders)
    def cancel_all(self, trader: bytes) -> None:
        assert self.do(commands.CancelAll(trader))
        assert not self.trading.engine.open_orders(trader)

    @rule(trader=traders, lane=st.integers(0, 9), sequence=st.integers(1, 20))
    def chain_cancel(self, trader: bytes, lane: int, sequence: int) -> None:
        assert self.do(commands.ChainCancel(trader, lane, sequence))
        key = (trader, lane)
        self.trading.sequences[key] = max(sequence, self.trading.sequences.get(key, 0))

    @precondition(lambda self: not self.halted())
    @rule(market=markets, cancel_orders=st.booleans())
    def halt(self, market: int, cancel_orders: bool) -> None:  # noqa: FBT001 - likewise
        self.do(commands.HaltMarket(market, cancel_orders))

    @precondition(lambda self: self.halted())
    @rule()
    def resume(self) -> None:
        for market in self.halted():
            assert self.do(commands.ResumeMarket(market))

    def halted(self) -> list[int]:
        return [market for market in MARKETS if self.trading.engine.halted(market)]

    @rule(milliseconds=st.integers(0, 15_000))
    def pass_time(self, milliseconds: int) -> None:
        self.trading.time_ms += milliseconds
        assert self.do(commands.Clock())
        due = self.trading.engine.next_expiry
        assert due is None or due > self.trading.time_ms

    @rule(account=traders, token=tokens, amount=amounts)
    def deposit(self, account: bytes, token: bytes, amount: int) -> None:
        assert self.do(commands.Deposit(account, token, amount))
        self.deposits.append((account, token, amount))

    @precondition(lambda self: self.deposits)
    @rule(data=st.data())
    def reverse_deposit(self, data: st.DataObject) -> None:
        deposit = data.draw(st.sampled_from(self.deposits))
        if self.do(commands.ReverseDeposit(*deposit)):
            self.undisturbed = False
            self.deposits.remove(deposit)

    @rule(account=traders, token=tokens, amount=amounts, good_s=st.integers(1, 30))
    def request_withdrawal(self, account: bytes, token: bytes, amount: int, good_s: int) -> None:
        nonce = self.nonces[account] + 1
        deadline = self.trading.time_ms // 1_000 + good_s
        if self.do(commands.RequestWithdrawal(account, token, amount, account, nonce, deadline)):
            self.nonces[account] = nonce
            self.pending[account, nonce] = deadline

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def withdrawal_done(self, data: st.DataObject) -> None:
        account, nonce = data.draw(st.sampled_from(list(self.pending)))
        if self.do(commands.WithdrawalDone(account, nonce)):
            for key in [each for each in self.pending if each[0] == account and each[1] <= nonce]:
                del self.pending[key]

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def withdrawal_expired(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(list(self.pending)))
        over = self.trading.time_ms > self.pending[key] * 1_000
        assert self.do(commands.WithdrawalExpired(*key)) == over
        if over:
            del self.pending[key]

    @precondition(lambda self: not self.exits)
    @rule(account=traders, token=tokens)
    def request_exit(self, account: bytes, token: bytes) -> None:
        if self.do(commands.ExitRequested(account, token)):
            self.exits.append((account, token))
            assert not self.trading.engine.open_orders(account)

    @precondition(lambda self: self.exits)
    @rule(data=st.data())
    def cancel_exit(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(self.exits))
        assert self.do(commands.ExitCancelled(*key))
        self.exits.remove(key)

    @precondition(lambda self: self.exits)
    @rule(data=st.data())
    def exit(self, data: st.DataObject) -> None:
        """Leave with what the contract has for the account: unsettled fills did not reach it."""
        key = data.draw(st.sampled_from(self.exits))
        amount = self.reader.owned[key] - self.on_the_way(*key)
        if self.do(commands.Exited(*key, max(0, amount))):
            self.undisturbed = False
            self.exits.remove(key)

    def on_the_way(self, account: bytes, token: bytes) -> int:
        """Return what unsettled fills will add to an account's balance on chain."""
        settled = ReportReader()
        for fill in self.reader.unsettled.values():
            settled.trade(fill, 1)
        return settled.owned[account, token]

    @precondition(lambda self: self.reader.unsettled)
    @rule(most=st.integers(1, 5))
    def settle(self, most: int) -> None:
        """Settle the oldest fills, as many as are of one market."""
        fills = list(self.reader.unsettled.values())
        market = fills[0].market
        ids = [each.fill_id for each in takewhile(lambda fill: fill.market == market, fills)]
        number, ids = self.trading.engine.last_batch + 1, ids[:most]
        assert self.do(commands.BatchSettled(number, market, ids[0], ids[-1], len(ids)))

    @precondition(lambda self: self.reader.unsettled)
    @rule(data=st.data())
    def bust(self, data: st.DataObject) -> None:
        self.undisturbed = False
        assert self.do(commands.BustFill(data.draw(st.sampled_from(list(self.reader.unsettled)))))

    @rule()
    def start_again_from_a_snapshot(self) -> None:
        engine = self.trading.engine
        restored = Engine.restore(engine.snapshot())
        assert restored.snapshot() == engine.snapshot()
        self.trading.engine = restored

    @invariant()
    def balances_add_up(self) -> None:
        if not hasattr(self, "reader"):
            return
        engine, reader = self.trading.engine, self.reader
        for token in TOKENS:
            total = engine.pending_fees(token)
            for account in ACCOUNTS:
                balance = engine.balance(account, token)
                owned = balance.available + balance.reserved + balance.withdrawing
                assert owned == reader.owned[account, token]
                assert balance.reserved == reader.reserved(account, token)
                assert balance.withdrawing == reader.withdrawing[account, token] >= 0
                assert balance.unsettled_in == reader.unsettled_in(account, token)
                total += owned
            assert engine.pending_fees(token) == reader.pending_fees(token)
            assert total == engine.held(token) == reader.held[token] >= 0

    @invariant()
    def books_show_the_open_orders(self) -> None:
        if not hasattr(self, "reader"):
            return
        for market in MARKETS:
            best = {}
            for side in Side:
                levels: Counter[int] = Counter()
                for order_hash, order in self.reader.open.items():
                    if (order.market, order.side) == (market, side):
                        levels[order.ticks] += self.reader.lots[order_hash]
                shown = self.trading.engine.depth(market, side, 100)
                assert {each.ticks: each.lots for each in shown} == levels
                ticks = [each.ticks for each in shown]
                assert ticks == sorted(ticks, reverse=side is Side.BUY)
                best[side] = ticks[0] if ticks else None
            if None not in best.values():
                assert best[Side.BUY] < best[Side.SELL]

    @invariant()
    def who_leaves_or_lacks_money_has_no_orders(self) -> None:
        if not hasattr(self, "reader"):
            return
        engine = self.trading.engine
        for account in ACCOUNTS:
            lacks = any(each.available < 0 for each in engine.balances(account).values())
            assert engine.in_deficit(account) == lacks
            orders = engine.open_orders(account)
            assert {each.order_hash for each in orders} == {
                each.order_hash for each in self.reader.open.values() if each.account == account
            }
            if lacks or engine.exiting(account):
                assert not orders
            assert len({each.lane for each in orders}) == len(orders) <= 6

    @invariant()
    def every_fill_can_settle(self) -> None:
        """After all withdrawals the contract holds what the fills need, one after the other.

        Not where a deposit vanished or an exit came before a fill settled: then fills are undone.
        """
        if not hasattr(self, "reader") or not self.undisturbed:
            return
        holdings = {
            (account, token): self.reader.owned[account, token]
            - self.reader.withdrawing[account, token]
            - self.on_the_way(account, token)
            for account in ACCOUNTS
            for token in TOKENS
        }
        chain = ReportReader()
        chain.owned.update(holdings)
        assert min(holdings.values()) >= 0
        for fill in self.reader.unsettled.values():
            chain.trade(fill, 1)
            assert min(chain.owned.values()) >= 0

    def teardown(self) -> None:
        """A replay of the log comes to the same state and said the same."""
        if hasattr(self, "trading"):
            engine, reports = self.trading.replayed()
            assert reports == self.trading.reports
            assert engine.state_hash() == self.trading.engine.state_hash()


@pytest.mark.slow
class TestExchange(Exchange.TestCase):
    settings = settings(max_examples=100, stateful_step_count=50, deadline=None)
