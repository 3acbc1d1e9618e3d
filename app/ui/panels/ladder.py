"""The price ladder: a table with prices to click, drawn in place so that nothing flickers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gavelbook.service.market_view import Board, Level, MarketTerms

ROWS = 13
_PICKED = "ladder.picked"

_HTML = """
<table>
  <caption></caption>
  <thead><tr><th scope="col">Price</th><th scope="col">Size</th><th scope="col">Total</th></tr>
  </thead>
  <tbody class="asks"></tbody>
  <tbody class="middle"><tr><td colspan="3"><span></span></td></tr></tbody>
  <tbody class="bids"></tbody>
</table>
"""

_CSS = """
:host { display: block; }
table { width: 100%; border-collapse: collapse; font-family: var(--st-font);
  font-size: .84rem; font-variant-numeric: tabular-nums; color: var(--st-text-color); }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { font-weight: 400; opacity: .72; text-align: right; padding: .15rem .4rem .35rem; }
th:first-child { text-align: left; }
td { text-align: right; padding: 0 .4rem; height: 1.55rem; white-space: nowrap; }
td:first-child { text-align: left; padding: 0; }
tbody tr { background-repeat: no-repeat; background-position: right; }
.asks tr { --shade: var(--st-orange-color); }
.bids tr { --shade: var(--st-green-color); }
.asks tr, .bids tr { background-image: linear-gradient(
  color-mix(in srgb, var(--shade) 17%, transparent),
  color-mix(in srgb, var(--shade) 17%, transparent)); background-size: var(--bar, 0%) 86%; }
.asks tr:hover, .bids tr:hover {
  background-color: color-mix(in srgb, var(--shade) 9%, transparent); }
button { font: inherit; font-weight: 600; color: var(--shade); background: none; border: 0;
  width: 100%; height: 1.55rem; padding: 0 .4rem; text-align: left; cursor: pointer; }
button:hover { text-decoration: underline; }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: -2px;
  border-radius: 4px; }
.mine button::after { content: " \\25CF"; font-size: .6rem; vertical-align: .1rem; }
.middle td { text-align: left; padding: .3rem .4rem; white-space: normal;
  border-block: 1px solid var(--st-border-color); }
"""

_JS = """
export default function ({ parentElement, data, setTriggerValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  find("caption").textContent = data.caption;
  find(".middle span").textContent = data.middle;
  const draw = (body, levels) => {
    while (body.rows.length > levels.length) body.deleteRow(-1);
    while (body.rows.length < levels.length) {
      const row = body.insertRow();
      for (let cell = 0; cell < 3; cell += 1) row.insertCell();
      const button = document.createElement("button");
      button.type = "button";
      row.cells[0].append(button);
    }
    levels.forEach((level, index) => {
      const row = body.rows[index];
      const button = row.cells[0].firstChild;
      row.style.setProperty("--bar", level.bar + "%");
      row.className = level.mine ? "mine" : "";
      button.textContent = level.price;
      button.setAttribute("aria-label", level.label);
      button.title = level.label;
      button.onclick = () => setTriggerValue("level", level.ticks);
      row.cells[1].textContent = level.size;
      row.cells[2].textContent = level.total;
    });
  };
  draw(find(".asks"), data.asks);
  draw(find(".bids"), data.bids);
}
"""

_component = st.components.v2.component("gavelbook_ladder", html=_HTML, css=_CSS, js=_JS)


def ladder(board: Board, own_prices: Iterable[int]) -> None:
    """Show the best prices of both sides; a click keeps the price for `take_picked`."""
    terms, book = board.terms, board.book
    mine = frozenset(own_prices)
    asks, bids = book.asks[:ROWS], book.bids[:ROWS]
    deepest = max([side[-1].total for side in (asks, bids) if side], default=1)
    result = _component(
        key="ladder",
        data={
            "caption": f"Order book of {terms.name}: asks above, bids below",
            "asks": _rows(terms, asks, deepest, mine, "asked")[::-1],
            "bids": _rows(terms, bids, deepest, mine, "bid"),
            "middle": _middle(board),
        },
        on_level_change=lambda: None,
    )
    if result.level is not None:
        st.session_state[_PICKED] = int(result.level)
        st.rerun()


def take_picked() -> int | None:
    """Return the price that was clicked since the last time, in ticks."""
    picked: int | None = st.session_state.pop(_PICKED, None)
    return picked


def _rows(
    terms: MarketTerms, levels: Sequence[Level], deepest: int, mine: frozenset[int], word: str
) -> list[dict[str, Any]]:
    return [
        {
            "ticks": str(level.ticks),
            "price": terms.price(level.ticks),
            "size": terms.size(level.lots),
            "total": terms.size(level.total),
            "bar": level.total * 100 // deepest,
            "mine": level.ticks in mine,
            "label": (
                f"Use {terms.price(level.ticks)} as the price: {terms.size(level.lots)} "
                f"{terms.base.symbol} {word}"
                + (", yours among them" if level.ticks in mine else "")
            ),
        }
        for level in levels
    ]


def _middle(board: Board) -> str:
    terms, book = board.terms, board.book
    if not book.bids and not book.asks:
        return "The book is empty: the first order sets the price."
    if book.spread is None:
        return "Nobody sells." if book.bids else "Nobody buys."
    return f"Spread {terms.price(book.spread)} {terms.quote.symbol}"
