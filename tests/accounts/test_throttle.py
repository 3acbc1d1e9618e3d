"""Guesses at passwords, and registrations, become slow; the owner is not kept out."""

import pytest

from gavelbook.errors import GavelbookError
from tests.accounts.conftest import code_of
from tests.accounts.house import DAY, HOUR, House
from tests.accounts.signer_world import PASSWORD


def failures(house, name, count, client="192.0.2.7"):
    codes = [code_of(house.door.sign_in, name, "not the password", client) for _ in range(count)]
    return codes.count("sign_in_failed")


def wait_of(house, name, client):
    with pytest.raises(GavelbookError) as refused:
        house.door.sign_in(name, PASSWORD, client)
    assert refused.value.code == "throttled"
    return refused.value.details["retry_after"]


def test_guesses_at_a_name_become_slow_and_the_right_password_waits_too(house, clock):
    house.register()
    assert failures(house, "ada", 8) == 6
    waits = []
    for _ in range(12):
        waits.append(wait_of(house, "ADA ", "192.0.2.8"))
        clock.forward(waits[-1])
        assert failures(house, "ada", 1, "192.0.2.7") == 1
    assert waits == sorted(waits)
    assert waits[:4] == [2, 4, 8, 16]
    assert waits[-1] == 15 * 60
    clock.forward(15 * 60)
    house.door.sign_in("ada", PASSWORD, "192.0.2.8")
    assert failures(house, "ada", 5, "192.0.2.9") == 5


def test_names_that_nobody_has_are_throttled_alike(house):
    assert failures(house, "nobody", 8) == 6


def test_guesses_from_one_address_become_slow_whatever_the_names(house):
    done = [
        code_of(house.door.sign_in, f"name{number}", "x", "2001:db8::1") for number in range(30)
    ]
    assert done.count("sign_in_failed") == 21
    assert code_of(house.door.sign_in, "other", "x", "2001:db8::ffff") == "throttled"
    assert code_of(house.door.sign_in, "other", "x", "2001:db8:1::1") == "sign_in_failed"


def test_visitors_of_unknown_address_do_not_hold_each_other_up(house):
    done = [code_of(house.door.sign_in, f"name{number}", "x", "") for number in range(40)]
    assert set(done) == {"sign_in_failed"}
    for number in range(5):
        house.register(f"user{number}", "")


def test_an_account_of_ones_own_buys_no_guesses(house):
    house.register("mallory", "192.0.2.66")
    done = []
    for number in range(40):
        done.append(code_of(house.door.sign_in, f"name{number}", "x", "192.0.2.66"))
        if done[-1] == "throttled":
            break
        if number % 3 == 0:
            house.door.sign_in("mallory", PASSWORD, "192.0.2.66")
    assert done[-1] == "throttled"


def test_a_throttle_outlives_the_process_and_ends_after_a_day(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    house.register()
    failures(house, "ada", 8)
    house.store.close()
    house = House(tmp_path / "state", clock)
    assert wait_of(house, "ada", "192.0.2.8") == 2
    clock.forward(DAY)
    assert failures(house, "ada", 5) == 5
    house.store.close()


def test_passwords_asked_for_again_are_throttled_too(house):
    _, visit = house.register()
    codes = [code_of(house.door.confirm, visit, "wrong") for _ in range(8)]
    assert codes == ["password_wrong"] * 6 + ["throttled"] * 2


def test_strangers_who_guess_all_day_do_not_keep_the_owner_out(house, clock):
    _, visit = house.register(client="192.0.2.1")
    for _ in range(30):
        failures(house, "ada", 1, "198.51.100.1")
        house.door.confirm(visit, PASSWORD)
        house.door.sign_in("ada", PASSWORD, "192.0.2.1")
        clock.forward(60)
    assert wait_of(house, "ada", "192.0.2.99") > 1


def test_who_sits_where_the_owner_sat_is_throttled_too(house):
    house.register(client="192.0.2.1")
    assert failures(house, "ada", 8, "192.0.2.1") == 6
    assert failures(house, "ada", 8, "192.0.2.2") == 6


def test_attempts_are_forgotten_after_a_day(house, clock):
    for number in range(20):
        failures(house, f"name{number}", 1, f"192.0.2.{number}")
    clock.forward(DAY)
    failures(house, "last", 1, "")
    assert house.store.row("SELECT count(*) FROM attempts") == (1,)


def test_registrations_are_limited(house, clock):
    for number in range(3):
        house.register(f"user{number}", "192.0.2.1")
    assert code_of(house.register, "one-more", "192.0.2.1") == "registration_limited"
    for number in range(47):
        house.register(f"more{number}", f"198.51.100.{number}")
    assert code_of(house.register, "one-more", "203.0.113.1") == "registration_limited"
    clock.forward(HOUR)
    house.register("one-more", "192.0.2.1")
