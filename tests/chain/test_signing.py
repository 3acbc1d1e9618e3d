"""The golden values were computed by hand from EIP-712 below, without the library under test."""

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from gavelbook.chain import signing
from gavelbook.chain.errors import TransactionRefused
from gavelbook.chain.sale import ClearingHint, Sale

KEY = Account.from_key("0x" + 64 * "1")
SALE = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
BIDDER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
HINT = ClearingHint(7, 45, 3, b"\xab" * 32)
ENTITY = b"\x05" * 32

GOLDEN_CLEARING = (
    "f8c7783699ffdd30f2efbf5b521944fdbb82dea81da3ba78e5c8901be88213fa4"
    "00ff193fa2e63df85b19d9dc6310602a67385976ef24c00a851688e754b9bfb1c"
)
GOLDEN_ADMISSION = (
    "4c9d10f479cbdfcaf86e2d0762bde245da3108e6bb163f6ded6892ab43c3e1bb5"
    "a412a599b71e7dfb6ca0d8fb6480c03937a0cb5d7989c4f5c2cd0689fd079631b"
)


def domain_separator(name, chain_id, contract):
    kind = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return keccak(
        encode(
            ["bytes32", "bytes32", "bytes32", "uint256", "address"],
            [keccak(text=kind), keccak(text=name), keccak(text="1"), chain_id, contract],
        )
    )


def signed_by_hand(kind, types, values, domain):
    struct = keccak(encode(["bytes32", *types], [keccak(text=kind), *values]))
    return KEY.unsafe_sign_hash(keccak(b"\x19\x01" + domain + struct)).signature


def test_a_clearing_is_signed_as_the_standard_says():
    signature = signing.sign_clearing(KEY, 31337, SALE, HINT)
    kind = "Clearing(uint256 marginalTick,uint256 level,uint256 cut,bytes32 digest)"
    types = ["uint256", "uint256", "uint256", "bytes32"]
    domain = domain_separator("Gavelbook TokenSale", 31337, SALE)
    assert signature == signed_by_hand(kind, types, list(HINT), domain)
    assert signature.hex() == GOLDEN_CLEARING
    assert signing.recover_clearing(31337, SALE, HINT, signature) == KEY.address


def test_the_digest_can_be_given_apart():
    bare = HINT._replace(digest=bytes(32))
    signature = signing.sign_clearing(KEY, 31337, SALE, bare, HINT.digest)
    assert signature == signing.sign_clearing(KEY, 31337, SALE, HINT)
    assert signing.recover_clearing(31337, SALE, bare, signature, HINT.digest) == KEY.address


def test_an_admission_is_signed_as_the_standard_says():
    signature = signing.sign_admission(KEY, 1, SALE, BIDDER, ENTITY, 1_900_000_000)
    kind = "Admission(address bidder,bytes32 entity,uint256 deadline)"
    values = [BIDDER, ENTITY, 1_900_000_000]
    domain = domain_separator("Gavelbook TokenSale", 1, SALE)
    by_hand = signed_by_hand(kind, ["address", "bytes32", "uint256"], values, domain)
    assert signature == by_hand
    assert signature.hex() == GOLDEN_ADMISSION
    recovered = signing.recover_admission(1, SALE, BIDDER, ENTITY, 1_900_000_000, signature)
    assert recovered == KEY.address


def test_a_permit_is_signed_as_the_standard_says():
    permit = signing.sign_permit(KEY, 1, SALE, "Paid", BIDDER, 10**30, 4, 1_900_000_000)
    kind = "Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"
    types = ["address", "address", "uint256", "uint256", "uint256"]
    values = [KEY.address, BIDDER, 10**30, 4, 1_900_000_000]
    by_hand = signed_by_hand(kind, types, values, domain_separator("Paid", 1, SALE))
    assert permit.r + permit.s + bytes([permit.v]) == by_hand


@pytest.mark.parametrize(
    "changed",
    [
        {"chain_id": 1},
        {"sale": BIDDER},
        {"clearing": HINT._replace(marginal_tick=8)},
        {"clearing": HINT._replace(level=46)},
        {"clearing": HINT._replace(cut=4)},
        {"clearing": HINT._replace(digest=bytes(32))},
    ],
)
def test_a_signature_holds_for_one_clearing_of_one_sale_on_one_chain(changed):
    signature = signing.sign_clearing(KEY, 31337, SALE, HINT)
    other = {"chain_id": 31337, "sale": SALE, "clearing": HINT} | changed
    assert signing.recover_clearing(**other, signature=signature) != KEY.address


@pytest.mark.anvil
def test_the_sale_signs_in_the_same_domain(stage):
    sale = stage.open_sale()
    _, name, version, chain_id, contract, salt, extensions = (
        sale.contract.functions.eip712Domain().call()
    )
    assert (name, version) == (signing.SALE_DOMAIN_NAME, signing.SALE_DOMAIN_VERSION)
    assert (chain_id, contract) == (stage.web3.eth.chain_id, sale.address)
    assert (salt, extensions) == (bytes(32), [])


@pytest.mark.anvil
def test_the_sale_takes_a_clearing_of_the_allocator_and_of_nobody_else(stage):
    sale = stage.open_sale()
    stage.close(sale)
    chain_id = stage.web3.eth.chain_id
    hint = ClearingHint(0, 0, 0, b"\x01" * 32)
    relayer = stage.sender(stage.keeper)
    forged = signing.sign_clearing(stage.keeper, chain_id, sale.address, hint)
    with pytest.raises(TransactionRefused) as caught:
        relayer.send(sale.clear(hint, [], forged))
    assert caught.value.code == "signature_invalid"
    assert caught.value.details["signer"] == stage.allocator.address
    signature = signing.sign_clearing(stage.allocator, chain_id, sale.address, hint)
    relayer.send_and_wait(sale.clear(hint, [], signature))
    assert sale.result().decided


@pytest.mark.anvil
def test_the_gate_admits_by_signature(stage):
    sale = stage.open_sale(gate=stage.gate.address)
    bidder, deadline = stage.bidders[0], stage.now() + 100_000
    with pytest.raises(TransactionRefused) as caught:
        stage.sender(bidder).send(sale.bid(0, 1))
    assert caught.value.code == "not_admitted"
    chain_id = stage.web3.eth.chain_id
    signature = signing.sign_admission(
        stage.gate, chain_id, sale.address, bidder.address, ENTITY, deadline
    )
    stage.do(stage.keeper, sale.admit(bidder.address, ENTITY, deadline, signature))
    stage.do(bidder, sale.bid(0, 2))
    assert sale.entity_of(bidder.address) == ENTITY
    assert sale.entity_lots(ENTITY) == 2


@pytest.mark.anvil
def test_a_bid_with_a_permit_needs_no_allowance(stage):
    sale = stage.open_sale()
    bidder = stage.keeper
    stage.do(stage.issuer, stage.paid.transfer(bidder.address, 10**9))
    stage.do(bidder, stage.paid.approve(sale.address, 0))
    permit = stage.paid.sign_permit(bidder, sale.address, 3_000_000, stage.now() + 1_000)
    stage.do(bidder, sale.bid_with_permit(0, 3, permit))
    assert Sale(stage.web3, sale.address).bids_of(bidder.address)[0].lots == 3
