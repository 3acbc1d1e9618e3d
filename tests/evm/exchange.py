"""An exchange and its tokens: one method for each call, named as in the manual."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.exchange.markets import Market
from gavelbook.exchange.orders import Order, Side
from tests.evm.compiled import contract
from tests.evm.exchange_signing import (
    Batch,
    Domain,
    Fill,
    SignedOrder,
    Withdrawal,
    compact,
    order_hash,
    sign_batch,
    sign_order,
    sign_permit,
    sign_withdrawal,
)
from tests.evm.machine import Machine, account, word, words
from tests.evm.sale import STRANGER, Token
from tests.evm.signatures import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_BALANCE = 2**216 - 1
HOUR, DAY = 60 * 60, 24 * 60 * 60
EXIT_DELAY, CANCEL_NOTICE, KEY_DELAY = DAY, HOUR, 2 * DAY
LOT_SIZE, TICK_VALUE = 10**6, 10**3
TAKER_FEE_BPS, MAKER_FEE_BPS = 30, 20
"""The caps of the market at which a test usually trades."""

OWNER, FEES, RELAYER = account("owner"), account("fees"), account("relayer")
MATCHER = Key("matcher")


class Balance(NamedTuple):
    """What an account has in escrow, and from when it can take it out; 0 if it has not asked."""

    amount: int
    exit_at: int


class Lane(NamedTuple):
    """A lane as the exchange answers it."""

    sequence: int
    filled_lots: int
    cancel_at: int
    cancelled_sequence: int


class Exchange:
    """An exchange at an address."""

    def __init__(self, machine: Machine, address: str) -> None:
        self.machine = machine
        self.address = address
        self.domain = Domain(address)

    def send(self, sender: str, data: bytes, *, value: int = 0) -> bytes:
        """Call the exchange with raw data."""
        return self.machine.call(sender, self.address, data, value=value)

    # --- Deposits ---

    def deposit(self, sender: str, token: str, amount: int) -> None:
        """Pay in."""
        self.send(sender, encode("deposit", token, amount))

    def deposit_for(self, sender: str, owner: str, token: str, amount: int) -> None:
        """Pay in for another account."""
        self.send(sender, encode("depositFor", owner, token, amount))

    def deposit_with_permit(
        self,
        sender: str,
        owner: str,
        token: str,
        amount: int,
        deadline: int,
        signature: bytes,
    ) -> None:
        """Pay in by a permit."""
        r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
        data = encode("depositWithPermit", owner, token, amount, deadline, signature[64], r, s)
        self.send(sender, data)

    def sweep(self, owner: str, token: str, sender: str = STRANGER) -> int:
        """Book what is at a deposit address."""
        return _number(self.send(sender, encode("sweep", owner, token)))

    def sweep_ether(self, owner: str, sender: str = STRANGER) -> int:
        """Pass on ether from a deposit address."""
        return _number(self.send(sender, encode("sweepEther", owner)))

    # --- Leaving ---

    def withdraw(
        self,
        withdrawal: Withdrawal,
        account_signature: bytes = b"",
        matcher_signature: bytes = b"",
        sender: str = STRANGER,
    ) -> None:
        """Take out with the matcher's consent."""
        self.send(sender, encode("withdraw", *withdrawal, account_signature, matcher_signature))

    def request_exit(self, sender: str, tokens: Iterable[str]) -> None:
        """Give notice of leaving."""
        self.send(sender, encode("requestExit", list(tokens)))

    def cancel_exit(self, sender: str, tokens: Iterable[str]) -> None:
        """Take the notice back."""
        self.send(sender, encode("cancelExit", list(tokens)))

    def exit(self, sender: str, token: str, to: str | None = None) -> None:
        """Leave."""
        self.send(sender, encode("exit", token, to or sender))

    def exit_for(self, owner: str, token: str, sender: str = STRANGER) -> None:
        """Have an account leave whose time has come."""
        self.send(sender, encode("exitFor", owner, token))

    # --- Orders ---

    def cancel(self, sender: str, lane: int, sequence: int) -> None:
        """Void orders of a lane."""
        self.send(sender, encode("cancel", lane, sequence))

    def approve_order(self, sender: str, order: Order) -> bytes:
        """Vouch for an order."""
        return self.send(sender, selector("approveOrder") + order_words(order))

    def revoke_approval(self, sender: str, digest: bytes) -> None:
        """End an approval."""
        self.send(sender, selector("revokeApproval") + digest)

    def order_hash(self, order: Order) -> bytes:
        """What the maker signs."""
        return self.send(STRANGER, selector("orderHash") + order_words(order))

    # --- Settlement ---

    def settle(self, content: bytes, signature: bytes, sender: str = RELAYER) -> None:
        """Settle a packed batch."""
        self.send(sender, settle_call(content, signature))

    # --- Administration ---

    def list_market(self, terms: Market, sender: str = OWNER) -> int:
        """List a market; its id is the exchange's choice."""
        data = encode(
            "listMarket",
            text(terms.base_token),
            text(terms.quote_token),
            terms.lot_size,
            terms.tick_value,
            terms.taker_fee_bps,
            terms.maker_fee_bps,
        )
        return _number(self.send(sender, data))

    def administer(self, name: str, *values: int | str, sender: str = OWNER) -> None:
        """Call what only the owner may: pause, proposeMatcher and so on."""
        self.send(sender, encode(name, *values))

    # --- Views ---

    def balance(self, owner: str, token: str) -> Balance:
        """What an account has in escrow."""
        return Balance(*_numbers(self.send(STRANGER, encode("balanceOf", owner, token))))

    def held(self, owner: str, token: str) -> int:
        """What an account has in escrow, in base units."""
        return self.balance(owner, token).amount

    def lane(self, owner: str, lane: int) -> Lane:
        """A lane of an account."""
        return Lane(*_numbers(self.send(STRANGER, encode("laneOf", owner, lane))))

    def approval(self, owner: str, digest: bytes) -> int:
        """When an approval ends."""
        return _number(self.send(STRANGER, selector("approvalOf") + words(owner) + digest))

    def forwarder_of(self, owner: str) -> str:
        """The deposit address of an account."""
        return "0x" + self.send(STRANGER, encode("forwarderOf", owner))[-20:].hex()

    def number(self, name: str, *values: int | str) -> int:
        """Ask a view that answers one number."""
        return _number(self.send(STRANGER, encode(name, *values)))

    def last_batch(self) -> int:
        """Number of the last batch."""
        return self.number("lastBatch")


