"""Names in ``ape console``: what is deployed on the connected chain.

``factory``, ``sales`` (by label), ``sale`` (the latest), ``token`` and ``payment`` (its tokens),
``exchange``, ``markets`` (by pair, each with number, lot size, tick value and fees) and
``deployed`` (everything recorded, by name). What is not recorded is None or empty.
"""

from __future__ import annotations

from typing import Any

import click


def ape_init_extras(chain: Any) -> dict[str, Any]:
    """Return the names; nothing recorded, or no chain, leaves them empty."""
    from ape import Contract

    from gavelbook.chain.abi import load_abi
    from gavelbook.chain.deployments import EXCHANGE, DeploymentStore
    from gavelbook.errors import GavelbookError

    extras: dict[str, Any] = dict.fromkeys(("factory", "sale", "token", "payment", "exchange"))
    extras.update(sales={}, markets={}, deployed={})
    try:
        chain_id = chain.chain_id
        contracts, sales = DeploymentStore().contracts(chain_id), DeploymentStore().sales(chain_id)
    except GavelbookError as error:
        click.echo(f"Deployments are not shown: {error}")
        return extras

    def contract(name: str, address: str) -> Any:
        return Contract(address, abi=load_abi(name), fetch_from_explorer=False)

    for name, record in contracts.items():
        kind = name if name in {"SaleFactory", EXCHANGE} else "FixedSupplyToken"
        extras["deployed"][name] = contract(kind, record.address)
    extras["factory"] = extras["deployed"].get("SaleFactory")
    extras["sales"] = {each.label: contract("TokenSale", each.address) for each in sales}
    if sales:
        extras["sale"] = contract("TokenSale", sales[-1].address)
        extras["token"] = extras["deployed"].get(sales[-1].sale_symbol)
        extras["payment"] = extras["deployed"].get(sales[-1].payment_symbol)
    extras["exchange"] = extras["deployed"].get(EXCHANGE)
    if extras["exchange"] is not None:
        extras["markets"] = _markets(chain.provider.web3, contracts[EXCHANGE].address)
    return extras


def _markets(web3: Any, exchange_address: str) -> dict[str, Any]:
    """Return the markets by pair, as BASE/QUOTE."""
    from gavelbook.chain.errors import ChainError
    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.token import Token
    from gavelbook.exchange.typed_data import checksum_address

    exchange = Exchange(web3, exchange_address)
    markets = {}
    try:
        for number in range(1, exchange.market_count() + 1):
            market = exchange.market(number)
            pair = (market.base_token, market.quote_token)
            symbols = [Token(web3, checksum_address(token)).symbol() for token in pair]
            markets["/".join(symbols)] = market
    except ChainError as error:
        click.echo(f"Markets are not shown: {error}")
    return markets
