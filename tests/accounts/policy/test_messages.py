"""Texts: the signer signs in at the exchange, and signs nothing else."""

from datetime import UTC, datetime

import pytest
from eth_account.messages import encode_defunct
from hypothesis import given
from hypothesis import strategies as st
from siwe import SiweMessage

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy import (
    understand_message,
)
from tests.accounts.conftest import code_of
from tests.accounts.policy.scene import CHAIN, KEY, NOW, OWNER, PLACE, STRANGER, VENUE


def sign_in(**changes):
    fields = {
        "domain": PLACE.domain, "uri": PLACE.uri, "address": KEY.address, "version": "1",
        "chain_id": CHAIN, "nonce": "0123456789abcdef", "statement": "Sign in to Gavelbook.",
        "issued_at": iso(NOW), "expiration_time": iso(NOW + 3_600),
    }  # fmt: skip
    given_fields = {k: v for k, v in (fields | changes).items() if v is not None}
    return SiweMessage(**given_fields).prepare_message()


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def test_signs_in_as_every_other_wallet_would():
    found = understand_message(VENUE, OWNER, sign_in(), NOW)
    signed = KEY.sign_message(encode_defunct(text=sign_in()))
    assert bytes(signed.message_hash) == found.digest


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (sign_in(domain="evil.example"), "sign_in_foreign"),
        (sign_in(uri="https://exchange.example/other"), "sign_in_foreign"),
        (sign_in(chain_id=1), "sign_in_foreign"),
        (sign_in(address=STRANGER), "sign_in_foreign"),
        (sign_in(scheme="https"), "sign_in_foreign"),
        (sign_in(resources=["https://exchange.example/everything"]), "sign_in_foreign"),
        (sign_in(request_id="7"), "sign_in_foreign"),
        (sign_in(not_before=iso(NOW)), "sign_in_foreign"),
        (sign_in(issued_at=iso(NOW - 3_600)), "sign_in_foreign"),
        (sign_in(issued_at=iso(NOW + 3_600)), "sign_in_foreign"),
        (sign_in(expiration_time=None), "sign_in_foreign"),
        (sign_in(expiration_time=iso(NOW - 1)), "deadline_passed"),
        (sign_in(expiration_time=iso(NOW + 8 * 86_400)), "deadline_too_far"),
        ("", "message_malformed"),
        ("I owe you everything", "message_malformed"),
        (f"{sign_in()}\n", "message_malformed"),
        (f" {sign_in()}", "message_malformed"),
        (sign_in().replace("Version: 1", "Version: 2"), "message_malformed"),
        ("\x19\x01" + 64 * "a", "message_malformed"),
    ],
)
def test_refuses_other_texts(text, code):
    assert code_of(understand_message, VENUE, OWNER, text, NOW) == code


@given(st.text(max_size=300))
def test_random_texts_are_refused(text):
    with pytest.raises(PolicyError):
        understand_message(VENUE, OWNER, text, NOW)
