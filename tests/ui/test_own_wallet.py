"""An own wallet: deposits of a token without signed allowances, and what a reload finds."""

import pytest
from eth_account.messages import encode_defunct
from streamlit.testing.v1 import AppTest

from gavelbook.chain.token import Token
from tests.evm.compiled import contract
from tests.ui.conftest import APP
from tests.ui.market_world import IN_ESCROW, IN_WALLET, WHOLE
from tests.ui.portfolio_world import PortfolioWorld, portfolio_world
from tests.ui.test_portfolio_page import choose, messages
from tests.ui.test_sale_page import button, texts

CONSTRUCTOR = {
    "type": "constructor",
    "inputs": [{"name": "supply", "type": "uint256"}],
    "stateMutability": "nonpayable",
}
AMOUNT = 1_250 * WHOLE


class PermitlessWorld(PortfolioWorld):
    """A world whose market sells a token without permits."""

    def _token(self, name, symbol):
        if symbol != "GVL":
            return super()._token(name, symbol)
        creation = contract("MockFalseToken").creation
        made = self.web3.eth.contract(abi=[CONSTRUCTOR], bytecode=creation)
        return Token(self.web3, self._do(made.constructor(10**40))["contractAddress"])


class Fox:
    """A wallet of the browser, by what it tells the page and what it is asked for."""

    def __init__(self, world, account):
        self.world = world
        self.account = account
        self.asked = []
        self.answers = {}

    def tell(self, page):
        session = {"account": self.account.address, "chainId": "0x7a69", "wallet": "Fox"}
        page.session_state["wallet"] = {"told": {"session": session, "answers": self.answers}}
        return page.run()

    def request(self, page):
        """What the page asks it for right now."""
        [running] = page.session_state["wallet.running"]
        request = running.action.request
        assert request.account == self.account.address
        assert request.id not in self.answers
        return request

    def sign(self, page):
        """Sign the text that it is asked to sign."""
        request = self.request(page)
        assert request.method == "personal_sign"
        text = bytes.fromhex(request.params[0][2:])
        signed = self.account.sign_message(encode_defunct(text))
        self.answers[request.id] = {"value": f"0x{signed.signature.hex()}"}
        return self.tell(page)

    def send(self, fields):
        """Sign and send a transaction; return its hash."""
        eth = self.world.web3.eth
        signed = self.account.sign_transaction(
            {
                **{name: fields[name] for name in ("to", "data", "value", "gas")},
                "nonce": eth.get_transaction_count(self.account.address),
                "chainId": eth.chain_id,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        return eth.send_raw_transaction(signed.raw_transaction)

    def agree(self, page):
        """Do what is asked, and let the page hear of it and of the block."""
        request = self.request(page)
        assert request.method == "eth_sendTransaction"
        [fields] = request.params
        self.asked.append(fields)
        web3 = self.world.web3
        sent = self.send(
            {
                "to": web3.to_checksum_address(fields["to"]),
                "data": fields["data"],
                "value": int(fields["value"], 16),
                "gas": int(fields["gas"], 16),
            }
        )
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1
        self.answers[request.id] = {"value": sent.to_0x_hex()}
        return self.tell(page).run()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with portfolio_world(tmp_path_factory.mktemp("permitless"), kind=PermitlessWorld) as world:
        yield world


@pytest.fixture
def pages(world, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(world.folder))
    return AppTest.from_file(str(APP), default_timeout=60).run()


def is_approval(fields, token):
    return fields["to"] == token.address and fields["data"].startswith("0x095ea7b3")


def assert_paid_in(world, fox):
    """The allowance was used up, and wallet and escrow moved by the amount, on the chain."""
    token, exchange, address = world.gvl, world.exchange, fox.account.address
    assert token.allowance(address, exchange.address) == 0
    assert token.balance_of(address) == IN_WALLET - AMOUNT
    assert exchange.balance_of(address, token.address).amount == IN_ESCROW + AMOUNT


def test_the_portfolio_asks_for_an_approval_and_then_pays_in(pages, world):
    fox = Fox(world, world.visitors[1])
    page = fox.tell(pages.switch_page("app_pages/portfolio.py"))
    assert [each.message for each in page.exception] == []
    choose(page, "in", world.gvl)
    page.text_input(key=f"portfolio.in.amount.{world.gvl.address}").set_value("1250").run()
    button(page, "portfolio.in.go").click().run()
    assert "**Step 1: Allow the payment**" in texts(page)
    fox.agree(page)
    assert world.gvl.allowance(fox.account.address, world.exchange.address) == AMOUNT
    assert "**Step 2: Pay in 1,250 FALSE**" in texts(page)
    fox.agree(page)
    assert any(each.startswith("1,250 FALSE paid in.") for each in messages(page)), messages(page)
    assert is_approval(fox.asked[0], world.gvl)
    assert fox.asked[1]["to"] == world.exchange.address
    assert len(fox.asked) == 2
    assert_paid_in(world, fox)


def test_an_allowance_that_stands_already_is_taken_back_first(pages, world):
    fox = Fox(world, world.visitors[2])
    left = world.gvl.approve(world.exchange.address, 7)
    world.stage.do(fox.account, left)
    page = fox.tell(pages.switch_page("app_pages/portfolio.py"))
    choose(page, "in", world.gvl)
    page.text_input(key=f"portfolio.in.amount.{world.gvl.address}").set_value("1250").run()
    button(page, "portfolio.in.go").click().run()
    titles = []
    for _ in range(3):
        [running] = page.session_state["wallet.running"]
        titles.append(running.action.step.title)
        fox.agree(page)
    assert titles == ["Take back the old allowance", "Allow the payment", "Pay in 1,250 FALSE"]
    assert_paid_in(world, fox)


def test_the_market_asks_for_an_approval_and_then_pays_in(pages, world):
    fox = Fox(world, world.visitors[3])
    page = fox.tell(pages.switch_page("app_pages/market.py"))
    button(page, "market.unlock.sign_in").click().run()
    fox.sign(page)
    page.session_state["market.tabs"] = "Deposit and withdraw"
    page.run()
    page.segmented_control(key="money.token").set_value("FALSE").run()
    page.text_input(key="money.amount.FALSE").set_value("1250").run()
    button(page, "money.go").click().run()
    assert "**Step 1: Allow the payment**" in texts(page)
    fox.agree(page)
    assert "**Step 2: Pay in 1,250 FALSE**" in texts(page)
    fox.agree(page)
    assert any(each.startswith("1,250 FALSE paid in.") for each in messages(page)), messages(page)
    assert is_approval(fox.asked[0], world.gvl)
    assert_paid_in(world, fox)


def test_after_a_reload_the_page_says_what_is_on_its_way(pages, world):
    fox = Fox(world, world.visitors[4])
    call = world.gvl.approve(world.exchange.address, 3)
    page = fox.tell(pages)
    assert not [each for each in page.caption if each.value.startswith("On its way")]
    world.chain.call("evm_setAutomine", False)  # noqa: FBT003 -- of JSON-RPC
    try:
        fox.send(call.build_transaction({"from": fox.account.address, "gas": 100_000}))
        reloaded = fox.tell(AppTest.from_file(str(APP), default_timeout=60).run())
        [said] = [each.value for each in reloaded.caption if each.value.startswith("On its way")]
        assert said.startswith("On its way: 1 transaction of this wallet")
    finally:
        world.chain.call("evm_setAutomine", True)  # noqa: FBT003 -- of JSON-RPC
    world.chain.call("evm_mine")
    reloaded.run()
    assert world.gvl.allowance(fox.account.address, world.exchange.address) == 3
    assert not [each for each in reloaded.caption if each.value.startswith("On its way")]
    assert [each.value for each in reloaded.toast] == [
        "What was on its way is done. The history on the page Portfolio tells what it was."
    ]
