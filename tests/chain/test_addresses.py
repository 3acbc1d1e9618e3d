import pytest

from gavelbook.chain.addresses import checksummed
from gavelbook.chain.errors import ChainError

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@pytest.mark.parametrize(
    "address", [ADDRESS, ADDRESS.lower(), "0X" + ADDRESS[2:], "0x" + ADDRESS[2:].upper()]
)
def test_a_right_checksum_or_none_is_taken(address):
    assert checksummed(address) == ADDRESS


@pytest.mark.parametrize(
    "address",
    [
        ADDRESS.replace("aA", "Aa"),
        ADDRESS.replace("5", "6", 1),
        ADDRESS[:-1],
        ADDRESS[2:],
        "",
        "0x",
        "0x" + 40 * "g",
    ],
)
def test_a_slip_of_the_pen_is_refused(address):
    with pytest.raises(ChainError) as refused:
        checksummed(address)
    assert refused.value.code == "address_malformed"
