"""All of an account's tokens and where they are: a table that is cards on a phone."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from ui.wording import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.portfolio import Portfolio, Pots
    from gavelbook.service.sale_view import Token

_SHOWN_DIGITS = 6
_LONGEST_NAME = 24
_GROUP = ' class="group"'
_STYLE = """
<style>
.pots {
  border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0; position: relative;
  width: 100%;
}
.pots th, .pots td {
  border: 0; border-bottom: 1px solid color-mix(in srgb, currentColor 14%, transparent);
  padding: 0.55rem 0.75rem; text-align: right; vertical-align: top; white-space: nowrap;
}
.pots thead th { font-size: 0.82rem; font-weight: 500; opacity: 0.75; padding-bottom: 0.35rem; }
.pots thead th { vertical-align: bottom; }
.pots thead th[colspan] { border-bottom: 0; padding-bottom: 0; text-align: left; }
.pots tbody th, .pots thead th.token { text-align: left; }
.pots tbody th { font-weight: 600; }
.pots .name, .pots .note { display: block; font-size: 0.78rem; font-weight: 400; opacity: 0.72; }
.pots .name { max-width: 12rem; overflow: hidden; text-overflow: ellipsis; }
.pots .group { border-left: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
.pots .none { opacity: 0.6; }
.pots .sum { font-weight: 600; }
.pots .hint {
  border: 0; clip-path: inset(50%); height: 1px; overflow: hidden; position: absolute; width: 1px;
}
@media (max-width: 760px) {
  .pots thead { display: none; }
  .pots, .pots tbody { display: block; }
  .pots tr {
    border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 0.5rem;
    display: block; margin-bottom: 0.75rem; padding: 0.35rem 0.75rem;
  }
  .pots tbody th { border-bottom: 0; display: block; padding: 0.25rem 0; }
  .pots td, .pots td.group {
    border: 0; display: flex; gap: 1rem; justify-content: space-between; padding: 0.15rem 0;
    white-space: normal;
  }
  .pots td::before { content: attr(data-label); flex: none; opacity: 0.75; }
  .pots td.empty { display: none; }
  .pots td span { overflow-wrap: anywhere; }
}
</style>
"""


class _Cell(NamedTuple):
    label: str
    units: int
    note: str = ""
    kind: str = ""


def overview(portfolio: Portfolio) -> None:
    """Show each token with all its places; what is empty everywhere comes last and in short."""
    full = [pots for pots in portfolio.pots if not pots.is_empty]
    if not full:
        st.caption("Nothing here yet.")
        return
    split = all(pots.counted is not None for pots in full)
    st.html(_STYLE + _table(full, split=split))
    empty = [pots.token for pots in portfolio.pots if pots.is_empty]
    if empty:
        st.caption(f"Nothing of: {', '.join(plain(token.symbol) for token in empty)}.")


def short_number(token: Token, units: int) -> str:
    """Return an amount with at most six digits after the point, and a mark where it is longer."""
    whole, point, part = token.number(units).partition(".")
    if len(part) <= _SHOWN_DIGITS:
        return f"{whole}{point}{part}"
    return f"{whole}.{part[:_SHOWN_DIGITS]}…"


def _table(pots: Sequence[Pots], *, split: bool) -> str:
    escrow = ("Free", "Reserved", "Leaving") if split else ("All of it",)
    head = (
        '<tr><th class="token" rowspan="2" scope="col">Token</th>'
        '<th rowspan="2" scope="col">In the wallet</th>'
        f'<th class="group" colspan="{len(escrow)}" scope="colgroup">In escrow</th>'
        '<th class="group" rowspan="2" scope="col">In sale bids</th>'
        '<th rowspan="2" scope="col">To claim</th>'
        '<th class="group sum" rowspan="2" scope="col">Together</th></tr><tr>'
    )
    for number, name in enumerate(escrow):
        head += f'<th{"" if number else _GROUP} scope="col">{name}</th>'
    rows = "".join(_row(each, split=split) for each in pots)
    return (
        '<table class="pots"><caption class="hint">What the account has of each token, and where'
        f"</caption><thead>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(pots: Pots, *, split: bool) -> str:
    token = pots.token
    cells = [
        _Cell("In the wallet", pots.wallet),
        *_escrow(pots, split=split),
        _Cell("In sale bids", pots.locked, kind="group"),
        _Cell("To claim", pots.claimable, _note(token, pots.vesting, "more later")),
        _Cell("Together", pots.total, kind="group sum"),
    ]
    name = f'<span class="name">{_name(token.name)}</span>'
    return (
        f'<tr><th scope="row">{_name(token.symbol)}{name}</th>'
        f"{''.join(_cell(token, cell) for cell in cells)}</tr>"
    )


def _escrow(pots: Pots, *, split: bool) -> list[_Cell]:
    arrived = _note(pots.token, pots.arrived + pots.booking, "more to be booked")
    if not split or pots.counted is None:
        note = "leaving" if pots.exit_at else arrived
        return [_Cell("In escrow", pots.in_escrow, note, "group")]
    flying = _note(pots.token, pots.counted.coming, "of it in flight")
    notes = "<br>".join(filter(None, (flying, arrived)))
    return [
        _Cell("Free in escrow", pots.free, notes, "group"),
        _Cell("Reserved in escrow", pots.reserved),
        _Cell("Leaving escrow", pots.leaving),
    ]


def _note(token: Token, units: int, words: str) -> str:
    return f"{short_number(token, units)} {words}" if units else ""


def _cell(token: Token, cell: _Cell) -> str:
    kinds = " ".join(filter(None, (cell.kind, "" if cell.units or cell.note else "empty")))
    if not cell.units and not cell.note:
        text = '<span class="none">0</span>'
    else:
        full = token.number(cell.units)
        text = f'<span title="{full}">{short_number(token, cell.units)}</span>'
    note = f'<span class="note">{cell.note}</span>' if cell.note else ""
    return f'<td class="{kinds}" data-label="{cell.label}"><span>{text}{note}</span></td>'


def _name(text: str) -> str:
    """Return text that a stranger chose as HTML: letters only, in a direction of their own."""
    shown = text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"
    return f"<bdi>{escape(shown)}</bdi>"


def against_the_chain(portfolio: Portfolio) -> None:
    """Show every figure in full, and that what the exchange counts is what the contract holds."""
    for pots in portfolio.pots:
        if pots.is_empty:
            continue
        st.code("\n".join(_lines(pots)), language=None)
    st.caption(
        f"At the end of block {portfolio.block:,}. *In flight* are trades that are matched and not "
        "on the chain yet: what comes is good for orders already, what goes is counted as gone. "
        "*Being booked* is a deposit or withdrawal that the exchange has not seen yet."
    )


def _lines(pots: Pots) -> list[str]:
    token, counted = pots.token, pots.counted
    rows = [
        ("In the wallet", pots.wallet),
        ("At the deposit address", pots.arrived),
        ("In sale bids", pots.locked),
        ("To claim now", pots.claimable),
        ("To claim later", pots.vesting),
    ]
    if counted is None:
        rows.append(("In escrow", pots.escrow))
    else:
        rows += [
            ("Free in escrow", pots.free),
            ("Reserved in escrow", pots.reserved),
            ("Leaving escrow", pots.leaving),
            ("Being booked", pots.booking),
        ]
    rows.append(("Together", pots.total))
    if counted is not None:
        rows += [
            ("", 0),
            ("The exchange counts", counted.total),
            ("- in flight, coming", -counted.coming),
            ("+ in flight, going", counted.going),
            ("+ being booked", pots.being_booked),
            ("= the contract holds", pots.escrow),
        ]
    numbers = [token.number(units) if name else "" for name, units in rows]
    wide = max(map(len, numbers))
    head = "".join(each if each.isprintable() else " " for each in token.symbol)
    lines = [f"{name:<24}{number:>{wide}}" for (name, _), number in zip(rows, numbers, strict=True)]
    return [f"{head}  {token.address}", *lines]
