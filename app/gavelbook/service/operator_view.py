"""How a site does, and what of it somebody has to look at. Nothing here asks anybody."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gavelbook.accounts.bodies import Status as SignerStatus
    from gavelbook.chain.exchange import Delays
    from gavelbook.chain.exchange_types import Proposal
    from gavelbook.chain.settled_batches import SettledBatch
    from gavelbook.wire.markets import Status
    from gavelbook.wire.operator import OperatorView

_ETHER = 10**18
LOW_BALANCE = _ETHER // 20
"""Wei below which an account that pays for transactions is to be filled up."""
_OLD_SECONDS = 120
_QUIET_SECONDS = 120
_VIEWS_BEHIND = 1_000
_BLOCKS_BEHIND = 30


class Level(StrEnum):
    """How much something matters."""

    GOOD = "good"
    WATCH = "watch"
    ACT = "act"


class Alert(NamedTuple):
    """Something to look at, and what it means."""

    level: Level
    title: str
    text: str


class KeyBalance(NamedTuple):
    """Wei of an account that works here; ``pays`` says whether it pays for transactions."""

    role: str
    address: str
    wei: int
    pays: bool

    @property
    def low(self) -> bool:
        """Whether it is to be filled up."""
        return self.pays and self.wei < LOW_BALANCE


class SaleTask(NamedTuple):
    """A sale that waits for somebody since the chain's time ``since``."""

    address: str
    name: str
    what: str
    since: int


class Service(NamedTuple):
    """A part of the site: how it is, in a word and in a sentence."""

    name: str
    level: Level
    state: str
    detail: str


class ExchangeFacts(NamedTuple):
    """The contract as the chain has it."""

    address: str
    owner: str | None
    paused: bool
    matcher: str | None
    proposed_matcher: Proposal | None
    delays: Delays
    batches: list[SettledBatch]
    """The last ones, newest first."""
    batch_count: int


@dataclass(frozen=True)
class SiteFacts:
    """What everybody may know; each part is None where it does not answer or is not there."""

    now: int
    """Unix seconds of this machine."""
    block: int
    block_time: int
    exchange: ExchangeFacts | None
    api: Status | None
    signer: SignerStatus | None
    has_signer: bool
    balances: tuple[KeyBalance, ...]
    sales: tuple[SaleTask, ...]


def worst(levels: list[Level]) -> Level:
    """Return what matters most of ``levels``."""
    order = (Level.ACT, Level.WATCH)
    return next((level for level in order if level in levels), Level.GOOD)


def services(facts: SiteFacts, own: OperatorView | None) -> list[Service]:
    """Return how the parts of the site are; with ``own``, those behind the API as well."""
    age = max(facts.now - facts.block_time, 0)
    found = [
        Service(
            "Chain",
            Level.GOOD if age < _QUIET_SECONDS else Level.WATCH,
            "Answers" if age < _QUIET_SECONDS else "Quiet",
            f"block {facts.block:,}, {age} s old",
        ),
        _api(facts),
        _settling(facts),
    ]
    if own is not None:
        found += [_matching(own), _watching(own)]
    if facts.has_signer:
        found.append(_signer(facts))
    return found


def alerts(facts: SiteFacts, own: OperatorView | None) -> list[Alert]:
    """Return what somebody has to look at, what matters most first."""
    found = [*_public_alerts(facts), *(_own_alerts(facts, own) if own is not None else ())]
    return sorted(found, key=lambda alert: alert.level is not Level.ACT)


def _public_alerts(facts: SiteFacts) -> list[Alert]:
    found = []
    exchange = facts.exchange
    if exchange is not None and exchange.paused:
        text = "No deposits and no settlement. Withdrawals and exits go on."
        found.append(Alert(Level.ACT, "The exchange is paused", text))
    if exchange is not None and exchange.matcher is None:
        text = "Nothing settles until another key is proposed and accepted."
        found.append(Alert(Level.ACT, "The matcher's key was revoked", text))
    if exchange is not None and facts.api is None:
        text = "Orders cannot be placed. Money is in the contract; exits need nobody."
        found.append(Alert(Level.ACT, "The exchange does not answer", text))
    elif facts.api is not None and facts.api.status == "cancel_only":
        text = "No new orders are taken. Cancels and withdrawals work."
        found.append(Alert(Level.WATCH, "Cancel-only", text))
    if facts.has_signer and facts.signer is None:
        text = "Managed accounts cannot sign in or act. Own wallets are not touched."
        found.append(Alert(Level.ACT, "The signer does not answer", text))
    for each in facts.balances:
        if each.low:
            text = f"Fill up {each.address}: it pays for transactions."
            level = Level.ACT if not each.wei else Level.WATCH
            found.append(Alert(level, f"Low balance: {each.role}", text))
    late = [task for task in facts.sales if facts.block_time - task.since > _OLD_SECONDS]
    found += [Alert(Level.WATCH, f"{task.name} waits", task.what) for task in late]
    return found


