"""What all calls need: the account, the terms of the markets, and how to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from gavelbook.client.errors import ClientError
from gavelbook.client.lanes import Lanes
from gavelbook.client.steps import Patience, Request, ask, body_of, query_of
from gavelbook.wire.scalars import Address, Hash32

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from msgspec import Struct

    from gavelbook.client.steps import Flow
    from gavelbook.wire import markets

T = TypeVar("T")


class Core:
    """What a client is made with, and what it remembers between calls.

    ``chain_id`` and ``contract`` pin what is signed for; else the exchange is believed.
    """

    def __init__(
        self,
        account: LocalAccount | None = None,
        chain_id: int | None = None,
        contract: str | None = None,
        patience: Patience | None = None,
        lanes: Lanes | None = None,
    ) -> None:
        self.account = account
        self.chain_id = chain_id
        self.contract = contract
        self.patience = patience or Patience()
        self.lanes = lanes or Lanes()
        self.token: str | None = None
        """Of the session, once signed in."""
        self.session_account: Address | None = None
        """Whose session it is."""
        self.known_markets: dict[int, markets.MarketView] = {}
        self.lane_of: dict[bytes, int] = {}
        """Lanes by the hashes of the orders in them."""

    @property
    def address(self) -> Address:
        """The account that signs, else the one signed in.

        Raises:
            ClientError: ``account_required``.
        """
        if self.account is not None:
            return Address.parse(self.account.address)
        if self.session_account is None:
            raise no_account()
        return self.session_account

    def private(self, what: str, answer: type[T], **query: Any) -> Flow[T]:
        """Read something of the account's own."""
        path = f"/v1/accounts/{self.address.text()}/{what}"
        request = self.with_session("GET", path, **query)
        return (yield from ask(request, answer, self.patience))

    def get(self, path: str, answer: type[T], **query: Any) -> Flow[T]:
        """Read what everybody may."""
        request = Request("GET", path, query_of(query), {}, None)
        return (yield from ask(request, answer, self.patience))

    def post(self, path: str, body: Struct) -> Request:
        """Return a request that sends ``body``."""
        return Request("POST", path, {}, {"content-type": "application/json"}, body_of(body))

    def with_session(self, method: str, path: str, **query: Any) -> Request:
        """Return a request with the token of the session, if there is one."""
        headers = {} if self.token is None else {"authorization": f"Bearer {self.token}"}
        return Request(method, path, query_of(query), headers, None)


def no_account() -> ClientError:
    """Return the error of a client that has nothing to sign with."""
    message = "Expected a client with an account that signs, was one without"
    return ClientError("account_required", message)


def hex_of(order_hash: bytes) -> str:
    """Return a hash as text."""
    return Hash32(order_hash).text()
