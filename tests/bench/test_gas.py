"""The gas of each action is what tests/gas.json says."""

from __future__ import annotations

import pytest

from tests.bench.anvil_chain import AnvilChain, Call, ChainError
from tests.bench.gas_file import committed, differences, measured
from tests.bench.targets import Target


@pytest.mark.anvil
def test_no_action_costs_more_or_less_than_committed():
    changes = differences(committed(), measured())
    assert not changes, "gas changed; `make gas` accepts it:\n  " + "\n  ".join(changes)


def test_differences_name_the_action_and_both_figures():
    before = {"bid": 70_000, "cancel": 50_000, "gone": 1}
    after = {"bid": 71_500, "cancel": 50_000, "new": 2}
    assert differences(before, after) == [
        "bid: 70,000 -> 71,500 (+1,500)",
        "gone: 1 -> none",
        "new: none -> 2",
    ]


@pytest.mark.parametrize(
    ("target", "value", "verdict"),
    [
        (Target(10), 10, "met"),
        (Target(10), 10.5, "MISSED"),
        (Target(10, at_least=True), 9, "MISSED"),
        (Target(), 10**9, ""),
    ],
)
def test_a_missed_target_is_called_missed(target, value, verdict):
    assert target.verdict(value) == verdict


@pytest.mark.anvil
def test_a_transaction_that_reverts_is_no_figure():
    with (
        AnvilChain() as chain,
        pytest.raises(ChainError, match="Expected success"),
    ):
        # Code that reverts at once: PUSH0 PUSH0 REVERT.
        chain.send(Call("0x" + 40 * "1", None, bytes.fromhex("5f5ffd")))
