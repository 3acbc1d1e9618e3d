"""Terms as YAML.

read_terms
├── reads every key, integers and times in each spelling that is allowed
├── refuses every other spelling, and names file, line, key and value
└── survives what is no YAML at all
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gavelbook import samples
from gavelbook.auction import AuctionTerms, Pricing, Rule
from gavelbook.errors import FileError, TermsError
from gavelbook.files import parse_terms, read_terms

if TYPE_CHECKING:
    from pathlib import Path

AUCTION = """\
rule: PRICE_TIME
pricing: UNIFORM
lot_size: 1_000_000
supply_lots: "2000"
floor_price: 3
tick_value: 1
min_bid_lots: 2
"""


def changed(key: str, text: str) -> bytes:
    lines = [line for line in AUCTION.splitlines() if not line.startswith(f"{key}:")]
    return "\n".join([*lines, f"{key}: {text}"]).encode()


def refusal_of(content: bytes) -> TermsError:
    with pytest.raises(TermsError) as refusal:
        parse_terms(content, file="terms.yaml")
    assert refusal.value.details["file"] == "terms.yaml"
    assert str(refusal.value).startswith("terms.yaml")
    return refusal.value


def test_auction_part_with_defaults() -> None:
    terms = parse_terms(AUCTION.encode()).auction

    assert terms == AuctionTerms(
        rule=Rule.PRICE_TIME,
        pricing=Pricing.UNIFORM,
        supply_lots=2000,
        lot_size=1_000_000,
        floor_price=3,
        tick_value=1,
        tick_count=1024,
        min_bid_lots=2,
        cap_bps=100,
        minimum_raise=0,
    )


def test_sample_is_a_complete_sale() -> None:
    terms = read_terms(samples.TERMS)

    assert terms.missing == ()
    assert terms.auction.lot_size == 10**18
    assert (terms.start, terms.end) == (1_894_017_600, 1_894_622_400)


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), ("'7'", 7), ('"7"', 7), ("1_000", 1000), ("12_34", 1234), (str(2**240), 2**240)],
)
def test_integers_in_each_spelling(text: str, value: int) -> None:
    assert parse_terms(changed("floor_price", text)).auction.floor_price == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1.0", "not_an_integer"),
        ("1e18", "not_an_integer"),
        ("0x10", "not_an_integer"),
        ("010", "not_an_integer"),
        ("0_1", "not_an_integer"),
        ("+1", "not_an_integer"),
        ("1__0", "not_an_integer"),
        ("_1", "not_an_integer"),
        ("1_", "not_an_integer"),
        ("'1 '", "not_an_integer"),
        ("'\u0661'", "not_an_integer"),
        ("true", "not_an_integer"),
        ("null", "not_an_integer"),
        (".inf", "not_an_integer"),
        ("", "not_an_integer"),
        ("-1", "negative"),
        ("9" * 79, "amount_too_large"),
        ("9" * 5000, "amount_too_large"),
        ("9" * 78, "amount_too_large"),
        ("[1]", "value_not_plain"),
        ("{a: 1}", "value_not_plain"),
        ("!!int 1", "value_not_plain"),
        ("!!python/object:os.system 1", "value_not_plain"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_other_spellings_of_integers_are_refused(text: str, code: str) -> None:
    error = refusal_of(changed("minimum_raise", text))

    assert error.code == code
    assert error.details["key"] == "minimum_raise"
    assert error.details["line"] == 8
    assert str(error).startswith("terms.yaml line 8: Expected minimum_raise ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2030-01-07T12:00:00Z", 1_894_017_600),
        ("2030-01-07T12:00Z", 1_894_017_600),
        ("'2030-01-07T12:00:00Z'", 1_894_017_600),
        ("1894017600", 1_894_017_600),
        ("1_894_017_600", None),
        ("2030-01-07", None),
        ("2030-01-07 12:00:00", None),
        ("2030-01-07T12:00:00", None),
        ("2030-01-07T12:00:00+01:00", None),
        ("2030-01-07T12:00:00.5Z", None),
        ("2030-02-30T12:00:00Z", None),
        ("0000-01-01T00:00:00Z", None),
        ("1960-01-01T00:00:00Z", None),
        ("1894017600.0", None),
        (str(2**64), None),
    ],
)
def test_times(text: str, seconds: int | None) -> None:
    content = changed("start", text)
    if seconds is not None:
        assert parse_terms(content).start == seconds
        return

    error = refusal_of(content)

    assert (error.code, error.details["key"]) == ("time_malformed", "start")


@pytest.mark.parametrize("text", ["best", "0", "''", "PRICE-TIME"])
def test_choices_are_named(text: str) -> None:
    error = refusal_of(changed("rule", text))

    assert (error.code, error.details["key"]) == ("choice_unknown", "rule")
    assert "PRICE_TIME, GROUP_ROUND_ROBIN, TOP_THEN_ROUND_ROBIN" in str(error)


def test_choices_may_be_in_lower_case() -> None:
    assert parse_terms(changed("rule", "group_round_robin")).auction.rule is Rule.GROUP_ROUND_ROBIN


@pytest.mark.parametrize(
    "key",
    ["rule", "pricing", "lot_size", "supply_lots", "floor_price", "tick_value", "min_bid_lots"],
)
def test_missing_keys_are_named(key: str) -> None:
    lines = [line for line in AUCTION.splitlines() if not line.startswith(f"{key}:")]

    error = refusal_of("\n".join(lines).encode())

    assert (error.code, error.details["key"]) == ("key_missing", key)


NO_TERMS = {
    "empty": (b"", "key_missing", None),
    "comment": (b"# nothing but a comment\n", "key_missing", None),
    "list": (b"- rule\n", "yaml_malformed", 1),
    "text": (b"just text", "yaml_malformed", 1),
    "tagged text": (b"!!int 5", "yaml_malformed", 1),
    "control character": (b"rule: \x07\n", "yaml_malformed", None),
    "deep nesting": (b"[" * 20_000, "yaml_malformed", 1),
    "deep nesting in a value": (b"rule: " + b"[" * 20_000, "value_not_plain", 1),
    "key given twice": (AUCTION.encode() + b"floor_price: 3\n", "key_duplicate", 8),
    "unknown key": (AUCTION.encode() + b"colour: blue\n", "key_unknown", 8),
    "merge": (AUCTION.encode() + b"<<: {a: 1}\n", "value_not_plain", 8),
    "key that is a list": (AUCTION.encode() + b"? [a]\n: 1\n", "value_not_plain", 8),
    "anchor and reference": (
        AUCTION.encode() + b"gate: &a name\nallocator: *a\n",
        "value_not_plain",
        9,
    ),
    "second document": (AUCTION.encode() + b"---\nrule: UNIFORM\n", "yaml_malformed", 9),
    "open quote": (AUCTION.encode() + b"gate: 'open\n", "yaml_malformed", 9),
    "wrong indentation": (AUCTION.encode() + b"  gate: a\n", "yaml_malformed", 8),
    "impossible escape": (AUCTION.encode() + b'gate: "\\UFFFFFFFF"\n', "yaml_malformed", None),
    "no UTF-8": (AUCTION.encode() + b"gate: \xff\n", "not_utf8", 8),
}


@pytest.mark.parametrize(("content", "code", "line"), NO_TERMS.values(), ids=NO_TERMS.keys())
def test_files_that_are_no_terms(content: bytes, code: str, line: int | None) -> None:
    error = refusal_of(content)

    assert (error.code, error.details.get("line")) == (code, line)


def test_refusals_by_the_terms_themselves_name_file_and_line() -> None:
    error = refusal_of(changed("cap_bps", "10_001"))

    assert str(error) == "terms.yaml line 8: Expected cap_bps from 1 to 10000, was 10001"
    assert error.details == {"key": "cap_bps", "value": 10_001, "file": "terms.yaml", "line": 8}


def test_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert parse_terms(b"\xef\xbb\xbf" + AUCTION.encode()).auction.supply_lots == 2000


def test_unreadable_file(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refusal:
        read_terms(tmp_path / "absent.yaml")

    assert refusal.value.code == "file_unreadable"


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_terms_or_refused(content: bytes) -> None:
    with pytest.raises(TermsError):
        parse_terms(content)


@given(st.dictionaries(st.sampled_from(["rule", "start", "gate", "lot_size"]), st.text()))
def test_any_values_are_terms_or_refused(values: dict[str, str]) -> None:
    content = yaml.safe_dump(values | {"pricing": "UNIFORM"}).encode()

    with pytest.raises(TermsError):
        parse_terms(content)
