"""The ERC-7730 descriptors speak of our typed data and calls as they are, all of them."""

import json
import re
from pathlib import Path

import pytest

from gavelbook.chain.abi import load_abi
from gavelbook.chain.signing import permit_message
from gavelbook.exchange import signing
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order
from gavelbook.exchange.typed_data import (
    cancel_typed_data,
    order_typed_data,
    withdrawal_typed_data,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "erc7730"
FILES = sorted(FOLDER.glob("*.json"))
ADDRESS = "0x" + 40 * "1"

# Formats and their parameters, of version 2; what else there is we do not use.
PARAMETERS = {
    "raw": set(),
    "amount": set(),
    "tokenAmount": {"tokenPath", "threshold", "message"},
    "date": {"encoding"},
    "unit": {"base", "decimals"},
    "addressName": {"types"},
}
FOR_ADDRESSES, FOR_NUMBERS = {"addressName"}, {"tokenAmount", "date", "unit"}
CONTAINER = {"@.value": "uint256", "@.to": "address"}


def read(name):
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def parts(signature):
    """Name and parameters (name to type) of a type or function in full notation."""
    name, _, rest = signature.rstrip(")").partition("(")
    return name, {field.split()[1]: field.split()[0] for field in rest.split(",") if field}


def fields_of(described):
    return ",".join(f"{field['type']} {field['name']}" for field in described)


def formats():
    return [
        pytest.param(described, parts(signature)[1], id=f"{path.stem}-{parts(signature)[0]}")
        for path in FILES
        for signature, described in json.loads(path.read_text())["display"]["formats"].items()
    ]


def plain(path):
    return path.removesuffix(".[]")


@pytest.mark.parametrize(("described", "fields"), formats())
def test_every_field_is_described_once_and_no_other(described, fields):
    paths = [plain(field["path"]) for field in described["fields"]]
    assert sorted(set(paths) - set(CONTAINER)) == sorted(fields)
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(("described", "fields"), formats())
def test_formats_fit_the_fields_types(described, fields):
    for field in described["fields"]:
        assert set(field) <= {"path", "label", "format", "params", "visible"}
        assert field["visible"] in {"always", "optional", "never"}
        assert field["label"]
        kind = CONTAINER.get(field["path"]) or fields[plain(field["path"])]
        assert kind.endswith("[]") == field["path"].endswith(".[]")
        params = field.get("params", {})
        assert set(params) <= PARAMETERS[field["format"]]
        if field["format"] in FOR_ADDRESSES:
            assert kind.removesuffix("[]") == "address"
        if field["format"] in FOR_NUMBERS:
            assert kind.startswith("uint")
        token = params.get("tokenPath")
        assert token is None or {**fields, **CONTAINER}[token] == "address"


@pytest.mark.parametrize(("described", "fields"), formats())
def test_sentences_name_fields_that_are_there(described, fields):
    named = set(re.findall(r"\{(.+?)\}", described.get("interpolatedIntent", "")))
    assert named <= set(fields)
    assert described["intent"]


@pytest.mark.parametrize(("described", "fields"), formats())
def test_what_moves_money_is_always_shown(described, fields):
    always = {field["path"] for field in described["fields"] if field["visible"] == "always"}
    telling = {"amount", "baseAmount", "quoteLimit", "maxFeeBps", "to", "spender", "value", "lots"}
    assert telling & set(fields) <= always


def test_the_exchanges_messages_are_those_that_are_signed():
    described = read("eip712-exchange.json")
    assert set(described["display"]["formats"]) == {
        signing.ORDER_TYPE,
        signing.CANCEL_TYPE,
        signing.WITHDRAWAL_TYPE,
    }
    domain = signing.Domain(1, b"\x11" * 20)
    token = b"\x22" * 20
    market = Market(
        id=1, base_token=token, quote_token=token, lot_size=1, tick_value=1, taker_fee_bps=0,
        maker_fee_bps=0,
    )  # fmt: skip
    order = Order(
        maker=token, market=1, side=0, lots=1, ticks=1, max_fee_bps=0, lane=0, sequence=1, expiry=9
    )
    request = signing.CancelRequest(token, 1, "all", "", 1)
    withdrawal = signing.Withdrawal(token, token, 1, token, 0, 9)
    for typed in (
        order_typed_data(domain, market, order),
        cancel_typed_data(domain, request),
        withdrawal_typed_data(domain, withdrawal),
    ):
        fields = {field["name"]: field["type"] for field in typed["types"][typed["primaryType"]]}
        (signature,) = [
            each
            for each in described["display"]["formats"]
            if parts(each) == (typed["primaryType"], fields)
        ]
        shown = {field["path"] for field in described["display"]["formats"][signature]["fields"]}
        assert shown == set(typed["message"])
        bound = described["context"]["eip712"]["domain"]
        assert bound.items() <= typed["domain"].items()


def test_the_permit_is_the_one_that_is_signed():
    typed = permit_message(1, ADDRESS, "Token", ADDRESS, ADDRESS, 1, 0, 9)
    fields = fields_of(typed["types"]["Permit"])
    assert set(read("eip712-permit.json")["display"]["formats"]) == {f"Permit({fields})"}


@pytest.mark.parametrize(
    ("name", "contract", "left_out"),
    [
        (
            "calldata-sale.json",
            "TokenSale",
            # What the issuer and the allocator send, and calls in one another.
            {"abort", "advance", "clear", "collectProceeds", "collectUnsold", "multicall"},
        ),
        (
            "calldata-exchange.json",
            "Exchange",
            # What operators and owner send, and what contract wallets approve.
            {
                "acceptFeeRecipient", "acceptMatcher", "acceptOwnership", "approveOrder",
                "listMarket", "pause", "proposeFeeRecipient", "proposeMatcher",
                "renounceOwnership", "revokeApproval", "revokeMatcher", "settle",
                "transferOwnership", "unpause",
            },
        ),
    ],
)  # fmt: skip
def test_calls_are_those_of_the_contract(name, contract, left_out):
    described = read(name)
    calls = {
        f"{entry['name']}({fields_of(entry['inputs'])})"
        for entry in load_abi(contract)
        if entry["type"] == "function"
        and entry["stateMutability"] in {"payable", "nonpayable"}
        and entry["name"] not in left_out
    }
    assert set(described["display"]["formats"]) == calls
    assert described["metadata"]["contractName"] == contract
