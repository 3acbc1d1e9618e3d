import json
import stat

import pytest
from eth_account import Account

from gavelbook.chain.keystore import load_account, stored_address
from gavelbook.wallet import Role, WalletError
from gavelbook.wallet.operator_accounts import OperatorAccount
from tests.wallet.conftest import PASSPHRASE

OWN = "a passphrase of its own"


@pytest.fixture
def wallet(store):
    return store.open(PASSPHRASE)


@pytest.fixture
def matcher(tmp_path):
    return OperatorAccount(Role.MATCHER, "matcher", tmp_path, work_factor=2)


def refused(call, *arguments):
    with pytest.raises(WalletError) as caught:
        call(*arguments)
    return caught.value.code


def key_of(alias, folder):
    return load_account(alias, ask=lambda _alias: OWN, folder=folder).key


def test_ape_gets_the_key(wallet, matcher, tmp_path):
    account = wallet.operator(Role.MATCHER)
    assert not matcher.is_exported(account)
    matcher.export(account, OWN)
    assert matcher.is_exported(account)
    assert key_of("matcher", tmp_path) == account.key
    path = tmp_path / "accounts" / "matcher.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bytes(Account.decrypt(json.loads(path.read_text()), OWN)) == account.key


def test_the_account_of_somebody_else_is_left_alone(wallet, matcher, store, tmp_path):
    matcher.export(wallet.operator(Role.RELAYER), OWN)
    before = (tmp_path / "accounts" / "matcher.json").read_bytes()
    assert refused(matcher.export, wallet.operator(Role.MATCHER), OWN) == "alias_taken"
    assert refused(matcher.rotate, wallet, store, OWN) == "alias_taken"
    assert (tmp_path / "accounts" / "matcher.json").read_bytes() == before
    assert store.generations()[Role.MATCHER] == 0


def test_a_weak_passphrase_is_refused(wallet, matcher, store):
    assert refused(matcher.export, wallet.operator(Role.MATCHER), "short") == "passphrase_weak"
    assert refused(matcher.rotate, wallet, store, "short") == "passphrase_weak"


def test_the_next_key_takes_the_place_and_the_last_is_kept(wallet, matcher, store, tmp_path):
    matcher.export(wallet.operator(Role.MATCHER), OWN)
    assert matcher.rotate(wallet, store, OWN) == "matcher_0"
    assert store.generations() == {**dict.fromkeys(Role, 0), Role.MATCHER: 1}
    assert key_of("matcher", tmp_path) == wallet.operator(Role.MATCHER, 1).key
    assert key_of("matcher_0", tmp_path) == wallet.operator(Role.MATCHER, 0).key
    assert matcher.rotate(wallet, store, OWN) == "matcher_1"
    assert key_of("matcher", tmp_path) == wallet.operator(Role.MATCHER, 2).key


def test_a_role_that_ape_does_not_have_rotates_too(wallet, matcher, store, tmp_path):
    assert matcher.rotate(wallet, store, OWN) is None
    assert stored_address("matcher", tmp_path) == wallet.operator(Role.MATCHER, 1).address
    assert stored_address("matcher_0", tmp_path) is None


def test_a_rotation_that_was_cut_short_goes_on(wallet, matcher, store, tmp_path):
    matcher.export(wallet.operator(Role.MATCHER), OWN)
    matcher.rotate(wallet, store, OWN)
    store.start_generation(Role.MATCHER, 0)  # as if it had died before the last write
    assert matcher.rotate(wallet, store, OWN) == "matcher_0"
    assert store.generations()[Role.MATCHER] == 1
    assert key_of("matcher_0", tmp_path) == wallet.operator(Role.MATCHER, 0).key
