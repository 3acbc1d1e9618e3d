"""What the signer answers, from what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gavelbook.accounts import bodies
from gavelbook.accounts.dispatches import State
from gavelbook.chain.errors import ChainError
from gavelbook.wire.scalars import Address, Hash32, Octets, Uint64, Uint256

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gavelbook.accounts.dispatches import Dispatched
    from gavelbook.accounts.doorkeeper import Visit
    from gavelbook.accounts.policy import KnownToken
    from gavelbook.accounts.service import SignerService
    from gavelbook.accounts.sessions import Session
    from gavelbook.accounts.signing_desk import Signature
    from gavelbook.accounts.trail import Entry
    from gavelbook.accounts.transfer_limits import Limit
    from gavelbook.accounts.transfers import Transfer


def account_view(service: SignerService, visit: Visit) -> bodies.AccountView:
    """Return who ``visit`` is."""
    account, session = visit.account, visit.session
    deposit = _deposit_address(service, account.address)
    return bodies.AccountView(
        name=account.name,
        address=Address.parse(account.address),
        deposit_address=None if deposit is None else Address.parse(deposit),
        created_at=Uint64(account.created_at),
        expires_at=Uint64(session.expires_at),
        idle_until=Uint64(
            min(session.expires_at, session.used_at + service.doorkeeper.sessions.idle_ms)
        ),
    )


def session_view(session: Session, current: Session) -> bodies.SessionView:
    """Return a session as its account sees it."""
    return bodies.SessionView(
        id=session.id,
        client=session.client,
        created_at=Uint64(session.created_at),
        used_at=Uint64(session.used_at),
        expires_at=Uint64(session.expires_at),
        current=session.id == current.id,
    )


def signed_view(signature: Signature) -> bodies.Signed:
    """Return a signature with what it means."""
    understood = signature.understood
    return bodies.Signed(
        signature=Octets(signature.signature),
        digest=Hash32(understood.digest),
        kind=understood.kind,
        summary=_lines(understood.lines),
    )


def sent_view(sent: Dispatched) -> bodies.Sent:
    """Return a transaction that is in a block."""
    return bodies.Sent(
        transaction=Hash32.parse(sent.all_hashes[-1]), kind=sent.kind, summary=_lines(sent.lines)
    )


def entry_view(entry: Entry) -> bodies.TrailEntry:
    """Return an entry of the trail."""
    doing = entry.doing
    return bodies.TrailEntry(
        position=Uint64(entry.position),
        at=Uint64(entry.at),
        session=doing.session,
        kind=doing.kind,
        digest=doing.digest,
        title=doing.title,
        summary=_lines(doing.summary),
        transaction=doing.transaction,
    )


def transfer_view(transfer: Transfer, token: KnownToken, left: int) -> bodies.TransferView:
    """Return a transfer, and what the limit leaves beside it."""
    return bodies.TransferView(
        id=transfer.id,
        token=Address.parse(token.address),
        symbol=token.symbol,
        decimals=token.decimals,
        amount=Uint256(int(transfer.amount)),
        to=Address.parse(transfer.recipient),
        state="sent" if transfer.state == State.SIGNED else transfer.state,
        asked_at=Uint64(transfer.asked_at),
        expires_at=Uint64(transfer.expires_at),
        left=Uint256(left),
        transaction=transfer.transaction,
    )


def limit_view(token: KnownToken, limit: Limit) -> bodies.LimitView:
    """Return a limit."""
    return bodies.LimitView(
        token=Address.parse(token.address),
        symbol=token.symbol,
        decimals=token.decimals,
        amount=Uint256(limit.amount),
        left=Uint256(limit.left),
        next_amount=None if limit.next_amount is None else Uint256(limit.next_amount),
        next_at=None if limit.next_at is None else Uint64(limit.next_at),
    )


def status_view(service: SignerService) -> bodies.Status:
    """Return how the signer is."""
    venue = service.reader.venue()
    position, head = service.trail.head()
    return bodies.Status(
        chain_id=Uint64(venue.chain_id),
        exchange=None if venue.exchange is None else Address.parse(venue.exchange),
        gas_account=Address.parse(service.gas.address),
        gas_left=Uint256(service.gas.left()),
        gas_spent=Uint256(service.gas.spent()),
        gas_limit=Uint256(service.gas.in_all),
        accounts=Uint64(service.doorkeeper.registry.count()),
        trail_position=Uint64(position),
        trail_head=Hash32(head),
    )


def _deposit_address(service: SignerService, address: str) -> str | None:
    """Return the deposit address; None where the chain cannot be asked, too."""
    try:
        return service.reader.owner(address).deposit_address
    except ChainError:
        return None


def _lines(pairs: Iterable[tuple[str, str]]) -> list[bodies.LineView]:
    return [bodies.LineView(label, text) for label, text in pairs]
