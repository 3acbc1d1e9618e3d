"""How the pages talk to the signer. They hold session tokens, never keys."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
import msgspec

from gavelbook.accounts import bodies
from gavelbook.accounts.bodies import Secret
from gavelbook.accounts.errors import AccountsError
from gavelbook.errors import FileError
from gavelbook.wire.scalars import ENCODER, Address, Octets, Uint256, decode_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

ACCESS_KEY_HEADER = "x-gavelbook-key"
EXPORT_MEANING = (
    "Whoever has this file and its passphrase owns the account: everything in it can be taken, "
    "from anywhere, without the password and past the daily limits. Changing the password does "
    "not take that back. Keep the file and the passphrase apart, and keep both."
)
"""What an account has to be told before `AccountsClient.export_key`."""

_SECONDS = 30.0
_LOOK_SECONDS = 3.0
"""For what only reads: a page waits for it before it shows anything."""
_SEND_SECONDS = 180.0
_ATTEMPTS = 3


class AccountsClient:
    """The signer at ``url``. Safe to share between threads.

    ``session`` is always the token that `register` or `sign_in` gave. All methods raise
    `AccountsError`: with the signer's own code where it refuses, and ``signer_unreachable`` where
    no answer comes. Passwords are sent, and kept nowhere.

    Example:
        >>> client = AccountsClient.with_key_file(url, path)
        >>> signed_in = client.sign_in("ada", password, client="203.0.113.7")
        >>> client.whoami(signed_in.token).name
        'ada'
    """

    def __init__(
        self,
        url: str,
        access_key: str,
        *,
        timeout: float = _SECONDS,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Take the signer's address and the key of the web process.

        ``timeout`` is in seconds; what only reads is given up after 3 of them at most.
        """
        self.url = url
        self._timeout = timeout
        self._http = httpx.Client(
            base_url=url,
            timeout=timeout,
            transport=transport,
            headers={ACCESS_KEY_HEADER: access_key},
            # A proxy of the environment has no business between two processes of one machine.
            trust_env=False,
        )

    @classmethod
    def with_key_file(cls, url: str, path: Path | str) -> Self:
        """Return a client with the access key in the file at ``path``.

        Raises:
            FileError: ``file_unreadable``.

        """
        try:
            return cls(url, Path(path).read_text(encoding="ascii").strip())
        except (OSError, UnicodeDecodeError) as error:
            message = f"Expected an access key in {path}, was {type(error).__name__}"
            raise FileError("file_unreadable", message, file=str(path)) from error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def status(self) -> bodies.Status:
        """Return how the signer is."""
        return self._get("/v1/status", bodies.Status)

    # Accounts and sessions

    def register(self, name: str, password: str, *, client: str = "") -> bodies.SignedIn:
        """Open an account and sign in; ``client`` is the visitor's network address.

        Refused with ``name_malformed``, ``name_taken``, ``password_weak``,
        ``registration_limited``.
        """
        body = bodies.Credentials(name, Secret(password), client)
        return self._post("/v1/accounts", body, bodies.SignedIn)

    def sign_in(self, name: str, password: str, *, client: str = "") -> bodies.SignedIn:
        """Open a session; refused with ``sign_in_failed`` or ``throttled``."""
        body = bodies.Credentials(name, Secret(password), client)
        return self._post("/v1/sessions", body, bodies.SignedIn)

    def whoami(self, session: str) -> bodies.AccountView:
        """Return the account of ``session``; refused with ``unknown_session`` once it ended."""
        return self._get("/v1/account", bodies.AccountView, session)

    def sessions(self, session: str) -> list[bodies.SessionView]:
        """Return all open sessions of the account, newest first."""
        return self._get("/v1/sessions", bodies.SessionList, session).sessions

    def revoke(self, session: str, session_id: str) -> None:
        """End one session of the account."""
        self._ask("DELETE", f"/v1/sessions/{session_id}", type(None), session)

    def sign_out(self, session: str) -> None:
        """End ``session``."""
        self._ask("DELETE", "/v1/session", type(None), session)

    def sign_out_everywhere(self, session: str) -> None:
        """End all sessions of the account, this one too."""
        self._ask("DELETE", "/v1/sessions", type(None), session)

    def change_password(self, session: str, password: str, new: str) -> bodies.SignedIn:
        """Change the password, end all sessions, and return a fresh one."""
        body = bodies.NewPassword(Secret(password), Secret(new))
        return self._post("/v1/account/password", body, bodies.SignedIn, session)

    def export_key(
        self, session: str, password: str, passphrase: str, *, understood: bool
    ) -> Secret:
        """Return the key as an encrypted keystore (version 3, JSON), locked with ``passphrase``.

        ``understood`` says that the account was told `EXPORT_MEANING`.
        """
        body = bodies.ExportRequest(Secret(password), Secret(passphrase), understood)
        return self._post("/v1/account/export", body, bodies.Exported, session).keystore

    def close_account(
        self, session: str, password: str, *, sweep_to: str | None = None
    ) -> list[str]:
        """Close the account for good; return the transactions that emptied its wallet.

        Refused with ``money_left`` while it has any, in escrow or in sales, or in its wallet
        unless ``sweep_to`` says where that goes.
        """
        body = bodies.CloseRequest(Secret(password), sweep_to)
        closed = self._post("/v1/account/close", body, bodies.Closed, session, slow=True)
        return [each.text() for each in closed.transactions]

    # Signatures and transactions

    def sign_typed_data(
        self, session: str, typed_data: Mapping[str, Any], *, title: str = ""
    ) -> bytes:
        """Return the signature (65 bytes) over ``typed_data``, if the policy allows it.

        ``title`` is kept in the audit trail, beside what the signer itself understood.
        """
        body = bodies.TypedData(_for_json(typed_data), title[: bodies.TITLE_LENGTH])
        return bytes(self._post("/v1/signatures", body, bodies.Signed, session).signature)

    def sign_message(self, session: str, text: str, *, title: str = "") -> bytes:
        """Return the signature (65 bytes) over a sign-in message (ERC-4361)."""
        body = bodies.Text(text, title[: bodies.TITLE_LENGTH])
        return bytes(self._post("/v1/messages", body, bodies.Signed, session).signature)

    def send_transaction(  # noqa: PLR0913 -- a transaction has so many parts
        self,
        session: str,
        to: str,
        data: bytes | str,
        value: int = 0,
        *,
        title: str = "",
        request_id: str | None = None,
    ) -> str:
        """Send a call, wait until it is in a block, and return its hash as text.

        Asks again where the connection breaks; it is still sent once, as ``request_id`` (32
        hexadecimal digits, chosen here unless given) is the same. With the code ``not_mined`` it
        is sent and waits for a block: the same ``request_id`` waits on.
        """
        body = bodies.Transaction(
            to=Address.parse(to),
            data=Octets(data) if isinstance(data, bytes) else Octets.parse(data),
            value=Uint256(value),
            request_id=request_id or secrets.token_hex(16),
            title=title[: bodies.TITLE_LENGTH],
        )
        for attempt in range(_ATTEMPTS):
            try:
                sent = self._post("/v1/transactions", body, bodies.Sent, session, slow=True)
            except AccountsError as error:
                if error.code != "signer_unreachable" or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return sent.transaction.text()
        raise AssertionError  # the last attempt returns or raises

    # Transfers

    def ask_transfer(self, session: str, token: str, to: str, amount: int) -> bodies.TransferView:
        """Ask to send ``amount`` base units of ``token`` to ``to``; nothing is sent yet."""
        body = bodies.TransferRequest(Address.parse(token), Uint256(amount), to)
        return self._post("/v1/transfers", body, bodies.TransferView, session)

    def confirm_transfer(
        self, session: str, transfer_id: str, password: str
    ) -> bodies.TransferView:
        """Send a transfer that was asked for, and return it once it is in a block."""
        path = f"/v1/transfers/{transfer_id}/confirmation"
        body = bodies.Confirmation(Secret(password))
        return self._post(path, body, bodies.TransferView, session, slow=True)

    def drop_transfer(self, session: str, transfer_id: str) -> None:
        """Forget a transfer that was not confirmed."""
        self._ask("DELETE", f"/v1/transfers/{transfer_id}", type(None), session)

    def transfers(self, session: str) -> list[bodies.TransferView]:
        """Return the newest transfers, newest first."""
        return self._get("/v1/transfers", bodies.TransferList, session).transfers

    def limits(self, session: str) -> list[bodies.LimitView]:
        """Return the daily limits of all known tokens."""
        return self._get("/v1/limits", bodies.LimitList, session).limits

    def set_limit(self, session: str, token: str, amount: int, password: str) -> bodies.LimitView:
        """Set a daily limit in base units: a lower one holds at once, a higher one in 24 hours."""
        body = bodies.NewLimit(Address.parse(token), Uint256(amount), Secret(password))
        return self._post("/v1/limits", body, bodies.LimitView, session)

    # The audit trail

    def audit_trail(
        self, session: str, *, before: int | None = None, limit: int = 50
    ) -> bodies.TrailPage:
        """Return a page of what was signed and sent for the account, newest first.

        ``before`` is the `next` of the page before; None for the newest.
        """
        query = {"limit": str(limit)} | ({} if before is None else {"before": str(before)})
        path = str(httpx.URL("/v1/audit-trail", params=query))
        return self._get(path, bodies.TrailPage, session)

    # Inside

    def _get(self, path: str, answer: type[T], session: str | None = None) -> T:
        return self._ask("GET", path, answer, session)

    def _post(
        self,
        path: str,
        body: msgspec.Struct,
        answer: type[T],
        session: str | None = None,
        *,
        slow: bool = False,
    ) -> T:
        return self._ask("POST", path, answer, session, body=body, slow=slow)

    def _ask(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        answer: type[T],
        session: str | None,
        *,
        body: msgspec.Struct | None = None,
        slow: bool = False,
    ) -> T:
        headers = {} if session is None else {"authorization": f"Bearer {str.__str__(session)}"}
        content = None
        if body is not None:
            headers["content-type"] = "application/json"
            content = ENCODER.encode(body)
        timeout = _SEND_SECONDS if slow else self._timeout
        if method == "GET":
            timeout = min(timeout, _LOOK_SECONDS)
        try:
            response = self._http.request(
                method, path, headers=headers, content=content, timeout=timeout
            )
        except httpx.TransportError as error:
            message = f"Expected an answer of the signer, was {type(error).__name__}"
            raise AccountsError("signer_unreachable", message) from error
        return _result(response, answer)


def _result(response: httpx.Response, answer: type[T]) -> T:
    try:
        if response.is_success:
            content = response.content or b"null"
            return msgspec.json.decode(content, type=answer, dec_hook=decode_scalar)
        problem = msgspec.json.decode(response.content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = "Expected an answer of a signer of this version, was something else"
        raise AccountsError("answer_malformed", message, status=response.status_code) from error
    details = {key: value for key, value in problem.items() if key not in {"code", "detail"}}
    raise AccountsError(str(problem.get("code")), str(problem.get("detail")), **details)


def _for_json(value: Any) -> Any:
    """Return ``value`` with every number as decimal text and bytes in hexadecimal."""
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, dict):
        return {str(key): _for_json(each) for key, each in value.items()}
    return [_for_json(each) for each in value]
