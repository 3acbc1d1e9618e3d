"""Where a transfer may go."""

import pytest

from gavelbook.accounts.policy import (
    check_destination,
)
from tests.accounts.conftest import code_of
from tests.accounts.policy.scene import (
    EXCHANGE,
    FACTORY,
    FORWARDER,
    GVL,
    KEY,
    OWNER,
    SALE,
    STRANGER,
    VENUE,
    swapped,
)


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("", "address_malformed"),
        ("somebody.eth", "address_malformed"),
        (STRANGER[2:], "address_malformed"),
        (STRANGER[:-1], "address_malformed"),
        (swapped(STRANGER), "checksum_wrong"),
        (STRANGER.lower(), "checksum_missing"),
        ("0x" + 40 * "0", "destination_zero"),
        ("0x" + 39 * "0" + "1", "destination_reserved"),
        (KEY.address, "destination_own"),
        (EXCHANGE, "destination_is_contract"),
        (SALE, "destination_is_contract"),
        (GVL, "destination_is_contract"),
        (FACTORY, "destination_is_contract"),
    ],
)
def test_refuses_destinations(to, code):
    assert code_of(check_destination, VENUE, OWNER, to) == code


def test_takes_other_addresses():
    assert check_destination(VENUE, OWNER, STRANGER) == STRANGER
    assert check_destination(VENUE, OWNER, FORWARDER) == FORWARDER
