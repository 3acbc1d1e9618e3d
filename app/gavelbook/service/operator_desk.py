"""What the Operator page asks for, and what the owner of an exchange can do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import msgspec

from gavelbook.accounts.errors import AccountsError
from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.settled_batches import SettledBatches
from gavelbook.errors import GavelbookError
from gavelbook.service.acting import Line, SendTransaction
from gavelbook.service.operator_view import ExchangeFacts, KeyBalance, SaleTask, SiteFacts
from gavelbook.service.recent_reads import RecentReads
from gavelbook.service.sale_view import Stage
from gavelbook.wallet.passphrases import read_passphrase
from gavelbook.wire.operator import OperatorView
from gavelbook.wire.scalars import decoder

if TYPE_CHECKING:
    from web3 import Web3

    from gavelbook.accounts.bodies import Status as SignerStatus
    from gavelbook.accounts.client import AccountsClient
    from gavelbook.service.acting import Action
    from gavelbook.service.market_api import MarketApi
    from gavelbook.service.sale_desk import SaleDesk
    from gavelbook.wire.markets import Status

_FRESH_SECONDS = 2.0
_BATCHES = 50
_SECONDS = 5.0
_DECODER: msgspec.json.Decoder[OperatorView] = decoder(OperatorView)


class OperatorDesk:
    """One desk serves all sessions. Safe to share between threads."""

    def __init__(
        self,
        sales: SaleDesk,
        api: MarketApi,
        accounts: AccountsClient | None,
        *,
        token_file: str = "",
    ) -> None:
        """Ask the chain of ``sales``, the exchange and the signer.

        ``token_file`` has the token of the exchange's operator.

        Raises:
            ChainError: the chain cannot be read.
            WalletError: the file cannot be read, or others can read it too.

        """
        self._web3: Web3 = sales.web3
        self._sales = sales
        self._api = api
        self._accounts = accounts
        self._token = read_passphrase(Path(token_file)) if token_file else ""
        self._http = httpx.Client(timeout=_SECONDS, trust_env=False)
        self._reads = RecentReads(_FRESH_SECONDS, 4)
        record = DeploymentStore().exchange(int(self._web3.eth.chain_id))
        self._exchange = None if record is None else Exchange(self._web3, record.address)
        self._batches = (
            None if record is None else SettledBatches(self._web3, record.address, record.block)
        )

    @property
    def has_figures(self) -> bool:
        """Whether this site knows the token of its exchange's operator."""
        return bool(self._token)

    def facts(self) -> SiteFacts:
        """Return what everybody may know, as of a moment ago.

        Raises:
            ChainError: the chain cannot be read.

        """
        return self._reads.get("facts", self._facts)

    def figures(self) -> OperatorView:
        """Return what the exchange tells its operator alone, as of a moment ago.

        Raises:
            GavelbookError: ``operator_required``, ``no_answer`` or ``answer_malformed``.

        """
        return self._reads.get("figures", self._figures)

    def pause(self) -> Action[str]:
        """Stop deposits and settlement; the result is the transaction's hash."""
        return self._switch(
            "Pause the exchange",
            pause=True,
            lines=(
                Line("Stops", "deposits and settlement"),
                Line("Goes on", "withdrawals, exits and cancels"),
            ),
        )

    def unpause(self) -> Action[str]:
        """Let deposits and settlement go on; the result is the transaction's hash."""
        lines = (Line("Goes on", "deposits and settlement"),)
        return self._switch("Let the exchange go on", pause=False, lines=lines)

    def _switch(self, title: str, *, pause: bool, lines: tuple[Line, ...]) -> Action[str]:
        if self._exchange is None:
            raise GavelbookError("exchange_unknown", "Expected a recorded exchange, was none")
        call = self._exchange.pause() if pause else self._exchange.unpause()
        transaction: str = yield SendTransaction(title, call, lines=lines)
        self._reads.forget("facts")
        return transaction

    def _facts(self) -> SiteFacts:
        head = self._web3.eth.get_block("latest")
        exchange = self._exchange_facts()
        signer = self._signer_status()
        return SiteFacts(
            now=int(time.time()),
            block=int(head["number"]),
            block_time=int(head["timestamp"]),
            exchange=exchange,
            api=self._api_status(),
            signer=signer,
            has_signer=self._accounts is not None,
            balances=self._balances(exchange, signer),
            sales=self._sales_waiting(int(head["timestamp"])),
        )

    def _exchange_facts(self) -> ExchangeFacts | None:
        exchange, batches = self._exchange, self._batches
        if exchange is None or batches is None:
            return None
        return ExchangeFacts(
            address=str(exchange.address),
            owner=exchange.owner(),
            paused=exchange.paused(),
            matcher=exchange.matcher(),
            proposed_matcher=exchange.proposed_matcher(),
            delays=exchange.delays(),
            batches=batches.last(_BATCHES),
            batch_count=batches.count(),
        )

    def _api_status(self) -> Status | None:
        try:
            return self._api.ask(lambda client: client.status())
        except GavelbookError:
            return None

    def _signer_status(self) -> SignerStatus | None:
        if self._accounts is None:
            return None
        try:
            return self._accounts.status()
        except AccountsError:
            return None

    def _balances(
        self, exchange: ExchangeFacts | None, signer: SignerStatus | None
    ) -> tuple[KeyBalance, ...]:
        """Return who pays for transactions here, and the matcher, who only signs."""
        roles: dict[tuple[str, str], bool] = {}
        if exchange is not None and exchange.matcher is not None:
            roles["Matcher", exchange.matcher] = False
        if exchange is not None and exchange.batches:
            roles["Relayer", exchange.batches[0].sender] = True
        for title in self._sales.sales():
            allocator = self._sales.view(title.address).terms.allocator
            if allocator:
                roles["Allocator", allocator] = False
        if signer is not None:
            roles["Gas of managed accounts", signer.gas_account.text()] = True
        return tuple(
            KeyBalance(role, address, int(self._web3.eth.get_balance(address)), pays)  # type: ignore[arg-type]
            for (role, address), pays in roles.items()
        )

    def _sales_waiting(self, now: int) -> tuple[SaleTask, ...]:
        found = []
        for title in self._sales.sales():
            view = self._sales.view(title.address)
            if view.stage(now) is Stage.CLOSED:
                what = "It has closed and waits for its clearing."
                found.append(SaleTask(view.address, view.name, what, int(view.terms.end or now)))
        return tuple(found)

    def _figures(self) -> OperatorView:
        headers = {"authorization": f"Bearer {self._token}"}
        try:
            answer = self._http.get(f"{self._api.url}/v1/operator", headers=headers)
        except httpx.HTTPError as error:
            message = f"Expected an answer of the exchange, was {type(error).__name__}"
            raise GavelbookError("no_answer", message) from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            message = "Expected the exchange to know the token of its operator, was another"
            raise GavelbookError("operator_required", message)
        try:
            return _DECODER.decode(answer.content)
        except msgspec.MsgspecError:
            message = f"Expected the operator's figures, was HTTP {answer.status_code}"
            raise GavelbookError("answer_malformed", message) from None
