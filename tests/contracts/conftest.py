"""A chain, actors by role, two tokens, a factory, and a way to open sales on any terms."""

from __future__ import annotations

from types import SimpleNamespace

import ape_ethereum.provider
import pytest
from ape_ethereum.ecosystem import Ethereum
from ape_ethereum.transactions import TransactionType

from tests.contracts.support import MAX, ZERO, Clock, Pricing, Refusals, Rule, price

ROLES = [
    *("issuer", "allocator", "gate", "bidder", "rival", "latecomer"),
    *("keeper", "attacker", "proceeds_recipient", "unsold_recipient"),
]
BIDDERS = ("bidder", "rival", "latecomer", "attacker")
PURSE = 10**24


@pytest.fixture(scope="session", autouse=True)
def _hurry():
    """Keep ape from running every transaction twice, and from reading its settings each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ape_ethereum.provider, "_post_send_transaction", lambda *_: None)
        patch.setattr(Ethereum, "default_transaction_type", TransactionType.DYNAMIC)
        yield


@pytest.fixture(scope="session")
def actors(accounts):
    return SimpleNamespace(**dict(zip(ROLES, accounts, strict=False)))


# One fixture for each role, so that a test names those it needs.
for _role in ROLES:
    globals()[_role] = pytest.fixture(scope="session", name=_role)(
        lambda actors, role=_role: getattr(actors, role)
    )


@pytest.fixture(scope="session", autouse=True)
def stage(project, chain, actors):
    """Everything that is deployed once."""
    issuer = actors.issuer
    weth = issuer.deploy(project.MockWrappedEther)
    made = SimpleNamespace(
        wrapped_ether=weth,
        factory=issuer.deploy(project.SaleFactory, weth),
        sale_token=issuer.deploy(project.FixedSupplyToken, "Sold", "SOLD", MAX, issuer),
        payment_token=issuer.deploy(project.FixedSupplyToken, "Paid", "PAID", MAX, issuer),
    )
    made.sale_token.approve(made.factory, MAX, sender=issuer)
    for role in BIDDERS:
        made.payment_token.transfer(getattr(actors, role), PURSE, sender=issuer)
    made.clock = Clock(chain, chain.blocks.head.timestamp)
    chain.mine()
    return made


for _name in ("wrapped_ether", "factory", "sale_token", "payment_token", "clock"):
    globals()[_name] = pytest.fixture(scope="session", name=_name)(
        lambda stage, name=_name: getattr(stage, name)
    )


@pytest.fixture(scope="session")
def terms_with(stage, actors):
    """The usual terms (see `price`), with changes."""

    def make(**changes):
        clock = stage.clock
        terms = {
            "saleToken": stage.sale_token,
            "paymentToken": stage.payment_token,
            "allocator": actors.allocator,
            "gate": ZERO,
            "proceedsRecipient": actors.proceeds_recipient,
            "unsoldRecipient": actors.unsold_recipient,
            "rule": Rule.PRICE_TIME,
            "pricing": Pricing.PAY_AS_BID,
            "lotSize": 7,
            "supplyLots": 100,
            "floorPrice": price(0),
            "tickValue": price(1) - price(0),
            "tickCount": 8,
            "minBidLots": 1,
            "capBps": 10_000,
            "minimumRaise": 0,
            "start": clock.start,
            "end": clock.end,
            "cancelUntil": clock.end,
            "allocatorUntil": clock.end,
            "abortTime": clock.abort,
            "vestingStart": 0,
            "vestingCliff": 0,
            "vestingEnd": 0,
        }
        assert changes.keys() <= terms.keys()
        return terms | changes

    return make


@pytest.fixture(scope="session")
def errors(project):
    """Every error of the contracts and mocks by name."""
    return {
        error.name: error for contract in project.contracts.values() for error in contract.errors
    }


@pytest.fixture(scope="session")
def watched():
    """Contracts that a refused call must leave as they were."""
    return set()


@pytest.fixture
def refused(errors, watched):
    return Refusals(errors, watched)


@pytest.fixture
def make_token(project, stage, actors):
    """Deploy a mock token; bidders hold some, and the factory may take the issuer's."""

    def make(kind, *args):
        token = actors.issuer.deploy(getattr(project, kind), 2**128, *args)
        token.approve(stage.factory, MAX, sender=actors.issuer)
        for role in BIDDERS:
            token.transfer(getattr(actors, role), PURSE, sender=actors.issuer)
        return token

    return make
