import string

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from gavelbook.chain.abi import load_abi
from gavelbook.chain.errors import ContractRefused, TransactionRefused
from gavelbook.chain.exchange_refusal_texts import EXCHANGE_REFUSAL_TEXTS
from gavelbook.chain.refusal_texts import REFUSAL_TEXTS
from gavelbook.chain.refusals import decode_refusal, snake_case
from gavelbook.chain.sale import ClearingHint

SAMPLES = {"address": "0x" + 40 * "1", "bytes32": b"\x07" * 32, "string": "text", "bytes": b"\x01"}
ERRORS = [entry for entry in load_abi("TokenSale") if entry["type"] == "error"]
EXCHANGE_ERRORS = [entry for entry in load_abi("Exchange") if entry["type"] == "error"]


def payload(entry):
    types = [value["type"] for value in entry["inputs"]]
    values = [SAMPLES.get(kind, 3) for kind in types]
    return keccak(text=f"{entry['name']}({','.join(types)})")[:4] + encode(types, values)


@pytest.mark.parametrize("entry", ERRORS + EXCHANGE_ERRORS, ids=lambda entry: entry["name"])
def test_every_error_is_decoded(entry):
    refusal = decode_refusal(payload(entry))
    assert refusal.code == snake_case(entry["name"])
    assert set(refusal.details) == {snake_case(value["name"]) for value in entry["inputs"]}
    assert "{" not in refusal.message


def test_every_error_that_the_manual_names_has_a_text():
    documented = {entry["name"] for entry in ERRORS} - {
        "AddressEmptyCode", "FailedCall", "InsufficientBalance", "InvalidShortString",
        "ReentrancyGuardReentrantCall", "StringTooLong",
    }  # fmt: skip
    assert documented <= set(REFUSAL_TEXTS)


def test_every_error_of_an_exchange_has_a_text():
    of_libraries = {
        "InvalidShortString", "OwnableInvalidOwner", "ReentrancyGuardReentrantCall",
        "StringTooLong",
    }  # fmt: skip
    for entry in EXCHANGE_ERRORS:
        if entry["name"] not in of_libraries:
            assert "The contract refused: " not in decode_refusal(payload(entry)).message


def test_every_text_names_values_that_its_error_has():
    known = {
        entry["name"]: {snake_case(value["name"]) for value in entry["inputs"]}
        for name in ("TokenSale", "SaleFactory", "FixedSupplyToken")
        for entry in load_abi(name)
        if entry["type"] == "error"
    }
    for name, text in REFUSAL_TEXTS.items():
        places = {field for _, field, _, _ in string.Formatter().parse(text) if field}
        assert places <= known[name], name


def test_every_text_of_an_exchange_is_of_an_error():
    names = {entry["name"] for entry in EXCHANGE_ERRORS}
    assert {key.partition("(")[0] for key in EXCHANGE_REFUSAL_TEXTS} <= names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("OverCap", "over_cap"),
        ("ERC20InsufficientBalance", "erc20_insufficient_balance"),
        ("ERC2612ExpiredSignature", "erc2612_expired_signature"),
        ("ECDSAInvalidSignatureS", "ecdsa_invalid_signature_s"),
        ("NotAToken", "not_a_token"),
    ],
)
def test_names_become_codes(name, expected):
    assert snake_case(name) == expected


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "reverted"),
        (keccak(text="Error(string)")[:4] + encode(["string"], ["too late"]), "reverted"),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "panic"),
        (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x99]), "panic"),
        (b"\x01\x02\x03\x04", "refusal_unknown"),
        (keccak(text="OverCap(uint256,uint256)")[:4] + b"\x01", "refusal_unknown"),
        (b"\x01", "refusal_unknown"),
        (keccak(text="Error(string)")[:4] + encode(["bytes"], [b"\xff"]), "refusal_unknown"),
        (keccak(text="Error(string)")[:4] + b"\xff" * 64, "refusal_unknown"),
    ],
)
def test_other_payloads(data, code):
    assert decode_refusal(data).code == code


@pytest.mark.anvil
def test_what_a_chain_refuses_comes_decoded(stage):
    sale = stage.open_sale(cap_bps=5_000, cancel_until=0)
    bidder = stage.sender(stage.bidders[0])
    account = bidder.address
    now = stage.now()
    refusals = [
        (sale.bid(16, 1), "tick_out_of_range", {"tick": 16, "tick_count": 16}),
        (sale.bid(0, 51), "over_cap", {"lots": 51, "cap_lots": 50}),
        (sale.bid(0, 0), "bid_too_small", {"lots": 0, "min_bid_lots": 1}),
        (sale.cancel(3), "cancel_closed", {"cancel_until": 0}),
        (sale.claim(account), "not_decided", {}),
        (sale.clear(ClearingHint(0, 0, 0)), "not_closed", {"end": sale.terms().end}),
        (sale.abort(), "abort_too_early", {"abort_time": sale.terms().abort_time}),
        (sale.admit(account, b"\x01" * 32, now + 9, b""), "no_gate", {}),
    ]
    for call, code, details in refusals:
        for attempt in (bidder.send, lambda c: bidder.send_and_wait(c, gas=1_000_000)):
            with pytest.raises(TransactionRefused) as caught:
                attempt(call)
            assert caught.value.code == code
            assert details.items() <= caught.value.details.items()
    with pytest.raises(ContractRefused) as caught:
        sale.price(99)
    assert caught.value.code == "tick_out_of_range"


@pytest.mark.anvil
def test_what_a_token_refuses_comes_decoded(stage):
    sale = stage.open_sale()
    poor = stage.sender(stage.keeper)
    with pytest.raises(TransactionRefused) as caught:
        poor.send(sale.bid(0, 1))
    assert caught.value.code == "erc20_insufficient_allowance"
    assert caught.value.details["needed"] == 1_000_000
    poor.send_and_wait(stage.paid.approve(sale.address, 10**30))
    with pytest.raises(TransactionRefused) as caught:
        poor.send(sale.bid(0, 1))
    assert caught.value.code == "erc20_insufficient_balance"
    assert caught.value.details["sender"] == poor.address


@pytest.mark.anvil
def test_a_transaction_that_runs_out_of_gas_says_so(stage):
    sale = stage.open_sale()
    bidder = stage.sender(stage.bidders[0])
    with pytest.raises(TransactionRefused) as caught:
        bidder.send_and_wait(sale.bid(0, 1), gas=60_000)
    assert caught.value.code == "out_of_gas"
