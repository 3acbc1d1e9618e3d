"""Where the pages find the chain and the exchange, from the environment."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic_settings import BaseSettings, SettingsConfigDict

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DeskSettings(BaseSettings):
    """`GAVELBOOK_RPC_URL`, `GAVELBOOK_EXCHANGE_API`, and `GAVELBOOK_DEMO_ACCOUNTS` for a demo.

    The deployments are where `GAVELBOOK_DEPLOYMENTS` says.
    """

    model_config = SettingsConfigDict(env_prefix="GAVELBOOK_")

    rpc_url: str = "http://127.0.0.1:8545"
    exchange_api: str = "http://127.0.0.1:8100"
    """Where the API of the exchange answers the pages' own process."""

    exchange_public_url: str = ""
    """Where browsers reach the API; "" where it is on the pages' own site."""

    public_rpc_url: str = ""
    """Where browsers' wallets reach the chain; "" for ``rpc_url`` where that is on this machine."""

    chain_name: str = "Local chain"
    currency_symbol: str = "ETH"
    explorer_url: str = ""
    """Shows a transaction at `/tx/HASH` and an address at `/address/ADDRESS`; "" for none."""

    signer_url: str = ""
    """Where the signer of managed accounts answers; "" where there is none."""

    signer_key_file: str = ""
    """The file with the key by which the signer knows the pages."""

    operator_token_file: str = ""
    """The file with the token by which the exchange knows its operator; "" for none."""

    operators: str = ""
    """Addresses, with commas, of those to whom the pages show what the operator sees."""

    demo_accounts: bool = False
    """Whether visitors bid from accounts whose keys everybody knows; on a local chain only."""

    @property
    def wallet_rpc_url(self) -> str:
        """What wallets are told of the chain; "" for nothing.

        The URL of a node elsewhere often holds the key of its customer: it stays here.
        """
        local = urlsplit(self.rpc_url).hostname in _LOOPBACK
        return self.public_rpc_url or (self.rpc_url if local else "")
