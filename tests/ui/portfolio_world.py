"""An exchange with a market, a sale that is decided, one that is open, and what visitors have."""

import dataclasses
import time
from contextlib import contextmanager

from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.connection import connect
from gavelbook.chain.deployments import EXCHANGE, DeploymentStore, SaleRecord
from gavelbook.chain.factory import deploy_token
from gavelbook.chain.token import Token
from gavelbook.demo.local_chain import LocalChain, free_port
from gavelbook.service.faucet import faucet_account
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, visitors
from tests.chain.stage import DAY, Stage
from tests.ui.market_world import (
    LOT_SIZE,
    MAKER_FEE_BPS,
    TAKER_FEE_BPS,
    TICK_VALUE,
    WHOLE,
    MarketWorld,
)

CHAIN = 31337
HOSTILE = '=1+1|<img src=x onerror="document.title=1">**[a](javascript:alert(1))**'
HOSTILE_NAME = "<img src=x onerror=alert(1)>"
HOSTILE_SYMBOL = "=S|<b>*D*"
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva")


class PortfolioWorld(MarketWorld):
    """A market world whose exchange is recorded and lists its market, with sales beside it."""

    def __init__(self, web3, owner, folder):
        super().__init__(web3, owner)
        self.store = DeploymentStore(folder)
        self._do(
            self.exchange.list_market(
                self.gvl.address,
                self.dusd.address,
                lot_size=LOT_SIZE,
                tick_value=TICK_VALUE,
                taker_fee_bps=TAKER_FEE_BPS,
                maker_fee_bps=MAKER_FEE_BPS,
            )
        )
        self.store.record_contract(CHAIN, EXCHANGE, self.exchange.address, 0, "0x")
        for token in (self.gvl, self.dusd):
            self._do(token.transfer(faucet_account().address, 10**6 * WHOLE))
        people = HdWallet(DEVELOPMENT_MNEMONIC).accounts(4, first=20)
        for account in (*people, faucet_account()):
            web3.provider.make_request("anvil_setBalance", [account.address, hex(10**24)])
        self.stage = Stage(web3, [*people, *self.visitors])
        self.stage.paid = self.dusd
        self.won = self._decided_sale()
        self.open = self._hostile_sale()

    def address(self, name):
        return self.visitors[NAMES.index(name)].address

    def pass_time(self, seconds):
        self.chain.call("evm_increaseTime", seconds)
        self.chain.call("evm_mine")

    def _decided_sale(self):
        """Ada won 60 of 100 lots, a half of them vested; Ben gets the rest, and a refund."""
        stage = self.stage
        end = stage.now() + 1_000
        vesting = {
            "vesting_start": end - 5 * DAY,
            "vesting_cliff": end - 5 * DAY,
            "vesting_end": end + 5 * DAY,
        }
        short = {"end": end, "cancel_until": end, "allocator_until": end, "abort_time": end + DAY}
        sale = stage.open_sale(**short, **vesting)
        stage.place(sale, [(0, 9, 60), (1, 5, 50)])
        stage.move_to(end)
        reader = stage.reader(sale)
        reader.sync()
        plan = plan_clearing(sale.terms().auction, reader.book())
        stage.do(stage.keeper, sale.clear(plan.unsigned_hint, plan.margin_after(0)))
        self._record(sale, "The vested sale")
        return sale

    def _hostile_sale(self):
        """An open sale of a token whose names are meant to do harm; Ada has bid in it."""
        stage = self.stage
        sold = stage._deploy(
            deploy_token(self.web3, HOSTILE_NAME, HOSTILE_SYMBOL, 10**40, stage.issuer.address)
        )
        stage.do(stage.issuer, Token(self.web3, sold).approve(stage.factory.address, 10**40))
        stage.do(stage.issuer, Token(self.web3, sold).transfer(self.address("Ada"), WHOLE))
        now = stage.now()
        terms = dataclasses.replace(
            stage.terms(end=now + 30 * DAY, cancel_until=now + 30 * DAY), sale_token=sold
        )
        sale = stage.open_sale(terms)
        stage.place(sale, [(0, 3, 7)])
        self._record(sale, HOSTILE)
        return sale

    def _record(self, sale, label):
        record = SaleRecord(sale.address, label, self.stage.first_block)
        self.store.record_sale(CHAIN, record)


@contextmanager
def portfolio_world(folder, owner_number=0, operating=None, kind=PortfolioWorld):
    """Yield a world whose exchange is served, and owned by an account of the development chain."""
    with LocalChain(
        DEVELOPMENT_MNEMONIC, folder, genesis_time=int(time.time()) - 10_000, port=free_port()
    ) as chain:
        web3 = connect(chain.url)
        owner = HdWallet(DEVELOPMENT_MNEMONIC).account(owner_number)
        people = [owner, *(v.account for v in visitors(HdWallet(DEVELOPMENT_MNEMONIC)))]
        chain.batch("anvil_setBalance", [(each.address, hex(100 * WHOLE)) for each in people])
        world = kind(web3, owner, folder)
        world.chain = chain
        world.folder = folder
        with world.serving(folder / "service", operating):
            yield world
