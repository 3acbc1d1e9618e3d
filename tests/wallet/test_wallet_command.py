import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from gavelbook.chain import keystore as ape_accounts
from gavelbook.cli import main
from gavelbook.wallet import HdWallet, Keystore, Role
from tests.wallet.conftest import PASSPHRASE, WORDS

OWN = "a passphrase of its own"


@pytest.fixture
def ape(tmp_path, monkeypatch):
    """An ape folder, and accounts that cost no second of scrypt."""
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path / "ape"))
    save = ape_accounts.save_account

    def quick(*arguments, **options):
        save(*arguments, **{**options, "work_factor": 2})

    monkeypatch.setattr("gavelbook.wallet.operator_accounts.save_account", quick)
    return tmp_path / "ape"


@pytest.fixture
def run(path, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_KEYSTORE", str(path))
    create = Keystore.create

    def quick(store, words, passphrase):
        return create(store, words, passphrase, work_factor=2)

    change = Keystore.change_passphrase

    def quick_change(store, last, new):
        change(store, last, new, work_factor=2)

    monkeypatch.setattr(Keystore, "create", quick)
    monkeypatch.setattr(Keystore, "change_passphrase", quick_change)

    def run(*arguments, typed=(), expect=0):
        lines = "".join(f"{line}\n" for line in typed)
        result = CliRunner().invoke(main, ["wallet", *arguments], input=lines)
        assert result.exit_code == expect, result.output
        secrets = {PASSPHRASE, OWN, "sausage", "abandon"}
        assert not [secret for secret in secrets if secret in result.output]
        return result.output

    return run


def test_a_fresh_keystore(run, path):
    said = run("init", typed=[PASSPHRASE, PASSPHRASE])
    fingerprint = Keystore(path).open(PASSPHRASE).fingerprint
    assert f"wallet {fingerprint}" in said
    assert "gavelbook wallet show --words" in said
    words = Keystore(path).words(PASSPHRASE)
    assert len(words.split()) == 24
    assert words not in said


def test_words_from_a_pipe(run, path):
    run("init", "--import", typed=[WORDS, PASSPHRASE, PASSPHRASE])
    assert Keystore(path).words(PASSPHRASE) == WORDS


def test_a_keystore_is_never_replaced(run, store):
    before = store.path.read_bytes()
    assert "keystore_exists" in run("init", typed=[PASSPHRASE, PASSPHRASE], expect=2)
    assert store.path.read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (["abandon abandon", PASSPHRASE, PASSPHRASE], "mnemonic_word_count"),
        (["abandon " * 24, PASSPHRASE, PASSPHRASE], "mnemonic_checksum"),
        ([WORDS.replace("thank", "tank"), PASSPHRASE, PASSPHRASE], "mnemonic_checksum"),
        ([WORDS.replace("thank", "thnak"), PASSPHRASE, PASSPHRASE], "mnemonic_word_unknown"),
        ([WORDS, "guess", "guess"], "passphrase_weak"),
    ],
)
def test_what_init_refuses(run, path, typed, code):
    assert code in run("init", "--import", typed=typed, expect=2)
    assert not path.exists()


def test_words_are_shown_on_a_terminal_only(run, store):
    assert "terminal_required" in run("show", "--words", typed=[PASSPHRASE], expect=2)
    store.path.unlink()
    assert "terminal_required" in run("init", "--words", typed=[PASSPHRASE] * 2, expect=2)


def test_roles_and_paths_without_secrets(run, store):
    wallet = store.open(PASSPHRASE)
    store.start_generation(Role.RELAYER, 2)
    said = run("show", typed=[PASSPHRASE])
    assert re.search(
        rf"relayer +m/44'/60'/3002'/0/0 +{wallet.operator(Role.RELAYER, 2).address}", said
    )
    assert all(role in said for role in Role)
    assert "m/44'/60'/1000000'/0/0" in said


def test_addresses(run, store):
    wallet = store.open(PASSPHRASE)
    assert wallet.operator(Role.GAS).address in run("address", "gas", typed=[PASSPHRASE])
    assert wallet.managed(12).address in run("address", "12", typed=[PASSPHRASE])
    assert "role_unknown" in run("address", "king", expect=2)
    assert "account_out_of_range" in run("address", "9" * 40, typed=[PASSPHRASE], expect=2)


def test_a_wrong_passphrase(run, store):
    assert "passphrase_wrong" in run("show", typed=["not this one"], expect=2)


def test_no_keystore_and_an_open_one_are_said_before_the_passphrase(run, path, store):
    store.path.chmod(0o644)
    assert "file_exposed" in run("show", expect=2)
    store.path.unlink()
    assert "keystore_missing" in run("show", expect=2)


def test_words_in_the_environment(run, store, monkeypatch):
    monkeypatch.setenv("DEPLOY_WORDS", WORDS)
    said = run("show", typed=[PASSPHRASE], expect=2)
    assert "mnemonic_in_environment" in said
    assert "DEPLOY_WORDS" in said


def test_a_passphrase_file(run, store, tmp_path):
    file = tmp_path / "passphrase"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    assert "matcher" in run("--passphrase-file", str(file), "show")
    file.chmod(0o640)
    assert "file_exposed" in run("--passphrase-file", str(file), "show", expect=2)
    file.chmod(0o600)
    file.write_text("")
    said = run("--passphrase-file", str(file), "show", expect=2)
    assert "passphrase_file_unreadable" in said