class Floor:
    """A machine with an exchange, tokens, and markets of the first two: 1 and, reversed, 2."""

    def __init__(self, lot_size: int = LOT_SIZE, tick_value: int = TICK_VALUE) -> None:
        self.machine = Machine()
        creation = contract("Exchange").creation + words(
            OWNER, MATCHER.address, FEES, EXIT_DELAY, CANCEL_NOTICE, KEY_DELAY
        )
        self.exchange = Exchange(self.machine, self.machine.deploy(creation, OWNER))
        self.base, self.quote, self.third = (
            Token(self.machine, "WildPermitToken") for _ in range(3)
        )
        self.tokens = (self.base, self.quote, self.third)
        self.markets = {
            1: self._market(1, self.base, self.quote, lot_size, tick_value),
            2: self._market(2, self.quote, self.base, lot_size, tick_value),
        }
        for market in self.markets.values():
            assert self.exchange.list_market(market) == market.id

    def fund(self, owner: str, token: Token, amount: int) -> None:
        """Mint and pay in."""
        if amount:
            self.give(owner, token, amount)
            self.exchange.deposit(owner, token.address, amount)

    def give(self, owner: str, token: Token, amount: int) -> None:
        """Mint into a wallet, and let the exchange take it."""
        token.mint(owner, amount)
        token.approve(owner, self.exchange.address)

    def order(
        self,
        maker: str,
        side: Side,
        lots: int,
        ticks: int,
        *,
        lane: int = 0,
        sequence: int = 1,
        expiry: int | None = None,
        max_fee_bps: int = 50,
        market: int = 1,
    ) -> Order:
        """Return an order that lives for an hour."""
        return Order(
            market=market,
            maker=raw(maker),
            side=side,
            lots=lots,
            ticks=ticks,
            lane=lane,
            sequence=sequence,
            expiry=self.machine.now + HOUR if expiry is None else expiry,
            max_fee_bps=max_fee_bps,
        )

    def sign(self, key: Key, order: Order) -> SignedOrder:
        """Sign an order."""
        return sign_order(key, self.exchange.domain, self.markets[order.market], order)

    def hash(self, order: Order) -> bytes:
        """Return what the maker of an order signs."""
        return order_hash(self.exchange.domain, self.markets[order.market], order)

    def batch(
        self,
        orders: Sequence[SignedOrder],
        fills: Sequence[tuple[int, int, int]],
        **other: int,
    ) -> Batch:
        """Return the next batch; fills are of taker index, maker index and lots."""
        number = other.pop("number", None) or self.exchange.last_batch() + 1
        return Batch(number, tuple(orders), tuple(Fill(*fill) for fill in fills), **other)

    def settle(self, batch: Batch, *, key: Key = MATCHER, sender: str = RELAYER) -> None:
        """Have the matcher sign a batch, and submit it."""
        self.exchange.settle(batch.pack(), sign_batch(key, self.exchange.domain, batch), sender)

    def withdraw(
        self, key: Key, withdrawal: Withdrawal, *, matcher: Key = MATCHER, sender: str = STRANGER
    ) -> None:
        """Have account and matcher sign a withdrawal, and submit it."""
        signatures = (
            sign_withdrawal(each, self.exchange.domain, withdrawal) for each in (key, matcher)
        )
        self.exchange.withdraw(withdrawal, *signatures, sender=sender)

    def permit(self, key: Key, token: Token, amount: int, nonce: int) -> tuple[int, bytes]:
        """Return deadline and signature of a permit for the exchange."""
        deadline = self.machine.now + HOUR
        return deadline, sign_permit(
            key, token.address, self.exchange.address, amount, nonce, deadline
        )

    def _market(
        self, number: int, base: Token, quote: Token, lot_size: int, tick_value: int
    ) -> Market:
        return Market(
            id=number,
            base_token=raw(base.address),
            quote_token=raw(quote.address),
            lot_size=lot_size,
            tick_value=tick_value,
            taker_fee_bps=TAKER_FEE_BPS,
            maker_fee_bps=MAKER_FEE_BPS,
        )


