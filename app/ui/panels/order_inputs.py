"""What an order is written with: side, price, size, how long it stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.errors import GavelbookError
from gavelbook.service.ticket import Ticket, most_lots, worst_price
from ui.wording import percent_of_bps, plain, sentence

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from gavelbook.service.account_view import OwnOrder
    from gavelbook.service.market_view import Board, Book, MarketTerms, Side
    from gavelbook.service.ticket import TimeInForce
    from gavelbook.wire.orders import SelfTradePrevention

LIMIT, MARKET = "Limit", "Market"
BUY, SELL = "Buy", "Sell"
_SHARES = {"25 %": 25, "50 %": 50, "75 %": 75, "Max": 100}
_ROOMS_BPS = (10, 50, 100, 300, 1000)
_USUAL_ROOM_BPS = 100
_LIVES = {"1 minute": 60, "10 minutes": 600, "1 hour": 3_600, "1 day": 86_400}
_FORCES: dict[str, TimeInForce] = {
    "Until cancelled (GTC)": "GTC",
    "Until a time (GTT)": "GTT",
    "At once, cancel the rest (IOC)": "IOC",
    "All at once or nothing (FOK)": "FOK",
}
_AT_ONCE: tuple[TimeInForce, int, bool] = ("IOC", 0, False)
_PREVENTIONS: dict[str, SelfTradePrevention] = {
    "Cancel this order": "cancel_newest",
    "Cancel the older order": "cancel_oldest",
    "Cancel both": "cancel_both",
}


@dataclass(frozen=True)
class Written:
    """What the form says; ``ticks`` is None where it names no price, ``lots`` 0 where no size."""

    side: Side
    kind: str
    lots: int
    ticks: int | None
    room_bps: int
    time_in_force: TimeInForce
    good_for: int
    post_only: bool
    self_trade_prevention: SelfTradePrevention

    def ticket(self, book: Book, lots: int | None = None) -> Ticket | None:
        """Return the order meant, of ``lots`` where given; None where price or size is missing."""
        wanted = self.lots if lots is None else lots
        limit = self.ticks
        if self.kind == MARKET:
            limit = worst_price(book, self.side, wanted, self.room_bps)
        if limit is None or not wanted:
            return None
        return Ticket(
            self.side,
            wanted,
            limit,
            self.time_in_force,
            post_only=self.post_only,
            good_for=self.good_for,
            self_trade_prevention=self.self_trade_prevention,
        )


class OrderInputs:
    """The inputs of one market. What was picked or is to be changed is put into them first."""

    def __init__(self, terms: MarketTerms) -> None:
        self._terms = terms

    def begin(self) -> None:
        """Empty them where the order that was in them has been placed; a size typed since stays."""
        placed = st.session_state.pop(self.key("placed"), None)
        if placed is not None:
            if placed == self.size_text:
                self._put("size", "")
            self._put("replacing", None)

    def key(self, name: str) -> str:
        """Return where an input of this market is kept."""
        return f"ticket.{self._terms.market}.{name}"

    @property
    def price_field(self) -> str:
        """The CSS selector of the input of the price, where it is shown."""
        # Streamlit marks what has a key with a class made of it.
        return f".st-key-{self.key('price').replace('.', '-')} input"

    @property
    def replacing(self) -> str | None:
        """The hash of the order that is being changed."""
        found: str | None = st.session_state.get(self.key("replacing"))
        return found

    @property
    def size_text(self) -> str:
        """The size as it is written."""
        return str(st.session_state.get(self.key("size"), ""))

    def clear(self, size_text: str) -> None:
        """Begin anew at the next run: the order of ``size_text`` has been placed."""
        st.session_state[self.key("placed")] = size_text

    def pick(self, ticks: int) -> None:
        """Take a price that was clicked."""
        self._put("kind", LIMIT)
        self._put("price", self._terms.price(ticks))

    def change(self, order: OwnOrder) -> None:
        """Start with what ``order`` says; what is placed takes its place."""
        terms = self._terms
        words = {force: word for word, force in _FORCES.items()}
        self._put("replacing", order.order_hash)
        self._put("side", BUY if order.side == "buy" else SELL)
        self._put("kind", LIMIT)
        self._put("price", terms.price(order.ticks))
        self._put("size", terms.size(order.remaining))
        self._put("force", words[order.time_in_force])
        self._put("post_only", order.post_only)

    def stop_changing(self) -> None:
        """Write a new order after all."""
        self._put("replacing", None)
        self._put("size", "")

    def ask(self, board: Board) -> tuple[Written, DeltaGenerator]:
        """Show the inputs; return what they say, and the place for shares of the balance."""
        side, kind = self._side_and_kind()
        ticks, room = (None, self._room()) if kind == MARKET else (self._price(board, side), 0)
        lots = self._size()
        shares = st.container(horizontal=True, gap="xsmall")
        with st.expander("More choices"):
            lifetime = _AT_ONCE if kind == MARKET else self._lifetime()
            prevention = self._prevention()
        return Written(side, kind, lots, ticks, room, *lifetime, prevention), shares

    def offer_shares(self, place: DeltaGenerator, written: Written, book: Book, free: int) -> None:
        """Offer to take a share of ``free`` base units of what the order gives."""
        possible = written.ticket(book, 1) is not None and free > 0
        with place:
            for word, percent in _SHARES.items():
                st.button(
                    word,
                    key=self.key(f"share.{percent}"),
                    width="stretch",
                    disabled=not possible,
                    help=f"{percent} % of what is free, fees included" if possible else None,
                    on_click=self._take_share,
                    args=(written, book, free * percent // 100),
                )

    def _take_share(self, written: Written, book: Book, free: int) -> None:
        lots = most_lots(self._terms, book, lambda lots: written.ticket(book, lots), free)
        self._put("size", self._terms.size(lots) if lots else "")

    def _put(self, name: str, value: object) -> None:
        st.session_state[self.key(name)] = value

    def _side_and_kind(self) -> tuple[Side, str]:
        st.session_state.setdefault(self.key("side"), BUY)
        st.session_state.setdefault(self.key("kind"), LIMIT)
        with st.container(horizontal=True, gap="small"):
            side = st.segmented_control(
                "Side",
                [BUY, SELL],
                required=True,
                key=self.key("side"),
                label_visibility="collapsed",
                disabled=self.replacing is not None,
            )
            kind = st.segmented_control(
                "Kind of order",
                [LIMIT, MARKET],
                required=True,
                key=self.key("kind"),
                label_visibility="collapsed",
            )
        return ("sell" if side == SELL else "buy"), str(kind)

    def _price(self, board: Board, side: Side) -> int | None:
        """Ask for a price and return its ticks; None where it names none."""
        terms = self._terms
        if self.key("price") not in st.session_state:
            self._put("price", _usual_price(board, side))
        text = st.text_input(
            f"Price per {plain(terms.priced_thing)}, {plain(terms.quote.symbol)}",
            key=self.key("price"),
            help="Or choose a price in the order book.",
            live=True,
        )
        if not text:
            st.caption("Enter a price, or choose one in the order book.")
            return None
        try:
            ticks, exact = terms.read_price(text, side)
        except GavelbookError as error:
            st.caption(f":red[{sentence(error)}]")
            return None
        if not ticks:
            lowest = plain(f"{terms.price(1)} {terms.quote.symbol}")
            st.caption(f":red[The lowest price is {lowest}.]")
            return None
        if not exact:
            st.caption(
                f"Prices go in steps of {terms.price(1)}: your limit is **{terms.price(ticks)}**."
            )
        return ticks

    def _size(self) -> int:
        """Ask for a size and return its lots; 0 where it names none."""
        terms = self._terms
        text = st.text_input(
            f"Size, {plain(terms.base.symbol)}", key=self.key("size"), placeholder="0", live=True
        )
        if not text:
            return 0
        try:
            lots, exact = terms.read_size(text)
        except GavelbookError as error:
            st.caption(f":red[{sentence(error)}]")
            return 0
        lot = plain(terms.base.amount(terms.lot_size))
        if not lots:
            st.caption(f":red[The smallest size is {lot}.]")
        elif not exact:
            st.caption(f"Sizes go in lots of {lot}: you order **{terms.size(lots)}**.")
        return lots

    def _room(self) -> int:
        room = st.select_slider(
            "Go at most this far beyond the price shown",
            _ROOMS_BPS,
            value=_USUAL_ROOM_BPS,
            format_func=percent_of_bps,
            key=self.key("room"),
            help="A market order is a limit order at the worst price you accept; what does not "
            "trade at once is cancelled.",
        )
        return int(room)

    def _lifetime(self) -> tuple[TimeInForce, int, bool]:
        word = st.selectbox("How long it stays", list(_FORCES), key=self.key("force"))
        force = _FORCES[str(word)]
        good_for = 0
        if force == "GTT":
            life = st.segmented_control(
                "Leaves the book after",
                list(_LIVES),
                default="10 minutes",
                required=True,
                key=self.key("life"),
            )
            good_for = _LIVES[str(life)]
        post_only = False
        if force in {"GTC", "GTT"}:
            post_only = st.checkbox(
                "Post-only",
                key=self.key("post_only"),
                help="Refused rather than traded at once: you pay the maker's fee or nothing.",
            )
        return force, good_for, post_only

    def _prevention(self) -> SelfTradePrevention:
        word = st.selectbox(
            "If it meets an order of your own",
            list(_PREVENTIONS),
            key=self.key("prevention"),
            help="You never trade with yourself: one of the two ends, or both.",
        )
        return _PREVENTIONS[str(word)]


def _usual_price(board: Board, side: Side) -> str:
    offered = board.book.against(side)
    ticks = offered[0].ticks if offered else board.last
    return board.terms.price(ticks) if ticks else ""
