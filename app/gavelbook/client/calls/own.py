"""Calls about one's own account."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from gavelbook.client.calls.trading import DAY, TradingCalls
from gavelbook.client.steps import Patience, ask
from gavelbook.exchange.signing import Withdrawal
from gavelbook.wire.accounts import (
    BalanceList,
    MovementPage,
    WithdrawalPage,
    WithdrawalRequest,
    WithdrawalView,
)
from gavelbook.wire.orders import FillPage, OrderPage, OrderView
from gavelbook.wire.scalars import Address, Signature, Uint40, Uint256
from gavelbook.wire.sessions import NonceAnswer, NonceRequest, SessionAnswer, SessionRequest

if TYPE_CHECKING:
    from gavelbook.client.steps import Flow

_MOST = 500
"""Of a page."""


class Calls(TradingCalls):
    """Every call: signing in, and what the account has and did."""

    def sign_in(self) -> Flow[SessionAnswer]:
        """Open a session (ERC-4361), which private reads and the stream's `account` need.

        Example:
            >>> client.sign_in().account == client.address
            True
        """
        signer = yield from self.ready_signer()
        nonce = yield from self.sign_in_message(signer.address)
        return (yield from self.open_session(nonce.message, signer.text(nonce.message)))

    def sign_in_message(self, account: Address) -> Flow[NonceAnswer]:
        """Ask for a message that ``account`` signs to sign in: for keys that are elsewhere."""
        request = self.post("/v1/session/nonce", NonceRequest(account))
        return (yield from ask(request, NonceAnswer, self.patience))

    def open_session(self, message: str, signature: Signature) -> Flow[SessionAnswer]:
        """Sign in with a message that the account has signed."""
        session = yield from ask(
            self.post("/v1/session", SessionRequest(message, signature)),
            SessionAnswer,
            # The nonce works once: sending it again after a lost answer cannot succeed.
            Patience(attempts=1),
        )
        self.token, self.session_account = session.token, session.account
        return session

    def sign_out(self) -> Flow[None]:
        """End the session.

        Example:
            >>> client.sign_out()
        """
        request = self.with_session("DELETE", "/v1/session")
        self.token = None
        yield from ask(request, type(None), self.patience)

    def orders(
        self,
        *,
        market: int | None = None,
        state: str = "all",
        before: int | None = None,
        limit: int = 100,
    ) -> Flow[OrderPage]:
        """List orders of the account, newest first; ``state`` is `open` or `all`.

        Example:
            >>> [order.state for order in client.orders(state="open").orders]
            ['OPEN']
        """
        query = {"market": market, "state": state, "before": before, "limit": limit}
        page = yield from self.private("orders", OrderPage, **query)
        for order in page.orders:
            self.lane_of[order.order_hash] = int(order.lane)
            if order.state == "OPEN":
                self.lanes.occupy(int(order.lane), int(order.sequence))
        return page

    def open_orders(self, *, market: int | None = None) -> Flow[list[OrderView]]:
        """List all open orders of the account, newest first, over as many pages as it takes.

        No order of this client takes the lane of one of them afterwards.

        Example:
            >>> [order.state for order in client.open_orders()]
            ['OPEN']
        """
        page = yield from self.orders(market=market, state="open", limit=_MOST)
        found = page.orders
        while page.next is not None:
            before = int(page.next)
            page = yield from self.orders(market=market, state="open", before=before, limit=_MOST)
            found += page.orders
        return found

    def fills(
        self, *, market: int | None = None, before: int | None = None, limit: int = 100
    ) -> Flow[FillPage]:
        """List fills of the account, newest first, with how far their settlement is.

        Example:
            >>> [(fill.role, fill.state) for fill in client.fills().fills]
            [('maker', 'MATCHED')]
        """
        query = {"market": market, "before": before, "limit": limit}
        return (yield from self.private("fills", FillPage, **query))

    def balances(self) -> Flow[BalanceList]:
        """Read what the account has in escrow, in base units of each token.

        Example:
            >>> all(balance.available > 0 for balance in client.balances().balances)
            True
        """
        return (yield from self.private("balances", BalanceList))

    def movements(self, *, before: int | None = None, limit: int = 100) -> Flow[MovementPage]:
        """List deposits, withdrawals and exits, newest first.

        Example:
            >>> {movement.kind for movement in client.movements().movements}
            {'deposit'}
        """
        query = {"before": before, "limit": limit}
        return (yield from self.private("movements", MovementPage, **query))

    def withdrawals(self, *, before: int | None = None, limit: int = 100) -> Flow[WithdrawalPage]:
        """List withdrawals, newest first.

        Example:
            >>> client.withdrawals().withdrawals
            []
        """
        query = {"before": before, "limit": limit}
        return (yield from self.private("withdrawals", WithdrawalPage, **query))

    def withdraw(
        self,
        token: str,
        amount: int,
        *,
        to: str | None = None,
        nonce: int | None = None,
        lifetime: int = DAY,
    ) -> Flow[WithdrawalView]:
        """Have the matcher co-sign a withdrawal of ``amount`` base units; to this account.

        Send the answer's two signatures to the contract's `withdraw` to be paid.

        Example:
            >>> token = client.markets()[0].quote_token.text()
            >>> client.withdraw(token, 1_000).state
            'PENDING'
        """
        signer = yield from self.ready_signer()
        withdrawal = Withdrawal(
            bytes(signer.address),
            bytes(Address.parse(token)),
            amount,
            bytes(signer.address if to is None else Address.parse(to)),
            int(time() * 1000) if nonce is None else nonce,
            int(time()) + lifetime,
        )
        request = WithdrawalRequest(
            Address(withdrawal.token),
            Uint256(withdrawal.amount),
            Address(withdrawal.to),
            Uint256(withdrawal.nonce),
            Uint40(withdrawal.deadline),
            signer.withdrawal(withdrawal),
        )
        return (yield from self.send_withdrawal(signer.address, request))

    def send_withdrawal(self, account: Address, request: WithdrawalRequest) -> Flow[WithdrawalView]:
        """Have the matcher co-sign a withdrawal that ``account`` has signed."""
        path = f"/v1/accounts/{account.text()}/withdrawals"
        return (yield from ask(self.post(path, request), WithdrawalView, self.patience))
