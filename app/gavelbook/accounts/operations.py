"""What the signer answers to: each operation with its path, its body and who does it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gavelbook.accounts import bodies, views
from gavelbook.accounts.errors import AccountsError
from gavelbook.wire.scalars import Hash32, Uint64

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec

    from gavelbook.accounts.bodies import Secret
    from gavelbook.accounts.doorkeeper import Visit
    from gavelbook.accounts.service import SignerService

_PAGE = 50


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was admitted: ``body`` is of the operation's type."""

    service: SignerService
    body: Any = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """``open_to_all`` needs the access key only, ``of_session`` a session's token, too.

    A ``slow`` one can take seconds or wait for a block.
    """

    method: str
    path: str
    open_to_all: Callable[[Call], msgspec.Struct | None] | None = None
    of_session: Callable[[Call, Visit], msgspec.Struct | None] | None = None
    body: type[msgspec.Struct] | None = None
    slow: bool = False


# Without a session


def _status(call: Call) -> bodies.Status:
    return views.status_view(call.service)


def _register(call: Call) -> bodies.SignedIn:
    asked: bodies.Credentials = call.body
    return _signed_in(
        call, call.service.doorkeeper.register(asked.name, asked.password, asked.client)
    )


def _sign_in(call: Call) -> bodies.SignedIn:
    asked: bodies.Credentials = call.body
    return _signed_in(
        call, call.service.doorkeeper.sign_in(asked.name, asked.password, asked.client)
    )


def _signed_in(call: Call, opened: tuple[Secret, Visit]) -> bodies.SignedIn:
    token, visit = opened
    return bodies.SignedIn(token, views.account_view(call.service, visit))


# The account and its sessions


def _whoami(call: Call, visit: Visit) -> bodies.AccountView:
    return views.account_view(call.service, visit)


def _sessions(call: Call, visit: Visit) -> bodies.SessionList:
    found = call.service.doorkeeper.sessions.of(visit.account.id)
    return bodies.SessionList([views.session_view(each, visit.session) for each in found])


def _revoke(call: Call, visit: Visit) -> None:
    call.service.doorkeeper.revoke(visit, call.path["session_id"])


def _sign_out(call: Call, visit: Visit) -> None:
    call.service.doorkeeper.sign_out(visit)


def _sign_out_everywhere(call: Call, visit: Visit) -> None:
    call.service.doorkeeper.sign_out_everywhere(visit)


def _change_password(call: Call, visit: Visit) -> bodies.SignedIn:
    asked: bodies.NewPassword = call.body
    changed = call.service.doorkeeper.change_password(visit, asked.password, asked.new_password)
    return _signed_in(call, changed)


def _export(call: Call, visit: Visit) -> bodies.Exported:
    asked: bodies.ExportRequest = call.body
    keystore = call.service.leaving.export_key(
        visit, asked.password, asked.passphrase, understood=asked.understood
    )
    return bodies.Exported(keystore)


def _close(call: Call, visit: Visit) -> bodies.Closed:
    asked: bodies.CloseRequest = call.body
    swept = call.service.leaving.close(visit, asked.password, asked.sweep_to)
    return bodies.Closed([Hash32.parse(each) for each in swept])


# Signatures and transactions


def _sign_typed_data(call: Call, visit: Visit) -> bodies.Signed:
    asked: bodies.TypedData = call.body
    return views.signed_view(
        call.service.signing.sign_typed_data(visit, asked.typed_data, asked.title)
    )


def _sign_message(call: Call, visit: Visit) -> bodies.Signed:
    asked: bodies.Text = call.body
    return views.signed_view(call.service.signing.sign_message(visit, asked.text, asked.title))


def _send(call: Call, visit: Visit) -> bodies.Sent:
    return views.sent_view(call.service.sending.send_transaction(visit, call.body))


def _trail(call: Call, visit: Visit) -> bodies.TrailPage:
    limit = _number(call.query, "limit", _PAGE)
    before = _number(call.query, "before", 0)
    limit = max(1, min(limit, bodies.ENTRIES_PER_PAGE))
    entries = call.service.trail.page(visit.account.id, before or None, limit + 1)
    more = len(entries) > limit
    entries = entries[:limit]
    following = Uint64(entries[-1].position) if more else None
    return bodies.TrailPage([views.entry_view(each) for each in entries], following)


