"""What the signer signs and sends, and what it refuses, rule by rule and by the thousand."""

import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st
from siwe import SiweMessage
from web3 import Web3

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy import (
    KnownSale,
    KnownToken,
    Owner,
    SignInPlace,
    Venue,
    check_destination,
    understand_call,
    understand_message,
    understand_typed_data,
)
from gavelbook.auction import AuctionTerms, Pricing, Rule
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.sale_types import Permit
from gavelbook.chain.signing import permit_message
from gavelbook.chain.token import Token
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import CancelRequest, Domain, Withdrawal
from gavelbook.exchange.typed_data import (
    batch_typed_data,
    cancel_typed_data,
    log_head_typed_data,
    order_typed_data,
    withdrawal_typed_data,
)
from tests.accounts.conftest import code_of

CHAIN, NOW = 31337, 1_800_000_000
KEY = Account.from_key(keccak(text="owner"))
WEB3 = Web3()


def address(name):
    return str(Web3.to_checksum_address(keccak(text=name)[-20:]))


def raw(checksummed):
    return bytes.fromhex(checksummed[2:])


EXCHANGE, SALE, ETHER_SALE = address("exchange"), address("sale"), address("other sale")
GVL, DUSD, ODD, FORWARDER = (address(each) for each in ("GVL", "DUSD", "ODD", "forwarder"))
STRANGER, UNKNOWN_TOKEN, FACTORY = (address(each) for each in ("stranger", "unknown", "factory"))
OWNER = Owner(KEY.address, FORWARDER)
MARKET = Market(1, raw(GVL), raw(DUSD), 10**15, 10**10, 30, 10)
AUCTION = AuctionTerms(
    rule=Rule.PRICE_TIME,
    pricing=Pricing.PAY_AS_BID,
    supply_lots=100,
    lot_size=10**15,
    floor_price=1_000_000,
    tick_value=50_000,
    tick_count=16,
    min_bid_lots=1,
    cap_bps=10_000,
)
TOKENS = {
    GVL: KnownToken(GVL, "Gavel", "GVL", 18, "1"),
    DUSD: KnownToken(DUSD, "Demo Dollar", "DUSD", 6, "2"),
    ODD: KnownToken(ODD, "Odd", "ODD", 0, None),
}
PLACE = SignInPlace("exchange.example", "https://exchange.example")
VENUE = Venue(
    chain_id=CHAIN,
    exchange=EXCHANGE,
    markets={1: MARKET},
    tokens=TOKENS,
    sales={
        SALE: KnownSale(SALE, "First sale", GVL, DUSD, AUCTION),
        ETHER_SALE: KnownSale(ETHER_SALE, "Other sale", GVL, ODD, AUCTION),
    },
    sign_in=(PLACE,),
    contracts=frozenset({FACTORY}),
)
DOMAIN = Domain(CHAIN, raw(EXCHANGE))
ORDER = Order(1, raw(KEY.address), Side.BUY, 5, 200, 3, 9, NOW + 1_000, 30)
WITHDRAWAL = Withdrawal(raw(KEY.address), raw(DUSD), 7_000_000, raw(KEY.address), 1, NOW + 1_000)


def order(**changes):
    fields = {name: getattr(ORDER, name) for name in Order.__struct_fields__}
    return order_typed_data(DOMAIN, MARKET, Order(**fields | changes))


def permit(token=DUSD, **changes):
    known = TOKENS.get(token, TOKENS[DUSD])
    fields = {
        "owner": KEY.address, "spender": EXCHANGE, "value": 5_000_000, "nonce": 0,
        "deadline": NOW + 3_600, "version": known.permit_version or "1",
        "token_name": known.name, "chain_id": CHAIN,
    }  # fmt: skip
    return permit_message(token=token, **fields | changes)


def withdrawal(**changes):
    fields = {name: getattr(WITHDRAWAL, name) for name in Withdrawal.__struct_fields__}
    return withdrawal_typed_data(DOMAIN, Withdrawal(**fields | changes))


def cancel(**changes):
    fields = {
        "account": raw(KEY.address), "market": 1, "scope": "market", "target": "",
        "timestamp": NOW * 1000,
    }  # fmt: skip
    return cancel_typed_data(DOMAIN, CancelRequest(**fields | changes))


def swapped(checksummed):
    """The address with every letter in the other case: its checksum is wrong."""
    return checksummed.swapcase().replace("X", "x", 1)


def understood(typed):
    return understand_typed_data(VENUE, OWNER, typed, NOW)


def refusal(typed, venue=VENUE):
    return code_of(understand_typed_data, venue, OWNER, typed, NOW)


