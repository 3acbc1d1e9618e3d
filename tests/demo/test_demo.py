"""`make demo SERVE=0` as everybody runs it, serving, and being interrupted."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import requests

from gavelbook.accounts.client import AccountsClient
from gavelbook.chain.connection import connect
from gavelbook.chain.token import Token
from gavelbook.demo.local_chain import free_port
from gavelbook.errors import GavelbookError
from gavelbook.service.desk_settings import DeskSettings
from gavelbook.service.faucet import open_faucet

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

COMMAND = [sys.executable, "-m", "gavelbook.demo"]
SECONDS = 300
LOOPBACK = "127.0.0.1"


class Marked:
    """Processes that can be told from all others by what they inherit."""

    def __init__(self):
        self.mark = f"GAVELBOOK_TRIAL={uuid4()}"
        name, value = self.mark.split("=")
        self.environment = {**os.environ, name: value}

    def running(self):
        """Return the commands of the processes that are there."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
        return [command for command in found if command]


@pytest.fixture
def marked():
    return _marked()


def _marked():
    if not Path("/proc/self/environ").exists():
        pytest.skip("processes cannot be told apart without /proc")
    return Marked()


@contextmanager
def started(marked, *options):
    """Yield a running demo and an iterator over its lines; it is gone at the end."""
    ports = f"--port={free_port()}", f"--rpc-port={free_port()}"
    run = subprocess.Popen(
        [*COMMAND, *ports, "--bidders=20", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=marked.environment,
    )
    try:
        yield run
    finally:
        run.send_signal(signal.SIGTERM)
        try:
            run.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()


def read_until(run, pattern):
    """Return the first match of ``pattern`` in what ``run`` says."""
    said = []
    for line in run.stdout:
        said.append(line)
        found = re.search(pattern, line)
        if found:
            return found
    raise AssertionError("".join(said))


def until(seconds, done):
    """Wait until ``done``, at most ``seconds``, and return whether it is."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if done():
            return True
        time.sleep(0.2)
    return False


@pytest.fixture(scope="module")
def story():
    run = subprocess.run(
        [*COMMAND, "--no-serve", f"--rpc-port={free_port()}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_more_than_two_hundred_bidders_take_part(story):
    bidders, bids = re.search(r"(\d+) bidders placed (\d+) bids", story).groups()
    assert int(bidders) >= 200
    assert int(bids) > int(bidders)


@pytest.mark.parametrize(
    "code",
    [
        "not_open",
        "tick_out_of_range",
        "bid_too_small",
        "over_cap",
        "no_such_bid",
        "not_closed",
        "cancel_closed",
        "window_closed",
        "wrong_marginal_tick",
        "over_allocated",
        "allocator_window",
        "insufficient_balance",
        "ticks_out_of_range",
        "post_only_would_cross",
        "bad_order_signature",
        "sequence_passed",
        "order_expired",
        "fee_above_order",
        "bad_matcher_signature",
        "price_outside_limit",
        "overfilled",
        "fee_above_market",
        "wrong_batch_number",
        "exit_not_due",
    ],
)
def test_what_must_be_refused_is_refused(story, code):
    assert re.search(rf"^ +{code}  \S", story, re.MULTILINE)


def test_the_rules_differ_on_the_same_bids(story):
    rows = re.findall(r"^ +Gavel sale ([ABC]): \D+?((?: +[\d,]+){5})  ", story, re.MULTILINE)
    assert [row[0] for row in rows] == ["A", "B", "C"]
    outcomes = [tuple(map(int, row[1].replace(",", "").split()[:3])) for row in rows]
    assert len(set(outcomes)) == 3
    assert len({sum(outcome) for outcome in outcomes}) == 1


def test_everything_adds_up_and_the_audit_says_yes(story):
    assert story.count("sums agree, the contract holds 0 and 0") == 3
    assert (
        len(re.findall(r"^ +yes  Gavel sale [ABC]: .* bids of \d+ bidders", story, re.MULTILINE))
        == 3
    )
    assert "NO" not in story


def test_winners_claim_straight_into_escrow(story):
    winners, tokens = re.search(
        r"(\d+) winners of the first sale claimed ([\d,]+) GVL to their deposit", story
    ).groups()
    assert int(winners) > 4
    assert int(tokens.replace(",", "")) > 10_000


def test_what_was_sold_is_traded_and_every_fill_settles(story):
    orders, fills = re.search(r"([\d,]+) orders accepted, .* (\d+) fills of", story).groups()
    assert int(orders.replace(",", "")) > 500
    assert int(fills) >= 60
    assert f"yes  All {fills} fills that were matched are settled" in story
    batches = re.findall(r"^ +Batch \d+ +(\d+) +([\d,]+) +([\d,]+)$", story, re.MULTILINE)
    assert batches
    for row in batches:
        count, gas, per_fill = (int(each.replace(",", "")) for each in row)
        # Rounded to the nearest, halves up.
        assert 2 * gas - count < 2 * count * per_fill <= 2 * gas + count


def test_bids_stay_below_asks(story):
    rows = re.findall(r"^ +[\d,]+ +(0\.\d{3}) +(0\.\d{3}) +[\d,]+$", story, re.MULTILINE)
    assert len(rows) == 10
    assert all(bid < ask for bid, ask in rows)


def test_an_outage_loses_nothing_and_traps_nobody(story):
    assert re.search(r"waited \d+ s and took out [\d,.]+ GVL and [\d,.]+ DUSD", story)
    assert re.search(r"just after it answered an order: [1-9]\d* fills not settled", story)
    assert "yes  What was matched just before the end is settled now" in story
    assert "yes  The book is the one that follows from the public log" in story
    assert "yes  The matcher did what its log and its receipts say" in story
    assert re.search(r"Replay of \d+ entries  0x[0-9a-f]{64}\n +yes  ", story)


def test_escrow_adds_up_in_every_way_of_counting(story):
    rows = dict(
        re.findall(
            r"^ +(In escrow|Held by the contract|In the matcher's ledger).*?((?: {2,}[\d,.]+){2})$",
            story,
            re.MULTILINE,
        )
    )
    assert len(rows) == 3
    assert len(set(map(str.strip, rows.values()))) == 1
    assert "yes  Everything agrees, and so does every single account" in story


def test_stopping_it_half_way_ends_everything_it_started(marked):
    with started(marked, "--no-serve") as run:
        read_until(run, "Contracts and accounts")
        assert len(marked.running()) == 2
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=30)
        assert run.returncode == 130
    assert marked.running() == []


def test_stopping_it_while_people_trade_ends_everything_it_started(marked):
    with started(marked, "--no-serve") as run:
        api = read_until(run, r"^ +API +(http\S+)$")[1]
        assert requests.get(f"{api}/status", timeout=5).json()["status"] == "open"
        assert len(marked.running()) == 3
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=30)
        assert run.returncode == 130
    assert marked.running() == []


class TestServing:
    @pytest.fixture(scope="class")
    def marked(self):
        return _marked()

    @pytest.fixture(scope="class")
    def served(self, marked):
        """A demo that serves, where it does, and the environment of its signer."""
        with started(marked, "--serve", "--minutes=3") as run:
            api = read_until(run, r"^ +API +(http\S+)$")[1]
            pages = read_until(run, r"Open (http://[\d.:]+)")[1]
            [signer] = [each for each in environments(marked) if "GAVELBOOK_SIGNER_PORT" in each]
            yield SimpleNamespace(run=run, api=api, pages=pages, signer=signer)

    def test_there_is_a_process_for_pages_and_api_and_one_that_holds_keys(self, marked, served):
        # And the chain, and the demo itself.
        assert requests.get(served.pages, timeout=5).ok
        assert served.api == f"{served.pages}/v1"
        commands = marked.running()
        assert len(commands) == 4
        assert sum("--pages" in command for command in commands) == 1
        assert sum("gavelbook signer" in command for command in commands) == 1
        health = requests.get(f"{served.pages}/health", timeout=5)
        assert health.ok
        assert "frame-ancestors 'none'" in health.headers["content-security-policy"]

    def test_a_visitor_gets_play_money_and_an_account(self, served):
        signer = served.signer
        key = Path(signer["GAVELBOOK_SIGNER_KEY_FILE"])
        for secret in ("keystore.json", "passphrase", "access-key"):
            assert (key.parent / secret).stat().st_mode & 0o077 == 0
        client = AccountsClient.with_key_file(
            f"http://{LOOPBACK}:{signer['GAVELBOOK_SIGNER_PORT']}", key
        )
        account = client.whoami(client.register("mira", "a long and lonely password").token)
        faucet = given(signer)
        before = [balance(signer, each.token, account.address.text()) for each in faucet.gifts]
        faucet.give(account.address.text())
        after = [balance(signer, each.token, account.address.text()) for each in faucet.gifts]
        assert before == [0] * len(faucet.gifts)
        assert after == [each.amount for each in faucet.gifts]
        with pytest.raises(GavelbookError) as refused:
            faucet.give(account.address.text())
        assert refused.value.code == "faucet_refused"

    def test_the_market_is_kept_alive(self, served):
        api = served.api
        before = requests.get(f"{api}/markets/1/trades", timeout=5).json()["trades"]

        def goes_on():
            now = requests.get(f"{api}/markets/1/trades", timeout=5).json()["trades"]
            return now[0]["fillId"] != before[0]["fillId"]

        assert until(30, goes_on)
        assert until(30, lambda: settled(api, before[0]["fillId"]))

    def test_nothing_is_left_once_it_is_stopped(self, marked, served):
        served.run.send_signal(signal.SIGTERM)
        served.run.communicate(timeout=30)
        assert served.run.returncode == 0
        assert marked.running() == []
        assert not Path(served.signer["GAVELBOOK_SIGNER_KEY_FILE"]).exists()


def settled(api, fill_id):
    """Return whether a fill later than ``fill_id`` is on the chain."""
    trades = requests.get(f"{api}/markets/1/trades", timeout=5).json()["trades"]
    return any(
        trade["state"] == "SETTLED" and int(trade["fillId"]) > int(fill_id) for trade in trades
    )


def test_a_taken_port_is_said_plainly():
    import socket

    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = subprocess.run(
            [*COMMAND, "--no-serve", f"--rpc-port={port}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr.startswith("error: port_taken: ")
    assert "Traceback" not in run.stderr


def environments(marked):
    """Return the environments of the processes that are there."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            content = (process / "environ").read_bytes()
        except OSError:
            continue
        if marked.mark.encode() in content:
            pairs = (each.partition("=") for each in content.decode().split("\0"))
            found.append({name: value for name, _, value in pairs})
    return found


def given(signer):
    """Return the faucet of the demo that ``signer`` belongs to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAVELBOOK_DEPLOYMENTS", signer["GAVELBOOK_DEPLOYMENTS"])
        return open_faucet(DeskSettings(rpc_url=rpc_of(signer), demo_accounts=True))


def balance(signer, token, address):
    web3 = connect(rpc_of(signer))
    return Token(web3, token).balance_of(address) if token else web3.eth.get_balance(address)


def rpc_of(signer):
    return signer["GAVELBOOK_SIGNER_RPC_URL"]
