"""After the bids: clearing by the allocator, claims by the keeper, the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.chain.audit import audit
from gavelbook.chain.audit_facts import collect_facts
from gavelbook.chain.bid_reader import BidReader
from gavelbook.chain.clearing_plan import plan_clearing
from gavelbook.chain.sale_types import NO_DIGEST
from gavelbook.chain.sender import Sender
from gavelbook.chain.signing import sign_clearing
from gavelbook.demo.attempts import expect_refusal
from gavelbook.demo.errors import DemoError
from gavelbook.demo.local_chain import CHAIN_ID
from gavelbook.service.allocator import AllocatorService, AllocatorSettings, AllocatorStatus
from gavelbook.service.keeper import Keeper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gavelbook.chain.audit import AuditReport
    from gavelbook.chain.clearing_plan import ClearingPlan
    from gavelbook.demo.attempts import Refusal
    from gavelbook.demo.scene import OpenedSale, Scene
    from gavelbook.service.keeper import KeeperReport

_CLAIMS_PER_TRANSACTION = 80


def forged_results(scene: Scene, opened: OpenedSale) -> list[Refusal]:
    """Try to post results that are wrong, some with the allocator's own signature."""
    web3, cast, sale = scene.web3, scene.cast, opened.sale
    reader = BidReader(web3, sale.address, opened.block)
    reader.sync()
    plan = plan_clearing(opened.terms.auction, reader.book())
    keys = [key for _, key in plan.margin]
    forgeries = {
        "the allocator signs a lower price": plan.hint._replace(
            marginal_tick=plan.hint.marginal_tick - 1
        ),
        "the allocator gives a friend one lot more": plan.hint._replace(level=plan.hint.level + 1),
    }
    refusals = [
        expect_refusal(web3, cast.keeper, attempt, sale.clear(hint, keys, signature))
        for attempt, hint in forgeries.items()
        for signature in [sign_clearing(cast.allocator, CHAIN_ID, sale.address, hint)]
    ]
    unsigned = sale.clear(plan.hint._replace(digest=NO_DIGEST), keys)
    attempt = "a stranger posts before the allocator's day is over"
    return [*refusals, expect_refusal(web3, cast.keeper, attempt, unsigned)]


def clear(scene: Scene, opened: OpenedSale) -> ClearingPlan:
    """Let the allocator compute, sign and post the result; return what it computed.

    Raises:
        DemoError: ``not_cleared``.
        ChainError: as `AllocatorService.run`.

    """
    path = scene.store.folder / "allocations" / f"{opened.sale.address}.csv"
    service = AllocatorService(
        opened.sale,
        Sender(scene.web3, scene.cast.allocator),
        BidReader(scene.web3, opened.sale.address, opened.block),
        AllocatorSettings(allocation_path=path, poll_seconds=0.1),
    )
    outcome = service.run(wait=False)
    if outcome.status is not AllocatorStatus.CLEARED or outcome.plan is None:
        raise DemoError("not_cleared", f"Expected a cleared sale, was {outcome.status}")
    return outcome.plan


def keep(scene: Scene, opened: OpenedSale, plan: ClearingPlan) -> KeeperReport:
    """Let the keeper pay everybody and send the issuer proceeds and unsold tokens."""
    sender = Sender(scene.web3, scene.cast.keeper)
    reader = BidReader(scene.web3, opened.sale.address, opened.block)
    return Keeper(opened.sale, sender, reader, batch=_CLAIMS_PER_TRANSACTION).run(plan)


def claim_for(scene: Scene, opened: OpenedSale, bidders: Sequence[str]) -> None:
    """Claim for ``bidders`` as anybody can; each payment goes to the bidder."""
    passer_by = Sender(scene.web3, scene.cast.treasury)
    for first in range(0, len(bidders), _CLAIMS_PER_TRANSACTION):
        some = bidders[first : first + _CLAIMS_PER_TRANSACTION]
        passer_by.send_and_wait(opened.sale.claim_many(some))


def collect(scene: Scene, opened: OpenedSale) -> None:
    """Send proceeds and unsold tokens to the issuer as anybody can."""
    passer_by, sale = Sender(scene.web3, scene.cast.treasury), opened.sale
    sold = sale.result().sold_lots
    if sold:
        passer_by.send_and_wait(sale.collect_proceeds())
    if sold < opened.terms.auction.supply_lots:
        passer_by.send_and_wait(sale.collect_unsold())


def audited(scene: Scene, opened: OpenedSale) -> AuditReport:
    """Recompute everything from public data and compare."""
    return audit(collect_facts(scene.web3, opened.sale.address, opened.block))