def _own_alerts(facts: SiteFacts, own: OperatorView) -> list[Alert]:
    found = []
    if own.unreachable:
        found.append(Alert(Level.ACT, "The exchange does not see its chain", own.unreachable))
    settler, watcher = own.settler, own.watcher
    if settler is not None and settler.alarm is not None:
        title = f"Nothing settles: {settler.alarm.code}"
        found.append(Alert(Level.ACT, title, settler.alarm.message))
    if settler is not None and int(settler.reverted):
        text = f"{int(settler.reverted)} were mined in vain since the start."
        found.append(Alert(Level.WATCH, "Transactions reverted", text))
    if settler is not None and int(settler.busted):
        text = f"{int(settler.busted)} could never settle, and both sides got their orders back."
        found.append(Alert(Level.WATCH, "Fills were undone", text))
    if watcher is not None and watcher.refused:
        text = "; ".join(watcher.refused)
        found.append(Alert(Level.WATCH, "Inputs of the chain were refused", text))
    oldest = own.oldest_unsettled
    if oldest is not None and facts.now - int(oldest) // 1000 > _OLD_SECONDS:
        waited = facts.now - int(oldest) // 1000
        text = f"The oldest fill has waited {waited} s. A transaction may be stuck."
        found.append(Alert(Level.ACT, "Settlement is late", text))
    behind = int(own.position) - int(own.views_position)
    if behind > _VIEWS_BEHIND:
        text = f"Private pages are {behind:,} entries behind the log."
        found.append(Alert(Level.WATCH, "Tables are behind", text))
    return found


def _api(facts: SiteFacts) -> Service:
    if facts.api is None:
        where = Level.ACT if facts.exchange is not None else Level.GOOD
        state = "Silent" if facts.exchange is not None else "None"
        return Service("Exchange API", where, state, "")
    if facts.api.status == "cancel_only":
        return Service("Exchange API", Level.WATCH, "Cancel-only", "takes no new orders")
    unsettled = int(facts.api.unsettled_fills)
    detail = f"version {facts.api.version}, {unsettled:,} fills to settle"
    return Service("Exchange API", Level.GOOD, "Open", detail)


def _settling(facts: SiteFacts) -> Service:
    exchange = facts.exchange
    if exchange is None:
        return Service("Settlement", Level.GOOD, "None", "no exchange is recorded")
    if exchange.paused:
        return Service("Settlement", Level.ACT, "Paused", "by the owner")
    if not exchange.batches:
        return Service("Settlement", Level.GOOD, "Ready", "nothing was settled yet")
    last = exchange.batches[0]
    ago = max(facts.block_time - last.time, 0)
    return Service("Settlement", Level.GOOD, "Works", f"batch {last.number:,}, {ago} s ago")


def _matching(own: OperatorView) -> Service:
    behind = int(own.position) - int(own.views_position)
    level = Level.WATCH if behind > _VIEWS_BEHIND else Level.GOOD
    waiting = int(own.queued_commands)
    detail = f"log at {int(own.position):,}, {waiting:,} waiting, tables {behind:,} behind"
    return Service("Matcher", level, "Works", detail)


def _watching(own: OperatorView) -> Service:
    if own.watcher is None:
        return Service("Watcher", Level.GOOD, "None", "")
    behind = int(own.watcher.head_block) - int(own.watcher.confirmed_block)
    late = own.unreachable or behind > _BLOCKS_BEHIND
    detail = f"{behind:,} blocks behind the head, {int(own.watcher.waiting):,} inputs waiting"
    return Service(
        "Watcher", Level.WATCH if late else Level.GOOD, "Late" if late else "Works", detail
    )


def _signer(facts: SiteFacts) -> Service:
    if facts.signer is None:
        return Service("Signer", Level.ACT, "Silent", "")
    accounts = int(facts.signer.accounts)
    detail = f"{accounts:,} account{'' if accounts == 1 else 's'}"
    return Service("Signer", Level.GOOD, "Works", detail)
