"""A process whose disk is full says so and ends; what it acknowledged is there for the next."""

import subprocess
import sys
from pathlib import Path

from gavelbook.exchange.commands import PlaceOrder, decode
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from tests.service.exchange.market_day import DOMAIN, TERMS, exchange_in, place, trader

ROOT = Path(__file__).parents[3]
SCRIPT = """
import sys
from pathlib import Path
from gavelbook.service.logs import log_to_stderr
from tests.service.exchange.market_day import exchange_in, place, trader

log_to_stderr()
own = trader(1)
with exchange_in(Path(sys.argv[1]), own) as running:
    database = running.log._database
    (pages,) = database.execute("PRAGMA page_count").fetchone()
    database.execute(f"PRAGMA max_page_count = {pages + 20}")
    for lane in range(10_000):
        for answer in place(running, own.order(lane=lane)):
            print(answer.command.order_hash.hex(), flush=True)
"""


def test_a_full_disk_ends_the_process_and_loses_nothing(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 70, ended.stderr
    assert "exchange_failed" in ended.stderr
    assert "log_write_failed" in ended.stderr
    assert "full" in ended.stderr
    acknowledged = ended.stdout.split()
    assert len(acknowledged) > 10
    log = SqliteLog(tmp_path / "log.sqlite", origin_of(DOMAIN, TERMS))
    commands = [decode(entry.content) for entry in log.read(0)]
    log.close()
    orders = [each.order_hash.hex() for each in commands if isinstance(each, PlaceOrder)]
    assert orders == acknowledged
    own = trader(1)
    with exchange_in(tmp_path) as running:
        (answer,) = place(running, own.order(lane=20_000))
        assert answer.position == len(commands) + 1
