"""Which account of a wallet is whose: the ``i`` in ``m/44'/60'/i'/0/0``."""

from __future__ import annotations

from enum import StrEnum

from gavelbook.wallet.errors import WalletError

GENERATIONS = 1_000
"""How many keys a role can have, one after the other."""

FIRST_MANAGED = 1_000_000
"""Where the keys of managed accounts begin; those of roles are below."""

_INDICES = 2**31


class Role(StrEnum):
    """Who acts for the operator, each with a key that is good for nothing else."""

    DEPLOYER = "deployer"
    """Deploys contracts and owns the exchange."""
    ALLOCATOR = "allocator"
    """Signs the results of sales."""
    MATCHER = "matcher"
    """Signs batches, withdrawals and the log."""
    RELAYER = "relayer"
    """Sends batches and pays for them."""
    SWEEPER = "sweeper"
    """Moves what arrives at deposit addresses into escrow."""
    GAS = "gas"
    """Pays the gas of managed accounts."""


def role_index(role: Role, generation: int) -> int:
    """Return the index of key number ``generation`` of ``role``, counted from 0.

    Raises:
        WalletError: ``generation_out_of_range``.

    """
    if not 0 <= generation < GENERATIONS:
        message = f"Expected a generation from 0 to {GENERATIONS - 1}, was {generation}"
        raise WalletError("generation_out_of_range", message)
    return list(Role).index(role) * GENERATIONS + generation


def managed_index(number: int) -> int:
    """Return the index of managed account ``number``, counted from 0.

    Raises:
        WalletError: ``account_out_of_range``.

    """
    if not 0 <= number < _INDICES - FIRST_MANAGED:
        message = f"Expected an account from 0 to {_INDICES - FIRST_MANAGED - 1}, was {number}"
        raise WalletError("account_out_of_range", message)
    return FIRST_MANAGED + number


def path_of(index: int) -> str:
    """Return the derivation path of ``index`` as other wallets write it."""
    return f"m/44'/60'/{index}'/0/0"
