"""Names for people: tokens, accounts and sales by the names they were recorded or stored under."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gavelbook.auction import SaleTerms
    from gavelbook.chain.deployments import SaleRecord
    from gavelbook.chain.sale import Sale

_TEST_PREFIX = "TEST::"
_TOKEN_KEYS = ("sale_token", "payment_token")
_ACCOUNT_KEYS = ("allocator", "gate", "proceeds_recipient", "unsold_recipient")
_WRAPPED_ETHER = "WETH"


class Ledger:
    """The deployments recorded for the chain of ``provider``, and the accounts of ape."""

    def __init__(self, provider: Any) -> None:
        from gavelbook.chain.deployments import DeploymentStore

        self.provider = provider
        self.web3 = provider.web3
        self.chain_id = int(provider.chain_id)
        self.store = DeploymentStore()

    @property
    def lasting(self) -> bool:
        """Whether the chain is still there after this command, so that records make sense."""
        own = getattr(self.provider, "process", None) is not None
        return self.provider.name != "test" and not own

    def account(self, name: str) -> str:
        """Return the address of an account given as address, alias, or TEST::0.

        Raises:
            DeploymentsError: ``account_unknown``.

        """
        import ape
        from eth_utils.address import is_address, to_checksum_address

        from gavelbook.chain.errors import DeploymentsError

        if is_address(name):
            return str(to_checksum_address(name))
        number = name.removeprefix(_TEST_PREFIX)
        if name.startswith(_TEST_PREFIX) and number.isdecimal():
            return str(ape.accounts.test_accounts[int(number)].address)
        known = list(ape.accounts.aliases)
        if name not in known:
            message = f"Expected an address or one of {', '.join(known) or 'no alias'}, was {name}"
            raise DeploymentsError("account_unknown", message, name=name)
        return str(ape.accounts.load(name).address)

    def token(self, name: str) -> str:
        """Return the address of a token given as address, recorded symbol, or WETH.

        Raises:
            DeploymentsError: ``contract_unknown``.

        """
        from eth_utils.address import is_address, to_checksum_address

        if is_address(name):
            return str(to_checksum_address(name))
        if name == _WRAPPED_ETHER and name not in self.store.contracts(self.chain_id):
            return str(self.factory().contract.functions.wrappedEther().call())
        return self.store.contract(self.chain_id, name).address

    def factory(self) -> Any:
        """Return the recorded factory.

        Raises:
            DeploymentsError: ``contract_unknown``.

        """
        from gavelbook.chain.factory import SaleFactory

        address = self.store.contract(self.chain_id, "SaleFactory").address
        return SaleFactory(self.web3, address)

    def sale_record(self, name: str) -> SaleRecord | None:
        """Return the record of a sale given as address or label; None where there is none."""
        return next(
            (
                record
                for record in reversed(self.store.sales(self.chain_id))
                if name.lower() in {record.address.lower(), record.label.lower()}
            ),
            None,
        )

    def sale(self, name: str) -> Sale:
        """Return the sale given as address or recorded label.

        Raises:
            DeploymentsError: ``sale_unknown``.

        """
        from eth_utils.address import is_address

        from gavelbook.chain.errors import DeploymentsError
        from gavelbook.chain.sale import Sale

        record = self.sale_record(name)
        if record is None and not is_address(name):
            message = f"Expected an address or the label of a sale recorded here, was {name}"
            raise DeploymentsError("sale_unknown", message, name=name)
        return Sale(self.web3, record.address if record else name)

    def resolve(self, terms: SaleTerms) -> SaleTerms:
        """Return ``terms`` with an address for every name.

        Raises:
            TermsError: ``key_missing``.
            DeploymentsError: ``account_unknown`` or ``contract_unknown``.

        """
        terms.require_complete()
        changes: dict[str, Any] = {key: self.token(getattr(terms, key)) for key in _TOKEN_KEYS}
        for key in _ACCOUNT_KEYS:
            name = getattr(terms, key)
            changes[key] = None if name is None else self.account(name)
        return replace(terms, **changes)
