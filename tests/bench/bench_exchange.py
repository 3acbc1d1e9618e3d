"""An exchange on a benchmark's chain: traders with keys, orders and batches as they are in use."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from coincurve import PrivateKey
from eth_utils.address import to_canonical_address, to_checksum_address
from eth_utils.crypto import keccak

from gavelbook.exchange.batch_codec import Batch, BatchFill, BatchOrder, pack_batch
from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from gavelbook.exchange.signing import (
    Domain,
    Withdrawal,
    address_of,
    batch_hash,
    compact_signature,
    order_hash,
    sign,
    withdrawal_hash,
)
from tests.bench.anvil_chain import DEPLOYER, GENESIS_TIME, ISSUER, Call
from tests.bench.bench_sale import CHAIN_ID, DAY, RELAYER, Token
from tests.bench.contract_code import contract_code

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.bench.anvil_chain import AnvilChain, Receipt

TICKS = 1_250
LOTS = 40
EXPIRY = GENESIS_TIME + DAY

_DEPOSIT = 10**24
_SUPPLY = 10**33
_LOT_SIZE, _TICK_VALUE = 10**16, 10**13
_TAKER_FEE_BPS, _MAKER_FEE_BPS = 20, 10
_HOUR = 3_600


class Trader:
    """An account with its key, and the number of its next order."""

    def __init__(self, name: str) -> None:
        self.key = PrivateKey(keccak(text=name))
        self.account = address_of(self.key)
        self.address = to_checksum_address(self.account)
        self.sequences = count(1)


class BenchExchange:
    """An exchange with one market of two OpenZeppelin tokens."""

    def __init__(self, chain: AnvilChain) -> None:
        self.chain = chain
        self.code = contract_code("Exchange")
        self.matcher = Trader("matcher")
        self.fee_recipient = Trader("fee recipient")
        delays = DAY, _HOUR, 2 * DAY
        keys = ISSUER, self.matcher.address, self.fee_recipient.address
        self.deployment = self._deploy("Exchange", *keys, *delays)
        self.address = to_checksum_address(self.deployment.contract)
        self.base = self._token("Base")
        self.quote = self._token("Quote")
        terms = _LOT_SIZE, _TICK_VALUE, _TAKER_FEE_BPS, _MAKER_FEE_BPS
        self.send(ISSUER, "listMarket", self.base.address, self.quote.address, *terms)
        tokens = (to_canonical_address(token.address) for token in (self.base, self.quote))
        self.market = Market(1, *tokens, *terms)
        self.domain = Domain(CHAIN_ID, to_canonical_address(self.address))
        self.batches = count(1)
        self.admit([self.fee_recipient])

    def call(self, sender: str, name: str, *arguments: Any) -> Call:
        """Return a transaction to the exchange."""
        return Call(sender, self.address, self.code.call(name, *arguments))

    def send(self, sender: str, name: str, *arguments: Any) -> Receipt:
        """Mine one transaction to the exchange."""
        return self.chain.send(self.call(sender, name, *arguments))[0]

    def fund(self, traders: Iterable[Trader]) -> None:
        """Give traders both tokens, and the exchange leave to take them."""
        addresses = [trader.address for trader in traders]
        for token in (self.base, self.quote):
            token.fund(addresses, self.address)

    def admit(self, traders: Sequence[Trader]) -> None:
        """Let traders hold both tokens in escrow, and keep some outside."""
        self.fund(traders)
        self.chain.send(
            *(
                self.call(trader.address, "deposit", token.address, _DEPOSIT)
                for trader in traders
                for token in (self.base, self.quote)
            )
        )

    def order(self, trader: Trader, side: Side, lots: int = LOTS, ticks: int = TICKS) -> BatchOrder:
        """Return the trader's next order in its first lane, signed."""
        order = Order(
            market=self.market.id,
            maker=trader.account,
            side=side,
            lots=lots,
            ticks=ticks,
            lane=0,
            sequence=next(trader.sequences),
            expiry=EXPIRY,
            max_fee_bps=_TAKER_FEE_BPS,
        )
        return BatchOrder(order, sign(order_hash(self.domain, self.market, order), trader.key))

    def settle(
        self, orders: Sequence[BatchOrder], fills: Sequence[BatchFill], *, fees: bool = True
    ) -> Receipt:
        """Settle the next batch, sent by a relayer."""
        number = next(self.batches)
        charged = (_TAKER_FEE_BPS, _MAKER_FEE_BPS) if fees else (0, 0)
        head = keccak(text=f"log head {number}")
        batch = Batch(self.market.id, *charged, number, head, tuple(orders), tuple(fills))
        content = pack_batch(batch)
        digest = batch_hash(self.domain, self.market.id, number, content)
        signature = compact_signature(sign(digest, self.matcher.key))
        return self.send(RELAYER, "settle", signature[:32], signature[32:], content)

    def withdrawal(self, trader: Trader, nonce: int, *, by_relayer: bool = False) -> Call:
        """Return a withdrawal that the matcher agrees to."""
        token = to_canonical_address(self.base.address)
        amount, deadline = _DEPOSIT // 1_000, EXPIRY
        request = Withdrawal(trader.account, token, amount, trader.account, nonce, deadline)
        digest = withdrawal_hash(self.domain, request)
        return self.call(
            RELAYER if by_relayer else trader.address,
            "withdraw",
            *(trader.address, self.base.address, amount, trader.address, nonce, deadline),
            sign(digest, trader.key) if by_relayer else b"",
            sign(digest, self.matcher.key),
        )

    def _token(self, name: str) -> Token:
        made = self._deploy("FixedSupplyToken", name, name.upper(), _SUPPLY, ISSUER)
        return Token(self.chain, to_checksum_address(made.contract))

    def _deploy(self, name: str, *arguments: Any) -> Receipt:
        return self.chain.send(Call(DEPLOYER, None, contract_code(name).creation(*arguments)))[0]


def traders(kind: str, number: int) -> list[Trader]:
    """Return made-up traders."""
    return [Trader(f"{kind} {i}") for i in range(number)]
