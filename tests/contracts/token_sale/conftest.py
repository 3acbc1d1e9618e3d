"""Sales on any terms, bids and results in one line each."""

from __future__ import annotations

import pytest

from tests.contracts.support import DIGEST, MAX, NO_SIGNATURE, Rule, clearing, key, sign


@pytest.fixture(scope="session")
def open_sale(project, stage, actors, terms_with, watched):
    """Open and fund a sale on the usual terms with changes."""

    def make(**changes):
        terms = terms_with(**changes)
        receipt = stage.factory.createSale(tuple(terms.values()), sender=actors.issuer)
        (created,) = stage.factory.SaleCreated.from_receipt(receipt)
        sale = project.TokenSale.at(created.sale)
        watched.clear()
        watched.update((sale.address, terms["saleToken"].address, terms["paymentToken"].address))
        return sale

    return make


@pytest.fixture(scope="session", autouse=True)
def opened(open_sale, actors, chain):
    """Sales that are opened once; each test finds them empty."""
    sales = {"usual": open_sale(), "gated": open_sale(gate=actors.gate)}
    chain.mine()  # To go back to a block is to run it again: let that be an empty one.
    return sales


@pytest.fixture
def sale(opened, sale_token, payment_token, watched):
    """A sale on the usual terms."""
    watched.clear()
    watched.update((opened["usual"].address, sale_token.address, payment_token.address))
    return opened["usual"]


@pytest.fixture
def gated(opened, sale_token, payment_token, watched):
    """A sale on the usual terms to admitted bidders."""
    watched.clear()
    watched.update((opened["gated"].address, sale_token.address, payment_token.address))
    return opened["gated"]


@pytest.fixture
def allow(payment_token):
    """Let a sale take payment tokens of an account."""

    def give(sale, bidder, amount=MAX, token=payment_token):
        return token.approve(sale, amount, sender=bidder)

    return give


@pytest.fixture
def place(clock, chain, allow, payment_token):
    """Let a bidder allow the payment and bid, when the sale is open."""
    allowed = set()

    def bid(sale, bidder, tick, lots, token=payment_token):
        if not allowed and chain.blocks.head.timestamp < clock.start:
            clock.at(clock.start)
        if (sale, bidder) not in allowed:
            allow(sale, bidder, token=token)
            allowed.add((sale, bidder))
        return sale.bid(tick, lots, sender=bidder)

    return bid


@pytest.fixture
def clear(clock, chain, keeper):
    """Post a result without signature, when the sale is closed."""

    def post(sale, tick, level=0, cut=0, margin=(), sender=keeper):
        if chain.blocks.head.timestamp < clock.end:
            clock.at(clock.end)
        return sale.clear(clearing(tick, level, cut), list(margin), NO_SIGNATURE, sender=sender)

    return post


@pytest.fixture
def abort(clock, keeper):
    """Let a sale fail at its abort time."""

    def give_up(sale, sender=keeper):
        clock.at(clock.abort)
        return sale.abort(sender=sender)

    return give_up


@pytest.fixture
def clear_out(keeper):
    """Claim for all bidders and collect; the sale must then hold neither token."""

    def empty(sale, *bidders, tokens, proceeds=True, unsold=True):
        for bidder in bidders:
            sale.claim(bidder, sender=keeper)
        if proceeds:
            sale.collectProceeds(sender=keeper)
        if unsold:
            sale.collectUnsold(sender=keeper)
        assert [token.balanceOf(sale) for token in tokens] == [0, 0]

    return empty


@pytest.fixture
def book(place, bidder, rival, latecomer, attacker):
    """Fill a sale of 10 lots: 3 lots at tick 5; 4, 6 and 1 at tick 3, with a cancelled bid between.

    By arrival supply ends in the second bid of tick 3, which gets 3 lots. By rounds the bids of
    tick 3 get 3, 3 and 1.
    """

    def fill(sale):
        place(sale, rival, 5, 3)
        place(sale, bidder, 3, 4)
        place(sale, attacker, 3, 9)
        place(sale, latecomer, 3, 6)
        sale.cancel(0, sender=attacker)
        place(sale, rival, 3, 1)
        place(sale, bidder, 1, 2)
        return [key(bidder, 0), key(latecomer, 0), key(rival, 1)]

    return fill


@pytest.fixture
def by_arrival(open_sale, book):
    sale = open_sale(supplyLots=10)
    return sale, book(sale)


@pytest.fixture
def by_rounds(open_sale, book):
    sale = open_sale(supplyLots=10, rule=Rule.GROUP_ROUND_ROBIN)
    return sale, book(sale)


@pytest.fixture
def top(open_sale, book):
    """After the top, 7 lots are left for bids of 4, 6, 1 and 2: they get 2, 2, 1 and 2."""
    sale = open_sale(supplyLots=10, rule=Rule.TOP_THEN_ROUND_ROBIN)
    return sale, book(sale)


@pytest.fixture
def signed(allocator):
    """Arguments of {clear}, signed by the allocator unless told otherwise."""

    def make(sale, tick, level, cut, digest=DIGEST, margin=(), signer=allocator, **domain):
        values = clearing(tick, level, cut, digest)
        return values, list(margin), sign(signer, sale, "Clearing", values, **domain)

    return make
