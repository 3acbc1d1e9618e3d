"""Speed of matching: our book beside the engines that others publish, in one run.

The engines live in an environment of their own (.venv-bench), and there all of them, ours too, run
the same orders in turns, each in the way its makers show. An engine that says what it traded must
say the same as ours; one that does not must end with the same book.
"""

from __future__ import annotations

import json
import os
import subprocess

from ape_gavelbook.paths import project_root

_PYTHON = project_root() / ".venv-bench" / "bin" / "python"


def measure() -> dict[str, float]:
    """Return the metrics of matching, medians of several rounds, and print those of each engine."""
    root = project_root()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "app"), str(root)])}
    run = subprocess.run(
        [str(_PYTHON), "-m", "tests.bench.matching.race"],
        cwd=root,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    *table, figures = run.stdout.splitlines()
    print("\n".join(table))
    found: dict[str, float] = json.loads(figures)
    return found
