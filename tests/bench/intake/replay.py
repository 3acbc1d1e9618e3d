"""How fast a log replays, in a process of its own: ``python -m tests.bench.intake.replay FOLDER``.

FOLDER is what the service under load left. Prints entries a second, heads checked and all state
built, from the first entry on.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path

from gavelbook.exchange.engine import Engine
from gavelbook.service.exchange.recovery import replay
from gavelbook.service.exchange.sqlite_log import SqliteLog, origin_of
from tests.bench.intake.service import DOMAIN, TERMS


def measure(folder: Path) -> float:
    """Return entries a second of a full replay of the log in ``folder``."""
    command = [sys.executable, "-m", "tests.bench.intake.replay", str(folder)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Replay once."""
    log = SqliteLog(Path(sys.argv[1]) / "log.sqlite", origin_of(DOMAIN, TERMS))
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    started = time.perf_counter()
    entries = sum(1 for _ in replay(log, Engine(TERMS)))
    print(entries / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
