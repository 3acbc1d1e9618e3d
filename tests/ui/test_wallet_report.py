"""What a browser says is not to be believed: it is taken apart with care."""

import pytest

from gavelbook.service.desk_settings import DeskSettings
from ui.components.wallet import ChainOffer, WalletSession, wallet_report

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def report_of(**told):
    return wallet_report({"told": told})


def session(**changes):
    return {"account": ACCOUNT, "chainId": "0x7a69", "wallet": "Fox", "rdns": "a.b"} | changes


def test_an_account_comes_with_its_checksum():
    report = report_of(session=session(account=ACCOUNT.lower()), answers={})
    assert report.session == WalletSession(ACCOUNT, 31337, "Fox")


@pytest.mark.parametrize("account", [None, 7, "", "0x12", "vitalik.eth", [ACCOUNT], ACCOUNT + "0"])
def test_what_is_no_account_connects_nobody(account):
    assert report_of(session=session(account=account)).session is None


@pytest.mark.parametrize("chain_id", [None, "x", "0x", "-1", "0x" + 65 * "f", {"a": 1}])
def test_what_is_no_chain_is_none_that_exists(chain_id):
    assert report_of(session=session(chainId=chain_id)).session.chain_id == 0


def test_a_name_is_cut():
    assert len(report_of(session=session(wallet=900 * "x")).session.wallet) == 40


@pytest.mark.parametrize(
    "state",
    [
        None,
        {},
        {"told": 5},
        {"told": {"session": 5, "answers": 5}},
        {"told": {"answers": {"a": 1}}},
    ],
)
def test_nonsense_tells_nothing(state):
    report = wallet_report(state)
    assert (report.session, report.answers) == (None, ())


def test_answers_are_values_or_reasons():
    told = {
        "a": {"value": "0x12"},
        "b": {"code": "refused", "message": 900 * "x"},
        "c": {"value": 12},
        "d": {"value": "<script>"},
    }
    by_id = {each.id: each for each in report_of(answers=told).answers}
    assert (by_id["a"].value, by_id["a"].code) == ("0x12", "")
    assert (by_id["b"].code, len(by_id["b"].message)) == ("refused", 300)
    assert [by_id[name].code for name in "cd"] == ["wallet_failed", "wallet_failed"]


def test_a_chain_is_offered_as_wallets_want_it():
    offer = ChainOffer(31337, "Local", "http://127.0.0.1:1", "ETH")
    assert offer.parameters() == {
        "chainId": "0x7a69",
        "chainName": "Local",
        "rpcUrls": ["http://127.0.0.1:1"],
        "nativeCurrency": {"name": "ETH", "symbol": "ETH", "decimals": 18},
    }


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"rpc_url": "http://127.0.0.1:8545"}, "http://127.0.0.1:8545"),
        ({"rpc_url": "http://[::1]:8545"}, "http://[::1]:8545"),
        ({"rpc_url": "https://node.example/v3/the-key-of-a-customer"}, ""),
        ({"rpc_url": "https://u:p@node.example", "public_rpc_url": "https://a.b"}, "https://a.b"),
    ],
)
def test_browsers_learn_no_key_of_a_node(settings, told):
    assert DeskSettings(**settings).wallet_rpc_url == told
    assert ChainOffer(1, "Chain", told, "ETH").parameters()["rpcUrls"] == [told] * bool(told)
