"""Allowances by signature.

permit
├── it sets the allowance and uses the nonce up
├── it reverts with {ERC2612ExpiredSignature} after the deadline
└── it reverts with {ERC2612InvalidSigner} when replayed, or signed by another or for another token
"""

from __future__ import annotations

import pytest

from tests.contracts.support import MAX, sign_typed


@pytest.fixture
def permit(payment_token, bidder, watched):
    watched.clear()
    watched.add(payment_token.address)

    def make(spender, value, deadline=MAX, nonce=0, signer=bidder, **domain):
        values = (bidder, spender, value, nonce, deadline)
        signed = sign_typed(signer, payment_token, "Permit", values, **{"name": "Paid"} | domain)
        return bidder, spender, value, deadline, signed.v, signed.r, signed.s

    return make


def test_sets_the_allowance_once(payment_token, permit, refused, bidder, rival, keeper):
    signed = permit(rival, 5)
    payment_token.permit(*signed, sender=keeper)
    assert payment_token.allowance(bidder, rival) == 5
    assert payment_token.nonces(bidder) == 1
    payment_token.transferFrom(bidder, rival, 5, sender=rival)
    with pytest.raises(Exception, match="signer=") as caught:
        payment_token.permit(*signed, sender=keeper)
    assert caught.value.name == "ERC2612InvalidSigner"
    with refused("ERC20InsufficientAllowance", rival, 0, 1):
        payment_token.transferFrom(bidder, rival, 1, sender=rival)


def test_expires_after_the_deadline(payment_token, permit, refused, clock, rival, keeper):
    signed = permit(rival, 5, deadline=clock.start)
    clock.at(clock.start + 1)
    with refused("ERC2612ExpiredSignature", clock.start):
        payment_token.permit(*signed, sender=keeper)


def test_holds_at_the_deadline(payment_token, permit, clock, bidder, rival, keeper):
    signed = permit(rival, 5, deadline=clock.start)
    clock.at(clock.start)
    payment_token.permit(*signed, sender=keeper)
    assert payment_token.allowance(bidder, rival) == 5


def test_needs_the_signature_of_the_owner(
    payment_token, permit, refused, bidder, rival, attacker, keeper
):
    with refused("ERC2612InvalidSigner", attacker, bidder):
        payment_token.permit(*permit(rival, 5, signer=attacker), sender=keeper)


def test_names_the_token_to_sign_for(payment_token, chain):
    _, name, version, chain_id, contract, _, _ = payment_token.eip712Domain()
    assert (name, version, chain_id) == ("Paid", "1", chain.chain_id)
    assert contract == payment_token.address