@cache
def selector(name: str) -> bytes:
    """Return what a call of ``name`` begins with."""
    return contract("Exchange").functions[name].selector


def encode(name: str, *values: int | str | bytes | list[str]) -> bytes:
    """Return a call of ``name``: words, bytes and lists of addresses."""
    head: list[bytes] = []
    tail = b""
    for value in values:
        if isinstance(value, (int, str)):
            head.append(word(value))
            continue
        head.append(word(32 * len(values) + len(tail)))
        tail += word(len(value))
        tail += value + bytes(-len(value) % 32) if isinstance(value, bytes) else words(*value)
    return selector(name) + b"".join(head) + tail


def settle_call(content: bytes, signature: bytes) -> bytes:
    """Return a call that settles a packed batch, signed in 64 bytes or 65."""
    packed = signature if len(signature) == 64 else compact(signature)
    r, vs = (int.from_bytes(packed[i : i + 32], "big") for i in (0, 32))
    return encode("settle", r, vs, content)


def order_words(order: Order) -> bytes:
    """Return an order as a call takes it."""
    return words(
        int.from_bytes(order.maker, "big"),
        order.market,
        order.side == Side.SELL,
        order.lots,
        order.ticks,
        order.lane,
        order.sequence,
        order.expiry,
        order.max_fee_bps,
    )


def raw(address: str) -> bytes:
    """Return the 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def text(address: bytes) -> str:
    """Return an address as the machine knows it."""
    return "0x" + address.hex()


def _number(answer: bytes) -> int:
    return int.from_bytes(answer[:32], "big")


def _numbers(answer: bytes) -> list[int]:
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]
