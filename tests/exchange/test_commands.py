"""Commands as bytes: exact whatever their size, and refused where they are none."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.exchange import commands
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, SelfTradePrevention, Side, TimeInForce
from gavelbook.exchange.reports import DoneReason

addresses = st.binary(min_size=20, max_size=20)
words = st.binary(min_size=32, max_size=32)
integers = st.integers(0, 2**256 - 1)
uint64 = st.integers(1, 2**64 - 1)
FIELDS = {
    bytes: st.binary(max_size=65),
    int: integers,
    bool: st.booleans(),
    str: st.text(max_size=36),
    DoneReason: st.sampled_from(DoneReason),
    TimeInForce: st.sampled_from(TimeInForce),
    SelfTradePrevention: st.sampled_from(SelfTradePrevention),
    Market: st.builds(
        Market, integers, addresses, addresses, integers, integers, integers, integers
    ),
    Order: st.builds(
        Order,
        integers,
        addresses,
        st.sampled_from(Side),
        uint64,
        uint64,
        integers,
        integers,
        integers,
        integers,
    ),
}


def any_of(kind: type) -> st.SearchStrategy:
    return st.builds(kind, *(FIELDS[field.type] for field in msgspec.structs.fields(kind)))


any_command = st.one_of([any_of(kind) for kind in commands.Command.__args__])


@given(any_command)
def test_round_trip(command: commands.Command) -> None:
    entry = commands.encode(command)

    assert commands.decode(entry) == command
    assert type(commands.decode(entry)) is type(command)
    assert commands.encode(commands.decode(entry)) == entry


def test_entry_can_be_read_by_people() -> None:
    entry = commands.encode(commands.Deposit(bytes(20), bytes(20), 2**216 - 1))

    assert entry.decode() == (f'["deposit","{"A" * 27}=","{"A" * 27}=",{2**216 - 1}]')


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"null",
        b"[]",
        b'["unknown"]',
        b'["deposit"]',
        b'["deposit","AA==","AA==",1.5]',
        b'["deposit","AA==","AA==","1"]',
        b'["deposit","AA==","AA==",true]',
        b'["deposit","?","AA==",1]',
        b'["halt_market",1,2]',
        b"\xff\xfe",
        pytest.param(b"[" * 100_000, id="nested"),
    ],
)
def test_no_command(entry: bytes) -> None:
    with pytest.raises(ExchangeError) as error:
        commands.decode(entry)

    assert error.value.code == "entry_malformed"
