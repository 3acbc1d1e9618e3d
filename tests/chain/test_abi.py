import pytest

from gavelbook.chain.abi import contract_names, load_abi, load_bytecode
from gavelbook.errors import FileError

CODE_SIZE_LIMIT = 24_576


def test_every_contract_that_python_calls_is_there():
    assert {"FixedSupplyToken", "SaleFactory", "TokenSale"} <= set(contract_names())
    assert "clear" in {entry.get("name") for entry in load_abi("TokenSale")}


def test_what_python_deploys_has_creation_code_that_chains_accept():
    for name in ("FixedSupplyToken", "SaleFactory"):
        code = load_bytecode(name)
        assert bytes.fromhex(code[2:])
        assert len(code) // 2 < 2 * CODE_SIZE_LIMIT


@pytest.mark.parametrize(
    ("load", "name", "code"),
    [(load_abi, "Nothing", "abi_missing"), (load_bytecode, "TokenSale", "bytecode_missing")],
)
def test_what_is_not_there_is_named(load, name, code):
    with pytest.raises(FileError) as caught:
        load(name)
    assert caught.value.code == code
    assert name in caught.value.message
