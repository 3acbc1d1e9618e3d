"""The file of an account's history: exact, documented, and nothing in it computes."""

import csv
import io
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gavelbook.service.amounts import base_units
from gavelbook.service.portfolio_csv import COLUMNS, history_csv
from gavelbook.service.portfolio_history import Entry, Happening, Settlement, Sum
from gavelbook.service.sale_view import Token

FORMATS = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
ADDRESS = "0x" + 40 * "1"


def rows(entries):
    return list(csv.DictReader(io.StringIO(history_csv(entries).decode())))


def token(symbol="GVL", decimals=18):
    return Token(ADDRESS, "Gavel", symbol, decimals)


def test_a_trade_is_a_line_with_both_sides_and_the_fee():
    gvl, dusd = token(), token("DUSD", 6)
    entry = Entry(
        time=1_790_000_000,
        what=Happening.BOUGHT,
        place="GVL / DUSD",
        amount=Sum(gvl, 1_234_500_000_000_000_000_001),
        paid=Sum(dusd, 7_000_000),
        fee=Sum(dusd, 1),
        note="fill 3, taker",
        state=Settlement.MATCHED,
    )
    [row] = rows([entry])
    assert row == {
        "time": "2026-09-21T14:13:20Z",
        "what": "bought",
        "place": "GVL / DUSD",
        "amount": "1234.500000000000000001",
        "token": "GVL",
        "token_address": ADDRESS,
        "paid": "7",
        "paid_token": "DUSD",
        "paid_token_address": ADDRESS,
        "fee": "0.000001",
        "fee_token": "DUSD",
        "counterparty": "",
        "state": "matched",
        "transaction": "",
        "block": "",
        "note": "fill 3, taker",
    }


@given(st.integers(0, 2**256), st.integers(0, 30))
def test_amounts_are_exact(units, decimals):
    [row] = rows([Entry(0, Happening.DEPOSIT, "Exchange", Sum(token("T", decimals), units))])
    assert re.fullmatch(r"\d+(\.\d+)?", row["amount"])
    assert base_units(row["amount"], decimals) == units


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_text_becomes_a_formula(symbol, place):
    [row] = rows([Entry(0, Happening.DEPOSIT, place, Sum(token(symbol), 1))])
    for told, was in ((row["token"], symbol), (row["place"], place)):
        assert not told.startswith(("=", "+", "-", "@"))
        assert told.isprintable()
        if was.isprintable() and was.strip() == was:
            assert told in {was, f"'{was}"}


def test_all_columns_and_words_are_documented():
    text = FORMATS.read_text(encoding="utf-8").split("## History of an account")[1]
    for name in (*COLUMNS, *Happening, *Settlement):
        assert f"`{name}`" in text, name
