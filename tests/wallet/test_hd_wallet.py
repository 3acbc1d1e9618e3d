import pytest

from gavelbook.demo.scene import OPERATORS
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, WalletError, visitors

# The accounts that anvil and every other development chain print at the start.
KNOWN = [
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC",
]


def test_accounts_are_those_of_every_other_wallet():
    wallet = HdWallet(DEVELOPMENT_MNEMONIC)
    assert [account.address for account in wallet.accounts(3)] == KNOWN
    assert wallet.accounts(1, first=2)[0].address == KNOWN[2]


def test_spaces_do_not_matter():
    assert HdWallet(f"  {DEVELOPMENT_MNEMONIC.replace(' ', '  ')}\n").account(0).address == KNOWN[0]


def test_fresh_wallets_differ():
    assert HdWallet.random().account(0).address != HdWallet.random().account(0).address


@pytest.mark.parametrize("words", ["", "test", DEVELOPMENT_MNEMONIC.replace("junk", "test"), "ü ü"])
def test_words_that_make_no_account_are_refused_and_not_repeated(words):
    with pytest.raises(WalletError) as refused:
        HdWallet(words)
    assert refused.value.code == "mnemonic_malformed"
    assert not words or words not in refused.value.message


def test_a_wallet_does_not_show_its_words():
    assert "junk" not in repr(HdWallet(DEVELOPMENT_MNEMONIC))


def test_visitors_are_apart_from_the_operators():
    wallet = HdWallet(DEVELOPMENT_MNEMONIC)
    addresses = {visitor.account.address for visitor in visitors(wallet)}
    assert len(addresses) == 5
    assert not addresses & {account.address for account in wallet.accounts(OPERATORS)}
