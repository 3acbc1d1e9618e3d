import json

from gavelbook.service.sale_view import Fill
from tests.ui.conftest import act_as


def problems(app):
    """What went wrong in the script; compared as text, as a failing test would print the page."""
    return [each.message for each in app.exception]


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def texts(app):
    tables = "\n".join(str(cell) for table in app.table for cell in table.value.to_numpy().flat)
    return f"{tables}\n" + "\n".join(
        element.value
        for kind in (app.title, app.header, app.markdown, app.caption, app.success, app.error)
        for element in kind
    )


def live_data(app, key):
    """What the page tells the component that counts down and follows the chain."""
    [component] = [each for each in app.get("bidi_component") if each.key == key]
    return json.loads(component.proto.json)


def open_tab(app, key, label):
    app.session_state[key] = label
    return app.run()


def button(app, key):
    return next(button for button in app.button if button.key == key)


def place(app, price, lots):
    app.text_input(key="bid.price").set_value(price).run()
    app.number_input(key="bid.lots").set_value(lots).run()
    return button(app, "bid.place").click().run()


def test_the_live_sale_is_shown_first(app, demo):
    app.run()
    assert problems(app) == []
    view = demo.view(demo.live)
    shown = metrics(app)
    assert app.title[0].value == "Gavel (GVL)"
    assert shown["Bids"] == f"{len(view.placed):,}"
    assert shown["Bidders"] == str(len({bid.bidder for bid in view.placed}))
    assert shown["Clearing price now"] == view.payment_token.amount(view.price_now)
    clock = live_data(app, "sale.chain")
    assert (clock["label"], clock["until"]) == ("Closes in", view.terms.end)
    assert clock["versions"] == {demo.live: view.version}
    assert abs(clock["now"] - demo.desk.now()) < 30
    assert app.query_params["sale"] in (demo.live, [demo.live])


def test_the_terms_are_said_in_words(app):
    said = texts(open_tab(app, "sale.tabs", "Terms"))
    assert "40 to 120 DUSD per lot in steps of 0.5 (161 ticks)" in said
    assert "200,000 DUSD, else the sale fails and all is refunded" in said


def test_the_rule_is_explained_with_an_example_that_is_computed(app):
    said = texts(open_tab(app, "sale.tabs", "How it works"))
    assert "lots go round: one each per round" in said
    assert "Every winner pays the same" in said
    assert "nobody owns it" in said
    assert "A is filled in full; 10 of 15 lots are left." in said
    assert "B, C and D share them, one lot each per round. After 3 rounds 1 more" in said
    example = app.table[0].value
    assert list(example["Gets"]) == [5, 4, 3, 3, 0]
    assert set(example["Price, DUSD"]) == {"100", "90", "80"}


def test_the_table_of_bids_is_newest_first_and_says_what_each_gets(app, demo):
    table = app.run().dataframe[0].value
    newest = demo.view(demo.live).bids[-1]
    words = {Fill.FULL: "Full", Fill.PARTIAL: "Partial", Fill.NOTHING: "None"}
    first = table.iloc[0]
    assert first["Bid"] == newest.position == len(table)
    assert first["Price, DUSD"] == demo.view(demo.live).payment_token.number(newest.price)
    assert (first["Lots"], first["Gets"]) == (newest.placed.lots, newest.filled)
    assert list(first["Filled"]) == [words[newest.fill]]


def test_a_bid_is_placed_and_cancelled(app, demo):
    app.run()
    before = metrics(app)
    ben = demo.desk.demo_actors[1]
    act_as(app, "Ben")
    place(app, "110", 30)
    assert app.success[0].value.startswith("Bid placed: 30 lots at 110 DUSD per lot (tick 140)")
    [bid] = demo.view(demo.live).bids_of(ben.address)
    assert (bid.placed.tick, bid.placed.lots, bid.escrow) == (140, 30, 3_300 * 10**18)
    assert bid.placed.transaction in [code.value for code in app.code]
    assert metrics(app)["Bids"] == f"{int(before['Bids']) + 1}"
    row = app.dataframe[0].value.iloc[0]
    assert (row["Bidder"], row["Price, DUSD"], row["Lots"]) == ("Ben", "110", 30)

    button(app, f"own.cancel.{bid.placed.index}").click().run()
    assert any("3,300 DUSD paid back" in message.value for message in app.success)
    assert not demo.view(demo.live).bids_of(ben.address)
    assert metrics(app)["Bids"] == before["Bids"]


def wish(app, price, lots):
    app.text_input(key="bid.price").set_value(price).run()
    return app.number_input(key="bid.lots").set_value(lots).run()


def test_what_speaks_against_a_bid_is_said_before_it_is_placed(app, demo):
    act_as(app.run(), "Ada")
    auction = demo.view(demo.live).auction
    for price, lots, objection in (
        ("80", auction.cap_lots + 1, f"One bidder may bid for {auction.cap_lots:,} lots at most."),
        ("80", auction.min_bid_lots - 1, f"The smallest bid is {auction.min_bid_lots} lots."),
    ):
        wish(app, price, lots)
        assert objection in texts(app)
        assert button(app, "bid.place").disabled
    wish(app, "80", auction.cap_lots)
    assert not button(app, "bid.place").disabled


