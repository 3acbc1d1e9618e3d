"""A sale and its two tokens: one method for each call, named as in the manual."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.evm.compiled import Contract, contract
from tests.evm.machine import Machine, account, word, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.auction import SaleTerms

NO_DIGEST = bytes(32)
ZERO_ADDRESS = "0x" + "00" * 20
BIDS_PER_BIDDER = 24
ENTRIES_PER_WORD = 3

FUNDED, OPEN, CLOSED, CLEARED, FAILED = range(5)
"""The phases of a sale."""

STRANGER = account("stranger")
ISSUER = account("issuer")


class Clearing(NamedTuple):
    """A proposed result, as the sale takes it."""

    tick: int
    level: int
    cut: int
    digest: bytes = NO_DIGEST


class Bid(NamedTuple):
    """A live bid, as the sale answers it."""

    number: int
    tick: int
    lots: int
    arrival: int


class Result(NamedTuple):
    """What a sale keeps of its clearing."""

    phase: int
    by_rounds: int
    proceeds_collected: int
    unsold_collected: int
    marginal_tick: int
    full_from: int
    margin_from: int
    level: int
    cut: int
    sold_lots: int


class Progress(NamedTuple):
    """How far a caller has shown the margin."""

    open: int
    by_rounds: int
    cut_seen: int
    last_arrival: int
    full_from: int
    margin_from: int
    ungiven_lots: int
    unshown_lots: int


class Owed(NamedTuple):
    """What a bidder has coming, in base units."""

    tokens_now: int
    tokens_later: int
    refund: int


class Token:
    """A token that a test commands; see contracts/WildToken.sol."""

    def __init__(self, machine: Machine, name: str = "WildToken") -> None:
        self._machine = machine
        self._code = contract(name)
        self.address = machine.deploy(self._code.creation, ISSUER)

    def balance(self, owner: str) -> int:
        """Base units of an account."""
        return _number(self._send("balanceOf", owner))

    def mint(self, to: str, amount: int) -> None:
        """Make ``amount`` base units for an account."""
        self._send("mint", to, amount)

    def seize(self, owner: str, amount: int) -> None:
        """Take ``amount`` base units from an account for good."""
        self._send("seize", owner, amount)

    def transfer(self, sender: str, to: str, amount: int) -> None:
        """Send tokens."""
        self._send("transfer", to, amount, sender=sender)

    def approve(self, owner: str, spender: str, amount: int = 2**256 - 1) -> None:
        """Let a contract take tokens."""
        self._send("approve", spender, amount, sender=owner)

    def freeze(self, who: str, on: bool = True) -> None:  # noqa: FBT001, FBT002 -- reads as a sentence
        """Stop all transfers from and to an account."""
        self._send("freeze", who, on)

    def swallow_permits(self) -> None:
        """Have permits do nothing from now on: no allowance, no error, and none counted."""
        self._send("swallowPermits", 1)

    def set_fee(self, amount: int) -> None:
        """Take this much from each transfer."""
        self._send("setFee", amount)

    def set_hook(self, target: str, data: bytes) -> None:
        """Have this call made in the middle of each transfer."""
        padded = data + bytes(-len(data) % 32)
        self._call(self._data("setHook") + words(target, 64, len(data)) + padded)

    def hook_outcome(self) -> int:
        """0: no call was made; 1: it failed; 2: it succeeded."""
        return _number(self._send("hookOutcome"))

    def hook_answer(self) -> bytes:
        """What the call in the middle answered."""
        answer = self._send("hookAnswer")
        size = int.from_bytes(answer[32:64], "big")
        return answer[64 : 64 + size]

    def _send(self, name: str, *values: int | str | bool, sender: str = STRANGER) -> bytes:
        return self._call(self._data(name) + words(*values), sender)

    def _data(self, name: str) -> bytes:
        return self._code.functions[name].selector

    def _call(self, data: bytes, sender: str = STRANGER) -> bytes:
        return self._machine.call(sender, self.address, data)


class Sale:
    """A sale at an address."""

    def __init__(self, machine: Machine, address: str, terms: SaleTerms) -> None:
        self.machine = machine
        self.address = address
        self.terms = terms

    def send(self, sender: str, data: bytes, *, value: int = 0) -> bytes:
        """Call the sale with raw data."""
        return self.machine.call(sender, self.address, data, value=value)

    # --- Bidding ---

    def bid(self, bidder: str, tick: int, lots: int) -> int:
        """Place a bid and return its index."""
        return _number(self.send(bidder, encode("bid", tick, lots)))

    def cancel(self, bidder: str, index: int) -> None:
        """Cancel a bid."""
        self.send(bidder, encode("cancel", index))

    def admit(
        self, bidder: str, entity: bytes, deadline: int, signature: bytes, sender: str = STRANGER
    ) -> None:
        """Submit an admission."""
        self.send(sender, encode_admit(bidder, entity, deadline, signature))

    # --- Clearing ---

    def clear(
        self,
        clearing: Clearing,
        margin: Sequence[int] = (),
        signature: bytes = b"",
        sender: str = STRANGER,
    ) -> None:
        """Post a result."""
        self.send(sender, encode_clear(clearing, margin, signature))

    def advance(self, clearing: Clearing, margin: Sequence[int], sender: str = STRANGER) -> None:
        """Show a part of the margin."""
        self.send(sender, encode_advance(clearing, margin))

    def abort(self, sender: str = STRANGER) -> None:
        """Give up."""
        self.send(sender, encode("abort"))

    # --- Claims ---

    def claim(self, bidder: str, sender: str = STRANGER) -> None:
        """Pay a bidder both legs."""
        self.send(sender, encode("claim", bidder))

    def claim_tokens(self, bidder: str, sender: str = STRANGER) -> None:
        """Pay a bidder the tokens."""
        self.send(sender, encode("claimTokens", bidder))

    def claim_refund(self, bidder: str, sender: str = STRANGER) -> None:
        """Pay a bidder the refund."""
        self.send(sender, encode("claimRefund", bidder))

    def claim_to(
        self, bidder: str, tokens_to: str, refund_to: str, *, unwrap: bool = False
    ) -> None:
        """Claim as the bidder, to other addresses."""
        self.send(bidder, encode("claimTo", tokens_to, refund_to, unwrap))

    def claim_many(self, bidders: Sequence[str], sender: str = STRANGER) -> None:
        """Pay many bidders, skipping what fails."""
        self.send(sender, selector("claimMany") + words(32, len(bidders), *bidders))

    def collect_proceeds(self, sender: str = STRANGER) -> None:
        """Send the proceeds to their recipient."""
        self.send(sender, encode("collectProceeds"))

    def collect_unsold(self, sender: str = STRANGER) -> None:
        """Send the unsold tokens to their recipient."""
        self.send(sender, encode("collectUnsold"))

    def multicall(self, sender: str, calls: Sequence[bytes]) -> None:
        """Make several calls in one."""
        self.send(sender, encode_multicall(calls))

    # --- Views ---

    def phase(self) -> int:
        """Where the sale stands."""
        return _number(self.send(STRANGER, encode("phase")))

    def cap_lots(self) -> int:
        """Most live lots of one bidder."""
        return _number(self.send(STRANGER, encode("capLots")))

    def raised(self) -> int:
        """What all winners pay."""
        return _number(self.send(STRANGER, encode("raised")))

    def owed(self, bidder: str) -> Owed:
        """What a bidder has coming."""
        return Owed(*_numbers(self.send(STRANGER, encode("owed", bidder))))

    def result(self) -> Result:
        """The result."""
        return Result(*_numbers(self.send(STRANGER, encode("result"))))

    def progress(self, caller: str, clearing: Clearing) -> Progress:
        """How far a caller has come."""
        data = selector("progressOf") + words(caller, *clearing[:3]) + clearing.digest
        return Progress(*_numbers(self.send(STRANGER, data)))

    def bids_of(self, bidder: str) -> list[Bid]:
        """The live bids of a bidder."""
        _, count, *numbers = _numbers(self.send(STRANGER, encode("bidsOf", bidder)))
        return [Bid(*numbers[4 * i : 4 * i + 4]) for i in range(count)]

    def lots_at(self, first: int, count: int) -> list[int]:
        """Live lots at some ticks."""
        return _numbers(self.send(STRANGER, encode("lotsAt", first, count)))[2:]

    def entity_lots(self, entity: bytes) -> int:
        """Live lots of an entity."""
        return _number(self.send(STRANGER, selector("entityLots") + entity))


class Market:
    """A machine with two tokens and a factory, on which sales are opened."""

    def __init__(self) -> None:
        self.machine = Machine()
        self.wrapped_ether = self.machine.deploy(contract("MockWrappedEther").creation, ISSUER)
        creation = contract("SaleFactory").creation + words(self.wrapped_ether)
        self.factory = self.machine.deploy(creation, ISSUER)
        self.sale_token = Token(self.machine)
        self.payment_token = Token(self.machine)
        self.sale_token.approve(ISSUER, self.factory)

    def open_sale(self, terms: SaleTerms) -> Sale:
        """Open a sale, funded by the issuer."""
        self.sale_token.mint(ISSUER, terms.auction.supply_lots * terms.auction.lot_size)
        data = contract("SaleFactory").functions["createSale"].selector + encode_terms(terms)
        answer = self.machine.call(ISSUER, self.factory, data)
        return Sale(self.machine, "0x" + answer[-20:].hex(), terms)

    def escrow(self, sale: Sale, bidder: str, amount: int) -> None:
        """Give a bidder ``amount`` payment tokens, and the sale leave to take them."""
        self.payment_token.mint(bidder, amount)
        self.payment_token.approve(bidder, sale.address)


def encode_terms(terms: SaleTerms) -> bytes:
    """Return terms as the factory takes them."""
    auction = terms.auction
    return words(
        terms.sale_token or ZERO_ADDRESS,
        terms.payment_token or ZERO_ADDRESS,
        terms.allocator or ZERO_ADDRESS,
        terms.gate or ZERO_ADDRESS,
        terms.proceeds_recipient or ZERO_ADDRESS,
        terms.unsold_recipient or ZERO_ADDRESS,
        auction.rule,
        auction.pricing,
        auction.lot_size,
        auction.supply_lots,
        auction.floor_price,
        auction.tick_value,
        auction.tick_count,
        auction.min_bid_lots,
        auction.cap_bps,
        auction.minimum_raise,
        *(terms.start or 0, terms.end or 0, terms.cancel_until, terms.allocator_until or 0),
        *(terms.abort_time or 0, terms.vesting_start, terms.vesting_cliff, terms.vesting_end),
    )


def sale_contract() -> Contract:
    """Return the compiled sale."""
    return contract("TokenSale")


def selector(name: str) -> bytes:
    """Return what a call of ``name`` begins with."""
    return sale_contract().functions[name].selector


def encode(name: str, *values: int | str | bool) -> bytes:
    """Return a call of ``name`` with values of one word each."""
    return selector(name) + words(*values)


def encode_clear(clearing: Clearing, margin: Sequence[int], signature: bytes) -> bytes:
    """Return a call of ``clear``."""
    size = len(margin)
    return b"".join(
        [
            selector("clear"),
            words(clearing.tick, clearing.level, clearing.cut),
            clearing.digest,
            words(192, 224 + 32 * size, size),
            *map(word, margin),
            words(len(signature)),
            signature + bytes(-len(signature) % 32),
        ]
    )


def encode_advance(clearing: Clearing, margin: Sequence[int]) -> bytes:
    """Return a call of ``advance``."""
    numbers = words(clearing.tick, clearing.level, clearing.cut) + clearing.digest
    return selector("advance") + numbers + words(160, len(margin)) + b"".join(map(word, margin))


def encode_admit(bidder: str, entity: bytes, deadline: int, signature: bytes) -> bytes:
    """Return a call of ``admit``."""
    head = words(bidder) + entity + words(deadline, 128, len(signature))
    return selector("admit") + head + signature + bytes(-len(signature) % 32)


def encode_multicall(calls: Sequence[bytes]) -> bytes:
    """Return a call of ``multicall``."""
    tails = [words(len(call)) + call + bytes(-len(call) % 32) for call in calls]
    offsets, offset = [], 32 * len(calls)
    for tail in tails:
        offsets.append(offset)
        offset += len(tail)
    return selector("multicall") + words(32, len(calls), *offsets) + b"".join(tails)


def key_of(bidder: str, index: int) -> int:
    """Return the key by which a margin names a bid."""
    return int(bidder, 16) << 8 | index


def _number(answer: bytes) -> int:
    return int.from_bytes(answer[:32], "big")


def _numbers(answer: bytes) -> list[int]:
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]
