import json

import pytest
from eth_account import Account

from gavelbook.chain.errors import KeystoreError
from gavelbook.chain.keystore import load_account

KEY = "0x" + 64 * "3"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path))
    monkeypatch.delenv("APE_ACCOUNTS_Gavel_PASSPHRASE", raising=False)
    (tmp_path / "accounts").mkdir()
    content = json.dumps(Account.encrypt(KEY, "open sesame", iterations=2))
    (tmp_path / "accounts" / "Gavel.json").write_text(content)
    return tmp_path


def refused(*arguments, **options):
    with pytest.raises(KeystoreError) as caught:
        load_account(*arguments, **options)
    assert "open sesame" not in str(caught.value)
    assert caught.value.__cause__ is None or "sesame" not in str(caught.value.__cause__)
    return caught.value.code


def test_the_passphrase_comes_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("APE_ACCOUNTS_Gavel_PASSPHRASE", "open sesame")
    assert load_account("Gavel").address == Account.from_key(KEY).address
    monkeypatch.delenv("APE_DATA_FOLDER")
    assert load_account("Gavel", folder=folder).key.hex() == KEY[2:]


def test_or_from_a_person(folder):
    asked = []
    account = load_account("Gavel", ask=lambda alias: asked.append(alias) or "open sesame")
    assert account.address == Account.from_key(KEY).address
    assert asked == ["Gavel"]
    assert folder.exists()


@pytest.mark.usefixtures("folder")
def test_without_the_right_passphrase_there_is_no_key():
    assert refused("Gavel") == "passphrase_missing"
    assert refused("Gavel", ask=lambda _alias: "open barley") == "passphrase_wrong"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("alias", ["nobody", "../accounts/Gavel", ""])
def test_only_accounts_in_the_folder(alias):
    assert refused(alias, ask=lambda _alias: "open sesame") == "account_unknown"


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"version": 3}', '{"version": 9}'])
def test_files_that_are_no_keystore(folder, text):
    (folder / "accounts" / "Gavel.json").write_text(text)
    assert refused("Gavel", ask=lambda _alias: "open sesame") == "keystore_malformed"


def test_a_keystore_made_by_ape_is_read(folder, monkeypatch):
    # As `ape accounts generate` writes it: with the address and a mark of the plugin.
    path = folder / "accounts" / "Gavel.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "address": content["address"].upper()}))
    monkeypatch.setenv("APE_ACCOUNTS_Gavel_PASSPHRASE", "open sesame")
    assert load_account("Gavel").key.hex() == KEY[2:]
