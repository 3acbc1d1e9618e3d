import json
import os
import stat
import traceback

import pytest
from eth_account import Account
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gavelbook.wallet import HdWallet, Keystore, Role, WalletError, fresh_words
from gavelbook.wallet.mnemonic import entropy_of, words_of
from tests.wallet.conftest import PASSPHRASE, WORDS


def refused(call, *arguments, **options):
    """The code of the refusal, none of whose text or traceback may hold a secret."""
    with pytest.raises(WalletError) as caught:
        call(*arguments, **options)
    text = "".join(traceback.format_exception(caught.value)) + repr(caught.value.details)
    assert not any(secret in text for secret in ("horse", "abandon", "sausage"))
    return caught.value.code


def edit(store, change):
    content = json.loads(store.path.read_text())
    change(content)
    store.path.write_text(json.dumps(content))


def test_words_go_in_and_come_out(store):
    assert store.words(PASSPHRASE) == WORDS
    assert store.open(PASSPHRASE).managed(0).address == HdWallet(WORDS).managed(0).address


@settings(max_examples=25, deadline=None)
@given(
    entropy=st.binary(min_size=32, max_size=32),
    passphrase=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40
    ),
)
def test_any_words_with_any_good_passphrase(entropy, passphrase, tmp_path_factory):
    assert entropy_of(words_of(entropy)) == entropy
    assume(entropy not in {bytes(32), b"\xff" * 32})
    store = Keystore(tmp_path_factory.mktemp("any") / "keystore.json")
    passphrase += "0a1b2c3d4e5f"
    store.create(words_of(entropy), passphrase, work_factor=2)
    assert store.words(passphrase) == words_of(entropy)
    assert refused(store.words, passphrase + " ") == "passphrase_wrong"


def test_the_file_is_version_3_without_the_address_of_no_account(store):
    content = json.loads(store.path.read_text())
    assert "address" not in content
    assert content["version"] == 3
    assert content["crypto"]["kdf"] == "scrypt"
    assert bytes(Account.decrypt(content, PASSPHRASE)) == entropy_of(WORDS)
    assert not {"sausage", PASSPHRASE} & set(store.path.read_text().split('"'))


def test_the_work_factor_is_a_second_of_scrypt():
    assert Keystore.create.__kwdefaults__["work_factor"] == 2**18


def test_only_the_owner_may_read(store):
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert list(store.path.parent.iterdir()) == [store.path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601, 0o666])
def test_a_file_open_to_others_is_refused(store, mode):
    store.path.chmod(mode)
    assert refused(store.open, PASSPHRASE) == "file_exposed"
    assert refused(store.generations) == "file_exposed"


def test_a_folder_open_to_others_is_refused(store):
    store.path.parent.chmod(0o750)
    assert refused(store.open, PASSPHRASE) == "file_exposed"
    beside = Keystore(store.path.with_name("other.json"))
    assert refused(beside.create, WORDS, PASSPHRASE) == "file_exposed"
    assert not beside.path.exists()


def test_another_passphrase_is_refused(store):
    assert refused(store.open, PASSPHRASE + "x") == "passphrase_wrong"
    assert refused(store.open, "") == "passphrase_wrong"


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 3}', "\x00", "null"])
def test_a_file_that_is_no_keystore_is_damaged(store, text):
    store.path.write_text(text)
    assert refused(store.open, PASSPHRASE) == "keystore_damaged"


def test_any_changed_letter_is_damage_and_not_a_wrong_passphrase(store):
    whole = store.path.read_bytes()
    for place in range(0, len(whole), 7):
        if not whole[place : place + 1].isalnum():
            continue
        content = bytearray(whole)
        content[place] = ord("7") if content[place] != ord("7") else ord("3")
        store.path.write_bytes(content)
        assert refused(store.words, PASSPHRASE) == "keystore_damaged"


def test_an_exchanged_iv_does_not_make_another_wallet(store):
    # The MAC of version 3 does not notice: whoever can write the file can mend the checksum too.
    from gavelbook.wallet import keystore as module

    content = store._read()
    params = type(content.crypto.cipherparams)(iv="11" * 16)
    crypto = module.msgspec.structs.replace(content.crypto, cipherparams=params)
    store._write(module.msgspec.structs.replace(content, crypto=crypto))
    assert len(Account.decrypt(json.loads(store.path.read_text()), PASSPHRASE)) == 32
    assert refused(store.open, PASSPHRASE) == "keystore_damaged"


def test_a_file_cannot_ask_for_all_memory(store):
    edit(store, lambda content: content["crypto"]["kdfparams"].update(n=2**30))
    assert refused(store.open, PASSPHRASE) == "keystore_damaged"


