"""One sale contract: what it answers, and calls to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.auction.terms import AuctionTerms, Pricing, Rule, SaleTerms
from gavelbook.chain.abi import load_abi
from gavelbook.chain.reading import Asker
from gavelbook.chain.sale_types import (
    ClearingHint,
    LiveBid,
    Owed,
    Permit,
    Phase,
    Progress,
    SaleResult,
    bid_key,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eth_typing import ChecksumAddress
    from web3 import Web3
    from web3.contract.contract import ContractFunction
    from web3.types import BlockIdentifier

__all__ = [
    "ClearingHint",
    "LiveBid",
    "Owed",
    "Permit",
    "Phase",
    "Progress",
    "Sale",
    "SaleResult",
    "bid_key",
]

_ZERO_ADDRESS = "0x" + 40 * "0"


class Sale:
    """The sale at ``address``.

    Reading methods take ``block``, the block at whose end they read. Writing methods return the
    call; a `Sender` sends it. All raise `ContractRefused` where the contract refuses to answer,
    ``not_a_sale`` where no sale is at the address, and `ChainUnreachable`.
    """

    def __init__(self, web3: Web3, address: str) -> None:
        self.web3 = web3
        self.address: ChecksumAddress = web3.to_checksum_address(address)
        self.contract = web3.eth.contract(address=self.address, abi=load_abi("TokenSale"))
        self._asker = Asker(web3, self.address, "TokenSale", "sale")

    # Reading

    def terms(self, block: BlockIdentifier = "latest") -> SaleTerms:
        """Return the terms, accounts with checksum; ``gate`` is None for a sale without."""
        t = self._asker.ask("terms", block=block)
        auction = AuctionTerms(
            rule=Rule(t["rule"]),
            pricing=Pricing(t["pricing"]),
            supply_lots=t["supplyLots"],
            lot_size=t["lotSize"],
            floor_price=t["floorPrice"],
            tick_value=t["tickValue"],
            tick_count=t["tickCount"],
            min_bid_lots=t["minBidLots"],
            cap_bps=t["capBps"],
            minimum_raise=t["minimumRaise"],
        )
        return SaleTerms(
            auction=auction,
            sale_token=t["saleToken"],
            payment_token=t["paymentToken"],
            allocator=t["allocator"],
            proceeds_recipient=t["proceedsRecipient"],
            unsold_recipient=t["unsoldRecipient"],
            gate=None if t["gate"] == _ZERO_ADDRESS else t["gate"],
            start=t["start"],
            end=t["end"],
            cancel_until=t["cancelUntil"],
            allocator_until=t["allocatorUntil"],
            abort_time=t["abortTime"],
            vesting_start=t["vestingStart"],
            vesting_cliff=t["vestingCliff"],
            vesting_end=t["vestingEnd"],
        )

    def phase(self, block: BlockIdentifier = "latest") -> Phase:
        """Return where the sale stands."""
        return Phase(self._asker.ask("phase", block=block))

    def price(self, tick: int) -> int:
        """Return payment token base units a lot at ``tick``."""
        return int(self._asker.ask("price", tick))

    def result(self, block: BlockIdentifier = "latest") -> SaleResult:
        """Return the result; its phase is FUNDED before there is one."""
        phase, *rest = self._asker.ask("result", block=block).values()
        return SaleResult(Phase(phase), *rest)

    def raised(self, block: BlockIdentifier = "latest") -> int:
        """Return what all winners pay together, in payment token base units."""
        return int(self._asker.ask("raised", block=block))

    def bids_of(self, bidder: str, block: BlockIdentifier = "latest") -> list[LiveBid]:
        """Return the live bids of ``bidder``; none once everything is claimed."""
        bids = self._asker.ask("bidsOf", self._account(bidder), block=block)
        return [LiveBid(*bid.values()) for bid in bids]

    def owed(self, bidder: str, block: BlockIdentifier = "latest") -> Owed:
        """Return what ``bidder`` has coming; refused (``not_decided``) before there is a result."""
        return Owed(*self._asker.ask("owed", self._account(bidder), block=block))

    def lots_at(self, first: int, count: int, block: BlockIdentifier = "latest") -> list[int]:
        """Return the live lots at ``count`` ticks from ``first`` on."""
        return list(self._asker.ask("lotsAt", first, count, block=block))

    def progress_of(
        self, caller: str, clearing: ClearingHint, block: BlockIdentifier = "latest"
    ) -> Progress:
        """Return how far ``caller`` has shown the margin of ``clearing``."""
        values = self._asker.ask("progressOf", self._account(caller), tuple(clearing), block=block)
        return Progress(*values.values())

    def entity_of(self, bidder: str) -> bytes:
        """Return the entity (32 bytes) of an admitted bidder, else zeros."""
        return bytes(self._asker.ask("entityOf", self._account(bidder)))

    def entity_lots(self, entity: bytes) -> int:
        """Return the live lots of all wallets of ``entity``."""
        return int(self._asker.ask("entityLots", entity))

    def cap_lots(self) -> int:
        """Return the most live lots of one bidder or entity."""
        return int(self._asker.ask("capLots"))

    def wrapped_ether(self) -> str | None:
        """Return the address of wrapped ether; None where the chain has none."""
        address = str(self._asker.ask("wrappedEther"))
        return None if address == _ZERO_ADDRESS else address

    # Bidding

    def bid(self, tick: int, lots: int) -> ContractFunction:
        """Bid; with wrapped ether as payment token it may be sent with the exact value."""
        return self.contract.functions.bid(tick, lots)

    def bid_with_permit(self, tick: int, lots: int, permit: Permit) -> ContractFunction:
        """Bid with an allowance signed by the bidder."""
        return self.contract.functions.bidWithPermit(
            tick, lots, permit.value, permit.deadline, permit.v, permit.r, permit.s
        )

    def cancel(self, index: int) -> ContractFunction:
        """Cancel the sender's bid ``index``."""
        return self.contract.functions.cancel(index)

    def admit(
        self, bidder: str, entity: bytes, deadline: int, signature: bytes
    ) -> ContractFunction:
        """Admit ``bidder`` as a wallet of ``entity`` (32 bytes) by signature of the gate."""
        return self.contract.functions.admit(self._account(bidder), entity, deadline, signature)

    # Clearing

    def clear(
        self, clearing: ClearingHint, margin: Sequence[int] = (), signature: bytes = b""
    ) -> ContractFunction:
        """Post the result; ``margin`` are the keys (see `bid_key`) not shown by `advance`."""
        return self.contract.functions.clear(tuple(clearing), list(margin), signature)

    def advance(self, clearing: ClearingHint, margin: Sequence[int]) -> ContractFunction:
        """Show a part of a margin too long for one transaction."""
        return self.contract.functions.advance(tuple(clearing), list(margin))

    def abort(self) -> ContractFunction:
        """Declare a sale failed that nobody cleared in time."""
        return self.contract.functions.abort()

    # Claims

    def claim(self, bidder: str) -> ContractFunction:
        """Pay ``bidder`` everything owed now."""
        return self.contract.functions.claim(self._account(bidder))

    def claim_tokens(self, bidder: str) -> ContractFunction:
        """Pay ``bidder`` the sale tokens owed now."""
        return self.contract.functions.claimTokens(self._account(bidder))

    def claim_refund(self, bidder: str) -> ContractFunction:
        """Pay ``bidder`` the refund."""
        return self.contract.functions.claimRefund(self._account(bidder))

    def claim_to(
        self, tokens_to: str | None, refund_to: str | None, *, unwrap: bool = False
    ) -> ContractFunction:
        """Pay what the sender is owed to other addresses; None leaves that leg."""
        accounts = [self._account(to or _ZERO_ADDRESS) for to in (tokens_to, refund_to)]
        return self.contract.functions.claimTo(*accounts, unwrap)

    def claim_many(self, bidders: Sequence[str]) -> ContractFunction:
        """Pay many bidders, skipping those with nothing to claim and transfers that fail."""
        return self.contract.functions.claimMany([self._account(bidder) for bidder in bidders])

    def collect_proceeds(self) -> ContractFunction:
        """Send the proceeds to their recipient."""
        return self.contract.functions.collectProceeds()

    def collect_unsold(self) -> ContractFunction:
        """Send the unsold tokens to their recipient."""
        return self.contract.functions.collectUnsold()

    def _account(self, address: str) -> ChecksumAddress:
        return self.web3.to_checksum_address(address)
