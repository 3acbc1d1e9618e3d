"""Typed data: what the signer signs, and what it refuses, rule by rule and by the thousand."""

from dataclasses import replace

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy import (
    understand_typed_data,
)
from gavelbook.exchange.orders import Side
from gavelbook.exchange.signing import Domain
from gavelbook.exchange.typed_data import (
    batch_typed_data,
    log_head_typed_data,
    order_typed_data,
)
from tests.accounts.conftest import code_of
from tests.accounts.policy.scene import (
    CHAIN,
    DOMAIN,
    DUSD,
    ETHER_SALE,
    EXCHANGE,
    FACTORY,
    FORWARDER,
    GVL,
    KEY,
    MARKET,
    NOW,
    ODD,
    ORDER,
    OWNER,
    SALE,
    STRANGER,
    UNKNOWN_TOKEN,
    VENUE,
    cancel,
    changed,
    order,
    permit,
    raw,
    swapped,
    withdrawal,
)


def understood(typed):
    return understand_typed_data(VENUE, OWNER, typed, NOW)


def refusal(typed, venue=VENUE):
    return code_of(understand_typed_data, venue, OWNER, typed, NOW)


GOOD = {
    "order": order(),
    "sell order": order(side=Side.SELL),
    "permit": permit(),
    "permit for a sale": permit(spender=SALE),
    "withdrawal": withdrawal(),
    "cancel": cancel(),
    "cancel of all": cancel(market=0, scope="all"),
}


# Typed data that is signed
@pytest.mark.parametrize("typed", GOOD.values(), ids=GOOD)
def test_what_is_understood_is_signed_as_every_other_wallet_would(typed):
    digest = understood(typed).digest
    signed = Account.sign_typed_data(KEY.key, full_message=typed)
    assert bytes(signed.message_hash) == digest
    # Without the domain's type, and with numbers as text, it is the same.
    types = {name: each for name, each in typed["types"].items() if name != "EIP712Domain"}
    texts = {k: str(v) if type(v) is int else v for k, v in typed["message"].items()}
    plain = {**typed, "types": types, "message": texts}
    assert understood(plain).digest == digest


def test_an_order_is_said_in_words():
    lines = dict(understood(order()).lines)
    assert lines == {
        "Buy": "0.005 GVL",
        "For at most": "10,000,000 DUSD",
        "Fee at most": "0.3 %",
        "Good until": "2027-01-15 08:16 UTC",
    }
    assert "Sell" in dict(understood(order(side=Side.SELL)).lines)


def test_an_unlimited_permit_says_so():
    assert dict(understood(permit(value=2**256 - 1)).lines)["To take"] == "any amount of DUSD"


# Typed data that is refused
@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (order(maker=raw(STRANGER)), "account_not_own"),
        (changed(order(), "message", "market", "2"), "market_unknown"),
        (changed(order(), "message", "baseToken", DUSD), "tokens_foreign"),
        (changed(order(), "message", "quoteToken", STRANGER), "tokens_foreign"),
        (changed(order(), "message", "baseAmount", str(10**15 + 1)), "amount_not_in_lots"),
        (changed(order(), "message", "quoteLimit", "10000000000001"), "amount_not_in_lots"),
        (changed(order(), "message", "baseAmount", "0"), "amount_not_in_lots"),
        (changed(order(), "message", "quoteLimit", "0"), "amount_not_in_lots"),
        (changed(order(), "message", "baseAmount", str(10**15 * 2**64)), "amount_not_in_lots"),
        (changed(order(), "message", "quoteLimit", str(5 * 10**10 * 2**64)), "order_out_of_range"),
        (changed(order(), "message", "side", "both"), "order_out_of_range"),
        (order(max_fee_bps=31), "fee_too_high"),
        (order(expiry=NOW - 1), "deadline_passed"),
        (order(expiry=NOW + 500 * 86_400), "deadline_too_far"),
        (order_typed_data(Domain(1, raw(EXCHANGE)), MARKET, ORDER), "domain_foreign"),
        (order_typed_data(Domain(CHAIN, raw(SALE)), MARKET, ORDER), "domain_foreign"),
        (changed(order(), "domain", "name", "Gavelbook"), "domain_foreign"),
        (changed(order(), "domain", "version", "2"), "domain_foreign"),
        (changed(order(), "domain", "salt", "0x00"), "typed_data_malformed"),
        (changed(order(), "message", "more", "1"), "typed_data_malformed"),
        (changed(order(), "message", "lane", "-1"), "typed_data_malformed"),
        (changed(order(), "message", "lane", str(2**32)), "typed_data_malformed"),
        (changed(order(), "message", "lane", "01"), "typed_data_malformed"),
        (changed(order(), "message", "lane", [1]), "typed_data_malformed"),
        (changed(order(), "message", "lane", 1.0), "typed_data_malformed"),
        (changed(order(), "message", "maker", KEY.address.lower()[:-1]), "typed_data_malformed"),
        (changed(order(), "message", "maker", swapped(KEY.address)), "typed_data_malformed"),
        (changed(order(), "types", "Mail", []), "types_foreign"),
        (changed(order(), "types", "Order", 0, "name", "size"), "types_foreign"),
        (changed(order(), "types", "EIP712Domain", []), "types_foreign"),
        (changed(order(), "primaryType", "Permit"), "typed_data_malformed"),
        (changed(order(), "digest", "0x00"), "typed_data_malformed"),
        (permit(owner=STRANGER), "account_not_own"),
        (permit(spender=STRANGER), "spender_unknown"),
        (permit(spender=KEY.address), "spender_unknown"),
        (permit(spender=FACTORY), "spender_unknown"),
        (permit(spender=ETHER_SALE), "spender_takes_other_token"),
        (permit(GVL, spender=SALE), "spender_takes_other_token"),
        (permit(UNKNOWN_TOKEN), "token_unknown"),
        (permit(ODD), "permits_not_taken"),
        (permit(deadline=NOW - 1), "deadline_passed"),
        (permit(deadline=NOW + 86_401), "deadline_too_far"),
        (permit(deadline=2**256 - 1), "deadline_too_far"),
        (permit(chain_id=1), "domain_foreign"),
        (permit(token_name="Gavel"), "domain_foreign"),
        (permit(version="1"), "domain_foreign"),
        (withdrawal(account=raw(STRANGER)), "account_not_own"),
        (withdrawal(to=raw(STRANGER)), "recipient_not_own"),
        (withdrawal(to=raw(FORWARDER)), "recipient_not_own"),
        (withdrawal(token=raw(UNKNOWN_TOKEN)), "token_unknown"),
        (withdrawal(deadline=NOW - 1), "deadline_passed"),
        (withdrawal(deadline=NOW + 8 * 24 * 3_600), "deadline_too_far"),
        (withdrawal(nonce=(NOW + 8 * 24 * 3_600) * 1_000), "nonce_too_high"),
        (withdrawal(nonce=2**256 - 1), "nonce_too_high"),
        (cancel(account=raw(STRANGER)), "account_not_own"),
        (cancel(scope="everything"), "scope_unknown"),
        (cancel(market=2), "market_unknown"),
        (batch_typed_data(DOMAIN, 1, 1, b"batch"), "type_unknown"),
        (log_head_typed_data(DOMAIN, 1, bytes(32)), "type_unknown"),
        (changed(order(), "primaryType", ["Order"]), "type_unknown"),
        (changed(order(), "primaryType", None), "type_unknown"),
        ({}, "typed_data_malformed"),
        ({"digest": "0x" + 64 * "1"}, "typed_data_malformed"),
        (changed(order(), "message", None), "typed_data_malformed"),
        (changed(order(), "domain", []), "typed_data_malformed"),
        (changed(permit(), "domain", "text"), "typed_data_malformed"),
    ],
)
def test_refuses_typed_data_and_says_which_rule(typed, code):
    assert refusal(typed) == code


