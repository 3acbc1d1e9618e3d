"""The page Market: what it shows, and orders and money from the form to the books."""

import json
import time

from gavelbook.service.amounts import decimal_text
from tests.ui.conftest import act_as
from tests.ui.market_page import fresh, lines, live, page, place, tables, wallet_row, world, write
from tests.ui.market_world import IN_ESCROW, IN_WALLET, WHOLE
from tests.ui.test_sale_page import button, texts

__all__ = ["page", "world"]


def test_the_market_is_shown_to_anybody(page):
    page.run()
    assert [each.message for each in page.exception] == []
    assert page.title[0].value == "GVL / DUSD"
    assert "Prices per GVL in steps of 0.01 DUSD · sizes in lots of 1 GVL" in texts(page)
    assert "fees 0.3 % taker, 0.1 % maker" in texts(page)
    assert page.query_params["market"] in ("1", ["1"])
    assert live(page) == {
        "market": 1,
        "name": "GVL / DUSD",
        "stream": "",
        "terms": {
            "base": {"symbol": "GVL", "decimals": 18},
            "quote": {"symbol": "DUSD", "decimals": 18},
            "pricedThing": "GVL",
            "lotSize": str(WHOLE),
            "priceUnit": str(WHOLE // 100),
            "priceDigits": 2,
            "sizeDigits": 0,
        },
        "own": {"buy": [], "sell": [], "fills": []},
        "priceField": ".st-key-ticket-1-price input",
        "watched": None,
    }


def test_a_stranger_sees_what_an_order_would_cost(page):
    write(page.run(), kind="Market", lots=15)
    assert lines(page)["Expected price"] == "about 83.5333 DUSD"
    assert lines(page)["You pay at most"] == "1,270.3998 DUSD"
    assert "say who you are" in page.info[0].value
    assert not [each for each in page.button if each.key == "order.place"]
    assert live(page)["watched"] == {"side": "buy", "lots": "15", "ticks": None}


def test_where_the_stream_is_can_be_said(page, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_EXCHANGE_PUBLIC_URL", "https://exchange.example/")
    assert live(page.run())["stream"] == "https://exchange.example/v1/stream"


def test_balances_are_shown(page, world):
    act_as(page.run(), "Ada")
    assert "| Free for orders | 10,000 | 10,000 |" in tables(page)
    assert wallet_row(world, world.visitors[0]) in tables(page)


def test_an_order_is_placed_seen_and_cancelled(page, world):
    act_as(page.run(), "Ben")
    place(page, price="82.95", lots=7)
    assert [message.value for message in page.success] == [
        "Order accepted: 7 GVL in the book at 82.95."
    ]
    [order] = world.visitor(1).orders(state="open").orders
    assert (order.side, order.lots, order.ticks, order.max_fee_bps) == ("buy", 7, 8_295, 30)
    assert order.order_hash.text() in [code.value for code in page.code]
    assert live(page)["own"]["buy"] == ["8295"]
    assert page.text_input(key="ticket.1.size").value == ""
    # 7 * 82.95 and, as it waits in the book, the maker's 0.1 % of it.
    assert "| Reserved | 581.23065 | 0 |" in tables(page)

    button(page, f"open.cancel.{order.order_hash.text()}").click().run()
    assert "Order cancelled: 7 GVL at 82.95 left the book." in texts(page)
    assert not world.visitor(1).orders(state="open").orders
    assert live(page)["own"]["buy"] == []
    assert "Ben has no order in the book." in texts(page)


def test_a_market_order_fills_and_says_what_it_paid(page, world):
    act_as(page.run(), "Cleo")
    write(page, kind="Market", lots=30)
    # 10 * 83.50 + 20 * 83.60; the limit lies 1 % above the 83.60 reached.
    assert lines(page) == {
        "Trades at once": "30 GVL (all of it)",
        "Expected price": "about 83.5667 DUSD",
        "Worst price": r"84\.44 DUSD (+1.13 %)",
        "You pay now": "2,514.521 DUSD, fee 7.521",
        "You receive": "30 GVL",
        "You pay at most": "2,540.7996 DUSD",
        "Fee in it, at most": r"7\.5996 DUSD (0.3 %)",
    }
    button(page, "order.place").click().run()
    assert "Order accepted: bought 30 GVL for 2,507 DUSD, fee 7.521 DUSD." in texts(page)
    fills = world.visitor(2).fills().fills
    assert sorted((fill.ticks, fill.lots) for fill in fills) == [(8_350, 10), (8_360, 20)]
    assert len(live(page)["own"]["fills"]) >= 2
    assert "| In flight | 0 | 30 |" in tables(page)


def test_the_price_shown_is_the_limit_signed(page, world):
    act_as(page.run(), "Dan")
    write(page, price="83.55", lots=12)
    shown = json.loads(page.code[-1].value)
    assert shown["message"]["quoteLimit"] == str(12 * 8_355 * WHOLE // 100)
    assert shown["message"]["baseAmount"] == str(12 * WHOLE)
    assert shown["domain"]["verifyingContract"] == world.exchange.address
    button(page, "order.place").click().run()
    [order] = world.visitor(3).orders(state="open").orders
    for name, value in (
        ("lane", order.lane),
        ("sequence", order.sequence),
        ("expiry", order.expiry),
    ):
        assert shown["message"][name] == str(int(value))
    assert "bought 10 GVL for 835 DUSD" in texts(page)
    assert "2 GVL in the book at 83.55" in texts(page)


def test_a_trade_with_a_waiting_order_is_announced(page, world):
    act_as(page.run(), "Ben")
    place(page, price="83.20", lots=5)
    assert not page.toast
    world.maker.limit(1, "sell", 2, 8_320)
    world.settle_down()
    fresh(page)
    assert [toast.value for toast in page.toast] == ["Bought 2 GVL at 83.20."]
    assert "2 of 5 filled" in texts(page)
    page.session_state["market.tabs"] = "Fills"
    fresh(page)
    assert not page.toast
    fills = next(table.value for table in page.dataframe if "Role" in table.value)
    assert list(fills.iloc[0][["Side", "State", "Role"]]) == ["Buy", ["Matched"], "maker"]
    assert list(fills.iloc[0][["Size, GVL", "Price, DUSD", "Fee, DUSD"]]) == [
        "2",
        "83.20",
        "0.1664",
    ]


def test_trades_of_one_moment_are_announced_together(page, world):
    act_as(page.run(), "Ben")
    place(page, price="83.20", lots=5)
    for lots in (2, 1):
        world.maker.limit(1, "sell", lots, 8_320)
    world.settle_down()
    fresh(page)
    assert [toast.value for toast in page.toast] == ["Bought 3 GVL at 83.20."]


def test_two_orders_do_not_replace_each_other(page, world):
    act_as(page.run(), "Eva")
    place(page, price="80", lots=1)
    place(page, price="81", lots=2)
    orders = world.visitor(4).orders(state="open").orders
    assert sorted((order.ticks, order.lots) for order in orders) == [(8_000, 1), (8_100, 2)]
    button(page, "open.cancel_all").click().run()
    assert "2 orders cancelled." in texts(page)
    assert not world.visitor(4).orders(state="open").orders


def test_a_refusal_is_a_sentence_with_its_code(page, world):
    act_as(page.run(), "Ada")
    place(page, side="Sell", price="90", lots=10_001)
    [error] = page.error
    assert error.value == (
        "Refused. The order needs 10,001 GVL free in escrow, and there is 10,000 GVL."
    )
    assert "Code `insufficient_balance`" in texts(page)
    assert [each.message for each in page.exception] == []
    assert not world.visitor(0).orders(state="open").orders


def test_what_is_missing_can_be_paid_in_at_once(page, world):
    act_as(page.run(), "Ada")
    write(page, side="Sell", price="90", lots=10_002)
    before = world.exchange.balance_of(world.visitors[0].address, world.gvl.address).amount
    button(page, "order.deposit").click().run()
    assert "2 GVL paid in. It is free for orders once the exchange has seen the block." in texts(
        page
    )
    held = world.exchange.balance_of(world.visitors[0].address, world.gvl.address).amount
    assert held == before + 2 * WHOLE
    world.deposit(world.visitors[0], world.gvl, 2 * WHOLE)
    fresh(page)
    assert "| Free for orders | 10,000 | 10,002 |" in tables(page)


def test_money_is_withdrawn_to_the_wallet(page, world):
    act_as(page.run(), "Dan")
    # In a browser only the tab in front is made.
    page.session_state["market.tabs"] = "Deposit and withdraw"
    page.run()
    page.segmented_control(key="money.way").set_value("Withdraw").run()
    page.text_input(key="money.amount.DUSD").set_value("1,000.5").run()
    before = world.dusd.balance_of(world.visitors[3].address)
    button(page, "money.go").click().run()
    assert "1,000.5 DUSD withdrawn to the wallet of Dan." in texts(page)
    assert world.dusd.balance_of(world.visitors[3].address) == before + 1_000 * WHOLE + WHOLE // 2


def test_more_than_there_is_cannot_be_withdrawn(page, world):
    [most] = [
        each.withdrawable
        for each in world.visitor(1).balances().balances
        if each.token.text() == world.dusd.address
    ]
    act_as(page.run(), "Ben")
    page.session_state["market.tabs"] = "Deposit and withdraw"
    page.run()
    page.segmented_control(key="money.way").set_value("Withdraw").run()
    page.text_input(key="money.amount.DUSD").set_value("10,001").run()
    button(page, "money.go").click().run()
    assert page.error[0].value.startswith(
        f"Refused. At most {decimal_text(most, 18)} DUSD can be withdrawn now, and 10,001 DUSD was"
    )
    assert "Code `insufficient_withdrawable`" in texts(page)


def test_what_names_no_price_cannot_be_ordered(page):
    write(act_as(page.run(), "Ada"), lots=1)
    for wrong in ("eighty", "-80", "0", "0.001", "1e3", ""):
        page.text_input(key="ticket.1.price").set_value(wrong).run()
        assert button(page, "order.place").disabled, wrong
        assert [each.message for each in page.exception] == []


def test_what_names_no_size_cannot_be_ordered(page):
    act_as(page.run(), "Ada")
    for wrong in ("ten", "-1", "0", "0.5", "1e3", ""):
        page.text_input(key="ticket.1.size").set_value(wrong).run()
        assert button(page, "order.place").disabled, wrong
        assert [each.message for each in page.exception] == []


def test_a_size_between_two_lots_is_taken_down(page):
    write(act_as(page.run(), "Ada"), price="82", lots="7.9")
    assert "Sizes go in lots of 1 GVL: you order **7**." in texts(page)
    assert button(page, "order.place").label == "Buy 7 GVL"


def test_a_price_between_two_ticks_is_taken_to_the_better_one(page):
    write(act_as(page.run(), "Ada"), price="82.955")
    assert "your limit is **82.95**" in texts(page)
    write(page, side="Sell")
    assert "your limit is **82.96**" in texts(page)


def test_what_the_exchange_would_refuse_is_said_before(page):
    write(act_as(page.run(), "Ada"), price="83.50", lots=5)
    page.checkbox(key="ticket.1.post_only").check().run()
    assert "The exchange would refuse it: post-only" in texts(page)
    button(page, "order.place").click().run()
    assert page.error[0].value == (
        "Refused. At 83.50 it would have traded at once, and it is post-only."
    )
    assert "Code `post_only_would_cross`" in texts(page)


def test_an_order_is_changed_in_its_place(page, world):
    act_as(page.run(), "Eva")
    place(page, price="80.50", lots=4)
    [first] = world.visitor(4).orders(state="open").orders
    button(page, f"open.change.{first.order_hash.text()}").click().run()
    assert page.text_input(key="ticket.1.price").value == "80.50"
    assert button(page, "order.place").label == "Change to buy 4 GVL"
    page.text_input(key="ticket.1.price").set_value("80.60").run()
    page.text_input(key="ticket.1.size").set_value("6").run()
    button(page, "order.place").click().run()
    [second] = world.visitor(4).orders(state="open").orders
    assert (second.lane, second.ticks, second.lots) == (first.lane, 8_060, 6)
    assert second.sequence > first.sequence
    assert button(page, "order.place").label == "Buy"


def test_an_order_that_is_gone_cannot_be_changed(page, world):
    act_as(page.run(), "Eva")
    place(page, price="80.50", lots=4)
    [order] = world.visitor(4).orders(state="open").orders
    button(page, f"open.change.{order.order_hash.text()}").click().run()
    world.visitor(4).cancel_all()
    world.settle_down()
    fresh(page)
    assert "The order you wanted to change is no longer in the book." in texts(page)
    assert button(page, "order.place").disabled
    button(page, "order.stop_changing").click().run()
    write(page, price="80.50", lots=4)
    assert not button(page, "order.place").disabled


def test_a_share_of_the_balance_is_taken(page, world):
    act_as(page.run(), "Dan")
    free = next(
        int(each.available)
        for each in world.visitor(3).balances().balances
        if each.token.text() == world.dusd.address
    )
    write(page, price="82")
    for percent in (50, 100):
        button(page, f"ticket.1.share.{percent}").click().run()
        # A fee of at most 0.3 % is in it.
        lots = free * percent // 100 * 10_000 // (82 * WHOLE * 10_030)
        assert page.text_input(key="ticket.1.size").value == str(lots)
    write(page, side="Sell")
    button(page, "ticket.1.share.25").click().run()
    assert page.text_input(key="ticket.1.size").value.startswith("2,50")
    write(page, side="Buy", kind="Market")
    button(page, "ticket.1.share.100").click().run()
    assert not button(page, "order.place").disabled
    assert "more would be needed" not in texts(page)


def test_what_ends_where_somebody_meets_themselves_is_chosen(page, world):
    act_as(page.run(), "Eva")
    place(page, price="83.40", side="Sell", lots=5)
    write(page, side="Buy", price="83.45", lots=6)
    page.selectbox(key="ticket.1.prevention").set_value("Cancel the older order").run()
    button(page, "order.place").click().run()
    orders = world.visitor(4).orders(state="open").orders
    assert [(order.side, order.ticks) for order in orders] == [("buy", 8_345)]


def test_an_order_that_ends_is_announced(page, world):
    act_as(page.run(), "Eva")
    place(page, price="80", lots=3)
    world.visitor(4).cancel_all()
    world.settle_down()
    fresh(page)
    [toast] = page.toast
    assert toast.value == "Order cancelled: 3 GVL at 80.00."
    fresh(page)
    assert not page.toast


def test_links_lead_to_an_order_and_to_a_transaction(page, world):
    act_as(page.run(), "Eva")
    place(page, price="80", lots=3)
    [order] = world.visitor(4).orders(state="open").orders
    page.query_params["order"] = order.order_hash.text()
    page.query_params["tx"] = "0x" + "ab" * 32
    page.run()
    said = [each.value for each in page.info]
    assert said[0].startswith("The order of the link: Buy 3 GVL at 80.00. Open: 0 filled")
    assert said[1].startswith("The link names a transaction that settled no trade")
    page.query_params["order"] = "0x" + "cd" * 32
    page.run()
    assert page.info[0].value.startswith("The link names an order that is not among")


def test_an_order_until_a_time_leaves_the_book(page, world):
    act_as(page.run(), "Eva")
    write(page, price="79", lots=3)
    page.selectbox(key="ticket.1.force").set_value("Until a time (GTT)").run()
    page.segmented_control(key="ticket.1.life").set_value("1 hour").run()
    button(page, "order.place").click().run()
    assert "3 GVL in the book at 79.00 for 1 h 0 min" in texts(page)
    [order] = world.visitor(4).orders(state="open").orders
    assert order.time_in_force == "GTT"
    assert int(order.expiry) > time.time() + 3_600


def test_the_wallet_is_what_the_chain_says(page, world):
    act_as(page.run(), "Cleo")
    assert world.gvl.balance_of(world.visitors[2].address) == IN_WALLET
    assert IN_ESCROW == 10_000 * WHOLE
    assert wallet_row(world, world.visitors[2]) in tables(page)


def test_letters_that_come_with_the_press_count(page, world):
    act_as(page.run(), "Eva")
    write(page, price="80", lots=2)
    page.text_input(key="ticket.1.price").set_value("79")
    button(page, "order.place").click().run()
    [order] = world.visitor(4).orders(state="open").orders
    assert (order.ticks, order.lots) == (7_900, 2)
