"""Tokens sent away: the question, the confirmation, the limits, and two at once."""

import threading
import time

import pytest

from gavelbook.errors import GavelbookError
from tests.accounts.conftest import code_of
from tests.accounts.signer_world import PASSWORD, WHOLE, running_signer, stranger
from tests.accounts.test_life import send

pytestmark = pytest.mark.anvil

DAY = 86_400


@pytest.fixture
def own_world(chain, tmp_path):
    """A signer of a test's own, whose clock it may move."""
    with running_signer(chain, tmp_path / "state", session_seconds=10**7, idle_seconds=10**7) as w:
        yield w


def ask(user, token, amount, to=None):
    return user.client.ask_transfer(user.token, token.address, to or stranger(), amount * WHOLE)


def confirm(user, asked, password=PASSWORD):
    return user.client.confirm_transfer(user.token, asked.id, password)


def limit_of(user, token):
    found = user.client.limits(user.token)
    return next(each for each in found if each.token.text() == token.address)


def outcome(call, *arguments):
    """Return the code of a refusal, or what came."""
    try:
        return call(*arguments)
    except GavelbookError as error:
        return error.code


def test_asking_sends_nothing_and_says_everything(chain, user):
    to = stranger()
    asked = ask(user, chain.stage.paid, 5, to)
    assert (asked.symbol, asked.decimals, asked.amount) == ("PAY", 18, 5 * WHOLE)
    assert asked.expires_at - asked.asked_at == 10 * 60 * 1000
    assert chain.web3.eth.get_transaction_count(user.address) == 0
    entry = user.client.audit_trail(user.token).entries[0]
    assert (entry.kind, entry.summary[0].text, entry.summary[2].text) == (
        "transfer asked for", "5 PAY", to,
    )  # fmt: skip


def test_only_so_many_wait_however_many_were_dropped_since(chain, own_world):
    user = own_world.user()
    for _ in range(19):
        ask(user, chain.stage.paid, 1)
    for _ in range(101):
        user.client.drop_transfer(user.token, ask(user, chain.stage.paid, 1).id)
    ask(user, chain.stage.paid, 1)
    assert code_of(ask, user, chain.stage.paid, 1) == "too_many_transfers"


def test_a_wrong_password_sends_nothing(chain, user):
    asked = ask(user, chain.stage.paid, 5)
    assert code_of(confirm, user, asked, "not the password") == "password_wrong"
    assert user.client.transfers(user.token)[0].state == "asked"
    assert confirm(user, asked).state == "done"


def test_a_question_can_be_dropped_and_not_confirmed_after(chain, user):
    asked = ask(user, chain.stage.paid, 5)
    user.client.drop_transfer(user.token, asked.id)
    assert code_of(confirm, user, asked) == "transfer_settled"
    done = confirm(user, ask(user, chain.stage.paid, 5))
    assert code_of(user.client.drop_transfer, user.token, done.id) == "transfer_settled"


def test_a_session_without_the_password_settles_no_transfer(chain, user):
    """Its number is no secret within the account, but another transaction cannot take it."""
    paid, to = chain.stage.paid, stranger()
    asked = ask(user, paid, 5, to)
    send(user, paid.approve(chain.exchange.address, 1), request_id=asked.id)
    [listed] = user.client.transfers(user.token)
    assert (listed.state, listed.transaction) == ("asked", "")
    assert confirm(user, asked).state == "done"
    assert paid.balance_of(to) == 5 * WHOLE


def test_a_question_expires(chain, own_world):
    user = own_world.user()
    asked = ask(user, chain.stage.paid, 5)
    own_world.clock.forward(10 * 60 + 1)
    assert code_of(confirm, user, asked) == "transfer_expired"
    assert ask(user, chain.stage.paid, 5).state == "asked"
    assert len(user.client.transfers(user.token)) == 1


@pytest.mark.parametrize(
    ("amount", "code"), [(0, "amount_zero"), (101, "daily_limit"), (100, None)]
)
def test_amounts(chain, user, amount, code):
    if code is None:
        assert ask(user, chain.stage.paid, amount).left == 100 * WHOLE
    else:
        assert code_of(ask, user, chain.stage.paid, amount) == code


