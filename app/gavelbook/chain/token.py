"""One ERC-20 token: what it answers, and calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.abi import load_abi
from gavelbook.chain.reading import Asker
from gavelbook.chain.signing import sign_permit

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import BlockIdentifier

    from gavelbook.chain.sale_types import Permit


class Token:
    """The token at ``address``; amounts in its base units. Errors as `Sale`, ``not_a_token``."""

    def __init__(self, web3: Web3, address: str) -> None:
        self.web3 = web3
        self.address: ChecksumAddress = web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load_abi("FixedSupplyToken"))
        self._asker = Asker(web3, self.address, "FixedSupplyToken", "token")

    def symbol(self) -> str:
        """Return the symbol."""
        return str(self._asker.ask("symbol"))

    def name(self) -> str:
        """Return the name."""
        return str(self._asker.ask("name"))

    def decimals(self) -> int:
        """Return how many decimals of base units make one token."""
        return int(self._asker.ask("decimals"))

    def balance_of(self, account: str, block: BlockIdentifier = "latest") -> int:
        """Return the balance of ``account``."""
        return int(self._asker.ask("balanceOf", self._account(account), block=block))

    def allowance(self, owner: str, spender: str) -> int:
        """Return how much ``spender`` may take from ``owner``."""
        return int(self._asker.ask("allowance", self._account(owner), self._account(spender)))

    def permit_nonce(self, owner: str) -> int:
        """Return the number of the next permit of ``owner``."""
        return int(self._asker.ask("nonces", self._account(owner)))

    def approve(self, spender: str, amount: int) -> ContractFunction:
        """Allow ``spender`` to take ``amount`` from the sender."""
        return self.contract.functions.approve(self._account(spender), amount)

    def transfer(self, recipient: str, amount: int) -> ContractFunction:
        """Send ``amount`` of the sender to ``recipient``."""
        return self.contract.functions.transfer(self._account(recipient), amount)

    def sign_permit(self, owner: LocalAccount, spender: str, value: int, deadline: int) -> Permit:
        """Return a permit of ``owner``, with nonce and domain read from the token."""
        _, name, version, chain_id, contract, _, _ = self._asker.ask("eip712Domain")
        nonce = self.permit_nonce(owner.address)
        return sign_permit(
            owner, chain_id, contract, name, spender, value, nonce, deadline, version
        )

    def _account(self, address: str) -> ChecksumAddress:
        return self.web3.to_checksum_address(address)
