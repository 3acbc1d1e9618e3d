from eth_utils import keccak

from gavelbook.chain.sale import Sale
from gavelbook.chain.token import Token
from tests.ui.test_sale_page import button, metrics, texts


def choose(results, address):
    return results.selectbox(key="results.sale").set_value(address).run()


def test_every_finished_sale_is_shown_with_sums_that_agree(results, demo):
    results.run()
    for address in demo.finished:
        choose(results, address)
        assert not results.exception
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
    assert bidders["Claimed"].all()
    bids = results.dataframe[1].value
    assert len(bids) == len(view.placed)
    assert bids["Got"].sum() == view.decision.sold_lots
    assert {word for cell in bids["Filled"] for word in cell} <= {"Full", "Partial", "None"}


def test_finished_sales_stand_side_by_side(results, demo):
    table = results.run().dataframe[2].value
    assert list(table["Sale"]) == [demo.view(address).name for address in demo.finished]
    assert len(set(zip(table["Full"], table["Partial"], table["None"], strict=True))) > 1
    assert "took the same bids" in texts(results)


def test_the_audit_says_yes(results, demo):
    choose(results.run(), demo.finished[0])
    button(results, "results.audit").click().run()
    assert results.success[0].value.startswith("Yes: ")
    assert not results.exception


def test_the_file_to_download_has_the_signed_digest(results, demo):
    choose(results.run(), demo.finished[2])
    view = demo.view(demo.finished[2])
    digest = "0x" + keccak(demo.desk.allocation_file(view)).hex()
    assert digest == view.decision.digest
    assert digest in [code.value for code in results.code]


def test_a_page_without_results_is_empty(results, monkeypatch, tmp_path):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    monkeypatch.setenv("GAVELBOOK_DEMO_ACCOUNTS", "0")
    results.run()
    assert not results.exception
    assert results.title[0].value == "No results yet"
