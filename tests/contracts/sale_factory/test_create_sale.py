"""Opening a sale.

createSale
├── when the terms can work and the tokens arrive
│   ├── it deploys a sale with these terms, funds it and emits {SaleCreated}
│   └── it knows the sale as its own, and no other contract
├── when fewer or more tokens arrive than asked for: it reverts with {FundingMismatch}
├── when the token does not pay: it reverts as the token does
└── when the terms cannot work: see test_terms.py
"""

from __future__ import annotations

import pytest

from tests.contracts.support import MAX, ZERO, address, plain

FUNDS = 100 * 7


@pytest.fixture
def open_at(project, factory, watched):
    """Open a sale and answer its address and event."""

    def make(terms, sender):
        receipt = factory.createSale(tuple(terms.values()), sender=sender)
        (created,) = factory.SaleCreated.from_receipt(receipt)
        return project.TokenSale.at(created.sale), created

    watched.clear()
    watched.add(factory.address)
    return make


def test_opens_and_funds_a_sale(
    open_at, terms_with, factory, issuer, gate, clock, sale_token, wrapped_ether
):
    terms = terms_with(
        gate=gate, rule=1, pricing=1, vestingStart=1, vestingCliff=2, vestingEnd=clock.end
    )
    before = sale_token.balanceOf(issuer)
    sale, created = open_at(terms, issuer)

    given = [*map(plain, terms.values())]
    assert [*map(plain, sale.terms())] == given
    assert (created.issuer, created.saleToken) == (address(issuer), address(sale_token))
    assert [*map(plain, created.terms)] == given
    assert sale_token.balanceOf(sale) == FUNDS
    assert sale_token.balanceOf(issuer) == before - FUNDS
    assert sale_token.balanceOf(factory) == 0
    assert sale.wrappedEther() == factory.wrappedEther() == wrapped_ether


def test_knows_its_own_sales(
    project, open_at, terms_with, factory, issuer, attacker, sale_token, wrapped_ether
):
    first, _ = open_at(terms_with(), issuer)
    second, _ = open_at(terms_with(), issuer)
    assert first.address != second.address
    assert factory.isSale(first)
    assert factory.isSale(second)
    foreign = attacker.deploy(project.TokenSale, tuple(terms_with().values()), wrapped_ether)
    for other in (foreign, factory, issuer, sale_token, ZERO):
        assert not factory.isSale(other)


def test_binds_the_address_to_issuer_and_terms(
    open_at, terms_with, factory, chain, issuer, attacker, sale_token
):
    """Sales that others open first, or with other terms, move no address."""
    sale_token.approve(factory, MAX, sender=attacker)
    sale_token.transfer(attacker, FUNDS, sender=issuer)
    snapshot = chain.snapshot()
    sale, _ = open_at(terms_with(), issuer)
    chain.restore(snapshot)
    other, _ = open_at(terms_with(), attacker)
    assert other.address != sale.address
    assert factory.createSale.call(tuple(terms_with().values()), sender=issuer) == sale.address
    changed = tuple(terms_with(minBidLots=2).values())
    assert factory.createSale.call(changed, sender=issuer) != sale.address
    again, _ = open_at(terms_with(), issuer)
    assert again.address == sale.address
    second, _ = open_at(terms_with(), issuer)
    assert second.address != sale.address


def test_opens_sales_for_anybody_who_pays(
    open_at, terms_with, factory, refused, issuer, attacker, sale_token
):
    with refused("ERC20InsufficientAllowance", factory, 0, FUNDS):
        open_at(terms_with(), attacker)
    sale_token.approve(factory, MAX, sender=attacker)
    with refused("ERC20InsufficientBalance", attacker, 0, FUNDS):
        open_at(terms_with(), attacker)
    sale_token.transfer(attacker, FUNDS, sender=issuer)
    sale, created = open_at(terms_with(), attacker)
    assert created.issuer == address(attacker)
    assert sale_token.balanceOf(sale) == FUNDS


def test_takes_no_token_with_a_fee(open_at, terms_with, make_token, refused, issuer):
    token = make_token("MockFeeToken", 0)
    token.setFee(100, sender=issuer)
    with refused("FundingMismatch", FUNDS, FUNDS - 7):
        open_at(terms_with(saleToken=token), issuer)
    token.setFee(0, sender=issuer)
    open_at(terms_with(saleToken=token), issuer)


def test_takes_no_token_that_loses_a_unit_to_share_rounding(
    open_at, terms_with, make_token, refused, issuer
):
    token = make_token("MockRebasingToken")
    token.rebase(token.totalSupply() * 11 // 10, sender=issuer)
    with refused("FundingMismatch", FUNDS, FUNDS - 1):
        open_at(terms_with(saleToken=token), issuer)


def test_takes_no_answer_of_false(open_at, terms_with, make_token, refused, issuer):
    token = make_token("MockFalseToken")
    token.refuse(sender=issuer)
    with refused("SafeERC20FailedOperation", token):
        open_at(terms_with(saleToken=token), issuer)


def test_takes_a_token_that_answers_nothing(open_at, terms_with, make_token, issuer):
    token = make_token("MockSilentToken")
    sale, _ = open_at(terms_with(saleToken=token), issuer)
    assert token.balanceOf(sale) == FUNDS


def test_counts_what_each_sale_receives_though_the_token_calls_back(
    open_at, terms_with, make_token, factory, issuer
):
    """The token opens a second sale within the funding of the first: both get all of theirs."""
    token = make_token("MockReentrantToken")
    token.transfer(token, FUNDS, sender=issuer)
    token.execute(token, token.approve.encode_input(factory, MAX), sender=issuer)
    inner = factory.createSale.encode_input(tuple(terms_with(saleToken=token).values()))
    token.arm(factory, [inner], sender=issuer)
    receipt = factory.createSale(tuple(terms_with(saleToken=token).values()), sender=issuer)
    outer, inner = factory.SaleCreated.from_receipt(receipt)
    assert [outer.issuer, inner.issuer] == [address(issuer), address(token)]
    assert [token.balanceOf(outer.sale), token.balanceOf(inner.sale)] == [FUNDS, FUNDS]


def test_takes_no_tokens_beyond_the_supply(
    open_at, terms_with, make_token, refused, factory, issuer
):
    """A token that sends the sale one more than it was asked for, within the transfer."""
    token = make_token("MockReentrantToken")
    token.transfer(token, 1, sender=issuer)
    terms = terms_with(saleToken=token)
    next_sale = factory.createSale.call(tuple(terms.values()), sender=issuer)
    token.arm(token, [token.transfer.encode_input(next_sale, 1)], sender=issuer)
    with refused("FundingMismatch", FUNDS, FUNDS + 1):
        open_at(terms, issuer)
    assert not factory.isSale(next_sale)
    token.arm(token, [], sender=issuer)
    sale, _ = open_at(terms, issuer)  # at the same address
    assert sale.address == next_sale