def test_the_passphrase_can_be_changed(run, store):
    run("passphrase", typed=[PASSPHRASE, OWN, OWN])
    assert store.words(OWN) == WORDS
    assert "passphrase_wrong" in run("passphrase", typed=[PASSPHRASE, OWN, OWN], expect=2)
    assert "passphrase_weak" in run("passphrase", typed=[OWN, "short", "short"], expect=2)


def test_roles_go_to_ape_once(run, store, ape):
    wallet = store.open(PASSPHRASE)
    said = run("export", "matcher", "relayer", typed=[PASSPHRASE, OWN, OWN, OWN, OWN])
    assert said.count("written") == 2
    assert ape_accounts.stored_address("matcher") == wallet.operator(Role.MATCHER).address
    assert run("export", "matcher", typed=[PASSPHRASE]).count("was there already") == 1
    loaded = ape_accounts.load_account("relayer", ask=lambda _alias: OWN)
    assert loaded.key == wallet.operator(Role.RELAYER).key


def test_the_passphrase_of_an_account_is_where_ape_has_it(run, store, ape, monkeypatch):
    monkeypatch.setenv("APE_ACCOUNTS_main_gas_PASSPHRASE", OWN)
    run("export", "gas", "--prefix", "main_", typed=[PASSPHRASE])
    assert (
        ape_accounts.load_account("main_gas").address
        == store.open(PASSPHRASE).operator(Role.GAS).address
    )
    run("export", "gas", "--prefix", "../x", expect=2)


def test_a_rotation_says_what_to_do_on_the_chain(run, store, ape):
    run("export", "matcher", typed=[PASSPHRASE, OWN, OWN])
    said = run("rotate", "matcher", typed=[PASSPHRASE, OWN, OWN])
    fresh = store.open(PASSPHRASE).operator(Role.MATCHER, 1).address
    assert f"proposeMatcher({fresh})" in said
    assert "--matcher matcher_0" in said
    assert f"matcher is {fresh} now" in said
    for role in set(Role) - {Role.MATCHER}:
        said = run("rotate", role, typed=[PASSPHRASE, OWN, OWN])
        assert "the last key" in said
        assert "{" not in said


# The words themselves, on a terminal of their own.


class Terminal:
    """`gavelbook wallet` on a pseudo-terminal, with scrypt made quick."""

    def __init__(self, path, *arguments):
        quick = (
            "import sys; from gavelbook.wallet import Keystore as K; make = K.create; "
            "K.create = lambda self, w, p: make(self, w, p, work_factor=2); "
            "from gavelbook.cli import main; main()"
        )
        master, slave = pty.openpty()
        environment = {**os.environ, "GAVELBOOK_KEYSTORE": str(path), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", quick, "wallet", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.master = master
        self.text = ""

    def until(self, expected):
        """Everything written up to and with ``expected``."""
        end = time.monotonic() + 30
        while expected not in self.text:
            assert time.monotonic() < end, self.text
            if select.select([self.master], [], [], 0.2)[0]:
                self.text += os.read(self.master, 4096).decode()
        before, _, self.text = self.text.partition(expected)
        return before

    def type(self, line):
        os.write(self.master, f"{line}\n".encode())

    def __enter__(self):
        return self

    def __exit__(self, *_problem):
        self.process.kill()
        self.process.wait()
        os.close(self.master)


def listed(screen):
    return " ".join(re.findall(r"\d+\. +([a-z]+)", screen))


def test_words_are_shown_once_and_asked_back(path):
    with Terminal(path, "init") as terminal:
        for question in ("New passphrase of the keystore: ", "Repeat for confirmation: "):
            terminal.until(question)
            terminal.type(PASSPHRASE)
        terminal.until("[Y/n]: ")
        terminal.type("")
        terminal.until("\x1b[?1049h")
        words = listed(terminal.until("Press Enter"))
        terminal.type("")
        terminal.until("\x1b[?1049l")
        for _ in range(3):
            terminal.until("Word ")
            terminal.type(words.split()[int(terminal.until(": ")) - 1])
        terminal.until("Next: ")
        assert terminal.process.wait(10) == 0
    assert Keystore(path).words(PASSPHRASE) == words


def test_words_that_were_not_written_down_are_not_kept(path):
    with Terminal(path, "init", "--words") as terminal:
        for question in ("New passphrase of the keystore: ", "Repeat for confirmation: "):
            terminal.until(question)
            terminal.type(PASSPHRASE)
        terminal.until("Press Enter")
        terminal.type("")
        terminal.until("Word ")
        terminal.until(": ")
        terminal.type("something")
        terminal.until("words_unconfirmed")
        assert terminal.process.wait(10) == 2
    assert not path.exists()


def test_words_again_after_passphrase_and_question(path, store):
    with Terminal(path, "show", "--words") as terminal:
        terminal.until("Passphrase of the keystore: ")
        terminal.type(PASSPHRASE)
        assert "sausage" not in terminal.until("[y/N]: ")
        terminal.type("y")
        assert listed(terminal.until("Press Enter")) == WORDS
        terminal.type("")
        terminal.until("\x1b[?1049l")
        assert terminal.process.wait(10) == 0
    assert HdWallet(WORDS).fingerprint == store.open(PASSPHRASE).fingerprint
