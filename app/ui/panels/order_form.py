"""Writing an order, seeing what it would do, and signing it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.service.market_view import BPS, percent_text
from gavelbook.service.ticket import average_price, outlook
from ui.identity import require_actor
from ui.panels.market_events import await_deposit
from ui.panels.notices import Done, is_busy, paid_in, run_action, show_notice
from ui.panels.order_inputs import BUY, MARKET, SELL, OrderInputs, Written
from ui.panels.refusals import order_refusal
from ui.panels.terms_panel import named_lines
from ui.wording import duration, moment, percent_of_bps, plain

if TYPE_CHECKING:
    from gavelbook.service.account_view import AccountView, Holding, OwnOrder
    from gavelbook.service.market_desk import Draft, Placed
    from gavelbook.service.market_view import Board, MarketTerms, Side
    from gavelbook.service.ticket import Outlook, Ticket
    from ui.market_access import Seat

PLACE = "order"
_PLACE_ON_PAGE = "order-form"
_LONGEST = 600
_DRAFT, _ASKED = "order.draft", "order.asked"


def order_form(
    board: Board,
    seat: Seat | None,
    account: AccountView | None,
    *,
    takes_orders: bool,
) -> Written:
    """Show the form and what the order would do now; sign and place it for ``seat``.

    Without an account, it says what an order would cost, and how to become somebody.
    """
    terms = board.terms
    inputs = OrderInputs(terms)
    inputs.begin()
    replaces = _replaced(inputs, account)
    written, shares = inputs.ask(board)
    if account is not None:
        free = _free(account, terms, written.side, replaces)
        inputs.offer_shares(shares, written, board.book, free)
    ticket = written.ticket(board.book)
    if ticket is None:
        st.session_state.pop(_ASKED, None)
        if written.kind == MARKET and written.lots:
            st.caption(f":red[Nobody {'sells' if written.side == 'buy' else 'buys'} just now.]")
        if account is not None:
            _button(terms, written.side, written.lots)
    else:
        view = outlook(terms, board.book, ticket)
        named_lines(_lines(board, written, ticket, view))
        if view.objection:
            st.caption(f":orange[{view.objection}]")
        if seat is not None and account is not None:
            free = _free(account, terms, ticket.side, replaces)
            _cover(seat, account.pays_from(ticket.side), view.needs, free)
            closed = _closed(terms, account, takes_orders=takes_orders)
            _order(seat, inputs, written, ticket, replaces, closed=closed)
    if seat is None:
        require_actor("You see what an order would cost. To place it, say who you are.")
    show_notice(PLACE)
    return written


def skip_link() -> None:
    """Draw a way past the book to the form; it shows itself once it has the focus."""
    st.html(f'<a class="skip" href="#{_PLACE_ON_PAGE}">Skip to the order form</a>')


def skip_target() -> None:
    """Mark where `skip_link` leads: a press of Tab goes on from here."""
    st.html(f'<span class="skip-target" id="{_PLACE_ON_PAGE}" tabindex="-1"></span>')


def _replaced(inputs: OrderInputs, account: AccountView | None) -> OwnOrder | None:
    """Return the order that is being changed, and say so."""
    wanted = inputs.replacing
    if wanted is None or account is None:
        return None
    found = next((each for each in account.open_orders if each.order_hash == wanted), None)
    with st.container(horizontal=True, vertical_alignment="center"):
        if found is None:
            st.caption(":orange[The order you wanted to change is no longer in the book.]")
        else:
            st.caption("You change an order: the new one takes its place.", width="stretch")
        st.button("New order instead", key="order.stop_changing", on_click=inputs.stop_changing)
    return found


def _free(account: AccountView, terms: MarketTerms, side: Side, replaces: OwnOrder | None) -> int:
    """Return what is free for an order, with what the replaced one sets free."""
    freed = 0
    if replaces is not None:
        freed = terms.base_of(replaces.remaining)
        if side == "buy":
            cost = terms.quote_of(replaces.remaining, replaces.ticks)
            freed = cost + cost * terms.maker_fee_bps // BPS
    return account.pays_from(side).available + freed


def _order(  # noqa: PLR0913 -- whose order, and what it is
    seat: Seat,
    inputs: OrderInputs,
    written: Written,
    ticket: Ticket,
    replaces: OwnOrder | None,
    *,
    closed: str,
) -> None:
    """Show what is signed, and offer to sign it; ``closed`` says why it cannot be placed."""
    terms = seat.terms
    if closed:
        st.caption(f":orange[{closed}]")
    gone = inputs.replacing is not None and replaces is None
    draft = _draft(seat, ticket, replaces)
    _button(
        terms,
        ticket.side,
        ticket.lots,
        ready=None if closed or gone else (written, draft),
        word="Change to" if replaces else "",
    )
    asked = _asked(written, draft)
    if asked is not None and not closed:
        size_text = inputs.size_text

        def placed(result: Placed) -> Done:
            inputs.clear(size_text)
            return _done(terms, asked.ticket, result)

        run_action(
            PLACE,
            lambda: seat.desk.place(asked),
            placed,
            words=lambda error: order_refusal(error, terms, asked.ticket),
            waiting="Signing and placing",
            # What is written, since the limit of a market order moves with the book.
            key=f"{terms.market}.{written}",
        )
    with st.expander("What you sign"):
        st.caption(_in_words(terms, draft))
        shown = {name: draft.typed_data[name] for name in ("primaryType", "domain", "message")}
        st.code(json.dumps(shown, indent=1), language="json", wrap_lines=True)


def _closed(terms: MarketTerms, account: AccountView, *, takes_orders: bool) -> str:
    """Say why no order can be placed; empty where one can."""
    if terms.halted:
        return "The market is halted: it takes no orders just now. Open ones can be cancelled."
    if not takes_orders:
        return "The exchange takes no new orders just now. Open ones can be cancelled."
    if account.exiting:
        return "A forced exit is under way: no orders until it is over."
    return ""


def _lines(board: Board, written: Written, ticket: Ticket, view: Outlook) -> dict[str, str]:
    terms, buys = board.terms, ticket.side == "buy"
    quote, size = terms.quote, terms.base.symbol
    lines = {"Trades at once": "nothing"}
    if view.trades_now:
        how_much = "all of it" if view.trades_now == ticket.lots else "a part"
        average = terms.rounded_price(average_price(terms, view.trades_now, view.quote_now))
        lines["Trades at once"] = f"{terms.size(view.trades_now)} {size} ({how_much})"
        lines["Expected price"] = f"about {average} {quote.symbol}"
    if view.rests:
        waits = f"{terms.size(view.rests)} {size} at {terms.price(ticket.ticks)}"
        lines["Waits in the book"] = waits
    if view.lapses:
        lines["Is cancelled"] = f"{terms.size(view.lapses)} {size}"
    lines["Worst price"] = f"{terms.price(ticket.ticks)} {quote.symbol}"
    if written.kind == MARKET:
        best = board.book.against(ticket.side)[0].ticks
        lines["Worst price"] += f" ({percent_text(ticket.ticks - best, best)})"
    if view.trades_now:
        now = view.quote_now + view.fee_now if buys else view.quote_now - view.fee_now
        word = "You pay now" if buys else "You receive now"
        lines[word] = f"{quote.amount(now)}, fee {quote.number(view.fee_now)}"
    if buys:
        lines["You receive"] = f"{terms.size(ticket.lots - view.lapses)} {size}"
    lines["You pay at most" if buys else "All sold, you get at least"] = quote.amount(view.bound)
    fee = f"{quote.amount(view.fee_bound)} ({percent_of_bps(ticket.fee_bps(terms))})"
    lines["Fee in it, at most"] = fee
    return {name: plain(text) for name, text in lines.items()}


def _cover(seat: Seat, holding: Holding, needs: int, free: int) -> None:
    """Say what has to be free and what is; offer to pay in what is missing."""
    token = holding.token
    in_flight = f" ({token.amount(holding.in_flight)} of it in flight)" if holding.in_flight else ""
    needed = plain(token.amount(needs))
    has = plain(
        f"{token.amount(holding.available)} free{in_flight} and "
        f"{token.amount(holding.reserved)} reserved."
    )
    st.caption(f"Needs **{needed}**. {plain(seat.actor.name)} has {has}")
    missing = needs - free
    if missing <= 0:
        return
    lacking = token.amount(missing)
    if holding.wallet < missing:
        more = plain(
            f"{lacking} more would be needed, and the wallet has only "
            f"{token.amount(holding.wallet)}."
        )
        st.caption(f":orange[{more}]")
    elif st.button(
        plain(f"Deposit the missing {lacking}"),
        key="order.deposit",
        width="stretch",
        disabled=is_busy(),
    ):

        def done(transaction: str) -> Done:
            await_deposit(seat, holding, missing)
            return paid_in(lacking, transaction)

        run_action(
            PLACE,
            lambda: seat.desk.deposit(seat.terms, seat.actor, token, missing),
            done,
            key=f"deposit.{token.address}.{missing}",
        )


def _draft(seat: Seat, ticket: Ticket, replaces: OwnOrder | None) -> Draft:
    """Return the order to sign; the one shown before, as long as nothing about it changed."""
    known: Draft | None = st.session_state.get(_DRAFT)
    draft = seat.desk.draft(seat.terms, seat.actor, ticket, known, replaces)
    st.session_state[_DRAFT] = draft
    return draft


def _in_words(terms: MarketTerms, draft: Draft) -> str:
    order = draft.order
    most = "at most" if draft.ticket.side == "buy" else "at least"
    return plain(
        f"{draft.ticket.side.capitalize()} {terms.size(order.lots)} {terms.base.symbol} for "
        f"{most} {terms.quote.amount(terms.quote_of(order.lots, order.ticks))}, fee up to "
        f"{percent_of_bps(order.max_fee_bps)}, may settle until {moment(order.expiry)}. Lane "
        f"{order.lane}, sequence {order.sequence}: a later order of the lane replaces this one.",
        _LONGEST,
    )


def _button(
    terms: MarketTerms,
    side: Side,
    lots: int,
    ready: tuple[Written, Draft] | None = None,
    word: str = "",
) -> None:
    """Offer to place what is ``ready``: the very order that is shown beside the button."""
    name = BUY if side == "buy" else SELL
    if word:
        name = f"{word} {name.lower()}"
    label = plain(f"{name} {terms.size(lots)} {terms.base.symbol}") if lots else name
    st.button(
        label,
        type="primary",
        width="stretch",
        key="order.place",
        disabled=ready is None or is_busy(),
        on_click=_ask_for,
        args=(ready,),
    )


def _ask_for(ready: tuple[Written, Draft] | None) -> None:
    if ready is not None:
        st.session_state[_ASKED] = ready


def _asked(written: Written, draft: Draft) -> Draft | None:
    """Return the order to place, where the button was pressed.

    It is the one that was shown. Only where the last letters came in together with the press, it
    is the one that they make.
    """
    asked: tuple[Written, Draft] | None = st.session_state.pop(_ASKED, None)
    if asked is None:
        return None
    before, shown = asked
    return shown if before == written else draft


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
    text = plain(f"Order accepted: {'; '.join(parts)}.", _LONGEST)
    return Done(text, "Order hash", placed.order_hash)
