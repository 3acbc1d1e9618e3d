"""Settlement: what waits, what was settled, and what it cost."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from gavelbook.service.amounts import decimal_text
from gavelbook.service.operator_view import LOW_BALANCE
from ui.wording import ago, duration, moment, short

if TYPE_CHECKING:
    from gavelbook.service.operator_view import ExchangeFacts, SiteFacts
    from gavelbook.wire.operator import OperatorView

_ETHER_DECIMALS = 18
_SHOWN_DIGITS = 6


def settlement_panel(facts: SiteFacts, own: OperatorView | None) -> None:
    """Draw the figures of settlement and the last batches."""
    st.header("Settlement", anchor=False)
    exchange = facts.exchange
    if exchange is None:
        st.caption("No exchange is recorded for this chain.")
        return
    row = st.container(horizontal=True)
    unsettled = "?" if facts.api is None else f"{int(facts.api.unsettled_fills):,}"
    row.metric("Fills to settle", unsettled, help=_oldest(facts, own))
    row.metric("Batches", f"{exchange.batch_count:,}", help="Settled on the chain so far.")
    fills = sum(batch.fills for batch in exchange.batches)
    gas = sum(batch.gas for batch in exchange.batches)
    each = f"{gas // fills:,}" if fills else "none yet"
    shown = f"Over the last {len(exchange.batches)} batches."
    row.metric("Gas per fill", each, help=shown)
    fees = sum(batch.fee for batch in exchange.batches)
    row.metric("Fees paid, ETH", short_ether(fees), help=f"{shown} Exactly {_ether(fees)} ETH.")
    if own is not None and own.settler is not None:
        _pending(own)
    _batches(exchange, facts.block_time)


def balances_panel(facts: SiteFacts) -> None:
    """Draw the keys that work here and what they have for transactions."""
    st.header("Keys", anchor=False)
    if not facts.balances:
        st.caption("None is known.")
        return
    for place, each in zip(cycle(st.columns(2)), facts.balances, strict=False):
        state = ":green-badge[Enough]" if each.pays else ":gray-badge[Only signs]"
        if each.low:
            state = ":red-badge[Fill up]"
        with place.container(border=True):
            st.markdown(f"**{each.role}** {state} {short_ether(each.wei)} ETH")
            st.code(each.address, language=None, wrap_lines=True)
    st.caption(f"Below {_ether(LOW_BALANCE)} ETH a key that pays is to be filled up.")
    with st.expander("Every digit of the keys' ether"):
        wide = max(len(each.role) for each in facts.balances)
        lines = [f"{each.role:<{wide}}  {_ether(each.wei)} ETH" for each in facts.balances]
        st.code("\n".join(lines), language=None, wrap_lines=True)


def sales_panel(facts: SiteFacts) -> None:
    """Draw the sales that wait for somebody."""
    st.header("Sales", anchor=False)
    if not facts.sales:
        st.caption("No sale waits for its clearing.")
    for task in facts.sales:
        since = ago(facts.block_time, task.since)
        st.markdown(f":orange-badge[Waits] `{short(task.address)}` closed {since}. {task.what}")


def _oldest(facts: SiteFacts, own: OperatorView | None) -> str:
    if own is None or own.oldest_unsettled is None:
        return "Matched, and not on the chain yet."
    waited = max(facts.now - int(own.oldest_unsettled) // 1000, 0)
    return f"Matched, and not on the chain yet. The oldest has waited {duration(waited)}."


def _pending(own: OperatorView) -> None:
    newest = own.batches[0] if own.batches else None
    if newest is not None and newest.gas_used is None:
        sent = newest.transaction_hash
        where = f"transaction `{sent.text()}`" if sent is not None else "not sent yet"
        st.markdown(
            f":blue-badge[On its way] Batch {int(newest.batch):,}, {int(newest.fills):,} fills: "
            f"{where}"
        )
    else:
        st.caption("No transaction is on its way.")


def _batches(exchange: ExchangeFacts, now: int) -> None:
    if not exchange.batches:
        st.caption("Nothing was settled yet.")
        return
    frame = pd.DataFrame(
        [
            {
                "Batch": batch.number,
                "Settled": ago(now, batch.time),
                "At": moment(batch.time),
                "Fills": batch.fills,
                "Gas": batch.gas,
                "Gas per fill": batch.gas_per_fill,
                "Fee, ETH": short_ether(batch.fee),
                "Fee, wei": f"{batch.fee}",
                "Transaction": batch.transaction,
            }
            for batch in exchange.batches
        ]
    )
    st.dataframe(frame, hide_index=True, height=280)


def _ether(wei: int) -> str:
    return decimal_text(wei, _ETHER_DECIMALS)


def short_ether(wei: int) -> str:
    """Return ether to a millionth, rounded down, with a mark where digits are left out."""
    kept, rest = divmod(wei, 10 ** (_ETHER_DECIMALS - _SHOWN_DIGITS))
    if not kept and rest:
        return f"<{decimal_text(1, _SHOWN_DIGITS)}"
    return decimal_text(kept, _SHOWN_DIGITS) + ("…" if rest else "")