def test_signs_nothing_of_an_exchange_where_there_is_none():
    venue = replace(VENUE, exchange=None)
    assert refusal(order(), venue) == "domain_foreign"
    assert refusal(permit(), venue) == "spender_unknown"


# By the thousand
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**300), 2**300),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.sampled_from([KEY.address, STRANGER, EXCHANGE, SALE, GVL, DUSD, "0x", "0", "1"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=2),
)


def places(content, path=()):
    """Every place in JSON ``content``."""
    yield path
    inner = content.items() if isinstance(content, dict) else enumerate(content)
    if isinstance(content, dict | list):
        for name, value in inner:
            if isinstance(value, dict | list):
                yield from places(value, (*path, name))
            else:
                yield (*path, name)


@given(st.sampled_from(sorted(GOOD)), st.data(), junk)
def test_whatever_is_changed_is_refused_or_signed_as_it_says(name, data, value):
    """A message with one thing replaced: where it is signed, the digest is that of the message."""
    typed = GOOD[name]
    path = data.draw(st.sampled_from([each for each in places(typed) if each]))
    mutated = changed(typed, *path, value)
    try:
        digest = understood(mutated).digest
    except PolicyError:
        return
    full = {**mutated, "types": {**typed["types"], **mutated["types"]}}
    signable = encode_typed_data(full_message=full)
    assert keccak(b"\x19" + signable.version + signable.header + signable.body) == digest
    assert mutated["domain"]["verifyingContract"].lower() in {EXCHANGE.lower(), DUSD.lower()}
    message = mutated["message"]
    own = message.get("maker") or message.get("account") or message.get("owner")
    assert own.lower() == KEY.address.lower()
    assert message.get("to", own).lower() == own.lower()


@given(st.recursive(junk, lambda inner: st.dictionaries(st.text(max_size=12), inner, max_size=4)))
def test_junk_is_refused_in_order(content):
    typed = content if isinstance(content, dict) else {"message": content}
    with pytest.raises(PolicyError):
        understood(typed)


@given(
    lots=st.integers(1, 2**64 - 1),
    ticks=st.integers(1, 2**64 - 1),
    side=st.sampled_from(Side),
    lane=st.integers(0, 2**32 - 1),
    sequence=st.integers(0, 2**32 - 1),
    expiry=st.integers(NOW, NOW + 300 * 86_400),
    fee=st.integers(0, 30),
)
def test_every_order_of_the_market_is_understood(lots, ticks, side, lane, sequence, expiry, fee):
    typed = order(
        lots=lots, ticks=ticks, side=side, lane=lane, sequence=sequence, expiry=expiry,
        max_fee_bps=fee,
    )  # fmt: skip
    signable = encode_typed_data(full_message=typed)
    wanted = keccak(b"\x19" + signable.version + signable.header + signable.body)
    assert understood(typed).digest == wanted
