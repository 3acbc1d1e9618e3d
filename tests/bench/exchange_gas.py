"""The metrics ``exchange.gas.*`` and ``exchange.bytes.*``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.bench_exchange import BenchExchange
from tests.bench.exchange_actions import action_gas

if TYPE_CHECKING:
    from tests.bench.anvil_chain import AnvilChain

_ACTIONS = {
    "exchange.gas.fill_single": "settle one fill without fees",
    "exchange.gas.fill_single_fees": "settle one fill",
    "exchange.gas.fill_pairs_50": "settle 50 pairs, each fill",
    "exchange.gas.fill_one_maker_50": "settle one maker against 50 takers, each fill",
    "exchange.gas.fill_netted_100": "settle 5 makers and 10 takers, each of 100 fills",
    "exchange.gas.deposit": "deposit, first of an account",
    "exchange.gas.withdraw": "withdraw",
    "exchange.gas.withdraw_relayed": "withdraw, sent by another",
    "exchange.gas.exit_request": "request exit",
    "exchange.gas.deploy": "exchange, deploy",
}


def measure(chain: AnvilChain) -> dict[str, float]:
    """Return what trading costs, and how large the contract is."""
    actions = action_gas(chain)
    return {
        **{metric: actions[name] for metric, name in _ACTIONS.items()},
        "exchange.bytes.exchange": chain.code_size(BenchExchange(chain).address),
    }
