"""Show that a deployed contract is the code in contracts/: ``ape run verify``."""

from __future__ import annotations

import json
from typing import Any

import click
from ape.cli import network_option

from scripts._command import ScriptCommand, show
from scripts._explorers import ETHERSCAN, SOURCIFY, submit_to_etherscan, submit_to_sourcify
from scripts._ledger import Ledger
from scripts._source_check import FOLDER, compile_fresh

EXIT_DIFFERENT = 1
_OWN_NAMES = ("Exchange", "MockWrappedEther", "SaleFactory")


@click.command(cls=ScriptCommand, name="verify")
@network_option()
@click.argument("name")
@click.option("--submit", type=click.Choice(["sourcify", "etherscan"]), help="Send the sources.")
@click.option("--server", help="Another address of the explorer's API.")
@click.pass_context
def cli(
    ctx: click.Context, provider: Any, name: str, submit: str | None, server: str | None
) -> None:
    """Compile NAME afresh and compare it with the code on the chain, immutables masked.

    NAME is a recorded contract (SaleFactory, Exchange, a token's symbol) or a sale, by address or
    label. The compiler's standard JSON input and the constructor's arguments go to
    build/verification/; with --submit they are sent to the explorer. Exit code 1 means that the
    code is different.
    """
    ledger = Ledger(provider)
    address, kind, arguments, transaction = _subject(ledger, name)
    code = compile_fresh(kind)
    same = code.matches(bytes(ledger.web3.eth.get_code(address)))
    encoded = code.encoded_arguments(arguments)
    folder = FOLDER / str(ledger.chain_id) / address
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "input.json").write_text(json.dumps(code.standard_input, indent=1))
    (folder / "arguments.txt").write_text(f"{encoded.hex()}\n")
    show(
        {
            "contract": f"{code.source}:{code.name}",
            "address": address,
            "compiler": code.compiler,
            "input": folder / "input.json",
            "arguments": folder / "arguments.txt",
            "same code": "yes" if same else "NO",
        }
    )
    if not same:
        ctx.exit(EXIT_DIFFERENT)
    if submit == "sourcify":
        state = submit_to_sourcify(server or SOURCIFY, ledger.chain_id, address, transaction, code)
        click.echo(f"Sourcify: {state}")
    elif submit == "etherscan":
        state = submit_to_etherscan(server or ETHERSCAN, ledger.chain_id, address, encoded, code)
        click.echo(f"Etherscan: {state}")


def _subject(ledger: Ledger, name: str) -> tuple[str, str, list[Any], str]:
    """Return address, contract, constructor arguments and transaction of what ``name`` names.

    Raises:
        DeploymentsError: ``contract_unknown``.

    """
    from gavelbook.chain.factory import contract_terms

    record = ledger.sale_record(name)
    if record is not None:
        sale = ledger.sale(name)
        wrapped = sale.wrapped_ether() or "0x" + 40 * "0"
        return (
            record.address,
            "TokenSale",
            [contract_terms(sale.terms()), wrapped],
            (record.transaction),
        )
    found = ledger.store.contract(ledger.chain_id, name)
    kind = name if name in _OWN_NAMES else "FixedSupplyToken"
    return found.address, kind, found.arguments, found.transaction
