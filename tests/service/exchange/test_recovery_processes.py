"""Processes that recover signers answer as this one does, and may be lost."""

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from coincurve import PrivateKey

from gavelbook.exchange import signing
from gavelbook.exchange.commands import PlaceOrder
from gavelbook.exchange.errors import ExchangeError
from gavelbook.service.exchange.recovery_processes import FEWEST, RecoveryProcesses
from tests.service.exchange.market_day import exchange_in, place, trader


def question(number):
    digest = number.to_bytes(32, "big")
    return digest, signing.sign(digest, PrivateKey(b"\x07" * 32))


QUESTIONS = [question(number) for number in range(1, 200)]


@pytest.fixture
def processes():
    processes = RecoveryProcesses(2)
    yield processes
    processes.close()


def plain(answers):
    return [
        (each.code, each.message) if isinstance(each, ExchangeError) else each for each in answers
    ]


def test_they_answer_as_this_process_does(processes):
    digest, signature = QUESTIONS[0]
    asked = [
        *QUESTIONS,
        (digest, signature[:64]),
        (digest, signature[:64] + b"\x05"),
        (digest, signature[:63]),
        (digest, b"\x00" * 65),
        (digest, b"\x00" * 64),
        (digest, b"\xff" * 64),
        (digest, signing.compact_signature(signature)),
    ]
    assert plain(processes.recover_all(asked)) == plain(signing.recover_all(asked))


def test_threads_get_the_answers_to_their_own_questions(processes):
    portions = [QUESTIONS[start : start + FEWEST] for start in range(0, 180, 2)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(processes.recover_all, portions))
    assert answers == [signing.recover_all(each) for each in portions]


def test_few_questions_are_not_passed_on(processes, monkeypatch):
    monkeypatch.setattr(processes, "_idle", None)
    few = QUESTIONS[: FEWEST - 1]
    assert processes.recover_all(few) == signing.recover_all(few)
    with pytest.raises(AttributeError):
        processes.recover_all(QUESTIONS[:FEWEST])
    monkeypatch.undo()


def test_one_that_is_killed_is_replaced_and_its_questions_are_answered(processes):
    for _ in range(4):
        lost = processes._idle.get()
        lost.kill()
        lost.wait()
        processes._idle.put(lost)
        assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    assert processes._idle.qsize() == 2


def test_one_that_is_killed_in_the_middle_of_its_work_is_replaced(processes):
    first, second = processes._idle.get(), processes._idle.get()
    processes._idle.put(first)
    asked = QUESTIONS * 20
    killer = threading.Timer(0.02, first.kill)
    killer.start()
    assert processes.recover_all(asked) == signing.recover_all(asked)
    killer.join()
    processes._idle.put(second)
    assert first.returncode is not None


def test_one_that_answers_too_little_is_replaced(processes, monkeypatch):
    monkeypatch.setattr(
        "gavelbook.service.exchange.recovery_processes.receive_answers", lambda _: [b"\x01" * 20]
    )
    before = {processes._idle.get() for _ in range(2)}
    for each in before:
        processes._idle.put(each)
    assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    monkeypatch.undo()
    assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    assert sum(each.returncode is not None for each in before) == 1


def test_where_none_can_be_started_answers_come_all_the_same(processes, monkeypatch):
    for _ in range(2):
        lost = processes._idle.get()
        lost.kill()
        lost.wait()
        processes._idle.put(lost)
    with monkeypatch.context() as patch:
        patch.setattr(
            "gavelbook.service.exchange.recovery_processes._COMMAND", ("/nowhere/to/be/found",)
        )
        for _ in range(4):
            assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    for _ in range(2):
        assert processes.recover_all(QUESTIONS) == signing.recover_all(QUESTIONS)
    running = [processes._idle.get() for _ in range(2)]
    assert all(each.poll() is None for each in running)
    for each in running:
        processes._idle.put(each)


def test_they_learn_no_passphrase(monkeypatch):
    monkeypatch.setenv("APE_ACCOUNTS_MATCHER_PASSPHRASE", "of the matcher")
    started = []
    monkeypatch.setattr(
        subprocess, "Popen", lambda _command, **options: started.append(options["env"])
    )
    RecoveryProcesses(1)
    [environment] = started
    assert environment["PATH"]
    assert "of the matcher" not in environment.values()


def test_none_is_left_behind():
    processes = RecoveryProcesses(1)
    running = processes._idle.get()
    processes._idle.put(running)
    processes.close()
    assert running.returncode == 0


def test_none_outlives_who_asked():
    code = (
        "import os, signal\n"
        "from gavelbook.service.exchange.recovery_processes import RecoveryProcesses\n"
        "processes = RecoveryProcesses(1)\n"
        "running = processes._idle.get()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    # The child holds stderr open for as long as it lives.
    killed = subprocess.run(
        [sys.executable, "-c", code], check=False, stderr=subprocess.PIPE, timeout=20
    )
    assert killed.returncode == -signal.SIGKILL
    assert not killed.stderr


def test_an_exchange_checks_its_orders_in_them(tmp_path):
    own, stranger = trader(1), trader(2)
    signed = [own.order(lane=lane) for lane in range(FEWEST)]
    forged = PlaceOrder(own.order(lane=99).order, b"", stranger.order(lane=99).signature)
    with exchange_in(tmp_path, own, recovery_processes=1) as running:
        *placed, refused = place(running, *signed, forged)
    assert [each.command.order for each in placed] == [each.order for each in signed]
    assert refused.code == "bad_order_signature"
