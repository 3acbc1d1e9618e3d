"""Sales in every state there is, on a chain of their own; the visitors of a demo bid in them."""

from __future__ import annotations

from contextlib import contextmanager

from gavelbook.auction import Pricing, Rule
from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.connection import connect
from gavelbook.chain.deployments import DeploymentStore, SaleRecord
from gavelbook.chain.factory import SaleFactory, deploy_factory, deploy_token
from gavelbook.chain.signing import sign_admission, sign_clearing
from gavelbook.chain.token import Token
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.sale_desk import SaleDesk
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, visitors
from tests.chain.anvil_chain import running_anvil
from tests.chain.stage import DAY, Stage, people
from tests.evm.compiled import contract

CHAIN_ID = 31337
HOUR = 60 * 60
WHOLE = 10**18
UNITS = {"lot_size": 100 * WHOLE, "floor_price": WHOLE, "tick_value": WHOLE // 20}
WINDOW = 2_000
HOSTILE = '<img src=x onerror="document.title=1"> **[all](javascript:alert(1))** :red[$x$] |=1+1'
HOSTILE_NAME = "<i>X</i> **[a](//b.c)** :red[$]"
ENTITY = b"\x07" * 32


class SaleWorld:
    """Sales by the name of their state; ``names`` of visitors are those of the demo."""

    def __init__(self, web3, folder):
        self.web3 = web3
        self.store = DeploymentStore(folder)
        found = visitors(HdWallet(DEVELOPMENT_MNEMONIC))
        self.names = [visitor.name for visitor in found]
        accounts = [visitor.account for visitor in found]
        for account in accounts:
            web3.provider.make_request("anvil_setBalance", [account.address, hex(10**24)])
        self.stage = Stage(web3, [*people(4), *accounts])
        self.sales = {}
        self._began = self.stage.now()
        self._open_all()
        self._settle()

    def address(self, name):
        return self.sales[name].address

    def visitor(self, name):
        return self.stage.bidders[self.names.index(name)]

    def open(self, name, factory=None, **changes):
        stage = self.stage
        stage.factory, usual = factory or stage.factory, stage.factory
        sale = stage.open_sale(
            start=changes.pop("start", None) or stage.now(),
            **UNITS | {"end": self._began + WINDOW} | changes,
        )
        stage.factory = usual
        self.sales[name] = sale
        label = HOSTILE if name == "hostile" else f"The {name} sale"
        self.store.record_sale(CHAIN_ID, SaleRecord(sale.address, label, stage.first_block))
        return sale

    def _open_all(self):
        began, stage = self._began, self.stage
        end = began + WINDOW
        short = {"cancel_until": end, "allocator_until": end, "abort_time": end + DAY}
        later = {
            "end": began + 40 * DAY,
            "cancel_until": began + 39 * DAY,
            "allocator_until": began + 41 * DAY,
            "abort_time": began + 44 * DAY,
        }
        self.open("hostile", **later, **self._hostile_tokens())
        self.open("soon", **later | {"start": began + 30 * DAY})
        self.open("gated", **later, gate=stage.gate.address)
        self.open("ether", self._ether_factory(), **later, payment_token=self.weth.address)
        patient = {"allocator_until": end + 7 * DAY, "abort_time": end + 9 * DAY}
        vested = {"vesting_start": end, "vesting_cliff": end + 6 * HOUR}
        vested["vesting_end"] = end + 4 * DAY
        over = {
            "vesting": {"pricing": Pricing.UNIFORM, **vested},
            "failed": {"minimum_raise": 150 * WHOLE},
            "aborted": {},
            "waiting": patient,
            "clearable": {"abort_time": end + 50 * DAY, "rule": Rule.GROUP_ROUND_ROBIN},
            "expired": {},
        }
        for name, changes in over.items():
            sale = self.open(name, **short | changes)
            # Ada wins all she asks, Ben is cut, Cleo is too low; Dan thinks again.
            stage.place(sale, [(0, 9, 60), (1, 5, 30), (1, 5, 30), (2, 1, 40), (3, 2, 10), (3, 0)])
        self.open("open", **later, rule=Rule.GROUP_ROUND_ROBIN, pricing=Pricing.UNIFORM)
        stage.place(self.sales["open"], [(0, 9, 60), (1, 5, 30), (2, 5, 40), (3, 2, 10), (3, 0)])
        admission = sign_admission(
            stage.gate,
            CHAIN_ID,
            self.address("gated"),
            self.visitor("Ada").address,
            ENTITY,
            began + 40 * DAY,
        )
        admit = self.sales["gated"].admit(
            self.visitor("Ada").address, ENTITY, began + 40 * DAY, admission
        )
        stage.do(stage.keeper, admit)

    def _settle(self):
        stage, end = self.stage, self._began + WINDOW
        stage.move_to(end)
        for name in ("vesting", "failed"):
            sale = self.sales[name]
            reader = stage.reader(sale)
            reader.from_block = 0
            reader.sync()
            plan = plan_clearing(sale.terms().auction, reader.book())
            signature = sign_clearing(stage.allocator, CHAIN_ID, sale.address, plan.hint)
            stage.do(stage.keeper, sale.clear(plan.hint, plan.margin_after(0), signature))
        stage.move_to(end + DAY)
        stage.do(stage.keeper, self.sales["aborted"].abort())

    def _hostile_tokens(self):
        stage = self.stage
        supply, holder = 10**40, stage.issuer.address
        sold = stage._deploy(deploy_token(self.web3, HOSTILE_NAME, "=S|*D*", supply, holder))
        stage.do(stage.issuer, Token(self.web3, sold).approve(stage.factory.address, supply))
        return {"sale_token": sold}

    def _ether_factory(self):
        stage, code = self.stage, contract("MockWrappedEther")
        deployment = self.web3.eth.contract(abi=[], bytecode=code.creation).constructor()
        self.weth = Token(self.web3, stage._deploy(deployment))
        factory = SaleFactory(
            self.web3, stage._deploy(deploy_factory(self.web3, self.weth.address))
        )
        stage.do(stage.issuer, stage.sold.approve(factory.address, 10**40))
        return factory


@contextmanager
def sale_world(folder, patch):
    """Yield a world and point the pages at it."""
    with running_anvil() as url:
        patch.setenv("GAVELBOOK_RPC_URL", url)
        patch.setenv("GAVELBOOK_DEPLOYMENTS", str(folder))
        patch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "1")
        world = SaleWorld(connect(url), folder)
        world.desk = SaleDesk(DeskSettings())
        yield world
