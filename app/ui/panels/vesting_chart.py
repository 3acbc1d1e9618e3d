"""How won tokens become free over time: released, claimed, and today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.service.sale_view import Token
    from gavelbook.service.vesting import Release

_COLORS = {"light": ("#0f766e", "#a35a08", "#64748b"), "dark": ("#3cc7b5", "#f0a94a", "#94a3b8")}
_HEIGHT = 240
_MILLISECONDS = 1_000


class VestingPlan(NamedTuple):
    """What the chart shows of one winner; ``claimed`` in base units of ``token``."""

    token: Token
    lot_size: int
    steps: Sequence[Release]
    now: int
    claimed: int


def vesting_chart(plan: VestingPlan, theme: str) -> Any:
    """Return the chart of ``plan``; ``theme`` is light or dark.

    Amounts become floats here, for places on the screen only.
    """
    released_color, claimed_color, today_color = _COLORS[theme]
    token = plan.token
    rows = [
        (
            step.at * _MILLISECONDS,
            float(step.lots * plan.lot_size / 10**token.decimals),
            token.number(step.lots * plan.lot_size),
        )
        for step in plan.steps
    ]
    frame = pd.DataFrame(rows, columns=["at", "free", "shown"])
    frame["at"] = pd.to_datetime(frame["at"], unit="ms", utc=True)
    x = alt.X("at:T").title("Time (UTC)").scale(type="utc").axis(tickCount=5)
    y = alt.Y("free:Q").title(token.symbol).axis(format="~s", tickCount=4)
    base = alt.Chart(frame).encode(x=x, y=y)
    area = base.mark_area(interpolate="step-after", opacity=0.16, color=released_color)
    line = base.mark_line(interpolate="step-after", strokeWidth=2.2, color=released_color)
    points = base.mark_point(size=220, opacity=0, filled=True).encode(
        tooltip=[
            alt.Tooltip("utcyearmonthdatehoursminutes(at):T", title="From (UTC)"),
            alt.Tooltip("shown:N", title=f"Free, {token.symbol}"),
        ]
    )
    marks = [
        alt.Chart(_moment(plan.now)).mark_rule(color=today_color).encode(x="at:T"),
        alt.Chart(_moment(plan.now))
        .mark_text(align="left", dx=5, y=0, baseline="top", color=today_color, text="Today")
        .encode(x="at:T"),
    ]
    if plan.claimed:
        claimed = pd.DataFrame({"free": [float(plan.claimed / 10**token.decimals)]})
        marks += [
            alt.Chart(claimed).mark_rule(strokeDash=[6, 4], color=claimed_color).encode(y="free:Q"),
            alt.Chart(claimed)
            .mark_text(align="left", x=4, dy=-7, color=claimed_color, text="Claimed")
            .encode(y="free:Q"),
        ]
    return alt.layer(area, line, points, *marks).properties(height=_HEIGHT)


def _moment(at: int) -> pd.DataFrame:
    return pd.DataFrame({"at": [pd.Timestamp(at, unit="s", tz="UTC")]})