def test_more_than_is_held_is_refused(chain, world):
    user = world.user(tokens=3)
    assert code_of(ask, user, chain.stage.paid, 4) == "balance_short"


def test_contracts_and_oneself_are_no_destinations(chain, user):
    addresses = {
        chain.stage.paid.address: "destination_is_contract",
        chain.exchange.address: "destination_is_contract",
        chain.sale.address: "destination_is_contract",
        chain.stage.factory.address: "destination_is_contract",
        user.address: "destination_own",
        "0x" + 40 * "0": "destination_zero",
        stranger().lower(): "checksum_missing",
        "not an address": "address_malformed",
    }
    for to, code in addresses.items():
        assert code_of(ask, user, chain.stage.paid, 1, to) == code
    unknown = user.client.ask_transfer
    assert code_of(unknown, user.token, stranger(), stranger(), 1) == "token_unknown"


def test_questions_do_not_pile_up(chain, user):
    for _ in range(20):
        ask(user, chain.stage.paid, 1)
    assert code_of(ask, user, chain.stage.paid, 1) == "too_many_transfers"


def test_a_limit_is_of_any_24_hours_and_of_each_token(chain, own_world):
    user = own_world.user()
    paid, sold = chain.stage.paid, chain.stage.sold
    confirm(user, ask(user, paid, 60))
    own_world.clock.forward(DAY / 2)
    confirm(user, ask(user, paid, 40))
    assert code_of(ask, user, paid, 1) == "daily_limit"
    assert confirm(user, ask(user, sold, 100)).state == "done"
    own_world.clock.forward(DAY / 2 + 1)
    assert limit_of(user, paid).left == 60 * WHOLE
    assert code_of(ask, user, paid, 61) == "daily_limit"
    confirm(user, ask(user, paid, 60))
    assert limit_of(user, paid).left == 0


def test_a_lower_limit_holds_at_once_and_a_higher_one_in_a_day(chain, own_world):
    user, paid = own_world.user(), chain.stage.paid
    set_limit = user.client.set_limit
    assert code_of(set_limit, user.token, paid.address, 5, "not the password") == "password_wrong"
    asked = ask(user, paid, 50)
    assert set_limit(user.token, paid.address, 10 * WHOLE, PASSWORD).amount == 10 * WHOLE
    assert code_of(confirm, user, asked) == "daily_limit"
    raised = set_limit(user.token, paid.address, 500 * WHOLE, PASSWORD)
    assert (raised.amount, raised.next_amount) == (10 * WHOLE, 500 * WHOLE)
    assert code_of(ask, user, paid, 11) == "daily_limit"
    own_world.clock.forward(DAY - 60)
    assert code_of(ask, user, paid, 11) == "daily_limit"
    own_world.clock.forward(61)
    assert limit_of(user, paid).amount == 500 * WHOLE
    assert confirm(user, ask(user, paid, 450)).state == "done"
    # Asked for and taken back: what was to come does not come.
    set_limit(user.token, paid.address, 900 * WHOLE, PASSWORD)
    set_limit(user.token, paid.address, 20 * WHOLE, PASSWORD)
    own_world.clock.forward(DAY + 1)
    assert limit_of(user, paid).amount == 20 * WHOLE
    assert "higher limit asked for" in user.trail()


def test_two_confirmed_at_once_do_not_pass_one_limit(chain, user):
    paid, to = chain.stage.paid, stranger()
    asked = [ask(user, paid, 60, to) for _ in range(4)]
    results = []

    def confirm_it(transfer):
        done = outcome(confirm, user, transfer)
        results.append(done if isinstance(done, str) else done.state)

    threads = [threading.Thread(target=confirm_it, args=(each,)) for each in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results) == ["daily_limit"] * 3 + ["done"]
    assert paid.balance_of(to) == 60 * WHOLE
    assert limit_of(user, paid).left == 40 * WHOLE


