"""What a hostile operator could try with the matcher's own key, and what the contract says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from coincurve import PrivateKey
from msgspec.structs import replace

from gavelbook.demo.attempts import expect_refusal
from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import address_of, batch_hash, order_hash, sign

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from gavelbook.demo.attempts import Refusal
    from gavelbook.demo.exchange_scene import ExchangeScene

_LANE = 2**32 - 1
_LOTS = 10
_HOUR = 60 * 60


class Forger:
    """Has two honest orders that match, the matcher's key, and ideas."""

    def __init__(self, scene: ExchangeScene, ticks: int) -> None:
        """Let a maker sell and a taker buy at ``ticks``."""
        self._scene = scene
        self._chain = scene.scene
        exchange = scene.exchange
        self._domain = scene.domain
        self._matcher = key_of(self._chain.cast.matcher)
        self._number = exchange.last_batch() + 1
        self._sell = self._signed(scene.makers[0], Side.SELL, ticks)
        self._buy = self._signed(scene.takers[0], Side.BUY, ticks)

    def refusals(self) -> list[Refusal]:
        """Try everything; nothing is sent.

        Raises:
            DemoError: ``not_refused``.

        """
        sell, buy, market = self._sell, self._buy, self._scene.market
        cheap = self._signed(self._scene.takers[0], Side.BUY, buy.order.ticks - 1)
        robbed = key_of(self._scene.makers[1])
        swapped = sell._replace(order=replace(sell.order, maker=address_of(robbed)))
        stranger = key_of(self._chain.cast.keeper)
        too_high = market.taker_fee_bps + 1
        return [
            self._try("a batch that the matcher has not signed", key=stranger),
            self._try("the matcher sells somebody else's tokens", sell=swapped),
            self._try("the matcher fills beyond a limit price", buy=cheap),
            self._try("the matcher fills more than was ordered", lots=_LOTS + 1),
            self._try("the matcher raises the fee", taker_fee_bps=too_high),
            self._try("the matcher settles a batch twice", number=self._number - 1),
            self._try("the matcher leaves out a batch", number=self._number + 1),
        ]

    def _try(  # noqa: PLR0913 -- a forgery changes one of these
        self,
        attempt: str,
        *,
        sell: BatchOrder | None = None,
        buy: BatchOrder | None = None,
        lots: int = _LOTS,
        taker_fee_bps: int = 0,
        number: int | None = None,
        key: PrivateKey | None = None,
    ) -> Refusal:
        orders = (sell or self._sell, buy or self._buy)
        batch = Batch(
            market=self._scene.market.id,
            taker_fee_bps=taker_fee_bps,
            maker_fee_bps=0,
            number=self._number if number is None else number,
            log_head=bytes(32),
            orders=orders,
            fills=(BatchFill(taker=1, maker=0, lots=lots),),
        )
        content = pack_batch(batch)
        digest = batch_hash(self._domain, batch.market, batch.number, content)
        call = self._scene.exchange.settle(content, sign(digest, key or self._matcher))
        return expect_refusal(self._chain.web3, self._chain.cast.relayer, attempt, call)

    def _signed(self, account: LocalAccount, side: Side, ticks: int) -> BatchOrder:
        market, key = self._scene.market, key_of(account)
        order = Order(
            market=market.id,
            maker=address_of(key),
            side=side,
            lots=_LOTS,
            ticks=ticks,
            lane=_LANE,
            sequence=1,
            expiry=self._chain.chain.now() + _HOUR,
            max_fee_bps=market.taker_fee_bps,
        )
        return BatchOrder(order, sign(order_hash(self._domain, market, order), key))


def key_of(account: LocalAccount) -> PrivateKey:
    """Return the key of an account."""
    return PrivateKey(bytes(account.key))
