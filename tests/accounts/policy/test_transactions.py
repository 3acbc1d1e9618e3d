"""Calls: what the signer sends, and what it refuses, rule by rule and by the thousand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.accounts.errors import PolicyError
from gavelbook.accounts.policy import (
    understand_call,
)
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sale import Sale
from gavelbook.chain.sale_types import Permit
from gavelbook.chain.token import Token
from gavelbook.exchange.signing import Withdrawal
from tests.accounts.conftest import code_of
from tests.accounts.policy.scene import (
    CHAIN,
    DUSD,
    EXCHANGE,
    FACTORY,
    FORWARDER,
    GVL,
    KEY,
    NOW,
    ORDER,
    OWNER,
    SALE,
    STRANGER,
    UNKNOWN_TOKEN,
    VENUE,
    WEB3,
    WITHDRAWAL,
    raw,
)

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
