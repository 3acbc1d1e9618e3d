"""The page Market while something is stopped, silent or unknown."""

import time

from gavelbook.client import NetworkError
from gavelbook.demo.local_chain import free_port
from gavelbook.service.market_api import MarketApi
from tests.ui.conftest import act_as
from tests.ui.market_page import page, place, tables, wallet_row, world, write
from tests.ui.test_sale_page import button, texts

__all__ = ["page", "world"]


def test_an_exchange_that_falls_silent_leaves_the_contract(page, monkeypatch, world):
    act_as(page.run(), "Eva")
    place(page, price="79.5", lots=3)
    [order] = world.visitor(4).orders(state="open").orders

    def silent(*_):
        raise NetworkError("no_answer", "Expected an answer, was none")

    with monkeypatch.context() as patch:
        patch.setattr(MarketApi, "ask_as", silent)
        patch.setattr(MarketApi, "ask", silent)
        time.sleep(4.1)
        page.run()
        assert page.info[0].value.startswith("The exchange cannot be read right now.")
        button(page, f"silence.{order.order_hash.text()}").click().run()
        assert "Cancelled on the chain: Buy 3 GVL at 79.50." in texts(page)
    lane = world.exchange.lane_of(world.visitors[4].address, int(order.lane))
    assert lane.cancelled_sequence == int(order.sequence)
    time.sleep(4.1)


def test_a_halted_market_takes_no_orders(page, world):
    act_as(page.run(), "Ada")
    world.halt()
    try:
        time.sleep(4.1)
        write(page, price="80", lots=1)
        assert "The market is halted" in texts(page)
        assert button(page, "order.place").disabled
    finally:
        world.resume()
        time.sleep(4.1)


def test_an_exchange_that_only_cancels_says_so(page, world):
    act_as(page.run(), "Ada")
    switch = world.folder / "service" / "cancel-only"
    switch.touch()
    try:
        time.sleep(4.6)
        write(page, price="80", lots=1)
        assert "The exchange takes no new orders just now." in texts(page)
        assert button(page, "order.place").disabled
    finally:
        switch.unlink()
        time.sleep(4.6)


def test_a_pause_of_the_contract_is_said(page, world):
    act_as(page.run(), "Ada")
    assert not page.warning
    world._do(world.exchange.pause())
    try:
        time.sleep(4.1)
        [said] = [each.value for each in page.run().warning]
        assert said.startswith("The operator has paused deposits and settlement.")
        button(write(page, price="80", lots=1), "order.place").click().run()
        assert "1 GVL in the book at 80.00" in texts(page)
    finally:
        world._do(world.exchange.unpause())
        time.sleep(4.1)
    assert not page.run().warning


def test_a_chain_that_does_not_answer_is_a_sentence(page, monkeypatch, world):
    act_as(page.run(), "Ada")
    monkeypatch.setenv("GAVELBOOK_RPC_URL", f"http://127.0.0.1:{free_port()}")
    page.run()
    assert [each.message for each in page.exception] == []
    assert "The chain does not answer." in page.info[0].value
    assert "Code `rpc_unreachable`" in texts(page)
    assert not [each for each in page.button if each.key == "order.place"]
    monkeypatch.setenv("GAVELBOOK_RPC_URL", world.chain.url)
    button(page, "market.retry").click().run()
    assert [each.message for each in page.exception] == []
    assert page.title[0].value == "GVL / DUSD"
    assert wallet_row(world, world.visitors[0]) in tables(page)


def test_an_exchange_that_does_not_answer_is_a_sentence(page, monkeypatch, world):
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", "http://127.0.0.1:9")
    page.run()
    assert [each.message for each in page.exception] == []
    assert page.info[0].value.startswith(
        "The exchange cannot be read right now. It does not answer."
    )
    assert "Code `no_answer`" in texts(page)
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_API", world.url)
    button(page, "market.retry").click().run()
    assert not [each for each in page.info if "cannot be read" in each.value]
    assert page.title[0].value == "GVL / DUSD"


def test_a_link_to_an_unknown_market_says_so(page):
    page.query_params["market"] = "7"
    page.run()
    assert page.warning[0].value.startswith("The link names a market that is not listed here.")
    assert page.title[0].value == "GVL / DUSD"
