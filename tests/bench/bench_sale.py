"""Sales on a benchmark's chain: tokens, factory, funded bidders, calls and signatures."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from eth_abi.abi import encode
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from gavelbook.auction import AuctionTerms, Pricing, Rule
from gavelbook.chain.clearing_plan import chunked
from tests.bench.anvil_chain import DEPLOYER, GENESIS_TIME, ISSUER, Call, account
from tests.bench.contract_code import Code, contract_code

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.anvil_chain import AnvilChain, Receipt

Clearing = tuple[int, int, int, bytes]
"""Marginal tick, level, cut (an arrival) and digest."""

DAY = 86_400
CHAIN_ID = 31337
MAX_UINT256 = 2**256 - 1
FUNDS = 10**30
"""Payment tokens of every bidder; more than any bidder bids."""

# Where OpenZeppelin's ERC-20 keeps balances and allowances.
_BALANCES, _ALLOWANCES = 0, 1
_SUPPLY = 10**33
_PROCEEDS, _UNSOLD = account(0, "proceeds"), account(0, "unsold")
RELAYER = account(0, "relayer")
_ALLOCATOR = Account.from_key(keccak(text="allocator"))


class Terms(NamedTuple):
    """The terms of a sale in the order of the contract."""

    sale_token: str
    payment_token: str
    allocator: str = _ALLOCATOR.address
    gate: str = "0x" + 40 * "0"
    proceeds_recipient: str = _PROCEEDS
    unsold_recipient: str = _UNSOLD
    rule: int = Rule.PRICE_TIME
    pricing: int = Pricing.PAY_AS_BID
    lot_size: int = 10**18
    supply_lots: int = 1_000_000
    floor_price: int = 10**15
    tick_value: int = 10**12
    tick_count: int = 1024
    min_bid_lots: int = 1
    cap_bps: int = 10_000
    minimum_raise: int = 0
    start: int = GENESIS_TIME
    end: int = GENESIS_TIME + 30 * DAY
    cancel_until: int = GENESIS_TIME + 30 * DAY
    allocator_until: int = GENESIS_TIME + 31 * DAY
    abort_time: int = GENESIS_TIME + 40 * DAY
    vesting_start: int = 0
    vesting_cliff: int = 0
    vesting_end: int = 0

    def price(self, tick: int) -> int:
        """Return payment token base units a lot at ``tick``."""
        return self.floor_price + tick * self.tick_value

    @property
    def auction(self) -> AuctionTerms:
        """The part that decides who gets what."""
        return AuctionTerms(
            rule=Rule(self.rule),
            pricing=Pricing(self.pricing),
            **{
                key: getattr(self, key)
                for key in (
                    *("supply_lots", "lot_size", "floor_price", "tick_value", "tick_count"),
                    *("min_bid_lots", "cap_bps", "minimum_raise"),
                )
            },
        )


class Token:
    """An OpenZeppelin ERC-20 on the benchmark's chain."""

    def __init__(self, chain: AnvilChain, address: str) -> None:
        self.chain = chain
        self.address = address
        self._code = contract_code("FixedSupplyToken")

    def fund(self, holders: Iterable[str], spender: str | None = None) -> None:
        """Give each holder a balance and, with a spender, an allowance without end."""
        writes = []
        for holder in holders:
            writes.append((self.address, _mapping_slot(holder, _BALANCES), FUNDS))
            if spender:
                slot = _mapping_slot(holder, _ALLOWANCES)
                inner = int.from_bytes(keccak(encode(["address", "uint256"], [spender, slot])))
                writes.append((self.address, inner, MAX_UINT256))
        self.chain.write_storage(writes)

    def approve(self, spender: str, amount: int = MAX_UINT256) -> bytes:
        """Return the data of an approval."""
        return self._code.call("approve", spender, amount)

    def transfer(self, to: str, amount: int) -> bytes:
        """Return the data of a transfer."""
        return self._code.call("transfer", to, amount)

    def balance(self, holder: str) -> int:
        """Return what ``holder`` has."""
        answer = self.chain.view(self.address, self._code.call("balanceOf", holder))
        return int(self._code.answer("balanceOf", answer)[0])


