"""The pages of sales in every state: what they say, and what can be done."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from gavelbook.chain.signing import sign_admission
from gavelbook.service.sale_view import Stage
from tests.ui.conftest import APP, act_as
from tests.ui.sale_world import CHAIN_ID, ENTITY, HOSTILE_NAME, WHOLE, sale_world
from tests.ui.test_sale_page import button, live_data, metrics, open_tab, place, problems, texts

STRANGE = bytes(31) + b"\x09"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with (
        pytest.MonkeyPatch.context() as patch,
        sale_world(tmp_path_factory.mktemp("sales"), patch) as world,
    ):
        yield world


def visit(world, name, who=None, page="sale"):
    app = AppTest.from_file(str(APP), default_timeout=60).run()
    if who:
        act_as(app, who)
    app.switch_page(f"app_pages/{page}.py")
    app.query_params["sale"] = world.address(name)
    app.run()
    assert problems(app) == []
    assert [each.value for each in app.error] == []
    return app


def view_of(world, name):
    world.desk.expire(world.address(name))
    return world.desk.view(world.address(name))


@pytest.mark.parametrize(
    ("name", "badge", "clock"),
    [
        ("soon", "Opens soon", "Opens in"),
        ("open", "Open for bids", "Closes in"),
        ("waiting", "Closed, being cleared", "The result is being computed"),
        ("clearable", "Closed, being cleared", "Anybody may clear this sale now"),
        ("expired", "Closed, being cleared", "Nobody cleared this sale in time"),
        ("vesting", "Cleared", "Decided"),
        ("failed", "Failed", "Decided"),
        ("aborted", "Failed", "Decided"),
    ],
)
def test_every_state_is_said_with_what_comes_next(world, name, badge, clock):
    app = visit(world, name)
    assert badge in texts(app)
    data = live_data(app, "sale.chain")
    assert data["label"].startswith(clock)
    terms = view_of(world, name).terms
    ends = {"soon": terms.start, "open": terms.end, "waiting": terms.allocator_until}
    ends["clearable"] = terms.abort_time
    assert data["until"] == ends.get(name)


def test_a_failed_sale_says_why_and_pays_back(world):
    app = visit(world, "failed", "Ben")
    why = "its bids come to 137 PAY, and 150 PAY was the minimum. Every bid is refunded in full."
    assert why in app.warning[0].value
    assert metrics(app)["Clearing price"] == "none"
    assert "all you paid in is yours again, **75 PAY**" in texts(app)
    before = world.stage.paid.balance_of(world.visitor("Ben").address)
    button(app, "own.claim").click().run()
    assert app.success[0].value == "Claimed 75 PAY."
    assert "Everything is claimed." in texts(app)
    after = world.stage.paid.balance_of(world.visitor("Ben").address)
    assert after - before == 75 * WHOLE


def test_an_aborted_sale_sells_nothing_whatever_its_bids_come_to(world):
    app = visit(world, "aborted", "Ada")
    assert "nobody posted a result in time" in app.warning[0].value
    assert "got 0 (none)" in texts(app)
    results = visit(world, "aborted", page="results")
    assert "nobody posted a result in time" in results.warning[0].value
    assert metrics(results)["Bids full / partial / none"] == "0 / 0 / 4"
    assert metrics(results)["Sold"] == "0 SLD"
    [row] = [row for _, row in results.dataframe[-1].value.iterrows() if "aborted" in row["Sale"]]
    assert (row["Full"], row["None"], row["Lots sold"]) == (0, 4, 0)


def test_vested_tokens_are_claimed_as_they_become_free(world):
    app = visit(world, "vesting", "Ada")
    said = texts(app)
    assert "Free today: **1,500 SLD**; claimed: **0 SLD**" in said
    assert "Due now: **1,500 SLD and 12 PAY**. Later: **4,500 SLD**." in said
    app.session_state["own.vesting.table"] = True
    table = app.run().dataframe[0].value
    assert table["Free, SLD"].iloc[0] == "0"
    assert table["Free, SLD"].iloc[-1] == "6,000"
    button(app, "own.claim").click().run()
    assert app.success[0].value == "Claimed 1,500 SLD and 12 PAY."
    assert "Nothing can be claimed now; 4,500 SLD become free later." in texts(app)


def test_anybody_clears_a_sale_that_nobody_cleared(world):
    app = visit(world, "clearable", "Eva")
    button(app, "duty.do").click().run()
    assert app.success[0].value == "The sale is cleared."
    view = view_of(world, "clearable")
    assert view.decision.sold_lots == 100
    assert metrics(app)["Raised"] == view.payment_token.amount(view.decision.raised)
    assert live_data(app, "sale.chain")["label"].startswith("Decided")


def test_anybody_calls_off_a_sale_that_nobody_cleared_in_time(world):
    app = visit(world, "expired", "Eva")
    button(app, "duty.do").click().run()
    assert app.success[0].value == "The sale is called off; bids are refunded."
    assert view_of(world, "expired").stage(world.desk.now()) is Stage.FAILED
    assert "nobody posted a result in time" in app.warning[0].value


def test_nobody_clears_while_only_a_signed_result_counts(world):
    app = visit(world, "waiting", "Eva")
    assert "it needs the allocator's signature" in texts(app)
    assert not [each for each in app.button if each.key == "duty.do"]


def test_a_sale_with_a_gate_lets_the_admitted_in(world):
    app = visit(world, "gated", "Ben")
    assert "**admitted bidders** only" in texts(app)
    assert button(app, "admission.enter").disabled
    ben = world.visitor("Ben").address
    until = world.stage.now() + 1_000
    sale = world.address("gated")
    for signer, entity, error in (
        (world.stage.keeper, STRANGE, True),
        (world.stage.gate, STRANGE, False),
    ):
        signature = sign_admission(signer, CHAIN_ID, sale, ben, entity, until)
        app.text_input(key="admission.entity").set_value(f"0x{entity.hex()}").run()
        app.number_input(key="admission.deadline").set_value(until).run()
        app.text_input(key="admission.signature").set_value(f"0x{signature.hex()}").run()
        button(app, "admission.enter").click().run()
        assert bool(app.error) is error
    assert app.success[0].value == "You are admitted and can bid."
    place(app, "1", 5)
    assert app.success[0].value.startswith("Bid placed: 5 lots at 1 PAY")
    assert len(view_of(world, "gated").bids_of(ben)) == 1
    ada = visit(world, "gated", "Ada")
    assert button(ada, "bid.place")
    assert world.sales["gated"].entity_of(world.visitor("Ada").address) == ENTITY


def test_a_sale_for_ether_is_paid_in_ether(world):
    app = visit(world, "ether", "Dan")
    assert "Bids are paid in ether." in texts(app)
    place(app, "1.5", 4)
    assert app.success[0].value.startswith("Bid placed: 4 lots at 1.5 WETH")
    dan = world.visitor("Dan").address
    [bid] = view_of(world, "ether").bids_of(dan)
    assert bid.escrow == 6 * WHOLE
    assert world.weth.balance_of(world.address("ether")) == 6 * WHOLE
    assert world.weth.balance_of(dan) == 0


def test_the_sale_says_what_the_form_cannot_know(world):
    """A bidder has at most 24 live bids: the sale refuses one more, and nothing is paid."""
    eva, sale = world.visitor("Eva"), world.sales["open"]
    world.stage.do_all([(eva, sale.bid(0, 1)) for _ in range(24)])
    app = place(visit(world, "open", "Eva"), "1.05", 1)
    assert app.error[0].value.startswith("Refused.")
    assert len(view_of(world, "open").bids_of(eva.address)) == 24


@pytest.mark.parametrize("tab", ["Bids", "How it works", "Terms"])
def test_names_that_strangers_chose_stay_text(world, tab):
    app = open_tab(visit(world, "hostile", "Ada"), "sale.tabs", tab)
    spoken = [*app.title, *app.markdown, *app.caption, *app.header]
    said = "\n".join(element.value for element in spoken)
    assert HOSTILE_NAME not in said
    for raw in ("<i>", "[a](", "**[", ":red[$", "=S|*D*"):
        assert raw not in said.replace("**:red", "")
    values = [metric.value for metric in app.metric]
    assert not any("*D*" in value for value in values)
    assert problems(app) == []