def changed(typed, *path_and_value):
    *path, name, value = path_and_value
    copied = copy.deepcopy(typed)
    inner = copied
    for step in path:
        inner = inner[step]
    inner[name] = value
    return copied


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


# Calls


EXCHANGE_CALLS, SALE_CALLS = Exchange(WEB3, EXCHANGE), Sale(WEB3, SALE)
A_PERMIT = Permit(10, NOW, 27, bytes(32), bytes(32))
GOOD_CALLS = {
    "bid": SALE_CALLS.bid(3, 2),
    "bid off the ladder": SALE_CALLS.bid(99, 2),
    "bidWithPermit": SALE_CALLS.bid_with_permit(3, 2, A_PERMIT),
    "cancel bid": SALE_CALLS.cancel(0),
    "admit": SALE_CALLS.admit(KEY.address, b"\x01" * 32, NOW, b"\x02" * 65),
    "claim": SALE_CALLS.claim(KEY.address),
    "claimTokens": SALE_CALLS.claim_tokens(KEY.address),
    "claimRefund": SALE_CALLS.claim_refund(KEY.address),
    "claimTo": SALE_CALLS.claim_to(FORWARDER, KEY.address),
    "claimTo one": SALE_CALLS.claim_to(FORWARDER, None),
    "deposit": EXCHANGE_CALLS.deposit(DUSD, 5),
    "depositFor": EXCHANGE_CALLS.deposit_for(KEY.address, DUSD, 5),
    "depositWithPermit": EXCHANGE_CALLS.deposit_with_permit(KEY.address, DUSD, A_PERMIT),
    "sweep": EXCHANGE_CALLS.sweep(KEY.address, GVL),
    "withdraw": EXCHANGE_CALLS.withdraw(WITHDRAWAL, b"\x01" * 65),
    "requestExit": EXCHANGE_CALLS.request_exit([DUSD, GVL]),
    "cancelExit": EXCHANGE_CALLS.cancel_exit([DUSD]),
    "exit": EXCHANGE_CALLS.exit(DUSD, KEY.address),
    "exitFor": EXCHANGE_CALLS.exit_for(KEY.address, DUSD),
    "cancel lane": EXCHANGE_CALLS.cancel(1, 9),
    "approve exchange": Token(WEB3, DUSD).approve(EXCHANGE, 2**256 - 1),
    "approve sale": Token(WEB3, DUSD).approve(SALE, 5),
}


def data_of(call):
    fields = {"gas": 1, "gasPrice": 1, "nonce": 0, "chainId": CHAIN, "value": 0}
    return bytes.fromhex(call.build_transaction(fields)["data"][2:])


def judged(call, value=0):
    return understand_call(VENUE, OWNER, call.address, data_of(call), value)


@pytest.mark.parametrize("call", GOOD_CALLS.values(), ids=GOOD_CALLS)
def test_understands_what_accounts_need(call):
    found = judged(call)
    assert found.function == call.fn_name
    assert tuple(found.arguments.values()) == tuple(call.args)
    assert all(line.label and line.text for line in found.lines)
    assert code_of(judged, call, 1) == "ether_not_allowed"


