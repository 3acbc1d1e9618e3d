import re
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.flow_steps import tab

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECONDS = 1000
DIGITS = r"[\d,]+(?:\.\d+)?"
STREAM = re.compile(r"/v1/stream$")
PAGES = re.compile(r"/_stcore/stream")


class Market:
    """The market page in a browser, and what is on it."""

    def __init__(self, visit):
        self.page = visit.page
        self.demo = visit.demo

    def open(self, account=None, query=""):
        self.page.goto(f"{self.demo.url}/market{query}")
        self.is_live()
        if account:
            self.page.get_by_role("button", name="Try a demo account").click()
            self.page.get_by_role("button", name=account, exact=True).click()
            self.page.get_by_role("heading", name=f"Trading of {account}").wait_for()
        return self

    def is_live(self):
        expect(self.page.locator("section.market")).to_have_attribute("data-state", "live")
        self.page.locator(".bids tr.full").first.wait_for()

    def levels(self, word):
        """The prices of the ladder, from its top; ``word`` is asked or bid."""
        return self.page.get_by_role("button", name=re.compile(f"^Use .* {word}"))

    def price_of(self, level):
        return re.match(f"Use ({DIGITS}) as the price", level.get_attribute("aria-label"))[1]

    def price(self):
        return self.page.get_by_role("textbox", name="Price per GVL, DUSD")

    def size(self):
        return self.page.get_by_role("textbox", name="Size, GVL")

    def choose(self, *words):
        for word in words:
            self.page.get_by_test_id("stButtonGroup").get_by_text(word, exact=True).click()

    def place(self, lots, price=None):
        """Write an order and place it."""
        if price is not None:
            self.price().fill(price)
        self.size().fill(str(lots))
        self.page.get_by_role("button", name=re.compile(f"^(Buy|Sell) {lots:,} GVL$")).click()

    def balance(self, line):
        """The amounts of a line of the balances: DUSD and GVL."""
        row = self.page.get_by_role("row").filter(has_text=line)
        return [cell.replace(",", "") for cell in row.get_by_role("cell").all_inner_texts()[1:]]

    def open_orders(self):
        return self.page.get_by_role("button", name="Cancel", exact=True)

    def runs(self):
        """How often the page has told the browser something, once it is quiet."""
        return self.page.evaluate("window.__messages")


@pytest.fixture
def market(visit):
    return Market(visit)


COUNT_MESSAGES = """
    window.__messages = 0;
    const Native = WebSocket;
    window.WebSocket = class extends Native {
      constructor(...given) {
        super(...given);
        if (!/stream/.test(given[0]) || /_stcore/.test(given[0])) {
          this.addEventListener("message", () => (window.__messages += 1));
        }
      }
    };
"""


def test_the_market_moves_by_itself_while_the_server_is_left_alone(market):
    page = market.page
    page.add_init_script(COUNT_MESSAGES)
    market.open()
    expect(page.get_by_text("Prices per GVL in steps of 0.001 DUSD")).to_be_visible()
    expect(page.get_by_role("table", name="Order book of GVL / DUSD")).to_be_visible()
    for side in ("asked", "bid"):
        expect(market.levels(side).nth(3)).to_be_visible()
    for chart in ("Prices of GVL / DUSD over time", "GVL bid and asked up to each price"):
        expect(page.get_by_role("img", name=chart)).to_be_visible()
    page.wait_for_timeout(3 * SECONDS)
    before = market.runs()
    for part in (".book table", ".tape tbody tr"):
        shown = page.locator(part).first
        expect(shown).not_to_have_text(shown.inner_text(), timeout=60 * SECONDS)
    assert market.runs() - before < 5


