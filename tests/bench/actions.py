"""Gas of single actions in the steady state of a busy sale.

Steady state: the tick has bids, the sale holds both tokens, a bidder has allowed the sale to take
everything and keeps a balance. A winner has no sale tokens yet, as nobody has in a first sale.
Where bidders differ by the zero bytes of their addresses the figure is the median of twenty.
"""

from __future__ import annotations

from statistics import median_low
from typing import TYPE_CHECKING, Any

from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from gavelbook.auction import Pricing, Rule
from tests.bench.anvil_chain import ISSUER, account
from tests.bench.bench_sale import CHAIN_ID, FUNDS, MAX_UINT256, SaleMarket
from tests.bench.books import KEEPER, KEEPER_BATCH, Book, group, ladder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.anvil_chain import AnvilChain, Receipt
    from tests.bench.bench_sale import BenchSale

_HIGH, _MARGIN, _LOW = 300, 200, 100
_LOTS = 10
_EACH = 20


def action_gas(chain: AnvilChain) -> dict[str, int]:
    """Return the gas of each action by its name."""
    market = SaleMarket(chain)
    figures: dict[str, int] = {}
    for part in (_bidding, _ether, _gate, _clearing, _claiming, _uniform, _ending):
        with chain.undone():
            figures.update(part(market))
    return figures


def _bidding(market: SaleMarket) -> dict[str, int]:
    sale = market.open_sale()
    ladder(0, 24).place(sale)
    bidders = [account(i) for i in range(_EACH)]
    sale.fund(bidders)

    def bid(tick: int) -> int:
        return _median(sale.chain.send(*(sale.call(b, "bid", tick, _LOTS) for b in bidders)))

    gas = {
        "create and fund a sale": sale.creation_gas,
        "bid, first of a bidder": bid(5),
        "bid, second of a bidder": bid(6),
        "bid, third of a bidder": bid(7),
        "bid, fourth of a bidder": bid(8),
    }
    gas["cancel, one bid of four"] = _median(
        sale.chain.send(*(sale.call(b, "cancel", 1) for b in bidders))
    )
    gas["bid, first at four neighbouring ticks"] = _first_of(sale, range(400, 400 + 4 * _EACH, 4))
    gas["bid with permit, first of a bidder"] = _permit(market, sale, "exact", 1)[0]
    gas["bid with permit, later of a bidder"] = _permit(market, sale, "exact again", 2)[1]
    gas["bid with permit without limit, first of a bidder"] = _permit(
        market, sale, "unlimited", 1, MAX_UINT256
    )[0]
    return gas


def _first_of(sale: BenchSale, ticks: Iterable[int]) -> int:
    newcomers = {account(tick, "newcomer"): tick for tick in ticks}
    sale.fund(newcomers)
    return _median(sale.chain.send(*(sale.call(b, "bid", t, _LOTS) for b, t in newcomers.items())))


def _permit(
    market: SaleMarket, sale: BenchSale, kind: str, rounds: int, value: int | None = None
) -> list[int]:
    """Bid with permits, for the payment alone unless ``value`` is given, once in each round."""
    signers = [Account.from_key(keccak(text=f"{kind} {i}")) for i in range(_EACH)]
    market.payment.fund(signer.address for signer in signers)
    amount = value or _LOTS * sale.terms.price(5)
    return [
        _median(
            sale.chain.send(
                *(
                    sale.call(
                        signer.address,
                        "bidWithPermit",
                        *(5, _LOTS, amount, sale.terms.end),
                        *_permit_signature(signer, market, sale, amount, nonce),
                    )
                    for signer in signers
                )
            )
        )
        for nonce in range(rounds)
    ]


def _permit_signature(
    signer: Any, market: SaleMarket, sale: BenchSale, value: int, nonce: int
) -> tuple[int, bytes, bytes]:
    domain = {
        "name": "Payment",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": market.payment.address,
    }
    fields = {
        "owner": ("address", signer.address),
        "spender": ("address", sale.address),
        "value": ("uint256", value),
        "nonce": ("uint256", nonce),
        "deadline": ("uint256", sale.terms.end),
    }
    types = {"Permit": [{"name": key, "type": kind} for key, (kind, _) in fields.items()]}
    values = {key: given for key, (_, given) in fields.items()}
    signed = signer.sign_message(encode_typed_data(domain, types, values))
    return signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32)


def _ether(market: SaleMarket) -> dict[str, int]:
    sale = market.open_sale(payment_token=market.wrapped_ether)
    payment = _LOTS * sale.terms.price(5)
    bidders = [account(i) for i in range(_EACH + 1)]
    sale.chain.requests([("anvil_setBalance", [each, hex(FUNDS)]) for each in bidders])
    calls = [sale.call(b, "bid", 5, _LOTS, value=payment) for b in bidders]
    return {"bid in ether, first of a bidder": _median(sale.chain.send(*calls)[1:])}


