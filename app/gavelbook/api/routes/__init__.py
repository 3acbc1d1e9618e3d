"""The operations of the API, one module for each kind."""

from __future__ import annotations

from gavelbook.api.routes import accounts, markets, operator, orders, sessions, system

OPERATIONS = (
    *orders.OPERATIONS.all,
    *markets.OPERATIONS.all,
    *accounts.OPERATIONS.all,
    *sessions.OPERATIONS.all,
    *system.OPERATIONS.all,
    *operator.OPERATIONS.all,
)
"""All of them. Those of orders come first, since a router tries them in this order."""
