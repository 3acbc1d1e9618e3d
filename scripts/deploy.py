"""Deploy the sale factory, and tokens: ``ape run deploy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from ape.cli import account_option, network_option

from scripts._command import ScriptCommand, confirm, yes_option
from scripts._ledger import Ledger
from scripts._signer import Signer

if TYPE_CHECKING:
    from web3.contract.contract import ContractConstructor

TOKEN_DECIMALS = 18
WRAPPED_ETHER = {11155111: "0xfFf9976782d46CC05630D1f6eBAb18b2324d6B14"}
"""Wrapped ether by chain: Sepolia."""

_NONE = "0x" + 40 * "0"
_MOCK = "MockWrappedEther"
_LOCAL_NETWORKS = frozenset({"local", "devnet"})


@click.command(cls=ScriptCommand, name="deploy")
@network_option()
@account_option()
@click.option(
    "--token",
    "tokens",
    nargs=3,
    multiple=True,
    metavar="NAME SYMBOL SUPPLY",
    help="Also deploy a token of 18 decimals; its whole supply goes to the account. Repeatable.",
)
@click.option(
    "--wrapped-ether",
    metavar="ADDRESS|none",
    help="Wrapped ether of the chain.  [default: Sepolia's; a new mock on a local chain]",
)
@click.option("--again", is_flag=True, help="Deploy another factory where one is recorded.")
@yes_option
def cli(  # noqa: PLR0913 -- one for each option
    provider: Any,
    account: Any,
    tokens: tuple[tuple[str, str, str], ...],
    wrapped_ether: str | None,
    *,
    again: bool,
    yes: bool,
) -> None:
    """Deploy the sale factory and record it in scripts/deployments/CHAIN_ID.json."""
    from gavelbook.chain.errors import DeploymentsError
    from gavelbook.service.amounts import base_units

    ledger = Ledger(provider)
    new_factory = again or not _has_factory(ledger)
    if not new_factory and not tokens:
        message = f"Expected a token or --again: a factory is at {ledger.factory().address}"
        raise DeploymentsError("nothing_to_deploy", message)
    wrapped = _wrapped_ether(ledger, wrapped_ether) if new_factory else None
    supplies = {symbol: base_units(supply, TOKEN_DECIMALS) for _, symbol, supply in tokens}
    plan: dict[str, object] = {
        "chain": f"{ledger.chain_id} ({provider.network_choice})",
        "account": account.address,
        "factory": "new" if new_factory else f"kept: {ledger.factory().address}",
    }
    if new_factory:
        plan["wrapped ether"] = wrapped or "a new mock"
    for name, symbol, _ in tokens:
        plan[f"token {symbol}"] = f"{name}, {supplies[symbol]:,} base units to {account.address}"
    confirm("Deploy", plan, yes=yes)

    signer = Signer(provider, account)
    if new_factory:
        wrapped = wrapped or _deploy(ledger, signer, _MOCK, _mock(ledger), [])
        _deploy(ledger, signer, "SaleFactory", _built(ledger, "SaleFactory", wrapped), [wrapped])
    for name, symbol, _ in tokens:
        arguments = [name, symbol, supplies[symbol], signer.address]
        token = _built(ledger, "FixedSupplyToken", *arguments)
        _deploy(ledger, signer, symbol, token, arguments)
    if not ledger.lasting:
        click.echo("This chain ends with the command: nothing was recorded.")


def _has_factory(ledger: Ledger) -> bool:
    record = ledger.store.contracts(ledger.chain_id).get("SaleFactory")
    return record is not None and bool(ledger.web3.eth.get_code(record.address))


def _wrapped_ether(ledger: Ledger, given: str | None) -> str | None:
    """Return the address to use; None for a new mock."""
    from gavelbook.chain.errors import DeploymentsError

    if given is not None:
        return _NONE if given == "none" else ledger.account(given)
    known = WRAPPED_ETHER.get(ledger.chain_id)
    if known is None and ledger.provider.network.name not in _LOCAL_NETWORKS:
        message = f"Expected --wrapped-ether for chain {ledger.chain_id}, which is not known"
        raise DeploymentsError("wrapped_ether_unknown", message, chain_id=ledger.chain_id)
    return known


def _built(ledger: Ledger, name: str, *arguments: Any) -> ContractConstructor:
    from gavelbook.chain.factory import deployment

    return deployment(ledger.web3, name, *arguments)


def _mock(ledger: Ledger) -> ContractConstructor:
    """Return the deployment of the mock, which only the project's compiler knows."""
    import ape

    source = ape.project.contracts_folder / "mocks" / f"{_MOCK}.sol"
    kind = ape.project.load_contracts(source)[_MOCK].contract_type
    abi = kind.model_dump(mode="json", by_alias=True)["abi"]
    code = str(kind.deployment_bytecode.bytecode)
    mock: ContractConstructor = ledger.web3.eth.contract(abi=abi, bytecode=code).constructor()
    return mock


def _deploy(
    ledger: Ledger, signer: Signer, name: str, call: ContractConstructor, arguments: list[Any]
) -> str:
    receipt = signer.send(f"{name} deployed", call)
    address = str(receipt["contractAddress"])
    click.echo(f"{name}: {address}")
    if ledger.lasting:
        transaction = receipt["transactionHash"].to_0x_hex()
        ledger.store.record_contract(
            ledger.chain_id, name, address, receipt["blockNumber"], transaction, arguments
        )
    return address
