"""What can go wrong between Gavelbook and a chain.

* GavelbookError
  x ChainError
    + ChainUnreachable
    + ContractRefused
      - TransactionRefused
    + TransactionLost
    + InsufficientFunds
  x DeploymentsError
  x KeystoreError
  x StoreError
"""

from __future__ import annotations

from gavelbook.errors import GavelbookError


class ChainError(GavelbookError):
    """Something about a chain: catch it to survive whatever a node or a contract answers."""


class ChainUnreachable(ChainError):  # noqa: N818 -- said as people say it
    """No usable answer from the node: check the address or wait, then do the same again."""


class ContractRefused(ChainError):  # noqa: N818
    """A contract reverted. ``code`` is its error's name in snake case, ``details`` its values."""


class TransactionRefused(ContractRefused):
    """A transaction would revert, and was not sent, or was mined and reverted."""


class TransactionLost(ChainError):  # noqa: N818
    """Another transaction took the place of this one, or none was mined in the time given."""


class InsufficientFunds(ChainError):  # noqa: N818
    """The sending account cannot pay the transaction and its gas: send it ether."""


class DeploymentsError(GavelbookError):
    """The record of deployments is malformed, or lacks what was asked for."""


class KeystoreError(GavelbookError):
    """A key cannot be loaded: check the alias, the accounts folder and the passphrase."""


class StoreError(GavelbookError):
    """A store on disk belongs to another sale or chain, or cannot be used."""
