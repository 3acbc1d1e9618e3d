"""An exchange in a process of its own that dies at any moment, and who starts the next one.

Run as ``python -m tests.service.exchange.mortal_exchange``: it imports everything once, then forks
a process for each line of its input, so that hundreds of lives fit into a minute. A line is JSON:
folder, socket, and the moment at which the process kills itself ("" for none). The answer is the
process's id; the process itself answers on its socket, one JSON line for each, after a first one
with its position and the hash of its state.
"""

import gc
import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from gavelbook.exchange.commands import PlaceOrder, decode
from gavelbook.service.exchange.committer import Committer
from gavelbook.service.exchange.entries import Applied
from gavelbook.service.exchange.snapshots import SnapshotFolder
from gavelbook.service.exchange.sqlite_log import SqliteLog
from gavelbook.service.exchange.view_writer import ViewWriter
from gavelbook.service.logs import log_to_stderr
from tests.service.exchange.market_day import exchange_in, state_hash, trader

TRADERS = [trader(number) for number in range(1, 5)]
SNAPSHOT_EVERY = 150
MOMENTS = {
    "before a commit": (SqliteLog, "append", "before"),
    "after a commit": (SqliteLog, "append", "after"),
    "before an answer": (Committer, "tell", "before"),
    "after an answer": (Committer, "tell", "after"),
    "before views": (ViewWriter, "follow", "before"),
    "within views": (ViewWriter, "_write", "after"),
    "before a snapshot": (SnapshotFolder, "save", "before"),
    "after a snapshot": (SnapshotFolder, "save", "after"),
}


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(moment, count):
    """Make this process kill itself the ``count``-th time that it comes to ``moment``."""
    if moment == "within a snapshot":
        replace = Path.replace

        def dying(self, target):
            # As if the disk had not got all of it.
            self.write_bytes(self.read_bytes()[:-100])
            replace(self, target)
            die()

        Path.replace = dying
        return
    owner, name, when = MOMENTS[moment]
    original = getattr(owner, name)
    left = [count]

    def dying(*values, **options):
        left[0] -= 1
        if left[0] == 0 and when == "before":
            die()
        result = original(*values, **options)
        if left[0] == 0:
            die()
        return result

    setattr(owner, name, dying)


def answer_of(answer):
    """Return what a client is told."""
    if not isinstance(answer, Applied):
        return {"refused": answer.code}
    told = {"position": answer.position, "duplicate": answer.duplicate}
    if isinstance(answer.command, PlaceOrder):
        told["order_hash"] = answer.command.order_hash.hex()
    return told


class Client(threading.Thread):
    """Serves one connection: commands come in as the log writes them, one a line."""

    def __init__(self, running, connection):
        super().__init__(daemon=True)
        self.running = running
        self.connection = connection
        self.lines = connection.makefile("rb")

    def send(self, answers):
        for answer in answers:
            self.connection.sendall(json.dumps(answer_of(answer)).encode() + b"\n")

    def run(self):
        for line in self.lines:
            command = decode(line)
            if isinstance(command, PlaceOrder):
                self.running.intake.place([command], self.send)
            else:
                self.running.intake.cancel(command, self.send)


def live(folder, address, moment, count):
    """Run the exchange in ``folder`` until somebody kills this process."""
    gc.enable()
    if moment:
        die_at(moment, count)
    listener = socket.socket(socket.AF_UNIX)
    with exchange_in(
        folder, *TRADERS, snapshot_every=SNAPSHOT_EVERY, recovery_processes=1
    ) as running:
        first = {"position": running.sequencer.tail.position, "state": state_hash(running).hex()}
        listener.bind(address)
        listener.listen(16)
        while True:
            connection, _ = listener.accept()
            connection.sendall(json.dumps(first).encode() + b"\n")
            Client(running, connection).start()


def main():
    """Fork a life for each line of the input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    log_to_stderr()
    gc.disable()
    gc.freeze()
    for line in sys.stdin:
        folder, address, moment, count = json.loads(line)
        process = os.fork()
        if not process:
            os.close(0)
            os.dup2(2, 1)
            try:
                live(Path(folder), address, moment, count)
            finally:
                os._exit(1)
        print(process, flush=True)


if __name__ == "__main__":
    main()
