"""Watcher and settler, killed at lines all over their code, and what the next process makes of it.

GAVELBOOK_CHAIN_KILLS sets how many kills there are.
"""

import os
import sys
from pathlib import Path

import pytest

from gavelbook.chain.connection import connect
from tests.service.exchange.settling_steps import batches_on_chain, vain_transactions

pytestmark = pytest.mark.anvil

KILLS = int(os.environ.get("GAVELBOOK_CHAIN_KILLS", "24"))
KILLED = 9
WATCHED_FILES = {
    "batch_maker.py",
    "batch_store.py",
    "event_reader.py",
    "landed.py",
    "outbox.py",
    "sender.py",
    "settler.py",
    "sqlite_file.py",
    "waiting_fills.py",
    "watch_inputs.py",
    "watch_store.py",
    "watcher.py",
}
NEVER = 10**9


class LineCounter:
    """Counts the lines of watcher and settler that run, and ends the process at one of them."""

    def __init__(self, fatal):
        self.lines = 0
        self.fatal = fatal

    def __call__(self, frame, event, _argument):
        if Path(frame.f_code.co_filename).name not in WATCHED_FILES:
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.fatal:
                os._exit(KILLED)
        return self


def work_until_killed(floor, url, folder, fatal):
    """Settle everything in a process of its own, which dies at line number ``fatal``.

    Returns:
        How many lines it ran; None where it died.

    """
    report = folder / "lines"
    child = os.fork()
    if child == 0:
        code = 1
        try:
            floor.web3 = connect(url)
            with floor.service(folder, web3=floor.web3) as service:
                counter = LineCounter(fatal)
                sys.settrace(counter)
                service.settle()
                sys.settrace(None)
                report.write_text(str(counter.lines))
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in {0, KILLED}
    return int(report.read_text()) if code == 0 else None


def test_no_batch_is_lost_or_doubled_wherever_the_process_dies(floor, sepolia_url, tmp_path):
    maker, taker, _ = floor.traders
    fills = 0

    def do_something(service):
        nonlocal fills
        for market in (1, 2):
            sell, buy = (t(2, 5, market=market, lane=market) for t in (maker.sell, taker.buy))
            fills += len(service.trade(sell, buy))
        floor.deposit(maker, floor.gold, 3)

    with floor.service(tmp_path) as service:
        service.open_up()
        do_something(service)
    lines = work_until_killed(floor, sepolia_url, tmp_path, NEVER)
    assert lines > 500
    deaths = 0
    for kill in range(KILLS):
        with floor.service(tmp_path) as service:
            service.settle()
            do_something(service)
        fatal = 1 + lines * kill // KILLS
        deaths += work_until_killed(floor, sepolia_url, tmp_path, fatal) is None
    with floor.service(tmp_path) as service:
        status = service.settle()
        service.open_up()
        service.reconcile()
        assert service.watcher.status.problems == ()
        assert (status.alarm, status.busted) == (None, 0)
        settled = sum(len(batch.fills) for batch in batches_on_chain(floor).values())
        assert settled == fills == 2 * (KILLS + 1)
    assert deaths > 0.8 * KILLS
    assert vain_transactions(floor) == 0