def other_withdrawal(**changes):
    fields = {name: getattr(WITHDRAWAL, name) for name in Withdrawal.__struct_fields__}
    return EXCHANGE_CALLS.withdraw(Withdrawal(**fields | changes), b"\x01" * 65)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (SALE_CALLS.admit(STRANGER, bytes(32), NOW, b""), "account_not_own"),
        (SALE_CALLS.claim(STRANGER), "account_not_own"),
        (SALE_CALLS.claim_refund(STRANGER), "account_not_own"),
        (SALE_CALLS.claim_to(STRANGER, None), "recipient_not_own"),
        (SALE_CALLS.claim_to(KEY.address, STRANGER), "recipient_not_own"),
        (SALE_CALLS.claim_to(None, KEY.address, unwrap=True), "ether_not_allowed"),
        (SALE_CALLS.claim_many([KEY.address]), "function_not_allowed"),
        (SALE_CALLS.abort(), "function_not_allowed"),
        (SALE_CALLS.collect_proceeds(), "function_not_allowed"),
        (SALE_CALLS.contract.functions.multicall([b""]), "function_not_allowed"),
        (Sale(WEB3, STRANGER).bid(1, 1), "contract_unknown"),
        (Sale(WEB3, FACTORY).bid(1, 1), "contract_unknown"),
        (Sale(WEB3, EXCHANGE).bid(1, 1), "function_not_allowed"),
        (EXCHANGE_CALLS.deposit_for(STRANGER, DUSD, 5), "account_not_own"),
        (EXCHANGE_CALLS.deposit(UNKNOWN_TOKEN, 5), "token_unknown"),
        (EXCHANGE_CALLS.deposit_with_permit(STRANGER, DUSD, A_PERMIT), "account_not_own"),
        (EXCHANGE_CALLS.sweep(STRANGER, DUSD), "account_not_own"),
        (other_withdrawal(to=raw(STRANGER)), "recipient_not_own"),
        (other_withdrawal(account=raw(STRANGER)), "account_not_own"),
        (EXCHANGE_CALLS.exit(DUSD, STRANGER), "recipient_not_own"),
        (EXCHANGE_CALLS.exit_for(STRANGER, DUSD), "account_not_own"),
        (EXCHANGE_CALLS.request_exit([]), "too_many_tokens"),
        (EXCHANGE_CALLS.request_exit([DUSD] * 33), "too_many_tokens"),
        (EXCHANGE_CALLS.request_exit([DUSD, UNKNOWN_TOKEN]), "token_unknown"),
        (EXCHANGE_CALLS.approve_order(ORDER), "function_not_allowed"),
        (EXCHANGE_CALLS.settle(b"", bytes(64)), "function_not_allowed"),
        (EXCHANGE_CALLS.pause(), "function_not_allowed"),
        (EXCHANGE_CALLS.sweep_ether(KEY.address), "function_not_allowed"),
        (Token(WEB3, DUSD).transfer(STRANGER, 1), "transfer_needs_confirmation"),
        (Token(WEB3, DUSD).transfer(KEY.address, 1), "transfer_needs_confirmation"),
        (Token(WEB3, DUSD).approve(STRANGER, 1), "spender_unknown"),
        (Token(WEB3, DUSD).approve(FORWARDER, 1), "spender_unknown"),
        (Token(WEB3, GVL).approve(SALE, 1), "spender_takes_other_token"),
        (Token(WEB3, UNKNOWN_TOKEN).approve(EXCHANGE, 1), "contract_unknown"),
    ],
)
def test_refuses_calls_and_says_which_rule(call, code):
    assert code_of(judged, call) == code


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "function_not_allowed"),
        (b"\x00\x00", "function_not_allowed"),
        (b"\x12\x34\x56\x78" + bytes(64), "function_not_allowed"),
        (data_of(SALE_CALLS.bid(1, 2)) + b"\x00", "calldata_malformed"),
        (data_of(SALE_CALLS.bid(1, 2))[:-1], "calldata_malformed"),
        (data_of(SALE_CALLS.claim(KEY.address))[:4] + b"\x01" * 32, "calldata_malformed"),
        (data_of(SALE_CALLS.bid(1, 2))[:4], "calldata_malformed"),
    ],
)
def test_refuses_data_that_is_not_written_as_it_should_be(data, code):
    assert code_of(understand_call, VENUE, OWNER, SALE, data, 0) == code


def test_arrays_that_share_or_repeat_their_place_are_refused():
    data = data_of(EXCHANGE_CALLS.request_exit([DUSD]))
    far = data[:4] + (2**255).to_bytes(32, "big") + data[36:]
    assert code_of(understand_call, VENUE, OWNER, EXCHANGE, far, 0) == "calldata_malformed"
    long = data[:36] + (2**200).to_bytes(32, "big") + data[68:]
    assert code_of(understand_call, VENUE, OWNER, EXCHANGE, long, 0) == "calldata_malformed"
    padded = data[:4] + (64).to_bytes(32, "big") + bytes(32) + data[36:]
    assert code_of(understand_call, VENUE, OWNER, EXCHANGE, padded, 0) == "calldata_malformed"


@given(st.sampled_from(sorted(GOOD_CALLS)), st.data())
def test_calldata_with_changed_bytes_is_refused_or_still_means_what_it_says(name, data):
    call = GOOD_CALLS[name]
    content = bytearray(data_of(call))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = understand_call(VENUE, OWNER, call.address, bytes(content), 0)
    except PolicyError:
        return
    contracts = {EXCHANGE: EXCHANGE_CALLS, SALE: SALE_CALLS, DUSD: Token(WEB3, DUSD)}
    function = contracts[call.address].contract.get_function_by_name(found.function)
    assert data_of(function(*found.arguments.values())) == bytes(content)
    for argument in ("account", "owner_", "bidder", "to"):
        assert found.arguments.get(argument, KEY.address) == KEY.address


@given(st.sampled_from([EXCHANGE, SALE, DUSD, STRANGER]), st.binary(max_size=300))
def test_random_calldata_is_refused(to, content):
    with pytest.raises(PolicyError):
        understand_call(VENUE, OWNER, to, content, 0)


# Sign-in messages


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


# Destinations of transfers


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
