"""Play money for whoever tries a local chain. Refused anywhere else."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from gavelbook.chain.addresses import checksummed
from gavelbook.chain.connection import connect
from gavelbook.chain.deployments import DeploymentStore
from gavelbook.chain.exchange import Exchange
from gavelbook.chain.sender import Sender
from gavelbook.chain.token import Token
from gavelbook.errors import GavelbookError
from gavelbook.wallet import DEVELOPMENT_MNEMONIC, HdWallet

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount
    from web3 import Web3

    from gavelbook.service.desk_settings import DeskSettings

LOCAL_CHAIN_ID = 31337
_ACCOUNT = 8
_ETHER = 10**18
_MOST_A_MINUTE = 30
_QUOTE_TOKENS = 10_000
_BASE_TOKENS = 1_000
"""What everybody gets of a token that others are priced in, and of any other; whole tokens."""


class Gift(NamedTuple):
    """What everybody gets: ``amount`` base units of the token at ``token``, "" for ether (wei)."""

    token: str
    symbol: str
    amount: int
    decimals: int


def faucet_account() -> LocalAccount:
    """Return the account that pays; its key is known to all."""
    return HdWallet(DEVELOPMENT_MNEMONIC).account(_ACCOUNT)


def open_faucet(settings: DeskSettings) -> Faucet | None:
    """Return the faucet of a demo; None where there is none: no demo, or no local chain.

    Raises:
        ChainError: the chain cannot be read.

    """
    if not settings.demo_accounts:
        return None
    web3 = connect(settings.rpc_url)
    if int(web3.eth.chain_id) != LOCAL_CHAIN_ID:
        return None
    return Faucet(web3)


class Faucet:
    """Gives away what its account holds, a little at a time. Safe to share between threads."""

    def __init__(self, web3: Web3) -> None:
        """Find what there is to give: the tokens of the exchange's markets, and ether.

        Raises:
            GavelbookError: ``faucet_refused``: the chain is not a local one.

        """
        if int(web3.eth.chain_id) != LOCAL_CHAIN_ID:
            message = f"Expected a local chain, was chain {web3.eth.chain_id}"
            raise GavelbookError("faucet_refused", message)
        self._web3 = web3
        account = faucet_account()
        self._address = str(account.address)
        self._sender = Sender(web3, account)
        self._lock = threading.Lock()
        self._given: deque[float] = deque()
        self.gifts: tuple[Gift, ...] = (*_token_gifts(web3), Gift("", "ETH", _ETHER, 18))

    def give(self, address: str, *, ether: bool = True) -> str:
        """Give every gift to ``address``; return the hash of the last transaction.

        Without ``ether``, tokens only: for accounts whose transactions somebody else pays.

        Raises:
            GavelbookError: ``faucet_refused`` for one who has plenty, or while too many ask.
            ChainError: as `Sender.send_and_wait`.

        """
        recipient = checksummed(address)
        with self._lock:
            self._refuse_haste()
            gifts = [(Token(self._web3, each.token), each) for each in self.gifts if each.token]
            wanting = [
                (token, gift)
                for token, gift in gifts
                if token.balance_of(recipient) < gift.amount <= token.balance_of(self._address)
            ]
            if not wanting:
                message = f"Expected an account that needs play money, had plenty: {recipient}"
                raise GavelbookError("faucet_refused", message)
            if ether:
                self._top_up(recipient)
            last = ""
            for token, gift in wanting:
                receipt = self._sender.send_and_wait(token.transfer(recipient, gift.amount))
                last = str(receipt["transactionHash"].to_0x_hex())
            self._given.append(time.monotonic())
            return last

    def _refuse_haste(self) -> None:
        while self._given and self._given[0] <= time.monotonic() - 60:
            self._given.popleft()
        if len(self._given) >= _MOST_A_MINUTE:
            message = f"Expected at most {_MOST_A_MINUTE} gifts a minute, was one more: wait a bit"
            raise GavelbookError("faucet_refused", message)

    def _top_up(self, recipient: str) -> None:
        """Give ether by a method that only development chains have."""
        has = int(self._web3.eth.get_balance(recipient))  # type: ignore[arg-type]
        if has < _ETHER:
            self._web3.provider.make_request("anvil_setBalance", [recipient, hex(has + _ETHER)])  # type: ignore[arg-type]


def _token_gifts(web3: Web3) -> list[Gift]:
    """Return what there is of the tokens of all markets of the recorded exchange, each once."""
    record = DeploymentStore().exchange(LOCAL_CHAIN_ID)
    if record is None:
        return []
    exchange = Exchange(web3, record.address)
    markets = [exchange.market(number + 1) for number in range(exchange.market_count())]
    whole = {market.base_token: _BASE_TOKENS for market in markets}
    whole |= {market.quote_token: _QUOTE_TOKENS for market in markets}
    gifts = []
    for address, count in whole.items():
        token = Token(web3, checksummed(f"0x{address.hex()}"))
        decimals = token.decimals()
        gifts.append(Gift(str(token.address), token.symbol(), count * 10**decimals, decimals))
    return gifts
