"""Hashes packed by hand are those of any other EIP-712 signer, for every value that fits."""

from contextlib import suppress

import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.exchange import typed_data
from gavelbook.exchange.errors import ExchangeError
from gavelbook.exchange.orders import Side
from gavelbook.exchange.signing import (
    Domain,
    Withdrawal,
    address_of,
    batch_hash,
    cancel_hash,
    compact_signature,
    log_head_hash,
    order_hash,
    recover,
    sign,
    withdrawal_hash,
)
from tests.exchange.signed_messages import (
    DOMAIN,
    MAKER,
    MAKER_ADDRESS,
    MAKER_KEY,
    MARKET,
    addresses,
    cancel_requests,
    digest_of,
    domains,
    markets,
    order,
    orders,
    uint256,
    withdrawals,
    words,
)

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GOLDEN = {
    "domain": "413dd396969fd34c0ec4cea7f19fd24ec37452b20427abd7b549bba9fb7a020e",
    "sell": "12d8ba365f16e5df7fc5f7ab6d96e5eefa9f66606ca801e1def1cf793af8795c",
    "buy": "7aabe577402e75f16bef80bc83c16f1c16db662189eba90ba2d656ad224aae40",
    "log_head": "b5dd4251987404204751c55e49cc2450b688279d6a17256b59c291e5ae38ae79",
    "batch": "978a722914c6e6f5f1522271d0d870397cac296feb6f8ab85dd418398f7ccea7",
}
many = settings(max_examples=300, deadline=None)


def word(number):
    return number.to_bytes(32, "big")


class TestDigests:
    @many
    @given(domains, markets, orders())
    def test_of_orders(self, domain, market, order):
        expected = digest_of(typed_data.order_typed_data(domain, market, order))
        assert order_hash(domain, market, order) == expected

    @many
    @given(domains, cancel_requests)
    def test_of_cancel_requests(self, domain, request):
        expected = digest_of(typed_data.cancel_typed_data(domain, request))
        assert cancel_hash(domain, request) == expected

    @many
    @given(domains, withdrawals)
    def test_of_withdrawals(self, domain, withdrawal):
        expected = digest_of(typed_data.withdrawal_typed_data(domain, withdrawal))
        assert withdrawal_hash(domain, withdrawal) == expected

    @many
    @given(domains, uint256, uint256, st.binary(max_size=300))
    def test_of_batches(self, domain, market, number, content):
        expected = digest_of(typed_data.batch_typed_data(domain, market, number, content))
        assert batch_hash(domain, market, number, content) == expected

    @many
    @given(domains, uint256, words)
    def test_of_log_heads(self, domain, position, head):
        expected = digest_of(typed_data.log_head_typed_data(domain, position, head))
        assert log_head_hash(domain, position, head) == expected

    def test_stay_as_they_are(self):
        # Whoever changes these voids every signed order, receipt and batch there is.
        assert DOMAIN.separator.hex() == GOLDEN["domain"]
        assert order_hash(DOMAIN, MARKET, order()).hex() == GOLDEN["sell"]
        assert order_hash(DOMAIN, MARKET, order(side=Side.BUY)).hex() == GOLDEN["buy"]
        assert log_head_hash(DOMAIN, 7, b"\x01" * 32).hex() == GOLDEN["log_head"]
        assert batch_hash(DOMAIN, 3, 1, b"batch").hex() == GOLDEN["batch"]

    @pytest.mark.parametrize(
        "change",
        [
            {"lots": 2**256},
            {"ticks": 2**250},
            {"lots": -1},
            {"lane": 2**32},
            {"lane": -1},
            {"sequence": 2**32},
            {"expiry": 2**64},
            {"max_fee_bps": 2**16},
            {"market": 2**16},
        ],
    )
    def test_refuse_what_does_not_fit_an_order(self, change):
        with pytest.raises(ExchangeError) as refused:
            order_hash(DOMAIN, MARKET, order(**change))
        assert refused.value.code == "order_out_of_range"

    @pytest.mark.parametrize("maker", [b"", b"\x01" * 19, b"\x01" * 21])
    def test_refuse_makers_that_are_no_addresses(self, maker):
        with pytest.raises(ExchangeError) as refused:
            order_hash(DOMAIN, MARKET, order(maker=maker))
        assert refused.value.code == "message_out_of_range"

    @pytest.mark.parametrize("number", [-1, 2**256])
    def test_refuse_numbers_that_are_no_words(self, number):
        address = b"\x01" * 20
        with pytest.raises(ExchangeError) as refused:
            withdrawal_hash(DOMAIN, Withdrawal(address, address, number, address, 1, 1))
        assert refused.value.code == "message_out_of_range"
        with pytest.raises(ExchangeError):
            Domain(number, address)

    def test_refuse_heads_of_another_length(self):
        with pytest.raises(ExchangeError):
            log_head_hash(DOMAIN, 1, b"\x01" * 31)