def test_the_cap_counts_the_bids_one_has(app, demo):
    act_as(app.run(), "Dan")
    place(app, "41", 100)
    left = demo.view(demo.live).auction.cap_lots - 100
    wish(app, "80", left + 1)
    assert f"With the bids you have, {left:,} lots are left of your" in texts(app)
    assert button(app, "bid.place").disabled
    [bid] = demo.view(demo.live).bids_of(demo.desk.demo_actors[3].address)
    button(app, f"own.cancel.{bid.placed.index}").click().run()


def test_a_tick_off_the_ladder_cannot_be_bid(app):
    act_as(app.run(), "Ada")
    app.segmented_control(key="bid.by").set_value("Tick").run()
    app.number_input(key="bid.tick").set_value(161).run()
    assert "Ticks run from 0 to 160." in texts(app)
    assert button(app, "bid.place").disabled


def test_a_stranger_sees_what_a_bid_would_get_but_places_none(app):
    wish(app.run(), "120", 10)
    assert "would get **10 of 10 lots**" in texts(app)
    assert not [each for each in app.button if each.key == "bid.place"]
    assert "say who you are" in app.info[0].value


def test_a_price_between_ticks_is_taken_down_to_the_ladder(app):
    app.run()
    app.text_input(key="bid.price").set_value("80.74").run()
    assert "you bid **80.5 DUSD** (tick 81)" in texts(app)


def test_what_names_no_price_cannot_be_bid(app):
    act_as(app.run(), "Ada")
    for wrong in ("eighty", "-80", "39.99", "1e3", ""):
        app.text_input(key="bid.price").set_value(wrong).run()
        assert button(app, "bid.place").disabled, wrong
        assert problems(app) == []


def test_the_outlook_is_what_the_auction_would_do(app, demo):
    app.run()
    app.text_input(key="bid.price").set_value("120").run()
    app.number_input(key="bid.lots").set_value(10).run()
    preview = demo.view(demo.live).preview(160, 10)
    assert preview.filled == 10
    money = demo.view(demo.live).payment_token
    assert "You lock **1,200 DUSD** now" in texts(app)
    assert f"for {money.amount(preview.payment)} (full)" in texts(app)


def test_a_link_opens_its_sale(app, demo):
    app.query_params["sale"] = demo.finished[0].lower()
    app.run()
    assert app.selectbox[0].value == demo.finished[0]
    assert live_data(app, "sale.chain")["label"].startswith("Decided")
    view = demo.view(demo.finished[0])
    assert metrics(app)["Raised"] == view.payment_token.amount(view.decision.raised)
    assert "The sale takes no more bids." in texts(app)
    [link] = [each.proto for each in app.get("page_link") if each.proto.label == "See who got what"]
    assert link.query_string == f"sale={demo.finished[0]}"


def test_the_price_over_time_is_drawn_and_told_as_a_table(app, demo):
    open_tab(app, "sale.charts", "Price so far")
    view = demo.view(demo.live)
    app.session_state["sale.history.table"] = True
    table = app.run().dataframe[0].value
    assert len(table) == len(view.history)
    newest = table.iloc[0]
    assert newest["Clearing price, DUSD"] == view.payment_token.number(view.price_now)
    assert newest["Lots wanted"] == view.curve.demand_lots


def test_the_demand_curve_is_a_table_too(app, demo):
    app.run()
    app.session_state["sale.demand.table"] = True
    table = app.run().dataframe[0].value
    steps = demo.view(demo.live).curve.steps
    assert list(table["At this price or above"]) == [step.cumulative_lots for step in steps]


def test_a_transaction_leads_to_its_sale_and_bid(app, demo):
    line = demo.view(demo.finished[1]).bids[4]
    app.query_params["tx"] = line.placed.transaction
    app.run()
    assert app.selectbox[0].value == demo.finished[1]
    assert "**Bid 5** of" in texts(app)


def test_a_bidder_leads_to_the_bids_of_that_bidder(app, demo):
    bidder = demo.view(demo.live).bids[0].placed.bidder
    app.query_params["bidder"] = bidder
    said = texts(app.run())
    for line in demo.view(demo.live).bids_of(bidder):
        assert f"**Bid {line.position}** of" in said


def test_a_link_to_an_unknown_sale_says_so(app, demo):
    app.query_params["sale"] = "0x" + 40 * "1"
    app.run()
    assert "The link names a sale that is not among these." in texts(app)
    assert app.selectbox[0].value == demo.live


def test_a_chain_that_does_not_answer_is_a_sentence(app, demo, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_RPC_URL", "http://127.0.0.1:9")
    app.run()
    assert problems(app) == []
    assert app.error[0].value.startswith("The sale cannot be read right now.")
    assert "rpc_unreachable" in texts(app)
    assert button(app, "sale.retry")
    demo.point_pages_here(monkeypatch)
    button(app, "sale.retry").click().run()
    assert len(app.error) == 0
    assert app.title[0].value == "Gavel (GVL)"


def test_a_chain_without_sales_has_an_empty_page(app, monkeypatch, tmp_path):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    # Another setting, so that the desk of the other tests is not taken.
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "0")
    app.run()
    assert problems(app) == []
    assert app.title[0].value == "No sale yet"
