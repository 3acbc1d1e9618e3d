"""How passwords are kept and compared."""

import pytest
from argon2 import PasswordHasher

from gavelbook.accounts.passwords import Passwords
from tests.accounts.conftest import code_of
from tests.accounts.house import House
from tests.accounts.signer_world import PASSWORD, cheap_passwords


def test_the_same_letters_typed_otherwise_are_the_same_password():
    passwords = cheap_passwords()
    assert passwords.matches(passwords.hash("Ångström 123"), "A\u030angstro\u0308m 123")


def test_hashes_are_argon2id_as_owasp_advises():
    made = Passwords().hash(PASSWORD)
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in made


def test_no_password_matches_nobodys_hash():
    passwords = cheap_passwords()
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("", PASSWORD)
    assert not passwords.matches("garbage", PASSWORD)


def test_hashes_follow_when_parameters_change(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    house.register()
    old = house.registry.by_name("ada").password_hash
    house.store.close()
    dearer = Passwords(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    house = House(tmp_path / "state", clock, dearer)
    house.door.sign_in("ada", PASSWORD, "192.0.2.1")
    new = house.registry.by_name("ada").password_hash
    assert old != new
    assert "m=16,t=2" in new
    house.door.sign_in("ada", PASSWORD, "192.0.2.1")
    assert house.registry.by_name("ada").password_hash == new
    house.store.close()


def test_a_hash_is_not_renewed_over_a_password_that_was_changed_meanwhile(tmp_path, clock):
    """Else somebody who signs in with the old password just then would bring it back."""
    house = House(tmp_path / "state", clock)
    _, visit = house.register()

    class Slow(Passwords):
        def hash(self, password):
            if password == PASSWORD:
                house.registry.set_password_hash(visit.account, super().hash("another password"))
            return super().hash(password)

    house.door._passwords = Slow(PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    house.door.sign_in("ada", PASSWORD, "192.0.2.1")

    new = house.registry.by_name("ada").password_hash
    assert house.door._passwords.matches(new, "another password")
    house.store.close()


def test_no_session_opens_with_a_password_that_was_changed_meanwhile(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    _, visit = house.register()

    class Slow(Passwords):
        changed = False

        def matches(self, password_hash, password):
            matched = super().matches(password_hash, password)
            if not self.changed:
                self.changed = True
                house.door.change_password(visit, PASSWORD, "another password")
            return matched

    house.door._passwords = Slow(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    assert code_of(house.door.sign_in, "ada", PASSWORD, "192.0.2.1") == "sign_in_failed"
    assert len(house.sessions.of(visit.account.id)) == 1
    house.store.close()


def test_a_change_of_password_that_fails_halfway_leaves_everything_as_it_was(
    tmp_path, clock, monkeypatch
):
    house = House(tmp_path / "state", clock)
    token, visit = house.register()

    def broken(*_):
        raise RuntimeError("killed")

    monkeypatch.setattr(house.sessions, "open", broken)
    with pytest.raises(RuntimeError):
        house.door.change_password(visit, PASSWORD, "another password")
    monkeypatch.undo()
    assert house.door.visit(token).account.name == "ada"
    house.door.sign_in("ada", PASSWORD, "192.0.2.1")
    house.store.close()