class TestRecover:
    @many
    @given(words)
    def test_gives_the_signer_in_both_forms(self, digest):
        signature = sign(digest, MAKER_KEY)
        assert recover(digest, signature) == MAKER_ADDRESS
        assert recover(digest, compact_signature(signature)) == MAKER_ADDRESS
        assert compact_signature(compact_signature(signature)) == compact_signature(signature)

    @many
    @given(st.integers(1, CURVE_ORDER - 1), words)
    def test_agrees_with_eth_account(self, secret, digest):
        account = Account.from_key(word(secret))
        theirs = bytes(account.unsafe_sign_hash(digest).signature)
        assert sign(digest, PrivateKey(word(secret))) == theirs
        assert recover(digest, theirs) == bytes.fromhex(account.address[2:])
        assert address_of(PrivateKey(word(secret))) == bytes.fromhex(account.address[2:])

    def test_takes_what_a_wallet_signs(self):
        message = typed_data.order_typed_data(DOMAIN, MARKET, order())
        signed = MAKER.sign_message(encode_typed_data(full_message=message))
        assert recover(order_hash(DOMAIN, MARKET, order()), bytes(signed.signature)) == (
            MAKER_ADDRESS
        )

    def test_refuses_the_mirror_image_of_a_signature(self):
        digest = b"\x07" * 32
        signature = sign(digest, MAKER_KEY)
        s = CURVE_ORDER - int.from_bytes(signature[32:64], "big")
        mirrored = signature[:32] + word(s) + bytes([55 - signature[64]])
        with pytest.raises(ExchangeError, match="lower half") as refused:
            recover(digest, mirrored)
        assert refused.value.code == "bad_signature"

    def test_takes_the_highest_s(self):
        half = CURVE_ORDER // 2
        for s, taken in [(half, True), (half + 1, False)]:
            signature = sign(b"\x07" * 32, MAKER_KEY)[:32] + word(s) + b"\x1b"
            if taken:
                assert len(recover(b"\x07" * 32, signature)) == 20
            else:
                with pytest.raises(ExchangeError, match="lower half"):
                    recover(b"\x07" * 32, signature)

    @pytest.mark.parametrize("v", [0, 1, 2, 3, 26, 29, 30, 255])
    def test_refuses_any_other_v(self, v):
        signature = sign(b"\x07" * 32, MAKER_KEY)[:64] + bytes([v])
        with pytest.raises(ExchangeError, match="v of 27 or 28"):
            recover(b"\x07" * 32, signature)

    @pytest.mark.parametrize("length", [0, 1, 63, 66, 1_000])
    def test_refuses_any_other_length(self, length):
        with pytest.raises(ExchangeError, match="64 or 65 bytes"):
            recover(b"\x07" * 32, b"\x01" * length)

    @pytest.mark.parametrize(
        ("r", "s"), [(0, 1), (1, 0), (0, 0), (CURVE_ORDER, 1), (2**256 - 1, 1), (5, 1)]
    )
    def test_refuses_what_nobody_can_have_signed(self, r, s):
        # No point of the curve has 5 as its x.
        with pytest.raises(ExchangeError) as refused:
            recover(b"\x07" * 32, word(r) + word(s) + b"\x1b")
        assert refused.value.code == "bad_signature"

    @many
    @given(words, st.binary(min_size=60, max_size=70))
    def test_raises_nothing_else(self, digest, signature):
        with suppress(ExchangeError):
            recover(digest, signature)


@given(addresses)
def test_addresses_are_shown_as_elsewhere(address):
    from eth_utils.address import to_checksum_address

    assert typed_data.checksum_address(address) == to_checksum_address(address)
