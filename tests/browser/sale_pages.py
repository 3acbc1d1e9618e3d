"""The pages as a process of their own, over sales in every state."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ui.sale_world import sale_world

START_SECONDS = 90


@contextmanager
def serving(folder):
    """Serve the pages of a fresh world; yield the world, with ``url`` of its pages."""
    with (
        pytest.MonkeyPatch.context() as patch,
        sale_world(folder, patch) as world,
        _pages() as url,
    ):
        world.url = url
        yield world


@contextmanager
def _pages():
    process = subprocess.Popen(
        [Path(sys.executable).with_name("gavelbook"), "pages", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    found, lines = threading.Event(), []

    def read():
        for line in process.stdout:
            lines.append(line.rstrip())
            if re.search(r"serving the pages on \S+:\d+", line):
                found.set()
        found.set()

    threading.Thread(target=read, daemon=True).start()
    try:
        assert found.wait(START_SECONDS), "\n".join(lines)
        assert process.poll() is None, "\n".join(lines)
        said = re.search(r"serving the pages on \S+:(\d+)", "\n".join(lines))
        assert said, "\n".join(lines)
        yield f"http://127.0.0.1:{said[1]}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