def test_the_figures_agree_with_the_ladder(market):
    page = market.open().page
    page.wait_for_timeout(2 * SECONDS)
    figures, ask, bid = page.evaluate(
        """() => {
          const root = [...document.querySelectorAll("*")].map((each) => each.shadowRoot)
            .find((each) => each?.querySelector("section.market"));
          const text = (selector) => root.querySelector(selector).textContent;
          const rows = [...root.querySelectorAll(".asks tr.full button")];
          return [[text(".ask"), text(".bid"), text(".last")], rows.at(-1).textContent,
            root.querySelector(".bids tr.full button").textContent];
        }"""
    )
    assert figures[:2] == [ask, bid]
    assert re.fullmatch(f"{DIGITS} DUSD", figures[2])


def test_a_missing_message_is_noticed_and_all_of_it_asked_again(market):
    asked, dropped = [], []
    drop = threading.Event()

    def between(socket):
        server = socket.connect_to_server()

        def told(message):
            if drop.is_set() and '"book.' in message and '"delta"' in message:
                drop.clear()
                dropped.append(message)
            else:
                socket.send(message)

        def said(message):
            asked.append(message)
            server.send(message)

        server.on_message(told)
        socket.on_message(said)

    market.page.route_web_socket(STREAM, between)
    market.open()
    first = [each for each in asked if "book." in each]
    assert len(first) == 1
    drop.set()
    while len([each for each in asked if "book." in each]) < 2:
        market.page.wait_for_timeout(100)
    assert dropped
    again = [each for each in asked if "book." in each][1]
    assert "resumeFrom" not in again
    market.is_live()


def test_a_lost_connection_is_said_and_taken_up_where_it_was(market):
    asked, sockets = [], []
    refused = threading.Event()

    def between(socket):
        if refused.is_set():
            socket.close(code=1012, reason="restart")
            return
        sockets.append(socket)
        server = socket.connect_to_server()
        server.on_message(socket.send)
        socket.on_message(lambda message: (asked.append(message), server.send(message)))

    market.page.route_web_socket(STREAM, between)
    page = market.open().page
    asked.clear()
    refused.set()
    sockets[-1].close(code=1012, reason="restart")
    expect(page.get_by_text("Connection lost, trying again.")).to_be_visible()
    page.wait_for_timeout(2 * SECONDS)
    refused.clear()
    market.is_live()
    book = next(each for each in asked if "book." in each)
    assert "resumeFrom" in book
    expect(page.get_by_text("Connection lost")).to_have_count(0)


def test_a_level_fills_the_form(market):
    page = market.open("Ada").page
    market.choose("Market")
    page.get_by_text("Go at most this far beyond the price shown").wait_for()
    level = market.levels("bid").nth(7)
    price = market.price_of(level)
    level.click()
    expect(market.price()).to_have_value(re.compile(DIGITS))
    assert abs(float(market.price().input_value()) - float(price)) < 0.05


def test_an_order_is_placed_once_by_two_clicks_marked_and_cancelled(market):
    page = market.open("Ben").page
    market.price().fill("0.7")
    market.size().fill("70")
    expect(page.get_by_text("Waits in the book")).to_be_visible()
    page.get_by_text("What you sign").click()
    expect(page.get_by_text("Buy 70 GVL for at most 49 DUSD, fee up to 0.1 %")).to_be_visible()
    page.get_by_role("button", name="Buy 70 GVL").dblclick()
    expect(page.get_by_text("Order accepted: 70 GVL in the book at 0.700.")).to_be_visible()
    expect(page.get_by_text("Buy 70 GVL at 0.700")).to_be_visible()
    page.wait_for_timeout(2 * SECONDS)
    expect(market.open_orders()).to_have_count(1)
    # It is too far from the market to be among the best prices; the maker's fee is set aside, too.
    assert market.balance("Reserved")[0] == "49.0098"
    market.open_orders().click()
    expect(page.get_by_text("Order cancelled: 70 GVL at 0.700 left the book.")).to_be_visible()
    expect(page.get_by_text("Ben has no order in the book.")).to_be_visible()


