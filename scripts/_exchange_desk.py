"""The recorded exchange for people: its markets by names, amounts in whole tokens, its API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from scripts._ledger import Ledger

if TYPE_CHECKING:
    from gavelbook.chain.exchange import Exchange
    from gavelbook.chain.token import Token
    from gavelbook.client import Client
    from gavelbook.exchange.markets import Market
    from gavelbook.wire.markets import BookSnapshot

DEFAULT_API = "http://127.0.0.1:8100"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

api_option = click.option(
    "--api",
    "api_url",
    metavar="URL",
    envvar="GAVELBOOK_API",
    default=DEFAULT_API,
    show_default=True,
    help="Where the exchange's API answers; also GAVELBOOK_API.",
)


class Seconds(click.ParamType):
    """A duration: a number of seconds, or one with s, m, h or d behind it."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Return the seconds."""
        if isinstance(value, int):
            return value
        number, unit = (value[:-1], value[-1]) if value[-1:] in _SECONDS else (value, "s")
        if not number.isdecimal():
            self.fail(f"Expected a duration such as 90, 15m, 24h or 7d, was {value}", param, ctx)
        return int(number) * _SECONDS[unit]


class Desk:
    """The exchange recorded for the chain of ``provider``."""

    def __init__(self, provider: Any) -> None:
        from gavelbook.chain.deployments import EXCHANGE
        from gavelbook.chain.exchange import Exchange

        self.ledger = Ledger(provider)
        record = self.ledger.store.contract(self.ledger.chain_id, EXCHANGE)
        self.exchange: Exchange = Exchange(self.ledger.web3, record.address)
        self._tokens: dict[str, Token] = {}

    def token(self, name: str) -> Token:
        """Return a token given as address or recorded symbol.

        Raises:
            DeploymentsError: ``contract_unknown``.

        """
        from gavelbook.chain.token import Token

        address = self.ledger.token(name)
        if address not in self._tokens:
            self._tokens[address] = Token(self.ledger.web3, address)
        return self._tokens[address]

    def amount(self, token: Token, text: str) -> int:
        """Return base units of ``text``, given in whole tokens.

        Raises:
            GavelbookError: as `gavelbook.service.amounts.base_units`.

        """
        from gavelbook.service.amounts import base_units

        return base_units(text, token.decimals())

    def shown(self, token: Token, amount: int) -> str:
        """Return an amount as people read it."""
        from gavelbook.service.amounts import decimal_text

        return f"{decimal_text(amount, token.decimals())} {token.symbol()}"

    def market(self, name: str) -> MarketNames:
        """Return a market given as its number or as BASE/QUOTE.

        Raises:
            ChainError: ``market_unknown``.

        """
        from gavelbook.chain.errors import ChainError

        number = int(name) if name.isdecimal() else 0
        if "/" in name:
            base, _, quote = name.partition("/")
            number = self.exchange.market_of(self.token(base).address, self.token(quote).address)
        if not 1 <= number <= self.exchange.market_count():
            message = f"Expected the number of a market or BASE/QUOTE, was {name}"
            raise ChainError("market_unknown", message, name=name)
        return self.market_names(number)

    def market_names(self, number: int) -> MarketNames:
        """Return a market with its tokens."""
        from gavelbook.exchange.typed_data import checksum_address

        terms = self.exchange.market(number)
        base, quote = (checksum_address(each) for each in (terms.base_token, terms.quote_token))
        return MarketNames(terms, self.token(base), self.token(quote))

    def client(self, url: str, account: Any = None) -> Client:
        """Return a client of the API that signs with ``account`` of ape, for this exchange only."""
        from gavelbook.client import Client

        signing: Any = None if account is None else ClientAccount(account)
        return Client(
            url,
            account=signing,
            chain_id=self.ledger.chain_id,
            contract=self.exchange.address,
        )


class MarketNames(NamedTuple):
    """A market and its tokens."""

    terms: Market
    base: Token
    quote: Token

    @property
    def title(self) -> str:
        """The pair."""
        return f"{self.base.symbol()}/{self.quote.symbol()}"


class ClientAccount:
    """An account of ape, as a client of the API wants it."""

    def __init__(self, account: Any) -> None:
        self._account = account
        self.address = str(account.address)
        # A stored account would ask before each signature; the script has asked for all of them.
        if hasattr(account, "set_autosign"):
            account.set_autosign(True)

    def sign_message(self, message: Any) -> Signed:
        """Return the signature under a message of EIP-191 or EIP-712."""
        return Signed(bytes(self._account.sign_message(message).encode_rsv()))

    def unsafe_sign_hash(self, digest: bytes) -> Signed:
        """Return the signature over a digest."""
        from hexbytes import HexBytes

        return Signed(bytes(self._account.sign_raw_msghash(HexBytes(digest)).encode_rsv()))


class Signed(NamedTuple):
    """What an account signed: r, s and v."""

    signature: bytes


def book_lines(book: BookSnapshot, names: MarketNames) -> list[str]:
    """Return a book as people read it: asks on top, the best ones in the middle."""
    lines = [f"{names.title}   ticks        lots"]
    lines += [f"  ask  {int(level[0]):>9,}  {int(level[1]):>10,}" for level in book.asks[::-1]]
    lines += [f"  bid  {int(level[0]):>9,}  {int(level[1]):>10,}" for level in book.bids]
    return lines if len(lines) > 1 else [f"{names.title}: no orders"]
