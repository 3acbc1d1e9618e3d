"""The demo as a process of its own, and a browser to look at it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import requests

from gavelbook.demo.local_chain import free_port

BROWSER_ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-gpu"]
KEY_FIGURES = {
    "start": "[data-testid=stMain] h1",
    "sale": "[data-testid=stMetricValue]",
    "results": "[data-testid=stMetricValue]",
    "market": "section.market[data-state=live]",
    "portfolio": "[data-testid=stMain] h1",
    "operator": "[data-testid=stMetricValue]",
    "account": "[data-testid=stMain] h1",
}
"""What is there once a page helps."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
START_SECONDS = 240
STOP_SECONDS = 20


def find_browser():
    """The browser in $GAVELBOOK_BROWSER, or the first usual name on PATH; None without any."""
    named = os.environ.get("GAVELBOOK_BROWSER")
    candidates = [named] if named else BROWSERS
    return next(filter(None, map(shutil.which, candidates)), None)


class RunningDemo:
    def __init__(self, process, url, rpc_url, lines):
        self.process = process
        self.url = url
        self.rpc_url = rpc_url
        self.lines = lines

    def call(self, method, *params):
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return requests.post(self.rpc_url, json=request, timeout=30).json()["result"]

    def page_cpu_seconds(self):
        """Return the CPU seconds so far of the process that serves the pages."""
        listed = subprocess.run(
            ["ps", "-A", "-o", "ppid=,pid=,time=,args="], capture_output=True, text=True, check=True
        )
        for line in listed.stdout.splitlines():
            parent, pid, spent, command = line.split(maxsplit=3)
            if int(parent) == self.process.pid and "--pages" in command:
                return _exactly(pid) or _seconds(spent)
        raise AssertionError("the process of the pages is gone")

    def stop(self):
        """End it as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS)


def _exactly(pid):
    """Return the CPU seconds of a process to a hundredth; None where there is no /proc."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _seconds(text):
    """Return what `ps` writes as days-hours:minutes:seconds."""
    days, _, clock = text.rpartition("-")
    seconds = 0.0
    for part in clock.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86_400


@contextmanager
def running_demo(*options):
    """Start the demo, wait until its pages answer, and end it by its process id."""
    port, rpc_port = free_port(), free_port()
    command = [sys.executable, "-m", "gavelbook.demo", f"--port={port}", f"--rpc-port={rpc_port}"]
    process = subprocess.Popen(
        [*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = []
    ready = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line.rstrip())
            if re.search(r"Open http://127\.0\.0\.1:\d+", line):
                ready.set()
        ready.set()

    threading.Thread(target=read, daemon=True).start()
    try:
        assert ready.wait(START_SECONDS), "\n".join(lines)
        assert process.poll() is None, "\n".join(lines)
        yield RunningDemo(
            process, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{rpc_port}", lines
        )
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def gone(url):
    """Whether nobody answers at ``url`` any more, within a few seconds."""
    for _ in range(30):
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            return True
        time.sleep(0.1)
    return False
