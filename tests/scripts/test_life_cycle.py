"""A sale from the first deployment to the last claim, each step a process of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from gavelbook.chain.sale_types import Phase
from tests.chain.anvil_chain import launched
from tests.scripts.conftest import ALIAS, write_terms

SEPOLIA_WETH = "0xfFf9976782d46CC05630D1f6eBAb18b2324d6B14"
ISSUER, ALLOCATOR, ALICE, BOB = "TEST::0", "TEST::1", "TEST::3", "TEST::4"
# The same accounts of the mnemonic every development chain has.
ISSUER_ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
TREASURY_ADDRESS = "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC"
ALICE_ADDRESS = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
BOB_ADDRESS = "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65"
ONE = 10**18
HOUR = 3600

pytestmark = [pytest.mark.anvil, pytest.mark.slow]


def balance(chain, token, holder):
    return chain.call(token, "balanceOf(address)", holder)


def test_on_a_shared_local_chain(local, tmp_path):
    chain, scripts = local
    scripts.run(
        *("deploy", "--account", ISSUER, "--yes"),
        *("--token", "Gavel", "GVL", "1000", "--token", "Dollar", "USD", "1,000"),
    )
    records = scripts.records(31337)
    gvl, usd = (records["contracts"][name]["address"] for name in ("GVL", "USD"))
    assert set(records["contracts"]) == {"GVL", "USD", "MockWrappedEther", "SaleFactory"}
    for bidder in (ALICE_ADDRESS, BOB_ADDRESS):
        chain.send(ISSUER_ADDRESS, usd, "transfer(address,uint256)", bidder, f"{100 * ONE:x}")

    terms = write_terms(tmp_path / "spring.yaml", chain.now())
    printed = scripts.run("sale", "create", str(terms), "--account", ISSUER, "--yes")
    assert "allocator           0x70997970C51812dc3A010C7d01b50e0d17dc79C8" in printed
    (sale,) = scripts.records(31337)["sales"]
    assert (sale["label"], sale["sale_symbol"], sale["payment_symbol"]) == ("spring", "GVL", "USD")

    bid = ("sale", "bid", "spring", "--yes", "--account")
    scripts.run(*bid, ALICE, "--tick", "3", "--lots", "12")
    scripts.run(*bid, BOB, "--price", "1.2", "--lots", "10", "--permit")
    scripts.run(*bid, ALICE, "--tick", "7", "--lots", "2")
    scripts.run("sale", "cancel", "spring", "1", "--account", ALICE, "--yes")
    refused = scripts.run(*bid, ALICE, "--tick", "3", "--lots", "9", code=2)
    assert "error: over_cap: Expected at most 20 lots of one bidder, was 21" in refused

    chain.go_to(chain.now() + HOUR + 60)
    clear = ("sale", "clear", sale["address"], "--yes", "--account", BOB)
    assert "error: not_the_allocator" in scripts.run(*clear, code=2)
    allocation = tmp_path / "allocation.csv"
    printed = scripts.run(*clear, "--allocator", ALLOCATOR, "--output", str(allocation))
    assert "Phase: CLEARED" in printed
    assert allocation.read_text().splitlines()[1:] == [
        f"{ALICE_ADDRESS},3,12,10,{10 * 1_150_000_000_000_000_000}",
        f"{BOB_ADDRESS},4,10,10,{10 * 1_200_000_000_000_000_000}",
    ]

    scripts.run("sale", "claim", "spring", "--all", "--account", ISSUER, "--yes")
    scripts.run("sale", "collect", "spring", "--account", ISSUER, "--yes")
    assert balance(chain, gvl, ALICE_ADDRESS) == balance(chain, gvl, BOB_ADDRESS) == 10 * ONE
    assert balance(chain, usd, TREASURY_ADDRESS) == 10 * 1_150_000_000_000_000_000 + 12 * ONE
    assert balance(chain, usd, sale["address"]) == balance(chain, gvl, sale["address"]) == 0

    assert "same code  yes" in scripts.run("verify", "GVL")
    named = scripts.console("print('here:', sale.phase(), list(sales), token.symbol(), factory)")
    assert f"here: 3 ['spring'] GVL {records['contracts']['SaleFactory']['address']}" in named


def test_configured_for_sepolia_with_a_keystore_account(sepolia, tmp_path):
    chain, scripts, issuer = sepolia
    as_issuer = ("--account", ALIAS, "--yes")
    # Sepolia has wrapped ether there; here its code is put there. PUSH0 PUSH0 RETURN: any token.
    chain.request("anvil_setCode", SEPOLIA_WETH, "0x5f5ff3")
    scripts.run("deploy", "--token", "Gavel", "GVL", "1000", "--token", "D", "USD", "9", *as_issuer)
    records = scripts.records(11155111)["contracts"]
    assert records["SaleFactory"]["arguments"] == [SEPOLIA_WETH]

    now, to_us = chain.now(), dict.fromkeys(("proceeds_recipient", "unsold_recipient"), ALIAS)
    whose = {"allocator": ALIAS, **to_us, "allocator_until": now + HOUR}
    for label in ("cleared", "aborted"):
        terms = write_terms(tmp_path / f"{label}.yaml", now, **whose)
        scripts.run("sale", "create", str(terms), *as_issuer)
    scripts.run("sale", "bid", "cleared", "--tick", "0", "--lots", "7", "--permit", *as_issuer)

    chain.go_to(now + HOUR + 60)
    scripts.run("sale", "clear", "cleared", "--unsigned", *as_issuer)
    scripts.run("sale", "claim", "cleared", *as_issuer)
    gvl = records["GVL"]["address"]
    assert balance(chain, gvl, issuer) == (1000 - 20 - 20 + 7) * ONE

    chain.go_to(now + 30 * HOUR)
    scripts.run("sale", "abort", "aborted", *as_issuer)
    aborted = scripts.records(11155111)["sales"][1]["address"]
    assert chain.call(aborted, "phase()") == Phase.FAILED

    del scripts.variables[f"APE_ACCOUNTS_{ALIAS}_PASSPHRASE"]
    assert "Aborted!" in scripts.run("sale", "collect", "cleared", *as_issuer, code=1)


def test_another_chain_behind_the_address_of_sepolia_is_refused(sepolia, tmp_path):
    _, scripts, _ = sepolia
    with launched("--chain-id", "31337") as other:
        scripts.variables["SEPOLIA_RPC_URL"] = other
        printed = scripts.run("deploy", "--account", ALIAS, "--yes", code=2)
    assert "error: network_mismatch_error" in printed


def test_bad_input_is_one_line_with_a_code_and_sends_nothing(local, tmp_path):
    chain, scripts = local
    terms = write_terms(tmp_path / "terms.yaml", chain.now(), supply_lots="1e3")
    expected = {
        ("sale", "create", str(terms), "--account", ISSUER): "error: not_an_integer: ",
        ("sale", "show", "autumn"): "error: sale_unknown: ",
        ("sale", "show", ISSUER_ADDRESS): "error: not_a_sale: ",
        ("verify", "SaleFactory"): "error: contract_unknown: ",
        ("deploy", "--account", ISSUER, "--wrapped-ether", "weth"): "error: account_unknown: ",
    }
    with ThreadPoolExecutor(2) as two:
        answers = two.map(lambda arguments: scripts.run(*arguments, code=2), expected)
        for answer, error in zip(answers, expected.values(), strict=True):
            assert error in answer
    assert "Aborted!" in scripts.run("deploy", "--account", ISSUER, code=1)
    assert chain.request("eth_blockNumber") == "0x0"
