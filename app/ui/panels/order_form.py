"""Writing an order, seeing what it would do, and signing it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.ticket import Ticket, outlook, worst_price
from ui.market_access import live_panel
from ui.panels.ladder import take_picked
from ui.panels.notices import Done, paid_in, run_action, show_notice
from ui.panels.refusals import order_refusal
from ui.panels.terms_panel import named_lines
from ui.wording import duration, moment, percent_of_bps, plain, sentence

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, Holding
    from gavelbook.service.market_desk import Draft, Placed
    from gavelbook.service.market_view import Board, Book, MarketTerms, Side
    from gavelbook.service.ticket import Outlook, TimeInForce
    from ui.market_access import Seat

LIVE_SECONDS = 3
_LIMIT, _MARKET = "Limit", "Market"
_BUY, _SELL = "Buy", "Sell"
_USUAL_LOTS = 10
_ROOMS_BPS = (10, 50, 100, 300, 1000)
_USUAL_ROOM_BPS = 100
_LIVES = {"1 minute": 60, "10 minutes": 600, "1 hour": 3_600, "1 day": 86_400}
_FORCES: dict[str, TimeInForce] = {
    "Until cancelled (GTC)": "GTC",
    "Until a time (GTT)": "GTT",
    "At once, cancel the rest (IOC)": "IOC",
    "All at once or nothing (FOK)": "FOK",
}


def order_form(seat: Seat) -> None:
    """Show the form, and below it what the order would do, live."""
    with live_panel():
        st.fragment(_outcome, run_every=LIVE_SECONDS)(seat, _inputs(seat))


class _Written(NamedTuple):
    """What the form says; ``ticks`` is None where it names no price, ``lots`` 0 where no size."""

    side: Side
    kind: str
    lots: int
    ticks: int | None
    room_bps: int
    time_in_force: TimeInForce
    good_for: int
    post_only: bool

    def ticket(self, book: Book) -> Ticket | None:
        """Return the order meant; None where price or size is missing."""
        limit = self.ticks
        if self.kind == _MARKET:
            limit = worst_price(book, self.side, self.lots, self.room_bps)
        if limit is None or not self.lots:
            return None
        return Ticket(
            self.side,
            self.lots,
            limit,
            self.time_in_force,
            post_only=self.post_only,
            good_for=self.good_for,
        )


def _inputs(seat: Seat) -> _Written:
    terms = seat.terms
    side, kind = _side_and_kind(terms)
    if kind == _MARKET:
        return _Written(side, kind, _size(terms), None, _room(terms), "IOC", 0, post_only=False)
    ticks = _limit_price(seat, side)
    return _Written(side, kind, _size(terms), ticks, 0, *_lifetime(terms))


def _outcome(seat: Seat, written: _Written) -> None:
    """Say what the order would do now, and offer to sign it."""
    with live_panel():
        board, account = seat.board(), seat.account()
        ticket = written.ticket(board.book)
        if ticket is not None:
            _order(seat, board, account, ticket)
            return
        if written.kind == _MARKET and written.lots:
            st.caption(f":red[Nobody {'sells' if written.side == 'buy' else 'buys'} just now.]")
        _button(seat.terms, written.side, written.lots, disabled=True)
        show_notice("order")


def _side_and_kind(terms: MarketTerms) -> tuple[Side, str]:
    picked = take_picked()
    if picked is not None:
        st.session_state[_key(terms, "kind")] = _LIMIT
        st.session_state[_key(terms, "price")] = terms.price(picked)
    with st.container(horizontal=True, gap="small"):
        side = st.segmented_control(
            "Side",
            [_BUY, _SELL],
            default=_BUY,
            required=True,
            key=_key(terms, "side"),
            label_visibility="collapsed",
        )
        st.session_state.setdefault(_key(terms, "kind"), _LIMIT)
        kind = st.segmented_control(
            "Kind of order",
            [_LIMIT, _MARKET],
            required=True,
            key=_key(terms, "kind"),
            label_visibility="collapsed",
        )
    return ("sell" if side == _SELL else "buy"), str(kind)


def _limit_price(seat: Seat, side: Side) -> int | None:
    """Ask for a price and return its ticks; None where it names none."""
    terms = seat.terms
    key = _key(terms, "price")
    if key not in st.session_state:
        st.session_state[key] = _usual_price(seat.board(), side)
    text = st.text_input(
        f"Price per {terms.priced_thing}, {terms.quote.symbol}",
        key=key,
        help="Or click a price in the order book.",
    )
    try:
        ticks, exact = terms.read_price(text or "", side)
    except GavelbookError as error:
        st.caption(f":red[{sentence(error)}]")
        return None
    if not ticks:
        st.caption(f":red[The lowest price is {terms.price(1)} {terms.quote.symbol}.]")
        return None
    if not exact:
        st.caption(
            f"Prices go in steps of {terms.price(1)}: your limit is **{terms.price(ticks)}**."
        )
    return ticks


def _usual_price(board: Board, side: Side) -> str:
    offered = board.book.against(side)
    ticks = offered[0].ticks if offered else board.last
    return board.terms.price(ticks) if ticks else ""


def _size(terms: MarketTerms) -> int:
    """Ask for a size and return its lots; 0 where it names none."""
    key = _key(terms, "size")
    if key not in st.session_state:
        st.session_state[key] = terms.size(_USUAL_LOTS)
    text = st.text_input(f"Size, {terms.base.symbol}", key=key)
    try:
        lots, exact = terms.read_size(text or "")
    except GavelbookError as error:
        st.caption(f":red[{sentence(error)}]")
        return 0
    if not lots:
        st.caption(f":red[The smallest size is {terms.base.amount(terms.lot_size)}.]")
    elif not exact:
        st.caption(
            f"Sizes go in lots of {terms.base.amount(terms.lot_size)}: you order "
            f"**{terms.size(lots)}**."
        )
    return lots


def _room(terms: MarketTerms) -> int:
    room = st.select_slider(
        "Go at most this far beyond the price shown",
        _ROOMS_BPS,
        value=_USUAL_ROOM_BPS,
        format_func=percent_of_bps,
        key=_key(terms, "room"),
        help="A market order is a limit order at the worst price you accept; what does not trade "
        "at once is cancelled.",
    )
    return int(room)


def _lifetime(terms: MarketTerms) -> tuple[TimeInForce, int, bool]:
    word = st.selectbox("How long it stays", list(_FORCES), key=_key(terms, "force"))
    force = _FORCES[str(word)]
    good_for = 0
    if force == "GTT":
        life = st.segmented_control(
            "Leaves the book after",
            list(_LIVES),
            default="10 minutes",
            required=True,
            key=_key(terms, "life"),
        )
        good_for = _LIVES[str(life)]
    post_only = False
    if force in {"GTC", "GTT"}:
        post_only = st.checkbox(
            "Post-only",
            key=_key(terms, "post_only"),
            help="Refused rather than traded at once: you pay the maker's fee or nothing.",
        )
    return force, good_for, post_only


def _order(seat: Seat, board: Board, account: AccountView, ticket: Ticket) -> None:
    """Say what ``ticket`` would do now, show what is signed, and offer to sign it."""
    terms = seat.terms
    view = outlook(terms, board.book, ticket)
    named_lines(_lines(terms, ticket, view))
    if view.objection:
        st.caption(f":orange[{view.objection}]")
    _cover(seat, account.pays_from(ticket.side), view.needs)
    if terms.halted:
        st.caption(":orange[The market is halted: it takes no orders just now.]")
    if account.exiting:
        st.caption(":orange[A forced exit is under way: no orders until it is over.]")
    draft = _draft(seat, ticket)
    closed = terms.halted or account.exiting
    pressed = _button(terms, ticket.side, ticket.lots, disabled=closed)
    if pressed:
        run_action(
            "order",
            lambda: seat.desk.place(draft),
            lambda placed: _done(terms, ticket, placed),
            words=lambda error: order_refusal(error, view.gives, terms.price(ticket.ticks)),
            waiting="Signing and placing",
            key=f"{terms.market}.{ticket}",
        )
    show_notice("order")
    with st.expander("What you sign"):
        st.caption(_in_words(terms, draft))
        shown = {name: draft.typed_data[name] for name in ("primaryType", "domain", "message")}
        st.code(json.dumps(shown, indent=1), language="json", wrap_lines=True)


def _lines(terms: MarketTerms, ticket: Ticket, view: Outlook) -> dict[str, str]:
    quote, size = terms.quote, terms.base.symbol
    lines = {}
    if view.trades_now:
        how_much = "all of it" if view.trades_now == ticket.lots else "a part"
        lines["Trades at once"] = f"{terms.size(view.trades_now)} {size} ({how_much})"
        lines["Costs" if ticket.side == "buy" else "Brings"] = quote.amount(view.quote_now)
        lines["Worst price of that"] = f"{terms.price(view.worst_now or 0)} {quote.symbol}"
    else:
        lines["Trades at once"] = "nothing"
    if view.rests:
        lines["Waits in the book"] = (
            f"{terms.size(view.rests)} {size} at {terms.price(ticket.ticks)}"
        )
    if view.lapses:
        lines["Is cancelled"] = f"{terms.size(view.lapses)} {size}"
    lines["Limit"] = f"{terms.price(ticket.ticks)} {quote.symbol}"
    bound = "You pay at most" if ticket.side == "buy" else "All sold, you get at least"
    lines[bound] = quote.amount(view.bound)
    lines["Fee in it, at most"] = (
        f"{quote.amount(view.fee_bound)} ({percent_of_bps(ticket.fee_bps(terms))})"
    )
    return lines


def _cover(seat: Seat, holding: Holding, needs: int) -> None:
    """Say what has to be free and what is; offer to pay in what is missing."""
    token = holding.token
    in_flight = f" ({token.amount(holding.in_flight)} of it in flight)" if holding.in_flight else ""
    st.caption(
        f"Needs **{token.amount(needs)}**. {plain(seat.actor.name)} has "
        f"{token.amount(holding.available)} free{in_flight} and "
        f"{token.amount(holding.reserved)} reserved."
    )
    missing = needs - holding.available
    if missing <= 0:
        return
    if holding.wallet < missing:
        st.caption(
            f":orange[{token.amount(missing)} more would be needed, and the wallet has only "
            f"{token.amount(holding.wallet)}.]"
        )
    elif st.button(
        f"Deposit the missing {token.amount(missing)}", key="order.deposit", width="stretch"
    ):
        run_action(
            "order",
            lambda: seat.desk.deposit(seat.terms, seat.actor, token, missing),
            lambda transaction: paid_in(token.amount(missing), transaction),
            key=f"deposit.{token.address}.{missing}",
        )


def _draft(seat: Seat, ticket: Ticket) -> Draft:
    """Return the order to sign; the one shown before, as long as nothing about it changed."""
    known: Draft | None = st.session_state.get("order.draft")
    draft = seat.desk.draft(seat.terms, seat.actor, ticket, known)
    st.session_state["order.draft"] = draft
    return draft


def _in_words(terms: MarketTerms, draft: Draft) -> str:
    order = draft.order
    most = "at most" if draft.ticket.side == "buy" else "at least"
    return (
        f"{draft.ticket.side.capitalize()} {terms.size(order.lots)} {terms.base.symbol} for "
        f"{most} {terms.quote.amount(terms.quote_of(order.lots, order.ticks))}, fee up to "
        f"{percent_of_bps(order.max_fee_bps)}, may settle until {moment(order.expiry)}. Lane "
        f"{order.lane}, sequence {order.sequence}: a later order of the lane replaces this one."
    )


def _button(terms: MarketTerms, side: Side, lots: int, *, disabled: bool) -> bool:
    word = _BUY if side == "buy" else _SELL
    label = f"{word} {terms.size(lots)} {terms.base.symbol}" if lots else word
    return st.button(label, type="primary", width="stretch", key="order.place", disabled=disabled)


def _done(terms: MarketTerms, ticket: Ticket, placed: Placed) -> Done:
    """Say what became of the order."""
    symbol, limit = terms.base.symbol, terms.price(ticket.ticks)
    parts = []
    if placed.filled:
        word = "bought" if ticket.side == "buy" else "sold"
        money = f"for {terms.quote.amount(placed.quote)}, fee {terms.quote.amount(placed.fee)}"
        parts.append(f"{word} {terms.size(placed.filled)} {symbol} {money}")
    if placed.remaining:
        until = f" for {duration(ticket.good_for)}" if ticket.time_in_force == "GTT" else ""
        parts.append(f"{terms.size(placed.remaining)} {symbol} in the book at {limit}{until}")
    lapsed = ticket.lots - placed.filled - placed.remaining
    if lapsed:
        parts.append(f"{terms.size(lapsed)} {symbol} cancelled")
    text = f"Order accepted: {'; '.join(parts)}."
    return Done(text, "Order hash", placed.order_hash)


def _key(terms: MarketTerms, name: str) -> str:
    return f"ticket.{terms.market}.{name}"