def _gate(market: SaleMarket) -> dict[str, int]:
    gate = Account.from_key(keccak(text="gate"))
    sale = market.open_sale(gate=gate.address)
    bidders = [account(i) for i in range(_EACH + 1)]
    sale.fund(bidders)
    deadline = sale.terms.end
    admissions = [
        sale.call(
            *(bidder, "admit", bidder, entity, deadline),
            sale.sign_admission(gate, bidder, entity, deadline),
        )
        for bidder in bidders
        for entity in [keccak(text=bidder)]
    ]
    admitted = sale.chain.send(*admissions)
    bids = sale.chain.send(*(sale.call(b, "bid", 5, _LOTS) for b in bidders))
    return {
        "admit a bidder": _median(admitted),
        "bid behind a gate, first of an entity": _median(bids[1:]),
    }


def _clearing(market: SaleMarket) -> dict[str, int]:
    """Clear a margin of 100 and one of 300 bids: what does one more cost?"""
    few, many = 100, 300
    gas = {}
    for rule in Rule:
        totals = []
        for bids in (few, many):
            with market.chain.undone():
                # Under TOP_THEN_ROUND_ROBIN the highest price is never in the margin by rounds.
                book = group(1, 1, _LOTS, "top") + group(bids, 0, _LOTS)
                sale = market.open_sale(rule=rule, supply_lots=_LOTS + bids * _LOTS // 2 + 1)
                totals.append(sum(receipt.gas for receipt in book.play_until_cleared(sale)))
        name = f"clear {rule.name}, each bid of the margin"
        gas[name] = round((totals[1] - totals[0]) / (many - few))
    return gas


def _claiming(market: SaleMarket) -> dict[str, int]:
    """Clear by rounds: high bids win, low bids lose, those of the margin get half."""
    each = _EACH + KEEPER_BATCH
    book = Book([], [], [])
    for tick, kind in ((_HIGH, "winner"), (_MARGIN, "partial"), (_LOW, "loser")):
        book += group(each, tick, _LOTS, kind)
    # Somebody with three bids, one of each kind.
    book += Book([account(0, "three")] * 3, [_HIGH, _MARGIN, _LOW], [_LOTS] * 3)
    high, margin = (sum(n for t, n in zip(book.ticks, book.lots, strict=True) if t == tick)
                    for tick in (_HIGH, _MARGIN))  # fmt: skip
    sale = market.open_sale(rule=Rule.GROUP_ROUND_ROBIN, supply_lots=high + margin // 2)
    book.play_until_cleared(sale)

    def own(kind: str) -> int:
        people = [account(i, kind) for i in range(_EACH)]
        return _median(sale.chain.send(*(sale.call(who, "claim", who) for who in people)))

    def batch(kind: str) -> int:
        people = [account(_EACH + i, kind) for i in range(KEEPER_BATCH)]
        return round(sale.send(KEEPER, "claimMany", people).gas / KEEPER_BATCH)

    three = account(0, "three")
    return {
        "claim, winner": own("winner"),
        "claim, loser": own("loser"),
        "claim, both legs": own("partial"),
        "claim, three bids in one word": sale.send(three, "claim", three).gas,
        "claim in a batch of 50, each winner": batch("winner"),
        "claim in a batch of 50, each loser": batch("loser"),
        "claim in a batch of 50, each with both legs": batch("partial"),
        "collect proceeds": sale.send(KEEPER, "collectProceeds").gas,
    }


def _uniform(market: SaleMarket) -> dict[str, int]:
    book = group(_EACH, _HIGH, _LOTS, "winner") + group(1, _LOW, _LOTS, "lowest")
    sale = market.open_sale(pricing=Pricing.UNIFORM, supply_lots=sum(book.lots))
    clear = book.play_until_cleared(sale)
    winners = [account(i, "winner") for i in range(_EACH)]
    claims = sale.chain.send(*(sale.call(each, "claim", each) for each in winners))
    return {
        "clear 1,024 ticks, two of them used, no margin": clear[0].gas,
        "claim, winner at a uniform price": _median(claims),
    }


def _ending(market: SaleMarket) -> dict[str, int]:
    sale = market.open_sale()
    sale.chain.go_to(sale.terms.abort_time)
    abort = sale.send(ISSUER, "abort").gas
    return {
        "abort": abort,
        "collect unsold, all of it": sale.send(ISSUER, "collectUnsold").gas,
    }


def _median(receipts: list[Receipt]) -> int:
    return median_low(receipt.gas for receipt in receipts)
