import json

import pytest
from click.testing import CliRunner
from eth_account import Account

from gavelbook.auction import Rule
from gavelbook.cli import main

pytestmark = pytest.mark.anvil
BIDS = [(0, 3, 4), (1, 5, 3), (2, 3, 2), (3, 3, 4)]


@pytest.fixture
def command(stage, tmp_path, monkeypatch):
    """Return how to run a command of `gavelbook` against the stage's node."""
    folder = tmp_path / "ape" / "accounts"
    folder.mkdir(parents=True)
    for alias, account in (("gavel", stage.allocator), ("helper", stage.keeper)):
        content = json.dumps(Account.encrypt(account.key, "open sesame", iterations=2))
        (folder / f"{alias}.json").write_text(content)
        monkeypatch.setenv(f"APE_ACCOUNTS_{alias}_PASSPHRASE", "open sesame")
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path / "ape"))
    monkeypatch.setenv("GAVELBOOK_RPC", stage.web3.provider.endpoint_uri)
    monkeypatch.setenv("GAVELBOOK_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path / "deployments"))

    def run(*arguments):
        result = CliRunner(mix_stderr=False).invoke(main, [str(argument) for argument in arguments])
        assert "open sesame" not in result.stdout + result.stderr
        return result

    return run


@pytest.fixture
def sale(stage):
    sale = stage.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=8)
    stage.place(sale, BIDS)
    return sale


def test_a_sale_from_the_command_line(stage, sale, command, tmp_path):
    allocate = ("allocator", sale.address, "--account", "gavel", "--confirmations", 0)
    result = command(*allocate, "--once")
    assert (result.exit_code, result.stdout) == (0, "not closed yet: nothing to do\n")
    audit = command("audit-sale", sale.address)
    assert audit.exit_code == 0, audit.stderr
    assert audit.stdout.startswith("yes: 4 bids of 4 bidders, no result yet")

    stage.close(sale)
    result = command(*allocate)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("cleared: 8 lots sold for ")
    (file,) = (tmp_path / "state").glob("*.allocation.csv")
    audit = command("audit-sale", sale.address, "--allocation", file)
    assert audit.exit_code == 0, audit.stderr
    assert audit.stdout.startswith("yes: 4 bids of 4 bidders, 8 lots sold")

    result = command(*allocate, "--keeper")
    assert "paid 4 bidders, 0 refused by a token" in result.stdout
    assert stage.paid.balance_of(sale.address) == stage.sold.balance_of(sale.address) == 0
    assert command("audit-sale", sale.address).exit_code == 0


def test_the_audit_names_a_difference(stage, sale, command, tmp_path):
    file = tmp_path / "allocation.csv"
    file.write_text("bidder,tick,lots,filled,payment\n")
    audit = command("audit-sale", sale.address, "--allocation", file)
    assert audit.exit_code == 1
    assert audit.stdout.startswith("no: file_differs: Expected ")


def test_a_stranger_waits_and_a_late_sale_is_aborted(stage, sale, command):
    stage.close(sale)
    helper = ("allocator", sale.address, "--account", "helper", "--confirmations", 0, "--once")
    assert command(*helper).stdout.startswith("waiting: until allocator_until")
    stage.move_to(sale.terms().abort_time)
    assert command(*helper).stdout.startswith("expired: ")
    result = command(*helper, "--keeper")
    assert result.stdout.startswith("aborted: ")
    assert "paid 4 bidders" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("audit-sale", "0x12"), "address_malformed"),
        (("audit-sale", "0x" + 40 * "1"), "not_a_contract"),
        (("audit-sale", "0x" + 40 * "1", "--from-block", "0"), "not_a_sale"),
        (("audit-sale", "0x" + 40 * "1", "--rpc", "ftp://here"), "rpc_url_malformed"),
        (("audit-sale", "0x" + 40 * "1", "--allocation", "/no/file"), "file_unreadable"),
        (("allocator", "0x" + 40 * "1", "--account", "gavel"), "not_a_contract"),
        (
            ("allocator", "0x" + 40 * "1", "--account", "nobody", "--from-block", "0"),
            "account_unknown",
        ),
    ],
)
def test_bad_input_is_said_in_one_line(command, arguments, code):
    result = command(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {code}: ")
    assert result.stderr.count("\n") == 1


def test_a_recorded_sale_is_read_from_its_block(stage, sale, command, tmp_path):
    from gavelbook.chain.deployments import DeploymentStore, SaleRecord

    store = DeploymentStore(tmp_path / "deployments")
    store.record_sale(31337, SaleRecord(sale.address, "Spring", stage.first_block))
    assert command("audit-sale", sale.address).exit_code == 0
