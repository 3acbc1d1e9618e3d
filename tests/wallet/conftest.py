import pytest

from gavelbook.wallet import Keystore, keystore

PASSPHRASE = "correct horse, battery"
# From the test vectors of BIP-39: 32 bytes of 0x7f.
WORDS = "legal winner thank year wave sausage worth useful " * 2 + (
    "legal winner thank year wave sausage worth title"
)


@pytest.fixture(autouse=True)
def quick_scrypt(monkeypatch):
    """Encrypt with less work, and without a keystore or ape folder of whoever runs the tests."""
    monkeypatch.setattr(keystore, "WORK_FACTOR", 2)
    monkeypatch.delenv("GAVELBOOK_KEYSTORE", raising=False)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys" / "keystore.json"


@pytest.fixture
def store(path):
    Keystore(path).create(WORDS, PASSPHRASE, work_factor=2)
    return Keystore(path)
