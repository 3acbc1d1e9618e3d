"""`make demo SERVE=0` as everybody runs it, and being interrupted."""

import re
import signal
import subprocess
import sys

import pytest
import requests

from gavelbook.demo.local_chain import free_port

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

COMMAND = [sys.executable, "-m", "gavelbook.demo", "--no-serve"]
SECONDS = 240


@pytest.fixture(scope="module")
def story():
    run = subprocess.run(
        [*COMMAND, f"--rpc-port={free_port()}"],
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


def test_stopping_it_half_way_ends_its_chain():
    port = free_port()
    with subprocess.Popen(
        [*COMMAND, f"--rpc-port={port}"], stdout=subprocess.PIPE, text=True
    ) as run:
        for line in run.stdout:
            if "Contracts and accounts" in line:
                break
        chain = f"http://127.0.0.1:{port}"
        assert requests.post(chain, json={}, timeout=5) is not None
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=30)
    assert run.returncode == 130
    with pytest.raises(requests.ConnectionError):
        requests.post(chain, json={}, timeout=5)


def test_a_taken_port_is_said_plainly():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = subprocess.run(
            [*COMMAND, f"--rpc-port={port}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 1
    assert run.stderr.startswith("error: port_taken: ")
    assert "Traceback" not in run.stderr
