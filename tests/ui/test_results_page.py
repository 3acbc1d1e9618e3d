import csv

import pytest
from eth_utils import keccak

from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from gavelbook.service.bids_file import COLUMNS, bids_csv
from gavelbook.service.result_search import search
from tests.ui.test_sale_page import button, metrics, open_tab, problems, texts


def choose(results, address):
    return results.selectbox(key="results.sale").set_value(address).run()


def test_every_finished_sale_is_shown_with_sums_that_agree(results, demo):
    results.run()
    for address in demo.finished:
        choose(results, address)
        assert problems(results) == []
        view = demo.view(address)
        sale = Sale(demo.scene.web3, address)
        assert metrics(results)["Raised"] == view.payment_token.amount(sale.raised())
        assert "All 7 sums agree" in texts(results)
        assert Token(demo.scene.web3, view.payment_token.address).balance_of(address) == 0
        assert Token(demo.scene.web3, view.sale_token.address).balance_of(address) == 0


def test_bidders_paid_and_refunded_add_up(results, demo):
    choose(results.run(), demo.finished[1])
    view = demo.view(demo.finished[1])
    bidders = results.dataframe[0].value
    assert len(bidders) == len(view.bidders)
    assert bidders["Lots won"].sum() == view.decision.sold_lots
    assert set(bidders["Claimed"]) == {"All"}
    bids = open_tab(results, "results.tabs", "Bids").dataframe[0].value
    assert len(bids) == len(view.placed)
    assert bids["Got"].sum() == view.decision.sold_lots
    assert {word for cell in bids["Filled"] for word in cell} <= {"Full", "Partial", "None"}


def test_finished_sales_stand_side_by_side(results, demo):
    table = results.run().dataframe[1].value
    assert list(table["Sale"]) == [demo.view(address).name for address in demo.finished]
    assert len(set(zip(table["Full"], table["Partial"], table["None"], strict=True))) > 1
    assert "took the same bids" in texts(results)


def test_the_audit_says_yes(results, demo):
    choose(results.run(), demo.finished[0])
    button(results, "results.audit").click().run()
    assert results.success[0].value.startswith("Yes: ")
    assert problems(results) == []


def test_the_file_to_download_has_the_signed_digest(results, demo):
    choose(results.run(), demo.finished[2])
    view = demo.view(demo.finished[2])
    digest = "0x" + keccak(demo.desk.allocation_file(view)).hex()
    assert digest == view.decision.digest
    open_tab(results, "results.tabs", "Clearing data")
    assert digest in [code.value for code in results.code]


@pytest.mark.parametrize("cut", [slice(None), slice(4, 14), slice(None, 6)])
def test_a_bidder_is_found_by_a_part_of_the_address(results, demo, cut):
    choose(results.run(), demo.finished[0])
    bidder = demo.view(demo.finished[0]).bids[3].placed.bidder
    results.text_input(key="results.find").set_value(bidder[cut].upper()).run()
    assert len(results.dataframe[0].value) >= 1
    assert demo.view(demo.finished[0]).bids[3].placed.bidder in {
        line.bidder
        for line in search(demo.view(demo.finished[0]), bidder[cut], lambda _: None).bidders
    }


@pytest.mark.parametrize("parameter", ["bid", "tx"])
def test_a_link_leads_to_one_bid(results, demo, parameter):
    line = demo.view(demo.finished[0]).bids[7]
    wanted = {"bid": "8", "tx": line.placed.transaction}[parameter]
    results.query_params["sale"] = demo.finished[0]
    results.query_params[parameter] = wanted
    results.run()
    said = texts(results)
    assert "**Bid 8** of" in said
    assert {line.placed.transaction, line.placed.bidder} <= {code.value for code in results.code}
    table = open_tab(results, "results.tabs", "Bids").dataframe[0].value
    assert list(table["Bid"]) == [8]
    assert results.query_params[parameter] in (wanted, [wanted])


def test_what_nobody_is_called_finds_nothing(results, demo):
    choose(results.run(), demo.finished[0])
    results.text_input(key="results.find").set_value("=HYPERLINK(1)").run()
    assert "No bid and no bidder of this sale is called that." in texts(results)
    assert problems(results) == []


def test_many_bids_are_turned_over(results, demo, monkeypatch):
    monkeypatch.setattr("ui.panels.result_tables.ROWS", 10)
    choose(results.run(), demo.finished[0])
    open_tab(results, "results.tabs", "Bids")
    bids = demo.view(demo.finished[0]).bids
    assert list(results.dataframe[0].value["Bid"]) == list(range(1, 11))
    results.number_input(key="results.bids.page").set_value(-(-len(bids) // 10)).run()
    assert results.dataframe[0].value["Bid"].iloc[-1] == len(bids)
    assert f"{len(bids)} of {len(bids)}" in texts(results)


def test_the_file_of_bids_adds_up_and_holds_no_formula(demo):
    view = demo.view(demo.finished[0])
    rows = list(csv.DictReader(bids_csv(view, view.bids).decode().splitlines()))
    assert list(rows[0]) == list(COLUMNS)
    assert sum(int(row["filled"]) for row in rows) == view.decision.sold_lots
    for row, line in zip(rows, view.bids, strict=True):
        assert row["bidder"] == line.placed.bidder
        assert row["transaction"] == line.placed.transaction
        assert not any(value.startswith(("=", "+", "-", "@")) for value in row.values())


def test_a_page_without_results_is_empty(results, monkeypatch, tmp_path):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "0")
    results.run()
    assert problems(results) == []
    assert results.title[0].value == "No results yet"
