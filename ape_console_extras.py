"""Names in ``ape console``: what is deployed on the connected chain.

``factory``, ``sales`` (by label), ``sale`` (the latest), ``token`` and ``payment`` (its tokens),
and ``deployed`` (everything recorded, by name). What is not recorded is None or empty.
"""

from __future__ import annotations

from typing import Any

import click


def ape_init_extras(chain: Any) -> dict[str, Any]:
    """Return the names; nothing recorded, or no chain, leaves them empty."""
    from ape import Contract

    from gavelbook.chain.abi import load_abi
    from gavelbook.chain.deployments import DeploymentStore
    from gavelbook.errors import GavelbookError

    extras: dict[str, Any] = dict.fromkeys(("factory", "sale", "token", "payment"))
    extras.update(sales={}, deployed={})
    try:
        chain_id = chain.chain_id
        contracts, sales = DeploymentStore().contracts(chain_id), DeploymentStore().sales(chain_id)
    except GavelbookError as error:
        click.echo(f"Deployments are not shown: {error}")
        return extras

    def contract(name: str, address: str) -> Any:
        return Contract(address, abi=load_abi(name), fetch_from_explorer=False)

    for name, record in contracts.items():
        kind = name if name == "SaleFactory" else "FixedSupplyToken"
        extras["deployed"][name] = contract(kind, record.address)
    extras["factory"] = extras["deployed"].get("SaleFactory")
    extras["sales"] = {each.label: contract("TokenSale", each.address) for each in sales}
    if sales:
        extras["sale"] = contract("TokenSale", sales[-1].address)
        extras["token"] = extras["deployed"].get(sales[-1].sale_symbol)
        extras["payment"] = extras["deployed"].get(sales[-1].payment_symbol)
    return extras
