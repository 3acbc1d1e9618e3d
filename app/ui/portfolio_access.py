"""The portfolio desk that all sessions share, and whom its panels act for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from gavelbook.chain.deployments import DeploymentStore
from gavelbook.service.acting import AccountKind
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.faucet import open_faucet
from gavelbook.service.portfolio_desk import PortfolioDesk
from ui.desk import open_desk
from ui.market_access import open_market_desk

if TYPE_CHECKING:
    from gavelbook.service.acting import Actor
    from gavelbook.service.faucet import Faucet
    from gavelbook.service.market_desk import MarketDesk
    from gavelbook.service.portfolio import Portfolio
    from gavelbook.service.sale_desk import SaleDesk


@dataclass(frozen=True)
class Owner:
    """Whose portfolio is shown, who acts for it, and whether the exchange tells about it."""

    desk: PortfolioDesk
    actor: Actor

    def portfolio(self) -> Portfolio:
        """Return all of it as of a moment ago."""
        return self.desk.of(self.actor)

    @property
    def pays_gas(self) -> bool:
        """Whether the account pays its transactions with ether of its own."""
        return self.actor.kind is AccountKind.WALLET

    @property
    def is_managed(self) -> bool:
        """Whether the signer of this site holds the key."""
        return self.actor.kind is AccountKind.MANAGED


@st.cache_resource(show_spinner=False, max_entries=4)
def _connected(_sales: SaleDesk, _market: MarketDesk, beside: tuple[int, int]) -> PortfolioDesk:
    del beside
    return PortfolioDesk(_sales.web3, DeploymentStore(), _sales.chain_id, _market.api)


@st.cache_resource(show_spinner=False, max_entries=4)
def _faucet(settings: str) -> Faucet | None:
    return open_faucet(DeskSettings.model_validate_json(settings))


def open_portfolio_desk() -> PortfolioDesk:
    """Return the shared desk for the settings of this process."""
    sales, market = open_desk(), open_market_desk()
    # Another one for each new desk: it shares their connection and their sessions.
    return _connected(sales, market, (id(sales), id(market)))


def demo_faucet() -> Faucet | None:
    """Return who gives play money; None where this is no demo."""
    return _faucet(DeskSettings().model_dump_json())
