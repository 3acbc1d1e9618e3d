import pytest
from eth_account import Account
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelbook.demo.scene import OPERATORS
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet, Role, WalletError, visitors
from gavelbook.wallet.roles import (
    FIRST_MANAGED,
    GENERATIONS,
    managed_index,
    path_of,
    role_index,
)
from tests.wallet.conftest import WORDS

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


def by_eth_account(path):
    Account.enable_unaudited_hdwallet_features()
    return Account.from_mnemonic(WORDS, account_path=path)


@settings(max_examples=20, deadline=None)
@given(
    number=st.integers(0, 2**31 - 1 - FIRST_MANAGED),
    role=st.sampled_from(Role),
    generation=st.integers(0, 999),
)
def test_keys_are_those_eth_account_derives(number, role, generation):
    wallet = HdWallet(WORDS)
    managed = by_eth_account(f"m/44'/60'/{FIRST_MANAGED + number}'/0/0")
    assert wallet.managed(number).key == managed.key
    index = list(Role).index(role) * 1_000 + generation
    assert wallet.operator(role, generation).key == by_eth_account(f"m/44'/60'/{index}'/0/0").key


def test_no_two_roles_or_users_share_a_key():
    wallet = HdWallet(WORDS)
    addresses = [wallet.operator(role, number).address for role in Role for number in range(3)]
    addresses += [wallet.managed(number).address for number in range(3)]
    assert len(set(addresses)) == len(addresses)
    assert role_index(Role.GAS, GENERATIONS - 1) < managed_index(0)


def test_the_table_of_indices_stays_as_documented():
    # Another order or size would lose every key that is in use.
    assert {role.value: role_index(role, 0) for role in Role} == {
        "deployer": 0,
        "allocator": 1_000,
        "matcher": 2_000,
        "relayer": 3_000,
        "sweeper": 4_000,
        "gas": 5_000,
    }
    assert path_of(managed_index(7)) == "m/44'/60'/1000007'/0/0"


@pytest.mark.parametrize("number", [-1, 2**31 - FIRST_MANAGED])
def test_accounts_that_do_not_exist(number):
    with pytest.raises(WalletError) as refused:
        HdWallet(WORDS).managed(number)
    assert refused.value.code == "account_out_of_range"


@pytest.mark.parametrize("generation", [-1, GENERATIONS])
def test_generations_that_do_not_exist(generation):
    with pytest.raises(WalletError) as refused:
        HdWallet(WORDS).operator(Role.GAS, generation)
    assert refused.value.code == "generation_out_of_range"
