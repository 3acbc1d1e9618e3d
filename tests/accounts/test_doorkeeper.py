"""Accounts, their keys and their sessions, and how long a name that nobody has takes."""

import time

from gavelbook.accounts.access_key import AccessKey
from gavelbook.accounts.passwords import Passwords, owasp_hasher
from gavelbook.accounts.policy import KnownToken
from gavelbook.accounts.registry import Registry
from gavelbook.accounts.store import AccountsStore
from gavelbook.accounts.transfer_limits import TransferLimits
from gavelbook.wallet import HdWallet
from tests.accounts.conftest import code_of
from tests.accounts.house import HOUR, WALLET, House
from tests.accounts.signer_world import PASSWORD


def test_a_name_that_nobody_has_takes_as_long(tmp_path, clock):
    house = House(tmp_path / "state", clock, Passwords(owasp_hasher()))
    house.register()
    seconds = {}
    for name in ("ada", "nobody"):
        times = []
        for number in range(4):
            begun = time.perf_counter()
            code = code_of(house.door.sign_in, name, "not the password", f"192.0.2.{number}")
            times.append(time.perf_counter() - begun)
            assert code == "sign_in_failed"
        seconds[name] = min(times)
    house.store.close()
    assert 0.3 < seconds["nobody"] / seconds["ada"] < 3


# Accounts
def test_keys_are_given_out_one_after_the_other_and_once(house):
    first = house.register("ada")[1].account
    second = house.register("ben")[1].account
    house.registry.close(second)
    third = house.register("cleo")[1].account
    assert [each.key_index for each in (first, second, third)] == [0, 1, 2]
    assert [each.address for each in (first, second, third)] == [
        WALLET.managed(number).address for number in range(3)
    ]
    assert code_of(house.register, "BEN", "192.0.2.9") == "name_taken"
    assert house.registry.by_name("ben") is None


def test_a_lost_database_can_begin_above_the_keys_that_were_used(tmp_path, clock):
    house = House(tmp_path / "state", clock, first_key=500)
    assert house.register()[1].account.key_index == 500
    assert house.register("ben")[1].account.key_index == 501
    house.store.close()


def test_another_keystore_signs_for_nobody(house):
    account = house.register()[1].account
    other = Registry(house.store, HdWallet.random(), house.clock)
    assert code_of(other.key, account) == "key_of_another"


def test_a_store_is_of_one_chain_and_keystore(house):
    house.store.belong_to(1, "0xA")
    house.store.belong_to(1, "0xA")
    assert code_of(house.store.belong_to, 2, "0xA") == "store_of_another"
    assert code_of(house.store.belong_to, 1, "0xB") == "store_of_another"


def test_a_store_is_of_one_process_and_closed_to_others(tmp_path, clock):
    first = AccountsStore(tmp_path / "state")
    assert code_of(AccountsStore, tmp_path / "state") == "store_in_use"
    first.close()
    first.path.chmod(0o644)
    assert code_of(AccountsStore, tmp_path / "state") == "store_exposed"


# Sessions
def test_a_session_ends_when_it_is_not_used(house, clock):
    token, visit = house.register()
    for _ in range(3):
        clock.forward(11 * HOUR)
        assert house.door.visit(token).account == visit.account
    clock.forward(12 * HOUR)
    assert code_of(house.door.visit, token) == "unknown_session"


def test_a_session_ends_however_much_it_is_used(house, clock):
    token, _ = house.register()
    for _ in range(16):
        clock.forward(10 * HOUR)
        house.door.visit(token)
    clock.forward(10 * HOUR)
    assert code_of(house.door.visit, token) == "unknown_session"


def test_the_oldest_session_makes_room(house, clock):
    tokens = [house.register()[0]]
    for _ in range(3):
        clock.forward(1)
        tokens.append(house.door.sign_in("ada", PASSWORD, "192.0.2.1")[0])
    assert code_of(house.door.visit, tokens[0]) == "unknown_session"
    assert [house.door.visit(token).account.name for token in tokens[1:]] == ["ada"] * 3


def test_sessions_outlive_the_process_as_hashes_only(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    token, _ = house.register()
    house.store.close()
    house = House(tmp_path / "state", clock)
    assert house.door.visit(token).account.name == "ada"
    house.store.close()
    content = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    assert token.encode() not in content


def test_who_ends_another_session_is_in_the_trail(house):
    _, visit = house.register()
    other, visit_there = house.door.sign_in("ada", PASSWORD, "192.0.2.2")
    house.door.revoke(visit, visit_there.session.id)
    assert code_of(house.door.visit, other) == "unknown_session"
    last = house.trail.page(visit.account.id, None, 1)[0].doing
    assert (last.kind, last.session) == ("session ended", visit.session.id)
    assert code_of(house.door.revoke, visit, visit_there.session.id) == "session_unknown"


def test_a_session_of_a_closed_account_opens_nothing(house):
    token, visit = house.register()
    house.registry.close(visit.account)
    assert code_of(house.door.visit, token) == "unknown_session"
    assert code_of(house.door.confirm, visit, PASSWORD) == "password_wrong"


# Limits
def test_a_token_of_absurd_decimals_has_a_limit_that_can_be_told(house, clock):
    limits = TransferLimits(house.store, clock, 1_000, {})
    absurd = KnownToken("0x" + 40 * "1", "Odd", "ODD", 255, None)
    assert limits.of(1, absurd).left == 2**256 - 1


# The access key
def test_an_access_key_is_made_once_and_for_its_owner(tmp_path):
    path = tmp_path / "folder" / "key"
    AccessKey(path)
    key = path.read_bytes().strip()
    assert len(key) >= 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert AccessKey(path).matches(key)
    assert not AccessKey(path).matches(key[:-1])
    assert not AccessKey(path).matches(b"")
    path.chmod(0o640)
    assert code_of(AccessKey, path) == "file_exposed"
    path.chmod(0o600)
    path.write_text("short")
    assert code_of(AccessKey, path) == "access_key_unusable"