class SaleMarket:
    """A chain with the contracts every sale needs."""

    def __init__(self, chain: AnvilChain) -> None:
        self.chain = chain
        self.wrapped_ether = self.deploy(contract_code("MockWrappedEther"))
        self.factory_code = contract_code("SaleFactory")
        self.factory = self.deploy(self.factory_code, self.wrapped_ether)
        token = contract_code("FixedSupplyToken")
        self.sale_token = Token(chain, self.deploy(token, "Sale", "SALE", _SUPPLY, ISSUER))
        self.payment = Token(chain, self.deploy(token, "Payment", "PAY", _SUPPLY, ISSUER))
        chain.send(Call(ISSUER, self.sale_token.address, self.sale_token.approve(self.factory)))

    def deploy(self, code: Code, *arguments: Any) -> str:
        """Deploy a contract and return its address."""
        return to_checksum_address(self.deployment(code, *arguments).contract)

    def deployment(self, code: Code, *arguments: Any) -> Receipt:
        """Deploy a contract and return the receipt."""
        return self.chain.send(Call(DEPLOYER, None, code.creation(*arguments)))[0]

    def terms(self, **changes: Any) -> Terms:
        """Return terms of a sale of these tokens."""
        given = {
            "sale_token": self.sale_token.address,
            "payment_token": self.payment.address,
            **changes,
        }
        return Terms(**given)

    def open_sale(self, **changes: Any) -> BenchSale:
        """Create and fund a sale whose terms differ from the default by ``changes``."""
        terms = self.terms(**changes)
        data = self.factory_code.call("createSale", tuple(terms))
        receipt = self.chain.send(Call(ISSUER, self.factory, data))[0]
        return BenchSale(self, self.created(receipt, self.factory), terms, receipt.gas)

    def created(self, receipt: Receipt, factory: str) -> str:
        """Return the address of the sale that ``factory`` says it has created."""
        logs = (log for log in receipt.logs if log["address"].lower() == factory.lower())
        return f"0x{next(logs)['topics'][1][-40:]}"


class BenchSale:
    """A sale on the benchmark's chain. ``code`` may be another contract with the same functions."""

    def __init__(
        self,
        market: SaleMarket,
        address: str,
        terms: Terms,
        creation_gas: int,
        code: Code | None = None,
    ) -> None:
        self.market = market
        self.chain = market.chain
        self.address = to_checksum_address(address)
        self.terms = terms
        self.creation_gas = creation_gas
        self.code = code or contract_code("TokenSale")

    def fund(self, bidders: Iterable[str]) -> None:
        """Give bidders payment tokens and let the sale take them."""
        self.market.payment.fund(bidders, self.address)

    def call(self, sender: str, name: str, *arguments: Any, value: int = 0) -> Call:
        """Return a transaction of ``sender`` to the sale."""
        return Call(sender, self.address, self.code.call(name, *arguments), value)

    def send(self, sender: str, name: str, *arguments: Any, value: int = 0) -> Receipt:
        """Mine one transaction of ``sender``."""
        return self.chain.send(self.call(sender, name, *arguments, value=value))[0]

    def lots(self) -> list[int]:
        """Return the live lots at every tick."""
        data = self.code.call("lotsAt", 0, self.terms.tick_count)
        (lots,) = self.code.answer("lotsAt", self.chain.view(self.address, data))
        return list(lots)

    def close(self) -> None:
        """Let the time of bidding pass."""
        self.chain.go_to(self.terms.end)

    def clearing_calls(self, clearing: Clearing, margin: list[int]) -> list[Call]:
        """Return the transactions that show ``margin`` and clear."""
        parts = list(chunked(margin)) or [[]]
        shown = [self.call(RELAYER, "advance", clearing, part) for part in parts[:-1]]
        return [*shown, self.call(RELAYER, "clear", clearing, parts[-1], self.sign(clearing))]

    def sign(self, clearing: Clearing) -> bytes:
        """Return the allocator's signature under a clearing."""
        values = dict(zip(("marginalTick", "level", "cut", "digest"), clearing, strict=True))
        return self._signature(_ALLOCATOR, "Clearing", _CLEARING_TYPE, values)

    def sign_admission(self, gate: Any, bidder: str, entity: bytes, deadline: int) -> bytes:
        """Return the gate's signature under an admission."""
        values = {"bidder": bidder, "entity": entity, "deadline": deadline}
        return self._signature(gate, "Admission", _ADMISSION_TYPE, values)

    def _signature(
        self, signer: Any, name: str, fields: dict[str, str], values: dict[str, Any]
    ) -> bytes:
        types = {name: [{"name": key, "type": kind} for key, kind in fields.items()]}
        message = encode_typed_data(self._domain, types, values)
        return bytes(signer.sign_message(message).signature)

    @cached_property
    def _domain(self) -> dict[str, Any]:
        return {
            "name": "Gavelbook TokenSale",
            "version": "1",
            "chainId": CHAIN_ID,
            "verifyingContract": self.address,
        }


_CLEARING_TYPE = {
    "marginalTick": "uint256",
    "level": "uint256",
    "cut": "uint256",
    "digest": "bytes32",
}
_ADMISSION_TYPE = {"bidder": "address", "entity": "bytes32", "deadline": "uint256"}


def _mapping_slot(key: str, slot: int) -> int:
    return int.from_bytes(keccak(encode(["address", "uint256"], [key, slot])))
