"""What an operator is told to look at, from figures alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gavelbook.accounts.bodies import Status as SignerStatus
from gavelbook.chain.exchange_types import Delays
from gavelbook.chain.settled_batches import SettledBatch
from gavelbook.service.operator_view import (
    ExchangeFacts,
    KeyBalance,
    Level,
    SaleTask,
    SiteFacts,
    alerts,
    services,
    worst,
)
from gavelbook.wire.markets import Status
from gavelbook.wire.operator import AlarmView, OperatorView, SettlerView, WatcherView
from gavelbook.wire.scalars import Address, Hash32, Uint64, Uint256

NOW = 1_800_000_000
ETHER = 10**18
WHO = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BATCH = SettledBatch(7, 40, 90, NOW - 8, "0xab", WHO, 600_000, 600_000 * 10**9)
EXCHANGE = ExchangeFacts(WHO, WHO, False, WHO, None, Delays(60, 5, 60), [BATCH], 7)  # noqa: FBT003
API = Status(
    "open",
    "1.0",
    Uint256(31337),
    Address(bytes(20)),
    Address(bytes(20)),
    Uint64(10),
    Hash32(bytes(32)),
    Uint64(3),
    60,
    30,
    1_000,
    50,
)
SIGNER = SignerStatus(
    Uint64(31337),
    None,
    Address(bytes(20)),
    Uint256(ETHER),
    Uint256(0),
    Uint256(ETHER),
    Uint64(2),
    Uint64(5),
    Hash32(bytes(32)),
)
WELL = SiteFacts(
    now=NOW,
    block=100,
    block_time=NOW - 2,
    exchange=EXCHANGE,
    api=API,
    signer=SIGNER,
    has_signer=True,
    balances=(KeyBalance("Matcher", WHO, 0, pays=False), KeyBalance("Relayer", WHO, ETHER, True)),  # noqa: FBT003
    sales=(),
)
SETTLER = SettlerView(
    None, *[Uint64(0)] * 4, "", None, gas_used=Uint256(0), settled_fills=Uint64(0)
)
WATCHER = WatcherView(Uint64(100), Uint64(97), Uint64(NOW), Uint64(0), [])
OWN = OperatorView(
    started=Uint64(NOW * 1000),
    cancel_only=False,
    position=Uint64(10),
    views_position=Uint64(10),
    queued_commands=Uint64(0),
    unsettled_fills=Uint64(0),
    oldest_unsettled=None,
    unreachable="",
    watcher=WATCHER,
    settler=SETTLER,
    batches=[],
)


def replaced(view, **changes):
    import msgspec

    return msgspec.structs.replace(view, **changes)


def test_where_all_is_well_there_is_nothing_to_do():
    assert alerts(WELL, OWN) == []
    assert worst([]) is Level.GOOD
    assert {each.level for each in services(WELL, OWN)} == {Level.GOOD}
    assert [each.name for each in services(WELL, OWN)] == [
        "Chain",
        "Exchange API",
        "Settlement",
        "Matcher",
        "Watcher",
        "Signer",
    ]


def test_what_is_not_public_is_left_out_for_others():
    assert not {"Matcher", "Watcher"} & {each.name for each in services(WELL, None)}


@pytest.mark.parametrize(
    ("facts", "level", "title"),
    [
        (replace(WELL, exchange=EXCHANGE._replace(paused=True)), Level.ACT, "paused"),
        (replace(WELL, exchange=EXCHANGE._replace(matcher=None)), Level.ACT, "revoked"),
        (replace(WELL, api=None), Level.ACT, "exchange does not answer"),
        (replace(WELL, api=replaced(API, status="cancel_only")), Level.WATCH, "Cancel-only"),
        (replace(WELL, signer=None), Level.ACT, "signer does not answer"),
        (
            replace(WELL, balances=(KeyBalance("Relayer", WHO, ETHER // 100, True),)),  # noqa: FBT003
            Level.WATCH,
            "Low balance: Relayer",
        ),
        (
            replace(WELL, balances=(KeyBalance("Relayer", WHO, 0, True),)),  # noqa: FBT003
            Level.ACT,
            "Low balance: Relayer",
        ),
        (
            replace(WELL, sales=(SaleTask(WHO, "Gavel", "It waits.", NOW - 600),)),
            Level.WATCH,
            "Gavel waits",
        ),
    ],
)
def test_what_everybody_can_see_is_told(facts, level, title):
    (alert,) = alerts(facts, None)
    assert alert.level is level
    assert title in alert.title
    assert alert.text


def test_a_key_that_only_signs_needs_nothing():
    assert not KeyBalance("Matcher", WHO, 0, pays=False).low


@pytest.mark.parametrize(
    ("own", "level", "words"),
    [
        (replaced(OWN, unreachable="no_answer: silence"), Level.ACT, "no_answer: silence"),
        (
            replaced(OWN, settler=replaced(SETTLER, alarm=AlarmView("bust_unsafe", "Expected X"))),
            Level.ACT,
            "bust_unsafe",
        ),
        (replaced(OWN, settler=replaced(SETTLER, reverted=Uint64(2))), Level.WATCH, "reverted"),
        (replaced(OWN, settler=replaced(SETTLER, busted=Uint64(2))), Level.WATCH, "undone"),
        (
            replaced(OWN, watcher=replaced(WATCHER, refused=["a deposit"])),
            Level.WATCH,
            "a deposit",
        ),
        (replaced(OWN, oldest_unsettled=Uint64((NOW - 300) * 1000)), Level.ACT, "300 s"),
        (replaced(OWN, position=Uint64(9_999)), Level.WATCH, "9,989 entries"),
    ],
)
def test_what_the_exchange_tells_its_operator_is_told(own, level, words):
    (alert,) = alerts(WELL, own)
    assert alert.level is level
    assert words in f"{alert.title} {alert.text}"


def test_what_matters_most_comes_first():
    facts = replace(WELL, api=replaced(API, status="cancel_only"))
    own = replaced(OWN, unreachable="silence")
    assert [each.level for each in alerts(facts, own)] == [Level.ACT, Level.WATCH]
    assert worst([each.level for each in alerts(facts, own)]) is Level.ACT


def test_gas_per_fill_is_rounded_to_the_nearest():
    assert BATCH.gas_per_fill == 15_000
    assert BATCH._replace(gas=600_020).gas_per_fill == 15_001
    assert BATCH._replace(fills=0).gas_per_fill == 0
