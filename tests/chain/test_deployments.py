import dataclasses
import json

import pytest

from gavelbook.chain.deployments import DeploymentStore, SaleRecord
from gavelbook.chain.errors import DeploymentsError

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OTHER = "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"


def test_records_come_back(tmp_path):
    store = DeploymentStore(tmp_path / "new" / "folder")
    assert store.contracts(1) == {}
    assert store.sales(1) == []
    record = store.record_contract(1, "SaleFactory", ADDRESS, 7, "0xab", [10**30, True, b"\x01"])
    sale = SaleRecord(OTHER, "Spring", 8, "SLD", "PAY")
    store.record_sale(1, sale)
    assert DeploymentStore(store.folder).contracts(1) == {"SaleFactory": record}
    assert record.arguments == [str(10**30), True, "0x01"]
    assert store.contract(1, "SaleFactory").block == 7
    assert store.sales(1) == [sale]
    assert store.sale(1, OTHER.lower()) == sale
    assert store.sales(2) == []


def test_a_later_record_replaces_an_earlier_one(tmp_path):
    store = DeploymentStore(tmp_path)
    sale = SaleRecord(ADDRESS, "Spring", 8)
    store.record_sale(1, sale)
    store.record_sale(1, SaleRecord(OTHER, "Summer", 9))
    renamed = dataclasses.replace(sale, address=ADDRESS.lower(), label="Autumn")
    store.record_sale(1, renamed)
    assert [record.label for record in store.sales(1)] == ["Summer", "Autumn"]


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("GAVELBOOK_DEPLOYMENTS", str(tmp_path))
    DeploymentStore().record_sale(5, SaleRecord(ADDRESS, "Spring", 8))
    assert json.loads((tmp_path / "5.json").read_text())["chain_id"] == 5
    assert [path.name for path in tmp_path.iterdir()] == ["5.json"]


@pytest.mark.parametrize(
    "text",
    ["{", "[]", '{"chain_id": 2, "contracts": {}, "sales": []}', '{"chain_id": 1, "sales": []}',
     '{"chain_id": 1, "contracts": {}, "sales": [{"nonsense": 1}]}'],
)  # fmt: skip
def test_a_malformed_record_is_refused_and_kept(tmp_path, text):
    path = tmp_path / "1.json"
    path.write_text(text)
    with pytest.raises(DeploymentsError) as caught:
        DeploymentStore(tmp_path).sales(1)
    assert caught.value.code == "deployments_malformed"
    assert path.read_text() == text


def test_a_contract_never_deployed(tmp_path):
    with pytest.raises(DeploymentsError) as caught:
        DeploymentStore(tmp_path).contract(1, "SaleFactory")
    assert caught.value.code == "contract_unknown"
