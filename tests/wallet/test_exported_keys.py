"""What somebody can do with one exported key and an extended public key (xpub)."""

import hmac
from hashlib import sha512

import pytest
from bip_utils import (
    Bip32KeyError,
    Bip32Slip10Secp256k1,
    Bip39SeedGenerator,
    Bip44,
    Bip44Changes,
    Bip44Coins,
)
from coincurve import PrivateKey
from eth_account import Account

from gavelbook.wallet import HdWallet
from gavelbook.wallet.roles import managed_index
from tests.wallet.conftest import WORDS

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def tweak(public_key: bytes, chain_code: bytes, number: int) -> int:
    """What BIP-32 adds to a key for child ``number``, when the child is not hardened."""
    digest = hmac.digest(chain_code, public_key + number.to_bytes(4, "big"), sha512)
    return int.from_bytes(digest[:32], "big")


def sibling(key: bytes, number: int, other: int, public_key: bytes, chain_code: bytes) -> str:
    """The attack: from child ``number``'s key and the parent's xpub to child ``other``'s."""
    parent = int.from_bytes(key, "big") - tweak(public_key, chain_code, number)
    child = (parent + tweak(public_key, chain_code, other)) % ORDER
    return Account.from_key(child.to_bytes(32, "big")).address


def public_parts(node) -> tuple[bytes, bytes]:
    """Public key and chain code, as an xpub has them."""
    public = Bip32Slip10Secp256k1.FromExtendedKey(node.PublicKey().ToExtended())
    assert public.IsPublicOnly()
    return public.PublicKey().RawCompressed().ToBytes(), public.ChainCode().ToBytes()


@pytest.fixture(scope="module")
def coin():
    return (
        Bip44.FromSeed(Bip39SeedGenerator(WORDS).Generate(), Bip44Coins.ETHEREUM).Purpose().Coin()
    )


def test_ordinary_accounts_all_fall_with_one(coin):
    # m/44'/60'/0'/0/i, as most wallets number theirs, and the xpub a web process would hold.
    wallet = HdWallet(WORDS)
    branch = coin.Account(0).Change(Bip44Changes.CHAIN_EXT)
    public_key, chain_code = public_parts(branch)
    stolen = wallet.account(3).key
    for other in (0, 1, 2, 4, 1_000):
        assert sibling(stolen, 3, other, public_key, chain_code) == wallet.account(other).address


def test_managed_accounts_do_not(coin):
    wallet = HdWallet(WORDS)
    mine, other = managed_index(3), managed_index(4)
    exported = wallet.managed(3).key
    # Even with the xpub of the level above, which we give to nobody.
    public_key, chain_code = public_parts(coin)
    attempts = [
        sibling(exported, start, end, public_key, chain_code)
        for start, end in [
            (mine, other),
            (mine | 2**31, other | 2**31),
            (0, other),
            (3, 4),
            (0, other | 2**31),
        ]
    ]
    assert wallet.managed(4).address not in attempts
    with pytest.raises(Bip32KeyError):
        Bip32Slip10Secp256k1.FromExtendedKey(coin.PublicKey().ToExtended()).ChildKey(other | 2**31)


def test_what_an_exported_key_and_its_own_xpub_give_is_that_account_alone(coin):
    wallet = HdWallet(WORDS)
    account = coin.Account(managed_index(3))
    branch = account.Change(Bip44Changes.CHAIN_EXT)
    public_key, chain_code = public_parts(branch)
    key = int.from_bytes(wallet.managed(3).key, "big")
    branch_key = (key - tweak(public_key, chain_code, 0)) % ORDER
    # The attack climbs one step, to the branch that only this account is on, …
    climbed = branch_key.to_bytes(32, "big")
    assert PrivateKey(climbed).public_key.format() == public_key
    # … and the next step up is that of Change, whose xpub is the account's own too. Above it is
    # the hardened step: its tweak is made of the private key that the attack is after.
    account_public, account_code = public_parts(account)
    account_key = (branch_key - tweak(account_public, account_code, 0)) % ORDER
    assert account_key.to_bytes(32, "big") == account.PrivateKey().Raw().ToBytes()
    above_public, above_code = public_parts(coin)
    for number in (managed_index(3), managed_index(3) | 2**31):
        guess = (account_key - tweak(above_public, above_code, number)) % ORDER
        assert guess.to_bytes(32, "big") != coin.PrivateKey().Raw().ToBytes()
