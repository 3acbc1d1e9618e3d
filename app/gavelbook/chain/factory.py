"""Deploying tokens and the factory, and opening sales."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gavelbook.chain.abi import load_abi, load_bytecode
from gavelbook.chain.errors import ChainError

if TYPE_CHECKING:
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract.contract import ContractConstructor, ContractFunction
    from web3.types import TxReceipt

    from gavelbook.auction.terms import SaleTerms

_ZERO_ADDRESS = "0x" + 40 * "0"


class SaleFactory:
    """The factory at ``address``."""

    def __init__(self, web3: Web3, address: str) -> None:
        self.web3 = web3
        self.address: ChecksumAddress = web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load_abi("SaleFactory"))

    def create_sale(self, terms: SaleTerms) -> ContractFunction:
        """Open a sale; the sender must have allowed the factory ``supply_lots * lot_size``.

        Raises:
            TermsError: ``key_missing``.

        """
        return self.contract.functions.createSale(contract_terms(terms))

    def created_sale(self, receipt: TxReceipt) -> ChecksumAddress:
        """Return the address of the sale that the transaction of ``receipt`` opened.

        Raises:
            ChainError: ``no_sale_created``.

        """
        for log in receipt["logs"]:
            if log["address"] == self.address:
                address: ChecksumAddress = self.contract.events.SaleCreated().process_log(log)[
                    "args"
                ]["sale"]
                return address
        raise ChainError("no_sale_created", f"Expected a sale opened by {self.address}, was none")

    def is_sale(self, address: str) -> bool:
        """Return whether the sale at ``address`` was opened here."""
        return bool(self.contract.functions.isSale(self.web3.to_checksum_address(address)).call())


def deploy_factory(web3: Web3, wrapped_ether: str | None = None) -> ContractConstructor:
    """Return the deployment of a factory; ``wrapped_ether`` of the chain, or None."""
    return deployment(web3, "SaleFactory", wrapped_ether or _ZERO_ADDRESS)


def deploy_token(
    web3: Web3, name: str, symbol: str, supply: int, holder: str
) -> ContractConstructor:
    """Return the deployment of a token of 18 decimals; ``supply`` base units go to ``holder``."""
    return deployment(web3, "FixedSupplyToken", name, symbol, supply, holder)


def deployment(web3: Web3, name: str, *arguments: Any) -> ContractConstructor:
    """Return the deployment of the contract ``name``, for `Sender.send`."""
    contract = web3.eth.contract(abi=load_abi(name), bytecode=load_bytecode(name))
    return contract.constructor(*arguments)


def contract_terms(terms: SaleTerms) -> tuple[Any, ...]:
    """Return ``terms`` as `ITokenSale.Terms`.

    Raises:
        TermsError: ``key_missing``.

    """
    terms.require_complete()
    auction = terms.auction
    return (
        terms.sale_token,
        terms.payment_token,
        terms.allocator,
        terms.gate or _ZERO_ADDRESS,
        terms.proceeds_recipient,
        terms.unsold_recipient,
        int(auction.rule),
        int(auction.pricing),
        auction.lot_size,
        auction.supply_lots,
        auction.floor_price,
        auction.tick_value,
        auction.tick_count,
        auction.min_bid_lots,
        auction.cap_bps,
        auction.minimum_raise,
        terms.start,
        terms.end,
        terms.cancel_until,
        terms.allocator_until,
        terms.abort_time,
        terms.vesting_start,
        terms.vesting_cliff,
        terms.vesting_end,
    )
