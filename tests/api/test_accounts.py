"""What only an account itself may read, and withdrawing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from gavelbook.client import ApiError
from gavelbook.exchange.commands import BatchSettled, BustFill, ExitCancelled, ExitRequested
from gavelbook.exchange.signing import Domain, Withdrawal, recover, withdrawal_hash
from tests.api.running import BASE, CHAIN_ID, CONTRACT, FUNDS, MARKET, QUOTE

if TYPE_CHECKING:
    import httpx

    from gavelbook.client import Client
    from tests.api.running import RunningExchange

PRIVATE = ["orders", "fills", "balances", "movements", "withdrawals"]


@pytest.mark.parametrize("what", PRIVATE)
def test_nobody_reads_without_a_session(http: httpx.Client, maker: Client, what: str) -> None:
    answer = http.get(f"/v1/accounts/{maker.address}/{what}")
    assert (answer.status_code, answer.json()["code"]) == (401, "session_required")
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("what", PRIVATE)
def test_nobody_reads_what_is_anothers(
    http: httpx.Client, maker: Client, attacker: Client, what: str
) -> None:
    headers = {"authorization": f"Bearer {attacker.sign_in().token}"}
    answer = http.get(f"/v1/accounts/{maker.address}/{what}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_account")
    own = http.get(f"/v1/accounts/{attacker.address}/{what}", headers=headers)
    assert own.status_code == 200


def test_the_case_of_an_address_does_not_matter(http: httpx.Client, maker: Client) -> None:
    headers = {"authorization": f"Bearer {maker.sign_in().token}"}
    for text in (str(maker.address), str(maker.address).lower()):
        answer = http.get(f"/v1/accounts/{text}/balances", headers=headers)
        assert answer.json()["account"] == str(maker.address)


def test_balances_tell_apart_what_is_free_reserved_and_unsettled(
    maker: Client, taker: Client
) -> None:
    maker.limit(1, "sell", lots=5, ticks=100)
    taker.limit(1, "buy", lots=2, ticks=100)
    maker.sign_in()
    balances = {bytes(each.token): each for each in maker.balances().balances}
    quote = MARKET.quote_amount(2, 100)
    earned = quote - quote * MARKET.maker_fee_bps // 10_000
    assert balances[BASE].reserved == MARKET.base_amount(3)
    assert balances[BASE].available == FUNDS - MARKET.base_amount(5)
    assert balances[QUOTE].available == FUNDS + earned
    assert balances[QUOTE].unsettled == earned
    assert balances[QUOTE].withdrawable == FUNDS


def test_a_fill_is_matched_before_it_is_settled(
    exchange: RunningExchange, maker: Client, taker: Client
) -> None:
    placed = maker.limit(1, "sell", lots=5, ticks=100)
    filled = taker.limit(1, "buy", lots=2, ticks=100)
    maker.sign_in()
    (fill,) = maker.fills().fills
    assert (fill.role, fill.side, fill.state, fill.batch) == ("maker", "sell", "MATCHED", None)
    assert fill.order_hash == placed.order_hash
    with exchange.exchange.sequencer.reading() as engine:
        number = engine.last_batch + 1
    fill_id = int(filled.fills[0].fill_id)
    exchange.submit(BatchSettled(number, 1, fill_id, fill_id, 1))
    (fill,) = maker.fills().fills
    assert (fill.state, fill.batch) == ("SETTLED", number)
    assert maker.order(placed.order_hash).settled_lots == 2
    assert taker.trades(1, limit=1).trades[0].state == "SETTLED"


def test_a_fill_that_can_never_settle_is_busted(
    exchange: RunningExchange, maker: Client, taker: Client
) -> None:
    maker.limit(1, "sell", lots=5, ticks=100)
    filled = taker.limit(1, "buy", lots=2, ticks=100)
    exchange.submit(BustFill(int(filled.fills[0].fill_id)))
    taker.sign_in()
    (fill,) = taker.fills().fills
    assert fill.state == "BUSTED"


def test_orders_come_newest_first_in_pages(maker: Client) -> None:
    placed = [maker.limit(1, "buy", lots=1, ticks=ticks).order_hash for ticks in (5, 6, 7)]
    maker.cancel(placed[1])
    maker.sign_in()
    page = maker.orders(limit=2)
    assert [order.order_hash for order in page.orders] == [placed[2], placed[1]]
    rest = maker.orders(before=page.next, limit=2)
    assert [order.order_hash for order in rest.orders] == [placed[0]]
    assert rest.next is None
    still_open = maker.orders(state="open", market=1).orders
    assert [order.order_hash for order in still_open] == [placed[2], placed[0]]
    assert maker.orders(market=2).orders == []


def test_movements_tell_of_deposits(maker: Client) -> None:
    maker.sign_in()
    moved = maker.movements().movements
    assert [(each.kind, each.direction, each.amount) for each in moved] == [
        ("deposit", "in", FUNDS),
        ("deposit", "in", FUNDS),
    ]


class TestWithdrawing:
    def test_the_matcher_signs_what_the_account_signed(
        self, exchange: RunningExchange, maker: Client
    ) -> None:
        asked = maker.withdraw(f"0x{QUOTE.hex()}", 1_000, nonce=5)
        message = Withdrawal(
            bytes(maker.address), QUOTE, 1_000, bytes(maker.address), 5, int(asked.deadline)
        )
        digest = withdrawal_hash(Domain(CHAIN_ID, CONTRACT), message)
        assert recover(digest, asked.matcher_signature) == exchange.exchange.key.address
        maker.sign_in()
        (listed,) = maker.withdrawals().withdrawals
        assert (listed.state, listed.matcher_signature) == ("PENDING", asked.matcher_signature)
        assert listed.position == asked.position

    def test_the_same_again_gets_the_same_answer(self, http: httpx.Client, maker: Client) -> None:
        request = _withdrawal(maker, nonce=5)
        path = f"/v1/accounts/{maker.address}/withdrawals"
        first, second = (http.post(path, json=request).json() for _ in range(2))
        assert first["state"] == "PENDING"
        assert second == first

    def test_nothing_signed_can_be_changed(
        self, http: httpx.Client, maker: Client, attacker: Client
    ) -> None:
        request = _withdrawal(maker, nonce=5)
        path = f"/v1/accounts/{maker.address}/withdrawals"
        for change in (
            {"to": str(attacker.address)},
            {"amount": "1001"},
            {"nonce": "6"},
            {"token": f"0x{BASE.hex()}"},
            {"deadline": str(int(time.time()) + 7_000)},
        ):
            answer = http.post(path, json=request | change)
            assert answer.json()["code"] == "bad_signature", change
        other = http.post(f"/v1/accounts/{attacker.address}/withdrawals", json=request)
        assert other.json()["code"] == "bad_signature"

    def test_unsettled_money_stays(self, maker: Client, taker: Client) -> None:
        maker.limit(1, "sell", lots=5, ticks=100)
        taker.limit(1, "buy", lots=5, ticks=100)
        with pytest.raises(ApiError) as caught:
            maker.withdraw(f"0x{QUOTE.hex()}", FUNDS + 1)
        assert caught.value.code == "insufficient_withdrawable"
        assert maker.withdraw(f"0x{QUOTE.hex()}", FUNDS).state == "PENDING"

    def test_a_nonce_is_used_once(self, maker: Client) -> None:
        maker.withdraw(f"0x{QUOTE.hex()}", 1_000, nonce=5)
        with pytest.raises(ApiError) as caught:
            maker.withdraw(f"0x{QUOTE.hex()}", 2_000, nonce=5)
        assert (caught.value.code, caught.value.status) == ("nonce_used", 409)


def test_who_exits_places_no_orders(exchange: RunningExchange, maker: Client) -> None:
    maker.limit(1, "buy", lots=1, ticks=5)
    maker.sign_in()
    exchange.submit(ExitRequested(bytes(maker.address), QUOTE))
    assert maker.balances().exiting
    assert maker.orders().orders[0].reason == "exit"
    with pytest.raises(ApiError) as caught:
        maker.limit(1, "buy", lots=1, ticks=5)
    assert caught.value.code == "account_exiting"
    exchange.submit(ExitCancelled(bytes(maker.address), QUOTE))
    assert maker.limit(1, "buy", lots=1, ticks=5).state == "OPEN"


def _withdrawal(client: Client, nonce: int) -> dict[str, str]:
    signer = client.run(client.calls.ready_signer())
    deadline = int(time.time()) + 3_600
    own = bytes(client.address)
    message = Withdrawal(own, QUOTE, 1_000, own, nonce, deadline)
    return {
        "token": f"0x{QUOTE.hex()}",
        "amount": "1000",
        "to": str(client.address),
        "nonce": str(nonce),
        "deadline": str(deadline),
        "signature": str(signer.withdrawal(message)),
    }
