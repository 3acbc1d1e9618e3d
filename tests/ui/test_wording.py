"""Text that strangers choose, as the pages show it: letter by letter, and no more."""

import csv
import io
import re
import unicodedata

import pytest
from markdown_it import MarkdownIt

from gavelbook.accounts.errors import PolicyError, Throttled
from gavelbook.errors import GavelbookError
from ui.error_words import WORDS
from ui.wording import cell, plain, sentence

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])

HOSTILE = [
    "[x](http://evil.example)",
    "<img src=x onerror=alert(1)>",
    "$x$ and $$y$$",
    ":red[..] :material/home: :smile:",
    "![x](http://evil.example/pixel.png)",
    "**bold** _it_ ~~gone~~ `code`",
    "https://evil.example www.evil.example mail@evil.example",
    "&lt;b&gt; &amp;",
    "# title",
    "- item",
    "1. item",
    "a | b",
    "a -> b",
    "end\\",
    "\\[x](http://evil.example)",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_makes_nothing_of_it(text):
    shown = MARKDOWN.render(f"**{plain(text)}** held")
    assert shown.startswith("<p><strong>")
    inside = shown.removeprefix("<p><strong>").partition("</strong>")[0]
    assert "<" not in inside, shown


@pytest.mark.parametrize("text", HOSTILE)
def test_all_its_letters_are_still_there(text):
    shown = MARKDOWN.render(plain(text))
    letters = [each for each in text if each.isalnum()]
    for each in letters:
        assert each in shown


@pytest.mark.parametrize("text", HOSTILE)
def test_it_begins_no_block_of_its_own(text):
    assert MARKDOWN.render(plain(text)).count("<") == 2


def test_addresses_do_not_become_links_by_themselves():
    # As the pages look for them, after the escapes are read.
    address = re.compile(r"https?://|www(?=\.)|[\w.+-]@", re.IGNORECASE)
    for text in ("https://evil.example", "HTTP://evil", "WWW.evil.example", "a@evil.example"):
        assert not address.search(MARKDOWN.render(plain(text)))


def test_colours_icons_and_faces_are_not_named():
    for text in (":red[..]", ":material/home:", ":smile:", ":violet-badge[x]"):
        assert "\u2060" in plain(text)


def test_lines_and_directions_do_not_change():
    assert plain("a\nb\r\nc\u2028d") == "a b  c d"
    assert plain("\u202egnp.exe\u2066") == "gnp.exe"
    assert plain("\x00\x1b[31m") == "  \\[31m"


def test_what_is_very_long_is_cut():
    assert plain("x" * 5_000) == "x" * 200 + "…"


def test_times_stay_as_they_are():
    error = GavelbookError(
        "too_late", "Expected a bid before 1800000000, was later", end=1_800_000_000
    )
    assert sentence(error) == "Expected a bid before 15 Jan 2027, 08:00 UTC, was later."


def test_usual_names_stay_as_they_are():
    for name in ("Ada", "GVL", "Demo Dollar", "USD₮", "日本円", "stETH 2.0", "O'Neil, Inc."):
        assert plain(name) == name


@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_no_spreadsheet_takes_it_for_a_formula(text):
    out = io.StringIO()
    csv.writer(out).writerow([cell(text)])
    [[read]] = csv.reader(io.StringIO(out.getvalue()))
    assert read.startswith("'")


@pytest.mark.parametrize(
    "text", ["GVL;=cmd()", 'GVL; "=cmd()', "GVL;;\t+1", "\uff1dcmd()", "a;\uff20b"]
)
def test_nor_where_semicolons_part_cells(text):
    cells = next(csv.reader(io.StringIO(cell(text)), delimiter=";"))
    assert all(unicodedata.normalize("NFKC", each)[0] not in "=+-@" for each in cells if each)


def test_a_usual_name_in_a_file_stays_as_it_is():
    for name in ("Demo Dollar", "Send: 5 PAY; To: 0x12", "one; two"):
        assert cell(name) == name


def test_what_a_refusal_repeats_makes_nothing_either():
    error = GavelbookError("x", "Expected an amount, was '[x](http://evil.example) <b>'")
    shown = MARKDOWN.render(sentence(error))
    assert shown.count("<") == 2


@pytest.mark.parametrize("code", sorted(WORDS))
def test_people_are_told_in_plain_words(code):
    said = sentence(GavelbookError(code, "Expected this, was that"))
    assert "Expected" not in said
    assert said.endswith(".")
    assert not said.endswith("..")
    assert code not in said


def test_who_is_throttled_hears_for_how_long():
    assert "Wait 12 s," in sentence(Throttled("throttled", "Expected less", retry_after=12))
    assert "Wait 2 min," in sentence(Throttled("throttled", "Expected less", retry_after=61))


def test_what_the_signer_does_not_understand_is_said_without_jargon():
    said = sentence(PolicyError("function_not_allowed", "Expected a function, was mint()"))
    assert (
        said == "The signer of this site does not sign this: it is no trade, bid or claim it knows."
    )


def test_an_error_that_says_it_well_speaks_for_itself():
    error = GavelbookError("over_cap", "Expected at most 5 lots, was 6")
    assert sentence(error) == "Expected at most 5 lots, was 6."
