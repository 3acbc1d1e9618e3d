"""Names of accounts, and which passwords are too weak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.accounts.names import account_name, check_password
from gavelbook.errors import GavelbookError
from tests.accounts.conftest import code_of


@pytest.mark.parametrize("text", ["ada", "Ada", " ADA ", "a.b-c_9", "a" * 32, "000"])
def test_takes_plain_names_whatever_their_case(text):
    assert account_name(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "a" * 33,
        ".ab",
        "ab-",
        "a b",
        "a\nb",
        "ädä",
        "a\u017fa",
        "\u212aarl",
        "a/b",
        "\u0430da",
    ],
)
def test_refuses_other_names(text):
    assert code_of(account_name, text) == "name_malformed"


@given(st.text(max_size=40))
def test_a_name_is_ascii_or_refused(text):
    try:
        name = account_name(text)
    except GavelbookError:
        return
    assert name.isascii()
    assert account_name(name) == account_name(name.upper()) == name


@pytest.mark.parametrize(
    "password", ["", "qwe12", "a" * 20, "x" * 300, "Adadadadada", "12312312312"]
)
def test_refuses_weak_passwords_without_repeating_them(password):
    with pytest.raises(GavelbookError) as refused:
        check_password(password, "ada")
    assert refused.value.code == "password_weak"
    assert not password or password not in refused.value.message
