import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.service.amounts import AmountError, base_units, decimal_text


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [
        (0, 18, "0"),
        (1, 18, "0.000000000000000001"),
        (1_234_500, 3, "1,234.5"),
        (10**24, 18, "1,000,000"),
        (-15, 1, "-1.5"),
        (7, 0, "7"),
        (2**256 - 1, 0, f"{2**256 - 1:,}"),
    ],
)
def test_every_digit_is_shown(units, decimals, text):
    assert decimal_text(units, decimals) == text


@given(st.integers(0, 2**256 - 1), st.integers(0, 30))
def test_reading_is_the_inverse_of_showing(units, decimals):
    assert base_units(decimal_text(units, decimals), decimals) == units


@pytest.mark.parametrize(
    ("text", "units"), [("1", 1_000), ("1.", 1_000), (".5", 500), (" 1,234.50 ", 1_234_500)]
)
def test_what_people_type_is_read(text, units):
    assert base_units(text, 3) == units


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "+1", "1e3", "1,23", "1 000", "٣", "0x10", "1.2.3"]
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(AmountError) as refused:
        base_units(text, 3)
    assert refused.value.code == "amount_malformed"


def test_digits_below_a_base_unit_are_refused_not_rounded():
    assert base_units("1.5000", 1) == 15
    with pytest.raises(AmountError) as refused:
        base_units("1.55", 1)
    assert refused.value.code == "amount_too_fine"