def test_no_file(path):
    assert refused(Keystore(path).open, PASSPHRASE) == "keystore_missing"
    path.mkdir(parents=True, mode=0o700)
    path.parent.chmod(0o700)
    assert refused(Keystore(path).open, PASSPHRASE) == "keystore_missing"


def test_a_keystore_is_never_overwritten(store):
    before = store.path.read_bytes()
    assert refused(store.create, fresh_words(), PASSPHRASE) == "keystore_exists"
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("weak", ["", "short", "aaaaaaaaaaaaaaaa", "aBAbaBabABab", "1234512345123"])
def test_a_weak_passphrase_is_refused(path, store, weak):
    beside = Keystore(path.with_name("other.json"))
    assert refused(beside.create, WORDS, weak) == "passphrase_weak"
    assert refused(store.change_passphrase, PASSPHRASE, weak) == "passphrase_weak"
    assert not beside.path.exists()
    assert store.words(PASSPHRASE) == WORDS


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("", "mnemonic_word_count"),
        ("abandon " * 11 + "about", "mnemonic_word_count"),
        ("abandon " * 24, "mnemonic_checksum"),
        ("abandon " * 23 + "arts", "mnemonic_word_unknown"),
        ("abandon " * 25, "mnemonic_word_count"),
        ("abandon " * 23 + "art", "mnemonic_not_random"),
        ("zoo " * 23 + "vote", "mnemonic_not_random"),
    ],
)
def test_words_that_are_no_mnemonic_are_refused(path, words, code):
    assert refused(Keystore(path).create, words, PASSPHRASE) == code
    assert not path.exists()


def test_words_of_another_language_are_refused_since_only_entropy_is_kept(path):
    from bip_utils import Bip39Languages, Bip39MnemonicEncoder

    french = Bip39MnemonicEncoder(Bip39Languages.FRENCH).Encode(bytes(32)).ToStr()
    assert refused(Keystore(path).create, french, PASSPHRASE) == "mnemonic_word_unknown"


def test_case_and_spaces_do_not_matter(path):
    shouted = "\n " + WORDS.upper().replace(" ", "  ")
    Keystore(path).create(shouted, PASSPHRASE, work_factor=2)
    assert Keystore(path).words(PASSPHRASE) == WORDS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SOMETHING", WORDS),
        ("SOMETHING", "test " * 11 + "junk"),
        ("MNEMONIC", "anything"),
        ("WALLET_MNEMONIC", "x"),
        ("seed_phrase", "x"),
    ],
)
def test_a_mnemonic_in_the_environment_is_refused_by_name(store, path, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(WalletError) as caught:
        store.open(PASSPHRASE)
    assert caught.value.code == "mnemonic_in_environment"
    assert name in caught.value.message
    assert value not in caught.value.message.replace(name, "") or value == "x"
    beside = Keystore(path.with_name("other.json"))
    assert refused(beside.create, WORDS, PASSPHRASE) == "mnemonic_in_environment"


def test_ordinary_variables_are_no_mnemonic(store, monkeypatch):
    monkeypatch.setenv("MNEMONIC", "")
    monkeypatch.setenv("GREETING", "one two three four five six seven eight nine ten eleven twelve")
    assert store.open(PASSPHRASE)


def test_a_new_passphrase_for_the_same_words(store):
    store.start_generation(Role.MATCHER, 2)
    store.change_passphrase(PASSPHRASE, "another staple, sir", work_factor=2)
    assert store.words("another staple, sir") == WORDS
    assert refused(store.words, PASSPHRASE) == "passphrase_wrong"
    assert store.generations()[Role.MATCHER] == 2


def test_the_wrong_passphrase_changes_nothing(store):
    before = store.path.read_bytes()
    assert refused(store.change_passphrase, "wrong", "another staple, sir") == "passphrase_wrong"
    assert store.path.read_bytes() == before


def test_generations_are_kept(store):
    assert set(store.generations().values()) == {0}
    store.start_generation(Role.GAS, 7)
    assert store.generations() == {**dict.fromkeys(Role, 0), Role.GAS: 7}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert store.words(PASSPHRASE) == WORDS


def test_nothing_shows_a_secret(store):
    wallet = store.open(PASSPHRASE)
    shown = repr(store) + repr(wallet) + str(vars(wallet)) + repr(store._read())
    key = wallet.managed(0).key.hex()
    assert not any(secret in shown for secret in ("sausage", PASSPHRASE, key))


def test_a_failed_write_leaves_the_old_file(store, monkeypatch):
    before = store.path.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Exception, match="can be written"):
        store.change_passphrase(PASSPHRASE, "another staple, sir", work_factor=2)
    assert store.path.read_bytes() == before
    assert list(store.path.parent.iterdir()) == [store.path]