# Transfers and limits


def _transfers(call: Call, visit: Visit) -> bodies.TransferList:
    transfers = call.service.transfers
    return bodies.TransferList(
        [_transfer_view(call, visit, each.id) for each in transfers.of(visit)]
    )


def _ask_transfer(call: Call, visit: Visit) -> bodies.TransferView:
    asked: bodies.TransferRequest = call.body
    transfer = call.service.transfers.ask(visit, asked.token.text(), int(asked.amount), asked.to)
    return _transfer_view(call, visit, transfer.id)


def _confirm_transfer(call: Call, visit: Visit) -> bodies.TransferView:
    asked: bodies.Confirmation = call.body
    transfer = call.service.transfers.confirm(visit, call.path["transfer_id"], asked.password)
    return _transfer_view(call, visit, transfer.id)


def _drop_transfer(call: Call, visit: Visit) -> None:
    call.service.transfers.drop(visit, call.path["transfer_id"])


def _transfer_view(call: Call, visit: Visit, transfer_id: str) -> bodies.TransferView:
    transfers = call.service.transfers
    transfer = transfers.own(visit, transfer_id)
    token = transfers.known_token(transfer.token)
    left = transfers.limits.of(visit.account.id, token).left
    return views.transfer_view(transfer, token, left)


def _limits(call: Call, visit: Visit) -> bodies.LimitList:
    limits = call.service.transfers.limits
    tokens = call.service.reader.venue().tokens.values()
    found = [views.limit_view(each, limits.of(visit.account.id, each)) for each in tokens]
    return bodies.LimitList(found)


def _set_limit(call: Call, visit: Visit) -> bodies.LimitView:
    asked: bodies.NewLimit = call.body
    token = call.service.transfers.known_token(asked.token.text())
    limit = call.service.transfers.set_limit(visit, token, int(asked.amount), asked.password)
    return views.limit_view(token, limit)


def _number(query: Mapping[str, str], name: str, usual: int) -> int:
    text = query.get(name)
    if text is None:
        return usual
    if not text.isascii() or not text.isdecimal() or len(text) > 15:  # noqa: PLR2004 -- of positions
        raise AccountsError("malformed_query", f"Expected {name} to be a whole number, was not")
    return int(text)


OPERATIONS = (
    Operation("GET", "/v1/status", open_to_all=_status),
    Operation("POST", "/v1/accounts", open_to_all=_register, body=bodies.Credentials),
    Operation("POST", "/v1/sessions", open_to_all=_sign_in, body=bodies.Credentials),
    Operation("GET", "/v1/sessions", of_session=_sessions),
    Operation("DELETE", "/v1/sessions", of_session=_sign_out_everywhere),
    Operation("DELETE", "/v1/sessions/{session_id}", of_session=_revoke),
    Operation("DELETE", "/v1/session", of_session=_sign_out),
    Operation("GET", "/v1/account", of_session=_whoami),
    Operation("POST", "/v1/account/password", of_session=_change_password, body=bodies.NewPassword),
    Operation(
        "POST", "/v1/account/export", of_session=_export, body=bodies.ExportRequest, slow=True
    ),
    Operation("POST", "/v1/account/close", of_session=_close, body=bodies.CloseRequest, slow=True),
    Operation("POST", "/v1/signatures", of_session=_sign_typed_data, body=bodies.TypedData),
    Operation("POST", "/v1/messages", of_session=_sign_message, body=bodies.Text),
    Operation("POST", "/v1/transactions", of_session=_send, body=bodies.Transaction, slow=True),
    Operation("GET", "/v1/audit-trail", of_session=_trail),
    Operation("GET", "/v1/transfers", of_session=_transfers),
    Operation("POST", "/v1/transfers", of_session=_ask_transfer, body=bodies.TransferRequest),
    Operation(
        "POST",
        "/v1/transfers/{transfer_id}/confirmation",
        of_session=_confirm_transfer,
        body=bodies.Confirmation,
        slow=True,
    ),
    Operation("DELETE", "/v1/transfers/{transfer_id}", of_session=_drop_transfer),
    Operation("GET", "/v1/limits", of_session=_limits),
    Operation("POST", "/v1/limits", of_session=_set_limit, body=bodies.NewLimit),
)