def test_one_confirmed_twice_at_once_is_sent_once(chain, user):
    paid, to = chain.stage.paid, stranger()
    asked, results = ask(user, paid, 10, to), []
    threads = [
        threading.Thread(target=lambda: results.append(confirm(user, asked).transaction))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 3
    assert len(set(results)) == 1
    assert paid.balance_of(to) == 10 * WHOLE


def test_an_account_cannot_hold_all_threads(chain, tmp_path):
    approve = chain.stage.paid.approve(chain.exchange.address, 77)
    with running_signer(chain, tmp_path / "state", wait_seconds=5) as world:
        user, other, codes = world.user(0), world.user(0), []
        chain.give_ether(user.address, WHOLE)
        chain.stage.request("evm_setAutomine", [False])
        try:
            threads = [
                threading.Thread(target=lambda: codes.append(outcome(send, user, approve)))
                for _ in range(12)
            ]
            for thread in threads:
                thread.start()
            while codes.count("account_busy") < 6:
                time.sleep(0.02)
            assert world.client.whoami(other.token).name == other.name
        finally:
            chain.stage.request("evm_setAutomine", [True])
            chain.stage.request("evm_mine")
            for thread in threads:
                thread.join(60)


def test_what_waited_while_the_account_was_closed_is_not_sent(chain, world):
    user, codes = world.user(0), []
    approve = chain.stage.paid.approve(chain.exchange.address, 77)
    registry = world.service.doorkeeper.registry
    account = registry.by_name(user.name)
    with world.service.sending.turn(account):
        late = threading.Thread(target=lambda: codes.append(outcome(send, user, approve)))
        late.start()
        time.sleep(0.5)
        registry.close(account)
    late.join(30)
    assert codes == ["account_closed"]


def test_many_accounts_that_wait_for_blocks_keep_nobody_from_signing_in(chain, tmp_path):
    approve = chain.stage.paid.approve(chain.exchange.address, 77)
    with running_signer(chain, tmp_path / "state", wait_seconds=6) as world:
        users = [world.user(0) for _ in range(12)]
        for user in users:
            chain.give_ether(user.address, WHOLE)
        chain.stage.request("evm_setAutomine", [False])
        try:
            data = approve.build_transaction({"gas": 1, "gasPrice": 1, "nonce": 0})["data"]
            threads = [
                threading.Thread(
                    target=outcome,
                    args=(world.client.send_transaction, user.token, approve.address, data),
                )
                for user in users
                for _ in range(6)
            ]
            for thread in threads:
                thread.start()
            time.sleep(2)
            began = time.monotonic()
            world.client.sign_in(users[0].name, PASSWORD)
            assert time.monotonic() - began < 3
        finally:
            chain.stage.request("evm_setAutomine", [True])
            chain.stage.request("evm_mine")
            for thread in threads:
                thread.join(60)


def test_what_waits_for_its_block_is_told_and_waited_for_again(chain, tmp_path):
    approve = chain.stage.paid.approve(chain.exchange.address, 77)
    with running_signer(chain, tmp_path / "state", wait_seconds=0.5) as world:
        user = world.user(0)
        chain.give_ether(user.address, WHOLE)
        chain.stage.request("evm_setAutomine", [False])
        try:
            assert code_of(send, user, approve, request_id="d" * 32) == "not_mined"
            assert code_of(send, user, approve, request_id="d" * 32) == "not_mined"
        finally:
            chain.stage.request("evm_setAutomine", [True])
            chain.stage.request("evm_mine")
        send(user, approve, request_id="d" * 32)
        assert chain.web3.eth.get_transaction_count(user.address) == 1


def test_the_trail_comes_in_pages(chain, user):
    for number in range(5):
        ask(user, chain.stage.paid, number + 1)
    page = user.client.audit_trail(user.token, limit=4)
    rest = user.client.audit_trail(user.token, before=page.next, limit=4)
    assert [len(page.entries), len(rest.entries), rest.next] == [4, 2, None]
    positions = [entry.position for entry in page.entries + rest.entries]
    assert positions == sorted(positions, reverse=True)
    assert user.trail()[-1] == "registered"