def test_an_own_price_is_marked_and_the_order_changed(market):
    page = market.open("Eva").page
    price = market.price_of(market.levels("bid").nth(2))
    page.get_by_text("More choices").click()
    page.get_by_role("checkbox", name="Post-only").click(force=True)
    market.place(10, price)
    expect(page.get_by_text("Order accepted: 10 GVL in the book at")).to_be_visible()
    mine = page.get_by_role("button", name=re.compile("yours among them$"))
    expect(mine).to_have_count(1)
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_text("You change an order")).to_be_visible()
    market.price().fill("0.6")
    page.get_by_role("button", name="Change to buy 10 GVL").click()
    expect(page.get_by_text("Buy 10 GVL at 0.600")).to_be_visible()
    expect(market.open_orders()).to_have_count(1)
    expect(mine).to_have_count(0)
    market.open_orders().click()
    expect(page.get_by_text("Eva has no order in the book.")).to_be_visible()


def test_a_market_order_fills_and_settles_on_the_chain(market):
    page = market.open("Cleo").page
    before = market.balance("Free for orders")[1]
    market.choose("Market")
    page.get_by_text("Go at most this far beyond the price shown").wait_for()
    market.size().fill("25")
    expect(page.get_by_text("You pay at most")).to_be_visible()
    page.get_by_role("button", name="Buy 25 GVL").click()
    expect(page.get_by_text("Order accepted: bought 25 GVL for")).to_be_visible()
    assert int(market.balance("Free for orders")[1]) == int(before) + 25
    tab(page, "Fills")
    grid = page.get_by_test_id("stDataFrame").first
    settled = grid.locator("[role=gridcell]").filter(has_text="Settled").first
    expect(settled).to_be_attached(timeout=90 * SECONDS)
    [transaction, *_] = [
        text
        for text in grid.locator("[role=gridcell]").all_inner_texts()
        if re.fullmatch("0x[0-9a-f]{64}", text)
    ]
    receipt = market.demo.call("eth_getTransactionReceipt", transaction)
    assert receipt["status"] == "0x1"
    expect(page.locator(".tape td", has_text="✓").first).to_be_visible()


def tab_on(page, start, target):
    """Go from one field to another by Tab; again from there if the page was drawn on the way."""
    expect(target).to_be_enabled()
    for _ in range(10):
        start.focus()
        for _ in range(20):
            page.keyboard.press("Tab")
            if target.evaluate("each => each === document.activeElement"):
                return
        page.wait_for_timeout(SECONDS)
    pytest.fail("the key Tab does not lead there")


def test_what_is_typed_after_a_press_on_a_level_stays_however_late_the_page_answers(market):
    page, late, waiting = market.page, threading.Event(), []

    def between(socket):
        server = socket.connect_to_server()

        def told(message):
            if late.is_set():
                waiting.append((socket, message))
            else:
                socket.send(message)

        server.on_message(told)

    page.route_web_socket(PAGES, between)
    market.open()
    market.price().fill("9")
    late.set()
    market.levels("bid").nth(5).click()
    expect(market.price()).not_to_have_value("9")
    market.price().fill("0.65")
    market.size().fill("3")
    page.wait_for_timeout(4 * SECONDS)
    assert waiting, "the server has answered"
    while waiting:
        socket, message = waiting.pop(0)
        socket.send(message)
    late.clear()
    expect(page.get_by_role("row", name="Worst price 0.650 DUSD")).to_be_visible()
    expect(market.price()).to_have_value("0.65")
    expect(market.size()).to_have_value("3")


def test_an_order_is_written_with_the_keyboard_alone(market):
    page = market.open("Dan").page
    level = market.levels("bid").nth(5)
    level.focus()
    page.keyboard.press("Enter")
    market.price().focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("0.65")
    tab_on(page, market.price(), market.size())
    page.keyboard.type("3")
    place = page.get_by_role("button", name="Buy 3 GVL")
    tab_on(page, market.size(), place)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Order accepted: 3 GVL in the book at 0.650.")).to_be_visible()
    market.open_orders().click()
    expect(page.get_by_text("Dan has no order in the book.")).to_be_visible()


