"""Names, passwords, sessions and the throttle, without a chain."""

import sqlite3
import time

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from gavelbook.accounts.access_key import AccessKey
from gavelbook.accounts.doorkeeper import Doorkeeper
from gavelbook.accounts.names import account_name, check_password
from gavelbook.accounts.passwords import Passwords, owasp_hasher
from gavelbook.accounts.policy import KnownToken
from gavelbook.accounts.registry import Registry
from gavelbook.accounts.sessions import Sessions
from gavelbook.accounts.store import AccountsStore
from gavelbook.accounts.throttle import Throttle, client_key
from gavelbook.accounts.trail import Doing, Trail
from gavelbook.accounts.transfer_limits import TransferLimits
from gavelbook.errors import GavelbookError
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet
from tests.accounts.conftest import code_of
from tests.accounts.signer_world import PASSWORD, cheap_passwords

HOUR, DAY = 3_600, 86_400
WALLET = HdWallet(DEVELOPMENT_MNEMONIC)


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = 1_800_000_000_000

    def __call__(self):
        return self.now

    def forward(self, seconds):
        self.now += int(seconds * 1000)


class House:
    """Everything at the door, over one folder; opened again it is another process."""

    def __init__(self, folder, clock, passwords=None, **options):
        self.clock = clock
        self.store = AccountsStore(folder)
        self.trail = Trail(self.store, clock)
        self.registry = Registry(self.store, WALLET, clock, options.get("first_key", 0))
        self.sessions = Sessions(
            self.store, clock, lifetime_ms=7 * DAY * 1000, idle_ms=12 * HOUR * 1000, most=3
        )
        self.throttle = Throttle(
            self.store, clock, options.get("per_client", 3), options.get("per_hour", 50)
        )
        self.door = Doorkeeper(
            self.registry, self.sessions, passwords or cheap_passwords(), self.throttle, self.trail
        )

    def register(self, name="ada", client="192.0.2.1"):
        return self.door.register(name, PASSWORD, client)


@pytest.fixture
def clock():
    return Hands()


@pytest.fixture
def house(tmp_path, clock):
    house = House(tmp_path / "state", clock)
    yield house
    house.store.close()


# Names and passwords


@pytest.mark.parametrize("text", ["ada", "Ada", " ADA ", "a.b-c_9", "a" * 32, "000"])
def test_takes_plain_names_whatever_their_case(text):
    assert account_name(text) == text.strip().lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "a" * 33,
        ".ab",
        "ab-",
        "a b",
        "a\nb",
        "ädä",
        "a\u017fa",
        "\u212aarl",
        "a/b",
        "\u0430da",
    ],
)
def test_refuses_other_names(text):
    assert code_of(account_name, text) == "name_malformed"


@given(st.text(max_size=40))
def test_a_name_is_ascii_or_refused(text):
    try:
        name = account_name(text)
    except GavelbookError:
        return
    assert name.isascii()
    assert account_name(name) == account_name(name.upper()) == name


@pytest.mark.parametrize(
    "password", ["", "qwe12", "a" * 20, "x" * 300, "Adadadadada", "12312312312"]
)
def test_refuses_weak_passwords_without_repeating_them(password):
    with pytest.raises(GavelbookError) as refused:
        check_password(password, "ada")
    assert refused.value.code == "password_weak"
    assert not password or password not in refused.value.message


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


# The throttle


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


@pytest.mark.parametrize(
    ("client", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_what_stands_for_a_network_address(client, key):
    assert client_key(client) == key


# The audit trail


def test_the_trail_is_a_chain(house, monkeypatch):
    monkeypatch.setattr("gavelbook.accounts.trail._AT_ONCE", 2)
    for number in range(5):
        house.trail.add(Doing(1, "session", f"thing {number}", summary=(("What", "ever"),)))
    position, head = house.trail.check()
    assert (position, head) == house.trail.head() == (5, head)
    known = house.trail.check([(5, head)])
    house.trail.add(Doing(2, "other", "more"))
    house.trail.check([known])
    assert [entry.position for entry in house.trail.page(1, 5, 2)] == [4, 3]
    assert [entry.doing.kind for entry in house.trail.page(2, None, 9)] == ["more"]


def test_the_trail_is_only_added_to(house):
    house.trail.add(Doing(1, "session", "thing"))
    for statement in ("UPDATE trail SET kind = 'other'", "DELETE FROM trail"):
        with pytest.raises(Exception, match="only added to"), house.store.writing() as database:
            database.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE trail SET kind = 'other' WHERE position = 3",
        "UPDATE trail SET at = at + 1 WHERE position = 3",
        "UPDATE trail SET account = 2 WHERE position = 3",
        "UPDATE trail SET head = zeroblob(32) WHERE position = 3",
        "DELETE FROM trail WHERE position = 3",
        "DELETE FROM trail WHERE position > 3",
        "DELETE FROM trail",
    ],
)
def test_a_trail_that_was_tampered_with_is_found_out(tmp_path, clock, statement):
    house = House(tmp_path / "state", clock)
    for number in range(5):
        house.trail.add(Doing(1, "session", f"thing {number}"))
    known = house.trail.head()
    path = house.store.path
    house.store.close()
    with sqlite3.connect(path) as database:
        database.executescript("DROP TRIGGER trail_stays; DROP TRIGGER trail_is_kept;")
        database.execute(statement)
    database.close()
    house = House(tmp_path / "state", clock)
    assert code_of(house.trail.check, [known]) == "trail_broken"
    house.store.close()


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
