"""One ERC-20 token: what it answers, and calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gavelbook.chain.abi import load_abi
from gavelbook.chain.errors import ChainError, ChainUnreachable
from gavelbook.chain.reading import Asker
from gavelbook.chain.signing import permit_message, sign_permit

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import BlockIdentifier

    from gavelbook.chain.sale_types import Permit

_PLAIN_DOMAIN = b"\x0f"
"""Name, version, chain and contract, and nothing else, as EIP-5267 says it."""
_DELEGATED = bytes.fromhex("ef0100")
"""What the code of an account with a key begins with where it acts by a contract (EIP-7702)."""


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
        """Return a permit of ``owner``, with nonce, name and version read from the token."""
        name, version = self.permit_domain()
        nonce, chain_id = self.permit_nonce(owner.address), int(self.web3.eth.chain_id)
        return sign_permit(
            owner, chain_id, self.address, name, spender, value, nonce, deadline, version
        )

    def takes_permits(self, owner: str) -> bool:
        """Return whether ``owner`` can sign an allowance: ERC-2612 with the domain of EIP-5267.

        A token that names another contract or chain than its own takes none: what is signed for it
        would be good elsewhere. A contract that is a wallet has no key to sign with.
        """
        code = bytes(self.web3.eth.get_code(self._account(owner)))
        if code and not code.startswith(_DELEGATED):
            return False
        try:
            fields, _, _, chain_id, contract, _, _ = self._asker.ask("eip712Domain")
            self.permit_nonce(owner)
        except ChainUnreachable:
            raise
        except ChainError:
            return False
        here = (self.address, self.web3.eth.chain_id)
        return bool(fields == _PLAIN_DOMAIN and (contract, chain_id) == here)

    def permit_domain(self) -> tuple[str, str]:
        """Return name and version of the domain (EIP-712) of the token's permits.

        Chain and contract are known: a token that says otherwise is not believed.
        """
        _, name, version, *_ = self._asker.ask("eip712Domain")
        return str(name), str(version)

    def permit_typed_data(
        self, owner: str, spender: str, value: int, deadline: int
    ) -> dict[str, Any]:
        """Return what ``owner`` signs to allow ``spender`` ``value`` base units.

        Nonce, name and version are read from the token; amounts are decimal text, for JSON. The
        signature makes a `Permit.signed`.
        """
        name, version = self.permit_domain()
        nonce, chain_id = self.permit_nonce(owner), int(self.web3.eth.chain_id)
        message = permit_message(
            chain_id, self.address, name, owner, spender, value, nonce, deadline, version
        )
        text = {
            key: str(each) if isinstance(each, int) else each
            for key, each in message["message"].items()
        }
        return {**message, "message": text}

    def _account(self, address: str) -> ChecksumAddress:
        return self.web3.to_checksum_address(address)
