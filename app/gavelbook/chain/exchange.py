"""One exchange contract: what it answers, and calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.abi import load_abi
from gavelbook.chain.exchange_types import Delays, Escrow, Lane, Proposal
from gavelbook.chain.reading import Asker
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import compact_signature
from gavelbook.exchange.typed_data import checksum_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import BlockIdentifier

    from gavelbook.chain.sale_types import Permit
    from gavelbook.exchange.signing import Withdrawal

    Address = str | bytes

__all__ = ["Delays", "Escrow", "Exchange", "Lane", "Proposal"]

_WORD = 32
_ZERO_ADDRESS = "0x" + 40 * "0"


class Exchange:
    """The exchange at ``address``.

    Accounts and tokens are given as text or as their 20 bytes, and answered as text with checksum.
    Reading methods take ``block``, the block at whose end they read. Writing methods return the
    call; a `Sender` sends it. All raise `ContractRefused` where the contract refuses to answer,
    ``not_an_exchange`` where no exchange is at the address, and `ChainUnreachable`.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self.web3 = web3
        self.address: ChecksumAddress = web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load_abi("Exchange"))
        self._asker = Asker(web3, self.address, "Exchange", "exchange")

    # Reading

    def balance_of(
        self, account: Address, token: Address, block: BlockIdentifier = "latest"
    ) -> Escrow:
        """Return what is held for ``account`` of ``token``."""
        arguments = (self._account(account), self._account(token))
        return Escrow(*self._asker.ask("balanceOf", *arguments, block=block))

    def balances(self, holdings: Iterable[tuple[Address, Address]], block: int) -> list[Escrow]:
        """Return what is held for each account and token, in few messages."""
        arguments = [(self._account(who), self._account(what)) for who, what in holdings]
        return [Escrow(*each) for each in self._asker.ask_many("balanceOf", arguments, block)]

    def lane_of(self, account: Address, lane: int, block: BlockIdentifier = "latest") -> Lane:
        """Return a lane of ``account``."""
        return Lane(*self._asker.ask("laneOf", self._account(account), lane, block=block))

    def lanes(self, lanes: Iterable[tuple[Address, int]], block: int) -> list[Lane]:
        """Return the lanes of accounts, in few messages."""
        arguments = [(self._account(who), lane) for who, lane in lanes]
        return [Lane(*each) for each in self._asker.ask_many("laneOf", arguments, block)]

    def approval_of(
        self, account: Address, order_hash: bytes, block: BlockIdentifier = "latest"
    ) -> int:
        """Return the unix time at which an approval ends; 0 for none, 2**256 - 1 for no end."""
        return int(self._asker.ask("approvalOf", self._account(account), order_hash, block=block))

    def withdrawal_nonce(self, account: Address, block: BlockIdentifier = "latest") -> int:
        """Return the highest nonce of a withdrawal that ``account`` has used."""
        return int(self._asker.ask("withdrawalNonce", self._account(account), block=block))

    def market(self, market_id: int, block: BlockIdentifier = "latest") -> Market:
        """Return a market; refused (``unknown_market``) where there is none."""
        answer = self._asker.ask("market", market_id, block=block)
        return Market(
            id=market_id,
            base_token=bytes.fromhex(answer["base"][2:]),
            quote_token=bytes.fromhex(answer["quote"][2:]),
            lot_size=answer["lotSize"],
            tick_value=answer["tickValue"],
            taker_fee_bps=answer["takerFeeBps"],
            maker_fee_bps=answer["makerFeeBps"],
        )

    def market_of(self, base: Address, quote: Address) -> int:
        """Return the number of the market of a pair; 0 where it is not listed."""
        return int(self._asker.ask("marketOf", self._account(base), self._account(quote)))

    def market_count(self, block: BlockIdentifier = "latest") -> int:
        """Return the number of markets, which is the highest one's."""
        return int(self._asker.ask("marketCount", block=block))

    def last_batch(self, block: BlockIdentifier = "latest") -> int:
        """Return the number of the last batch settled; 0 before the first."""
        return int(self._asker.ask("lastBatch", block=block))

    def order_hash(self, order: Order) -> bytes:
        """Return what the maker of ``order`` signs, as the contract computes it."""
        return bytes(self._asker.ask("orderHash", contract_order(order)))

    def forwarder_of(self, account: Address) -> str:
        """Return the deposit address of ``account``, whether there is code yet or not."""
        return str(self._asker.ask("forwarderOf", self._account(account)))

    def matcher(self, block: BlockIdentifier = "latest") -> str | None:
        """Return who signs batches and withdrawals; None where nobody does."""
        return _some(self._asker.ask("matcher", block=block))

    def proposed_matcher(self) -> Proposal | None:
        """Return the matcher proposed; None where nobody is."""
        return _proposal(self._asker.ask("proposedMatcher"))

    def fee_recipient(self, block: BlockIdentifier = "latest") -> str:
        """Return whose balance the fees go to."""
        return str(self._asker.ask("feeRecipient", block=block))

    def proposed_fee_recipient(self) -> Proposal | None:
        """Return the fee recipient proposed; None where nobody is."""
        return _proposal(self._asker.ask("proposedFeeRecipient"))

    def owner(self) -> str | None:
        """Return who lists markets and pauses; None where nobody does any more."""
        return _some(self._asker.ask("owner"))

    def paused(self, block: BlockIdentifier = "latest") -> bool:
        """Return whether deposits and settlement are stopped."""
        return bool(self._asker.ask("paused", block=block))

    def delays(self) -> Delays:
        """Return the delays, which never change."""
        return Delays(*(self._asker.ask(f) for f in ("exitDelay", "cancelNotice", "keyDelay")))

    # Deposits

    def deposit(self, token: Address, amount: int) -> ContractFunction:
        """Pay in for the sender, who must have allowed it."""
        return self.contract.functions.deposit(self._account(token), amount)

    def deposit_for(self, account: Address, token: Address, amount: int) -> ContractFunction:
        """Pay in for ``account``; the sender pays."""
        accounts = (self._account(account), self._account(token))
        return self.contract.functions.depositFor(*accounts, amount)

    def deposit_with_permit(
        self, owner: Address, token: Address, permit: Permit
    ) -> ContractFunction:
        """Pay in the permit's value of ``owner`` for ``owner``; anybody may send it."""
        accounts = (self._account(owner), self._account(token))
        return self.contract.functions.depositWithPermit(
            *accounts, permit.value, permit.deadline, permit.v, permit.r, permit.s
        )

    def sweep(self, account: Address, token: Address) -> ContractFunction:
        """Book what is at the deposit address of ``account``; anybody may send it."""
        return self.contract.functions.sweep(self._account(account), self._account(token))

    def sweep_ether(self, account: Address) -> ContractFunction:
        """Send ether at the deposit address of ``account`` on to the account."""
        return self.contract.functions.sweepEther(self._account(account))

    # Leaving

    def withdraw(
        self, withdrawal: Withdrawal, matcher_signature: bytes, account_signature: bytes = b""
    ) -> ContractFunction:
        """Pay out with the matcher's consent; the account itself needs no signature to send it."""
        return self.contract.functions.withdraw(
            self._account(withdrawal.account),
            self._account(withdrawal.token),
            withdrawal.amount,
            self._account(withdrawal.to),
            withdrawal.nonce,
            withdrawal.deadline,
            account_signature,
            matcher_signature,
        )

    def request_exit(self, tokens: Sequence[Address]) -> ContractFunction:
        """Announce that the sender takes its whole balance of ``tokens`` out."""
        return self.contract.functions.requestExit([self._account(token) for token in tokens])

    def cancel_exit(self, tokens: Sequence[Address]) -> ContractFunction:
        """Take the announcement back."""
        return self.contract.functions.cancelExit([self._account(token) for token in tokens])

    def exit(self, token: Address, to: Address) -> ContractFunction:
        """Take the sender's whole balance of ``token`` out, the delay being over."""
        return self.contract.functions.exit(self._account(token), self._account(to))

    def exit_for(self, account: Address, token: Address) -> ContractFunction:
        """Pay an exit that is due to the account itself; anybody may send it."""
        return self.contract.functions.exitFor(self._account(account), self._account(token))

    # Orders and settlement

    def cancel(self, lane: int, sequence: int) -> ContractFunction:
        """Void the sender's orders of ``lane`` up to ``sequence``, after the notice."""
        return self.contract.functions.cancel(lane, sequence)

    def approve_order(self, order: Order) -> ContractFunction:
        """Vouch for an order of the sender, which is then settled without signature."""
        return self.contract.functions.approveOrder(contract_order(order))

    def revoke_approval(self, order_hash: bytes) -> ContractFunction:
        """End an approval, after the notice."""
        return self.contract.functions.revokeApproval(order_hash)

    def settle(self, batch: bytes, signature: bytes) -> ContractFunction:
        """Settle a batch that the matcher signed, in 65 or 64 bytes; anybody may send it.

        Raises:
            ExchangeError: ``bad_signature``.

        """
        words = compact_signature(signature)
        return self.contract.functions.settle(words[:_WORD], words[_WORD:], batch)

    # Administration: the owner's

    def list_market(  # noqa: PLR0913 -- a market has so many terms
        self,
        base: Address,
        quote: Address,
        *,
        lot_size: int,
        tick_value: int,
        taker_fee_bps: int,
        maker_fee_bps: int,
    ) -> ContractFunction:
        """List a market; units as `Market`."""
        return self.contract.functions.listMarket(
            self._account(base),
            self._account(quote),
            lot_size,
            tick_value,
            taker_fee_bps,
            maker_fee_bps,
        )

    def propose_matcher(self, account: Address) -> ContractFunction:
        """Propose another matcher."""
        return self.contract.functions.proposeMatcher(self._account(account))

    def accept_matcher(self) -> ContractFunction:
        """Put the proposed matcher into office, the delay being over."""
        return self.contract.functions.acceptMatcher()

    def revoke_matcher(self) -> ContractFunction:
        """Dismiss the matcher at once; the matcher may, too."""
        return self.contract.functions.revokeMatcher()

    def propose_fee_recipient(self, account: Address) -> ContractFunction:
        """Propose another fee recipient."""
        return self.contract.functions.proposeFeeRecipient(self._account(account))

    def accept_fee_recipient(self) -> ContractFunction:
        """Let fees go to the proposed recipient, the delay being over."""
        return self.contract.functions.acceptFeeRecipient()

    def pause(self) -> ContractFunction:
        """Stop deposits and settlement."""
        return self.contract.functions.pause()

    def unpause(self) -> ContractFunction:
        """Let deposits and settlement go on."""
        return self.contract.functions.unpause()

    def _account(self, address: Address) -> ChecksumAddress:
        return self.web3.to_checksum_address(address)


def contract_order(order: Order) -> tuple[str | int | bool, ...]:
    """Return ``order`` as `IExchange.Order`."""
    return (
        checksum_address(order.maker),
        order.market,
        order.side == Side.SELL,
        order.lots,
        order.ticks,
        order.lane,
        order.sequence,
        order.expiry,
        order.max_fee_bps,
    )


def _some(address: str) -> str | None:
    return None if address == _ZERO_ADDRESS else address


def _proposal(answer: tuple[str, int]) -> Proposal | None:
    return None if answer[0] == _ZERO_ADDRESS else Proposal(*answer)
