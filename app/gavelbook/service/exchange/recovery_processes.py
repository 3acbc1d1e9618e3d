"""Processes that recover who signed orders, beside the one interpreter that does all the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from queue import SimpleQueue
from typing import TYPE_CHECKING, cast

import structlog

from gavelbook.exchange import signing
from gavelbook.service.exchange.recovery_process import receive_answers, send_questions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from gavelbook.exchange.errors import ExchangeError

USUAL_COUNT = 2
"""As many as threads of the intake that ask; the engine keeps another core busy."""

FEWEST = 8
"""Questions that are worth asking another process; fewer have their answers sooner at home."""

_END_SECONDS = 5
_COMMAND = (sys.executable, "-P", "-m", "gavelbook.service.exchange.recovery_process")

_ENVIRONMENT = ("LANG", "LD_LIBRARY_PATH", "PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT")
"""What the interpreter may need. Passphrases of keys are none of a process's that holds no key."""

_log = structlog.get_logger()


class RecoveryProcesses:
    """``count`` processes, started when they are made; with 0 everything happens in this one.

    One that is lost costs nothing but time: its questions are answered here, and another one takes
    its place.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._idle: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for _ in range(count):
            self._idle.put(_start())

    def recover_all(
        self, questions: Sequence[tuple[bytes, bytes]]
    ) -> Sequence[bytes | ExchangeError]:
        """Return for each digest and signature what `signing.recover` does, errors as values.

        From any thread; waits for a process that has nothing else to do.
        """
        if not self._count or len(questions) < FEWEST:
            return signing.recover_all(questions)
        process = self._idle.get()
        try:
            answers = _ask(process, questions)
        except Exception as error:  # noqa: BLE001 -- whatever it is, what is in its pipes is void
            _log.warning("recovery_process_lost", pid=process.pid, reason=str(error))
            process = _replaced(process)
            answers = signing.recover_all(questions)
        finally:
            self._idle.put(process)
        return answers

    def close(self) -> None:
        """End the processes; nobody asks any more."""
        for _ in range(self._count):
            _end(self._idle.get())


def _start() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return subprocess.Popen(  # noqa: S603 -- our own program
        _COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )


def _ask(
    process: subprocess.Popen[bytes], questions: Sequence[tuple[bytes, bytes]]
) -> list[bytes | ExchangeError]:
    send_questions(cast("BinaryIO", process.stdin), questions)
    answers = receive_answers(cast("BinaryIO", process.stdout))
    if len(answers) != len(questions):
        raise ValueError(f"Expected {len(questions)} answers, was {len(answers)}")
    return answers


def _replaced(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Return another process, or the same where none can be started: that is tried again."""
    _end(process)
    try:
        return _start()
    except OSError as error:
        _log.warning("recovery_process_not_started", reason=str(error))
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that has nothing to do."""
    for stream in (process.stdin, process.stdout):
        try:
            cast("BinaryIO", stream).close()
        except OSError:
            # What could not be sent to a process that is gone.
            continue
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
