"""The example bots trade with each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from eth_account import Account

from gavelbook.bots.maker import MakerSettings, MarketMaker
from gavelbook.bots.taker import Taker, TakerSettings
from gavelbook.cli import main
from gavelbook.client import Client
from tests.api.running import trader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.api.running import RunningExchange


def test_a_maker_quotes_and_a_taker_takes(exchange: RunningExchange) -> None:
    accounts = trader("maker bot"), trader("taker bot")
    exchange.fund(*accounts)
    with (
        Client(exchange.url, account=accounts[0]) as quoting,
        Client(exchange.url, account=accounts[1]) as taking,
    ):
        quoting.sign_in()
        maker = MarketMaker(quoting, MakerSettings(1, reference=1_000, levels=3, lots=10))
        assert maker.step() == 6
        assert maker.step() == 0, "nothing has moved"
        book = quoting.book(1)
        assert (book.bids[0], book.asks[0]) == ((998, 10), (1_002, 10))

        taker = Taker(taking, TakerSettings(1, buy_below=1_002, lots=4))
        trades = taker.run()
        taken = [next(trades) for _ in range(3)]
        assert [int(each.filled_lots) for each in taken] == [4, 4, 2]
        assert {int(fill.ticks) for each in taken for fill in each.fills} == {1_002}

        maker.refresh()
        placed = maker.step()
        assert placed > 0, "what was taken is quoted again, around where the price is now"
        assert len(quoting.orders(state="open").orders) == 6
        maker.stop()
        assert not quoting.book(1).bids


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    (tmp_path / "accounts").mkdir()
    monkeypatch.setenv("APE_DATA_FOLDER", str(tmp_path))

    def keep(alias: str) -> None:
        key = bytes(trader(alias).key)
        encrypted = Account.encrypt(key, "secret", kdf="pbkdf2", iterations=1_000)
        (tmp_path / "accounts" / f"{alias}.json").write_text(json.dumps(encrypted))
        monkeypatch.setenv(f"APE_ACCOUNTS_{alias}_PASSPHRASE", "secret")

    return keep


def test_the_commands(exchange: RunningExchange, keys: Callable[[str], None]) -> None:
    accounts = {name: trader(name) for name in ("quoter", "buyer", "seller")}
    exchange.fund(*accounts.values())
    for name in accounts:
        keys(name)
    with Client(exchange.url, account=accounts["seller"]) as seller:
        seller.limit(1, "sell", lots=3, ticks=500)
        taken = _run("taker", exchange, "buyer", "--buy-below", "500", "--trades", "1")
        assert taken == "FILLED 3 lots\n"
    quoted = _run(
        *("maker", exchange, "quoter", "--reference", "700", "--levels", "2"),
        *("--pause", "0.01", "--steps", "2"),
    )
    assert quoted == "placed 4 quotes\nplaced 0 quotes\n"
    with Client(exchange.url) as reader:
        assert not reader.book(1).bids, "it takes its quotes back"


def _run(bot: str, exchange: RunningExchange, alias: str, *options: str) -> str:
    arguments = ["bot", bot, "--url", exchange.url, "--account", alias, *options]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output
