"""Admitting a bidder by signature of the gate.

admit
├── when the gate signed: it keeps the entity of the bidder and emits {Admitted}, whoever submits
├── when the sale has no gate: it reverts with {NoGate}
├── when the entity is zero: it reverts with {EntityZero}
├── when the deadline has come: it reverts with {AdmissionExpired}
├── when the bidder is admitted
│   ├── it does nothing if it was for this entity
│   └── it reverts with {AlreadyAdmitted} if it was for another
├── when the signature is not one of the gate over this: it reverts with {SignatureInvalid}
└── when the gate is a contract: it asks the contract (ERC-1271)
"""

from __future__ import annotations

import pytest

from tests.contracts.support import FAMILY, NO_SIGNATURE, ZERO, event, logs, sign, spoiled, stored

FIRM = b"firm".ljust(32, b"\0")


def admission(signer, sale, *values, **domain):
    """Arguments of {admit}."""
    return (*values, sign(signer, sale, "Admission", values, **domain))


def test_keeps_the_entity_whoever_submits(gated, gate, bidder, rival, keeper, clock):
    receipt = gated.admit(*admission(gate, gated, bidder, FAMILY, clock.end), sender=keeper)
    assert logs(receipt, gated) == [event("Admitted", bidder, FAMILY)]
    assert gated.entityOf(bidder) == FAMILY
    assert gated.entityOf(keeper) == bytes(32)

    receipt = gated.admit(*admission(gate, gated, rival, FAMILY, clock.end), sender=rival)
    assert logs(receipt, gated) == [event("Admitted", rival, FAMILY)]


def test_needs_a_gate(sale, refused, gate, bidder, clock):
    with refused("NoGate"):
        sale.admit(*admission(gate, sale, bidder, FAMILY, clock.end), sender=bidder)
    with refused("NoGate"):
        sale.admit(ZERO, bytes(32), 0, NO_SIGNATURE, sender=bidder)


def test_needs_an_entity(gated, refused, gate, bidder, clock):
    with refused("EntityZero"):
        gated.admit(*admission(gate, gated, bidder, bytes(32), clock.end), sender=bidder)


def test_expires_at_the_deadline(gated, refused, gate, bidder, rival, clock):
    deadline = clock.start + 500
    clock.at(deadline - 1)
    gated.admit(*admission(gate, gated, bidder, FAMILY, deadline), sender=bidder)
    clock.at(deadline)
    with refused("AdmissionExpired", deadline):
        gated.admit(*admission(gate, gated, rival, FAMILY, deadline), sender=rival)
    with refused("AdmissionExpired", 0):
        gated.admit(*admission(gate, gated, rival, FAMILY, 0), sender=rival)


def test_admits_a_bidder_for_one_entity(gated, refused, gate, bidder, clock):
    gated.admit(*admission(gate, gated, bidder, FAMILY, clock.end), sender=bidder)
    with refused("AlreadyAdmitted", bidder, FAMILY):
        gated.admit(*admission(gate, gated, bidder, FIRM, clock.end), sender=bidder)


def test_does_nothing_the_second_time(gated, refused, watched, gate, bidder, attacker, clock):
    """Whoever sees an admission on its way may submit it first, and must do no harm by it."""
    first = admission(gate, gated, bidder, FAMILY, clock.end - 1)
    gated.admit(*first, sender=attacker)
    before = stored(watched)
    assert logs(gated.admit(*first, sender=bidder), gated) == []
    assert logs(gated.admit(bidder, FAMILY, clock.end, b"\0", sender=bidder), gated) == []
    assert stored(watched) == before
    clock.at(clock.end - 1)
    with refused("AdmissionExpired", clock.end - 1):
        gated.admit(*first, sender=bidder)


def test_needs_the_signature_of_the_gate(gated, refused, gate, allocator, bidder, attacker, clock):
    for signer in (attacker, allocator, bidder):
        with refused("SignatureInvalid", gate):
            gated.admit(*admission(signer, gated, bidder, FAMILY, clock.end), sender=bidder)


def test_needs_a_signature_over_these_values(gated, refused, gate, bidder, attacker, clock):
    bidder_, family, deadline, signature = admission(gate, gated, bidder, FAMILY, clock.end)
    for changed in (
        (attacker, family, deadline),
        (bidder_, FIRM, deadline),
        (bidder_, family, deadline + 1),
    ):
        with refused("SignatureInvalid", gate):
            gated.admit(*changed, signature, sender=attacker)
    gated.admit(bidder_, family, deadline, signature, sender=attacker)


@pytest.mark.parametrize(
    "domain",
    [
        {"chainId": 1},
        {"verifyingContract": ZERO},
        {"name": "Gavelbook"},
        {"version": "2"},
    ],
    ids=["chain", "contract", "name", "version"],
)
def test_needs_a_signature_for_this_domain(gated, refused, gate, bidder, clock, domain):
    values = (bidder, FAMILY, clock.end)
    with refused("SignatureInvalid", gate):
        gated.admit(*admission(gate, gated, *values, **domain), sender=bidder)


def test_takes_no_admission_to_another_sale(gated, open_sale, refused, gate, bidder, clock):
    other = open_sale(gate=gate)
    with refused("SignatureInvalid", gate):
        other.admit(*admission(gate, gated, bidder, FAMILY, clock.end), sender=bidder)


def test_takes_no_message_of_another_kind(gated, refused, gate, bidder, clock):
    """A gate that is the allocator as well must not admit by clearing."""
    signature = sign(gate, gated, "Clearing", (1, 0, 0, FAMILY))
    with refused("SignatureInvalid", gate):
        gated.admit(bidder, FAMILY, clock.end, signature, sender=bidder)


def test_takes_nothing_but_the_one_signature(gated, refused, gate, bidder, clock):
    values = (bidder, FAMILY, clock.end)
    good = sign(gate, gated, "Admission", values)
    for name, bad in (spoiled(good) | {"none": NO_SIGNATURE}).items():
        print(name)
        with refused("SignatureInvalid", gate):
            gated.admit(*values, bad, sender=bidder)
    gated.admit(*values, good, sender=bidder)


def test_asks_a_gate_that_is_a_contract(
    project, open_sale, refused, issuer, gate, bidder, rival, attacker, clock
):
    wallet = issuer.deploy(project.MockSmartWallet, gate)
    sale = open_sale(gate=wallet)
    with refused("SignatureInvalid", wallet):
        sale.admit(*admission(attacker, sale, bidder, FAMILY, clock.end), sender=bidder)
    sale.admit(*admission(gate, sale, bidder, FAMILY, clock.end), sender=bidder)
    assert sale.entityOf(bidder) == FAMILY

    wallet.setOwner(issuer, sender=issuer)
    with refused("SignatureInvalid", wallet):
        sale.admit(*admission(gate, sale, rival, FAMILY, clock.end), sender=rival)
    sale.admit(*admission(issuer, sale, rival, FAMILY, clock.end), sender=rival)
