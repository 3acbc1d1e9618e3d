"""Keys and delays with which an exchange begins."""

from __future__ import annotations

import pytest
from eth_abi.abi import decode

from tests.contracts.exchange.support import events, refuses
from tests.evm.compiled import contract
from tests.evm.exchange import (
    CANCEL_NOTICE,
    DAY,
    EXIT_DELAY,
    FEES,
    KEY_DELAY,
    MATCHER,
    OWNER,
    Exchange,
    encode,
)
from tests.evm.machine import CHAIN_ID, Machine, words
from tests.evm.sale import STRANGER, ZERO_ADDRESS

LONGEST = 90 * DAY


def _deploy(machine, matcher=MATCHER.address, recipient=FEES, delays=(DAY, DAY, DAY)):
    arguments = words(OWNER, matcher, recipient, *delays)
    return machine.deploy(contract("Exchange").creation + arguments, OWNER)


def test_an_exchange_says_with_what_it_began(floor):
    exchange = floor.exchange
    for name, value in {
        "owner": int(OWNER, 16),
        "matcher": int(MATCHER.address, 16),
        "feeRecipient": int(FEES, 16),
        "exitDelay": EXIT_DELAY,
        "cancelNotice": CANCEL_NOTICE,
        "keyDelay": KEY_DELAY,
        "lastBatch": 0,
        "paused": 0,
        "marketCount": 2,
    }.items():
        assert exchange.number(name) == value, name


def test_its_keys_are_announced():
    machine = Machine()
    exchange = Exchange(machine, _deploy(machine))
    names = [event for event in events(exchange) if not event[0].startswith("Ownership")]
    assert names == [("MatcherChanged", MATCHER.address), ("FeeRecipientChanged", FEES)]


def test_its_domain_can_be_asked_for(floor):
    answer = floor.exchange.send(STRANGER, encode("eip712Domain"))
    kinds = ["bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]"]
    assert decode(kinds, answer) == (
        *(b"\x0f", "Gavelbook Exchange", "1", CHAIN_ID, floor.exchange.address, bytes(32), ()),
    )


@pytest.mark.parametrize("delays", [(1, 1, 1), (DAY, 1, DAY), (LONGEST,) * 3])
def test_delays_within_their_bounds(delays):
    machine = Machine()
    exchange = Exchange(machine, _deploy(machine, delays=delays))
    names = ("exitDelay", "cancelNotice", "keyDelay")
    assert tuple(map(exchange.number, names)) == delays


@pytest.mark.parametrize(
    "delays",
    [(DAY, 0, DAY), (DAY, DAY + 1, DAY), (DAY, DAY, DAY - 1), (DAY, DAY, LONGEST + 1), (0, 0, 0)],
)
def test_delays_out_of_order_are_refused(delays):
    refuses(lambda: _deploy(Machine(), delays=delays), "DelaysInvalid", *delays, LONGEST)


def test_nobody_is_no_matcher_and_no_recipient():
    refuses(lambda: _deploy(Machine(), matcher=ZERO_ADDRESS), "AddressMissing")
    refuses(lambda: _deploy(Machine(), recipient=ZERO_ADDRESS), "AccountInvalid", ZERO_ADDRESS)
    refuses(
        lambda: Machine().deploy(
            contract("Exchange").creation
            + words(ZERO_ADDRESS, MATCHER.address, FEES, DAY, DAY, DAY),
            OWNER,
        ),
        "OwnableInvalidOwner",
        ZERO_ADDRESS,
    )
