"""Simulated traders at the real API: their wishes become signed orders."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from httpx import HTTPTransport

from gavelbook.client import Client
from gavelbook.client.errors import ApiError
from gavelbook.demo.exchange_scene import MAKERS
from gavelbook.demo.local_chain import CHAIN_ID
from gavelbook.demo.traders import Intent, Traders
from gavelbook.exchange.orders import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eth_account.signers.local import LocalAccount

    from gavelbook.demo.exchange_scene import ExchangeScene
    from gavelbook.demo.traders import Wish
    from gavelbook.wire.orders import BatchItem, OrderRequest

_LIFETIME = 4 * 60 * 60
_PART_OF_THE_GAME = frozenset({"insufficient_balance", "post_only_would_cross"})
"""Codes of refusals that traders meet by themselves: out of money, or overtaken by the price."""


def client_of(url: str, account: LocalAccount, contract: str) -> Client:
    """Return a client of the exchange at ``url`` that signs for ``contract`` only."""
    # A proxy of the environment has no business between two processes of one machine, and httpx
    # leaves it out where it is given a transport.
    transport = HTTPTransport()
    return Client(url, account=account, chain_id=CHAIN_ID, contract=contract, transport=transport)


@dataclass(slots=True)
class Tally:
    """What became of the orders of simulated traders."""

    placed: int = 0
    fills: int = 0
    lots: int = 0
    quote: int = 0
    refused: Counter[str] = field(default_factory=Counter)


class TradingFloor:
    """Lets the traders of ``scene`` trade at the API ``url``."""

    def __init__(self, scene: ExchangeScene, url: str, seed: int) -> None:
        """Prepare; the same ``seed`` gives the same wishes."""
        self._market = scene.market.id
        self._money = scene.market.quote_token
        takers = len(scene.takers)
        self._traders = Traders(MAKERS, takers, scene.first_ticks, seed)
        self.clients = [client_of(url, trader, scene.exchange.address) for trader in scene.traders]
        self.tally = Tally()

    def client_of(self, trader: LocalAccount) -> Client:
        """Return what ``trader`` trades with."""
        return next(each for each in self.clients if each.address.text() == trader.address)

    def funded(self) -> bool:
        """Return whether the exchange knows of the last deposit of money that was made."""
        last = self.clients[-1]
        if last.calls.token is None:
            last.sign_in()
        return any(balance.token == self._money for balance in last.balances().balances)

    def open(self) -> None:
        """Let all makers quote; errors as `play_round`."""
        self._place(self._traders.ladders())

    def play_round(self) -> None:
        """Let a taker come, and some makers follow.

        Raises:
            ApiError: the exchange refused what it should have taken.

        """
        self._place(self._traders.round())

    def close(self) -> None:
        """Close the connections."""
        for client in self.clients:
            client.close()

    def _place(self, wishes: Iterable[Wish]) -> None:
        for trader, own in groupby(wishes, key=attrgetter("trader")):
            client = self.clients[trader]
            orders = [self._signed(client, wish) for wish in own]
            for item in client.place_batch(orders):
                self._note(item)

    def _signed(self, client: Client, wish: Wish) -> OrderRequest:
        return client.sign_order(
            self._market,
            "sell" if wish.side is Side.SELL else "buy",
            wish.lots,
            wish.ticks,
            place=client.lanes.replace(wish.lane),
            lifetime=_LIFETIME,
            time_in_force="IOC" if wish.intent is Intent.TAKE else "GTC",
            post_only=wish.intent is Intent.QUOTE,
        )

    def _note(self, item: BatchItem) -> None:
        tally = self.tally
        if item.placement is not None:
            tally.placed += 1
            for fill in item.placement.fills:
                tally.fills += 1
                tally.lots += int(fill.lots)
                tally.quote += int(fill.quote)
        elif item.problem is not None:
            refused = ApiError.of(item.problem)
            tally.refused[refused.code] += 1
            if refused.code not in _PART_OF_THE_GAME:
                raise refused