def test_what_the_charts_show_is_said(market):
    page = market.open().page
    candles = page.get_by_role("img", name="Prices of GVL / DUSD over time")
    readout = page.locator(".candle-readout")
    expect(readout).to_contain_text(re.compile(f"Open {DIGITS}.*Volume {DIGITS} GVL"))
    candles.focus()
    newest = readout.inner_text()
    for _ in range(30):
        page.keyboard.press("ArrowLeft")
    assert page.locator("svg.candles .tag").count() > 0
    page.keyboard.press("Tab")
    expect(readout).to_contain_text(newest.split("Open")[0].strip())
    page.locator("svg.depth").hover()
    expect(page.locator(".depth-readout")).to_contain_text(re.compile(f"Up to {DIGITS}"))
    page.get_by_role("button", name="5m", exact=True).click()
    expect(page.get_by_role("button", name="5m", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(readout).to_contain_text("Volume")


def test_money_goes_in_and_out(market):
    page = market.open("Dan").page
    wallet, free = market.balance("In the wallet")[0], market.balance("Free for orders")[0]
    tab(page, "Deposit and withdraw")
    amount = page.get_by_role("textbox", name="Amount, DUSD")
    amount.fill("500.25")
    page.get_by_role("button", name="Deposit", exact=True).click()
    expect(page.get_by_text("500.25 DUSD paid in.")).to_be_visible()
    more = f"{float(free) + 500.25:,.4f}".rstrip("0").rstrip(".")
    line = page.get_by_role("row").filter(has_text="Free for orders")
    expect(line).to_contain_text(more, timeout=60 * SECONDS)
    expect(
        page.get_by_test_id("stToast").get_by_text("500.25 DUSD arrived: free for orders.")
    ).to_be_visible()

    page.get_by_role("tabpanel").get_by_text("Withdraw", exact=True).click()
    page.get_by_text("can be withdrawn now").wait_for()
    page.get_by_role("button", name="Withdraw", exact=True).click()
    expect(page.get_by_text("500.25 DUSD withdrawn to the wallet of Dan.")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="In the wallet")).to_contain_text(
        f"{int(wallet):,}"
    )


def test_a_refused_order_is_explained(market):
    page = market.open("Ada").page
    market.choose("Sell")
    market.size().fill("9000000")
    expect(page.get_by_text("more would be needed, and the wallet has only")).to_be_visible()
    page.get_by_role("button", name="Sell 9,000,000 GVL").click()
    expect(
        page.get_by_text("Refused. The order needs 9,000,000 GVL free in escrow")
    ).to_be_visible()
    expect(page.get_by_text("insufficient_balance")).to_be_visible()


def test_a_stranger_sees_what_it_would_cost_and_how_to_begin(market):
    page = market.open().page
    market.size().fill("12")
    expect(page.get_by_text("You pay at most")).to_be_visible()
    expect(page.get_by_text("To place it, say who you are.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Buy 12"))).to_have_count(0)


def test_a_phone_shows_one_part_at_a_time_and_needs_no_sideways_scrolling(market, visit):
    page = market.page
    page.set_viewport_size({"width": 390, "height": 844})
    market.open()
    expect(page.get_by_role("table", name="Order book of GVL / DUSD")).to_be_visible()
    expect(page.locator("svg.candles")).to_be_hidden()
    for part, shown in (("Charts", "svg.candles"), ("Trades", ".tape table"), ("Book", ".book")):
        page.get_by_role("button", name=part, exact=True).click()
        expect(page.locator(shown)).to_be_visible()
        assert not visit.scrolls_sideways()


def test_it_can_be_read_in_the_dark(market):
    page = market.page
    page.emulate_media(color_scheme="dark")
    market.open()
    light = page.evaluate(
        """() => {
          const root = [...document.querySelectorAll("*")].map((each) => each.shadowRoot)
            .find((each) => each?.querySelector("section.market"));
          const [r, g, b] = getComputedStyle(root.querySelector(".market")).color.match(/\\d+/g);
          return (Number(r) + Number(g) + Number(b)) / 3;
        }"""
    )
    assert light > 180
