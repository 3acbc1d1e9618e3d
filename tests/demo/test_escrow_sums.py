from dataclasses import replace

import pytest

from gavelbook.demo.batch_table import Settled
from gavelbook.demo.escrow_sums import EscrowSums

SUMS = EscrowSums(
    symbol="GVL",
    paid_in=100,
    withdrawn=20,
    exited=5,
    of_accounts=75,
    held=75,
    in_ledger=75,
    differing=0,
)


def test_sums_that_agree_are_right():
    assert SUMS.right


@pytest.mark.parametrize(
    "field", ["paid_in", "withdrawn", "exited", "of_accounts", "held", "in_ledger", "differing"]
)
def test_one_base_unit_anywhere_is_wrong(field):
    assert not replace(SUMS, **{field: getattr(SUMS, field) + 1}).right


def test_gas_per_fill_is_rounded_to_the_nearest():
    assert Settled(number=1, fills=3, gas=100).gas_per_fill == 33
    assert Settled(number=1, fills=3, gas=101).gas_per_fill == 34
