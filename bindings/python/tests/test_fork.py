"""What a fork means: a child never reads its parent's answers, and no code is accepted twice."""

from __future__ import annotations

import asyncio
import collections
import json
import multiprocessing
import os
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from servers import postgres_server, redis_server

import otls
from otls import aio

PEPPER = bytes(range(32))
PAYMENT = otls.Context({"amount": "1"})
WORKERS = 64

#: Codes as another process takes them: identifier, subject, and the code that is presented.
Presented = list[tuple[str, str, str]]


@pytest.fixture(scope="module", params=["sqlite", "redis", "postgres"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Each store that outlives a process."""
    folder = tmp_path_factory.mktemp("store")
    if request.param == "sqlite":
        yield f"sqlite:{folder / 'otp.sqlite'}"
    elif request.param == "redis":
        with redis_server(folder) as server:
            yield server
    else:
        with postgres_server(folder) as server:
            yield server


def opened(address: str, **settings: str | bytes | int | Path) -> otls.Ledger:
    return otls.Ledger(address, pepper=PEPPER, issues=10**6, **settings)  # type: ignore[arg-type]


def issued(ledger: otls.Ledger, number: int, name: str) -> list[tuple[otls.Issued, str]]:
    subjects = [f"{name}{index}-{os.urandom(4).hex()}" for index in range(number)]
    return [
        (ledger.issue(subject, PAYMENT, lifetime=timedelta(seconds=3000)), subject) for subject in subjects
    ]


def right(codes: list[tuple[otls.Issued, str]]) -> Presented:
    return [(str(code.id), subject, code.code.expose()) for code, subject in codes]


def wrong(codes: list[tuple[otls.Issued, str]]) -> Presented:
    return [(str(code.id), subject, other_than(code.code.expose())) for code, subject in codes]


def other_than(code: str) -> str:
    """A code of the same form, marked by blanks, which do not count."""
    return f" {(int(code[0]) + 1) % 10}{code[1:]} "


def present(ledger: otls.Ledger, codes: Presented) -> dict[str, int]:
    """How often each verdict was given; a code that is accepted stands with its subject."""
    counts: collections.Counter[str] = collections.Counter()
    for identifier, subject, code in codes:
        verdict = ledger.verify(otls.OtpId(identifier), subject, PAYMENT, code)
        kind = "right" if code == code.strip() else "wrong"
        counts[f"{kind}:{verdict.kind}"] += 1
    return counts


def forked(work: Callable[[], object]) -> tuple[int, int]:
    """Runs ``work`` in a child, whose value comes back as JSON."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        os.close(reading)
        answer = json.dumps(work())
    except BaseException as error:  # noqa: BLE001  (a child must not go on as a second pytest)
        answer = json.dumps({"error": type(error).__name__, "text": str(error) or traceback.format_exc()})
    try:
        with os.fdopen(writing, "w") as pipe:
            pipe.write(answer)
    finally:
        os._exit(0)


def joined(child: tuple[int, int]) -> Any:
    with os.fdopen(child[1]) as pipe:
        answer = json.loads(pipe.read())
    os.waitpid(child[0], 0)
    return answer


def test_parent_and_child_get_the_verdicts_on_their_own_codes(address: str) -> None:
    ledger = opened(address)
    ours, theirs = issued(ledger, 200, "asha"), issued(ledger, 200, "ravi")
    child = forked(lambda: present(ledger, wrong(theirs)))
    assert present(ledger, right(ours)) == {"right:accepted": 200}
    assert joined(child) == {"wrong:wrong": 200}
    assert present(ledger, right(ours)) == {"right:used": 200}
    assert present(ledger, right(theirs)) == {"right:accepted": 200}


def test_of_64_workers_that_inherit_a_ledger_each_judges_rightly(address: str) -> None:
    # As a server does that loads its application before it forks its workers.
    ledger = opened(address)
    shared, guessed = issued(ledger, 8, "asha"), issued(ledger, WORKERS, "ravi")

    def worker(index: int) -> dict[str, int]:
        return present(ledger, [*wrong(guessed[index : index + 1]), *right(shared)])

    children = [forked(lambda index=index: worker(index)) for index in range(WORKERS)]  # type: ignore[misc]
    total: collections.Counter[str] = collections.Counter()
    for child in children:
        total.update(joined(child))
    assert total == {"wrong:wrong": WORKERS, "right:accepted": 8, "right:used": 8 * (WORKERS - 1)}
    assert present(ledger, right(guessed)) == {"right:accepted": WORKERS}


def _open_and_present(address: str, codes: Presented, answers: multiprocessing.Queue[dict[str, int]]) -> None:
    answers.put(dict(present(opened(address), codes)))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes_of_multiprocessing_judge_rightly(address: str, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    ledger = opened(address)
    shared, guessed = issued(ledger, 4, "asha"), issued(ledger, 4, "ravi")
    answers = context.Queue()
    processes = [
        context.Process(
            target=_open_and_present,
            args=(address, [*wrong(guessed[index : index + 1]), *right(shared)], answers),
        )
        for index in range(4)
    ]
    for process in processes:
        process.start()
    total: collections.Counter[str] = collections.Counter()
    for _ in processes:
        total.update(answers.get(timeout=60))
    for process in processes:
        process.join()
    assert total == {"wrong:wrong": 4, "right:accepted": 4, "right:used": 12}


def test_children_of_children_have_connections_of_their_own(address: str) -> None:
    ledger = opened(address)
    codes = issued(ledger, 3, "asha")

    def grandchild() -> dict[str, int]:
        return present(ledger, right(codes[2:]))

    def child() -> list[Any]:
        other = forked(grandchild)
        return [present(ledger, right(codes[1:2])), joined(other)]

    running = forked(child)
    assert present(ledger, right(codes[:1])) == {"right:accepted": 1}
    assert joined(running) == [{"right:accepted": 1}, {"right:accepted": 1}]


def test_a_fork_while_other_threads_call_hangs_nobody(address: str) -> None:
    ledger = opened(address)
    codes = issued(ledger, 1, "asha")
    stop = threading.Event()

    def busy(number: int) -> None:
        while not stop.is_set():
            ledger.issue(f"ravi{number}", PAYMENT, lifetime=timedelta(seconds=30))

    threads = [threading.Thread(target=busy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        answers = [joined(forked(lambda: present(ledger, wrong(codes)))) for _ in range(12)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for answer in answers:
        # A child that was forked within a call of SQLite is refused, and says so.
        refused = answer.get("error") == "ApiMisuse" and "SQLite" in str(answer["text"])
        assert refused or list(answer) in (["wrong:wrong"], ["wrong:locked"]), answer
    assert address.startswith("sqlite") or all("error" not in answer for answer in answers)


def test_codes_in_memory_belong_to_one_process() -> None:
    ledger = opened("memory:")
    codes = issued(ledger, 1, "asha")
    children = [forked(lambda: present(ledger, right(codes))) for _ in range(WORKERS)]
    for child in children:
        answer = joined(child)
        assert (answer["error"], "memory" in str(answer["text"])) == ("ApiMisuse", True)
    assert present(ledger, right(codes)) == {"right:accepted": 1}


def test_parent_and_children_write_one_audit_log(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = opened(f"sqlite:{tmp_path / 'otp.sqlite'}", audit_log=log, audit_key=key)
    codes = issued(ledger, 8, "asha")
    children = [
        forked(lambda index=index: present(ledger, right(codes[index : index + 1])))  # type: ignore[misc]
        for index in range(8)
    ]
    assert all(joined(child) == {"right:accepted": 1} for child in children)
    assert present(ledger, right(codes)) == {"right:used": 8}
    # What was asked and what came of it, for each that was issued and each that was tried.
    assert otls.verify_audit_log(log, key)[0] == 2 * (8 + 8 + 8)


def test_a_child_that_was_forked_within_an_event_does_not_keep_the_log_locked(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = opened("memory:", audit_log=log, audit_key=key)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            ledger.lock("ravi")

    thread = threading.Thread(target=busy)
    thread.start()
    released, holding = os.pipe()
    children = []
    for _ in range(24):
        child = os.fork()
        if child == 0:
            os.close(holding)
            os.read(released, 1)  # It lives on, with whatever it has inherited open.
            os._exit(0)
        children.append(child)
    stop.set()
    thread.join()
    ledger.unlock("ravi")
    os.close(holding)
    for child in children:
        os.waitpid(child, 0)


def test_a_connection_does_not_work_in_a_child() -> None:
    config = otls.ClientConfig(otls.TrustStore())
    connection = otls.Connection.client(config, "bank.example")
    ours, theirs = socket.socketpair()
    stream = otls.Stream(ours, otls.Connection.client(config, "bank.example"))

    def refused(call: Callable[[], object]) -> bool:
        try:
            call()
        except otls.ApiMisuse as error:
            return "forked" in str(error)
        return False

    def child() -> list[bool]:
        asked: list[Callable[[], object]] = [
            lambda: connection.pending(),
            lambda: connection.feed(b"x"),
            lambda: connection.seal(b"x"),
            lambda: connection.close(),
            lambda: connection.state,
            lambda: stream.send(b"x"),
            lambda: stream.recv(),
            lambda: stream.handshake(),
        ]
        answers = [refused(call) for call in asked]
        answers.append("another process" in repr(connection))
        stream.abort()
        stream.close()
        answers.append(stream.fileno() == -1)
        return answers

    assert joined(forked(child)) == [True] * 10
    # Nothing was sent or shut down by the child.
    theirs.settimeout(0)
    with pytest.raises(BlockingIOError):
        theirs.recv(1)
    assert connection.pending()
    assert otls.State.WANT_WRITE in stream.state


def test_parent_and_children_draw_numbers_of_their_own() -> None:
    key = otls.PrivateKey.generate("ecdsa", curve="P-256")

    def signature() -> str:
        return key.sign(b"one message", "ecdsa_secp256r1_sha256").hex()

    drawn = {signature()}
    children = [forked(signature) for _ in range(8)]
    drawn |= {signature() for _ in range(8)}
    drawn |= {joined(child) for child in children}
    assert len(drawn) == 17


def test_an_asyncio_stream_does_not_work_in_a_child() -> None:
    async def parent() -> None:
        ours, theirs = socket.socketpair()
        config = otls.ClientConfig(otls.TrustStore())
        stream = aio.AsyncStream(ours, otls.Connection.client(config, "bank.example"))

        def child() -> list[str]:
            answers = []
            for call in (stream.send(b"x"), stream.recv(), stream.handshake()):
                try:
                    call.send(None)
                except otls.ApiMisuse as error:
                    answers.append(str(error))
            try:
                stream.close().send(None)
            except StopIteration:
                answers.append("closed without a word: forked")
            return answers

        answers = joined(forked(child))
        assert [("forked" in answer) for answer in answers] == [True] * 4
        theirs.settimeout(0)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)
        stream.abort()

    asyncio.run(parent())
