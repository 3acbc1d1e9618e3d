"""Signs what the exchange asks for, with a key that stays here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eth_account.messages import encode_defunct
from eth_typing import Hash32 as Digest

from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import (
    CancelRequest,
    Domain,
    Withdrawal,
    cancel_hash,
    order_hash,
    withdrawal_hash,
)
from gavelbook.wire.scalars import Address, Hash32, Signature

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from gavelbook.wire.markets import MarketView


class Signer:
    """Signs as ``account`` for one exchange contract on one chain."""

    def __init__(self, account: LocalAccount, chain_id: int, contract: bytes) -> None:
        self._account = account
        self.address = Address.parse(account.address)
        self.domain = Domain(chain_id, contract)

    def order(self, market: MarketView, order: Order) -> tuple[Hash32, Signature]:
        """Return hash and signature of ``order``."""
        digest = order_hash(self.domain, market_of(market), order)
        return Hash32(digest), self._sign(digest)

    def cancel(self, request: CancelRequest) -> Signature:
        """Return the signature of a cancellation."""
        return self._sign(cancel_hash(self.domain, request))

    def withdrawal(self, withdrawal: Withdrawal) -> Signature:
        """Return the signature of a withdrawal."""
        return self._sign(withdrawal_hash(self.domain, withdrawal))

    def text(self, message: str) -> Signature:
        """Return the signature of a sign-in message (EIP-191)."""
        signed = self._account.sign_message(encode_defunct(text=message))
        return Signature(signed.signature)

    def _sign(self, digest: bytes) -> Signature:
        return Signature(self._account.unsafe_sign_hash(Digest(digest)).signature)


def market_of(view: MarketView) -> Market:
    """Return a market as the engine and the signatures know it."""
    return Market(
        int(view.market),
        bytes(view.base_token),
        bytes(view.quote_token),
        int(view.lot_size),
        int(view.tick_value),
        int(view.taker_fee_bps),
        int(view.maker_fee_bps),
    )


SIDES = {"buy": Side.BUY, "sell": Side.SELL}
