"""Traces: what connections did, for people and for files."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from programs import MESSAGE, QUIET, Program, free_ports

import otls
import otls.aio
from conftest import World, bank, customer, make_world

ROOT = Path(__file__).resolve().parents[3]


def events(lines: str) -> list[dict[str, Any]]:
    """The events of a trace, without its head."""
    head, *rest = (json.loads(line) for line in lines.splitlines())
    assert head["otls_trace"] == 1
    return rest


def names(of: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each message's direction and name."""
    return [(one["direction"], one["name"]) for one in of if one["event"] == "message"]


def talk(world: World, ours: otls.Trace, theirs: otls.Trace, *, other: bool = False) -> None:
    """A connection with two traces, over which a word goes; to one who trusts others it does not."""
    who = make_world("other.example", world.keys) if other else world
    with otls.listen(("127.0.0.1", 0), bank(world), timeout=10, trace=theirs) as listener:
        done = threading.Thread(target=_answer, args=(listener,))
        done.start()
        try:
            with otls.connect(listener.address, customer(who), timeout=10, trace=ours) as stream:
                stream.sendall(b"word")
                assert stream.recv(4) == b"WORD"
        finally:
            done.join()


def _answer(listener: otls.Listener) -> None:
    with contextlib.suppress(otls.AlertReceived), listener.accept() as stream:
        stream.sendall(stream.recv(4).upper())
        assert stream.recv(1) == b""


def test_both_sides_of_a_stream_are_told_with_their_time(world: World) -> None:
    ours, theirs = otls.Trace(party="customer", secrets=True), otls.Trace(party="bank")
    before = time.time()
    talk(world, ours, theirs)
    client, server = events(ours.take()), events(theirs.take())
    assert names(client)[:2] == [("sent", "ClientHello"), ("received", "ServerHello")]
    swapped = [("sent" if way == "received" else "received", name) for way, name in names(server)]
    assert sorted(names(client)) == sorted(swapped)
    # A new client's first messages were made before there was a stream.
    times = [one["time"] for one in client if "time" in one]
    assert times == sorted(times)
    assert before - 1 < times[0] <= times[-1] < time.time() + 1
    data = [bytes.fromhex(one["octets"]) for one in client if one["event"] == "data"]
    assert data == [b"word", b"WORD"]
    # The other one was not to have secrets.
    assert all("octets" not in one for one in server if one["event"] == "data")
    assert all("value" not in one for one in server if one["event"] == "secret")
    assert client[-1]["event"] == "record"
    assert "close_notify" in [one["name"] for one in client if one["event"] == "alert"]
    assert ours.take() == ""


def test_servers_for_many_and_asyncio_have_traces_too(world: World) -> None:
    served, ours = otls.Trace(), otls.Trace()

    async def handler(stream: otls.aio.AsyncStream) -> None:
        await stream.send(await stream.recv())

    async def run() -> None:
        server = await otls.aio.start_server(handler, "127.0.0.1", 0, bank(world), trace=served)
        async with server:
            where = server.addresses[0]
            async with await otls.aio.open_connection(*where, customer(world), trace=ours) as stream:
                await stream.send(b"word")
                assert await stream.recv() == b"word"

    asyncio.run(run())
    for trace in (ours, served):
        assert {"ClientHello", "Finished"} <= {name for _, name in names(events(trace.take()))}

    def echo(stream: otls.Stream) -> None:
        stream.sendall(stream.recv(4))

    with (
        otls.Server(echo, ("127.0.0.1", 0), bank(world), trace=served) as server,
        otls.connect(server.address, customer(world), timeout=10) as stream,
    ):
        stream.sendall(b"word")
        assert stream.recv(4) == b"word"
    told = [json.loads(line) for line in served.take().splitlines()]
    assert ("received", "ClientHello") in names(told)


def test_steps_of_a_program_stand_between_events_and_secrets_where_they_may(world: World) -> None:
    for secrets in (True, False):
        trace = otls.Trace(party="bank", title="a test", secrets=secrets)
        trace.story("otp_issued", "a code", secret={"code": "256345"}, id="1", left=3, last=True, none=None)
        (step,) = events(trace.take())
        assert step.pop("time") == pytest.approx(time.time(), abs=60)
        expected = {"event": "story", "step": "otp_issued", "text": "a code", "id": "1", "left": 3}
        assert step == expected | {"last": True, "none": None} | ({"code": "256345"} if secrets else {})
    with pytest.raises(TypeError, match="text, whole numbers and truth values"):
        trace.story("step", "text", wrong=b"octets")  # type: ignore[arg-type]


def test_a_file_is_for_its_owner_alone_and_replaces_nothing(world: World, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    with otls.Trace(path, party="customer") as ours:
        talk(world, ours, otls.Trace())
        # What happens afterwards is not lost where the program is: the lines are there already.
        assert '"Finished"' in path.read_text()
        assert ours.close() == path
        assert ours.close() is None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    text = path.read_text()
    assert any("value" in one for one in events(text) if one["event"] == "secret")
    with pytest.raises(FileExistsError):
        otls.Trace(path)
    assert path.read_text() == text
    path.chmod(0o644)
    otls.Trace(path, overwrite=True).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert events(path.read_text()) == []
    with pytest.raises(FileNotFoundError):
        otls.Trace(tmp_path / "no folder" / "trace.json")


def test_a_full_disk_is_said_at_the_end_and_stops_no_connection(world: World) -> None:
    mode = os.stat("/dev/full").st_mode
    with pytest.raises(OSError, match="No space left"):
        otls.Trace("/dev/full", overwrite=True)
    assert os.stat("/dev/full").st_mode == mode
    # Not at once: the limit of a file's size ends the trace in the middle of a connection.
    code = """
import resource, signal, sys, otls
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
trace = otls.Trace(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))
trace.story("step", "x" * 1000)
trace.story("step", "more")
try:
    trace.close()
except OSError as error:
    print(type(error).__name__, error.errno)
"""
    import errno
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, f"{folder}/trace"], capture_output=True, text=True, check=True
        )
    assert done.stdout == f"OSError {errno.EFBIG}\n"


def test_what_cannot_be_together_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(otls.ApiMisuse):
        otls.Trace(tmp_path / "trace", echo=True)
    with pytest.raises(otls.ApiMisuse):
        otls.Trace(echo=True, secrets=True)
    connection = otls.Connection.accept()
    connection.set_trace(otls.Trace())
    with pytest.raises(otls.ApiMisuse):
        connection.set_trace(otls.Trace())


def run_three(folder: Path, *flags: tuple[str, ...]) -> tuple[str, list[str]]:
    """The code that the customer was shown, and what each program said."""
    ttp_port, bank_port = (str(port) for port in free_ports(2))
    ttp_flags, bank_flags, customer_flags = flags
    at = ("--ttp", f"127.0.0.1:{ttp_port}")
    with (
        Program("my_ttp", QUIET, "--port", ttp_port, *ttp_flags, folder=folder) as ttp,
        Program("my_server", QUIET, "--port", bank_port, *at, *bank_flags, folder=folder) as server,
    ):
        to = ("--bank", f"127.0.0.1:{bank_port}")
        with Program("my_client", QUIET, *to, *at, *customer_flags, folder=folder) as client:
            client.succeeds()
            server.succeeds()
            found = MESSAGE.fullmatch(client.output)
            assert found, client.output
            ttp.process.terminate()
            assert ttp.end() == 128 + signal.SIGTERM
            return found[1], [ttp.log, server.log, client.log]


def test_the_three_programs_write_what_they_did(tmp_path: Path) -> None:
    parties = ("ttp", "bank", "customer")
    code, logs = run_three(tmp_path, *(("--explain", f"{party}.json") for party in parties))
    for party, log in zip(parties, logs, strict=True):
        path = tmp_path / f"{party}.json"
        text = path.read_text()
        assert json.loads(text.splitlines()[0])["party"] == party
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"what happened is in {path}" in log
        # What was sent encrypted is there, and no private key, pepper or audit key.
        assert '"ClientHello"' in text
        for secret in ("CA/key.pem", "Server/private_key.pem", "Client/private_key.pem"):
            der = otls.load_key((tmp_path / secret).read_bytes()).to_der()
            # ECPrivateKey (RFC 5915): the scalar is an OCTET STRING of 32 or 48 octets.
            (scalar,) = re.findall(rb"\x02\x01\x01\x04([\x20\x30].{32,48}?)\xa1", der, re.DOTALL)
            assert scalar[1:].hex() not in text
        for secret in ("Server/pepper", "Server/audit.key"):
            assert (tmp_path / secret).read_bytes().hex() not in text
    steps = [one["step"] for one in events((tmp_path / "bank.json").read_text()) if one["event"] == "story"]
    wanted = ["otp_issued", "otp_sent", "otp_returned", "otp_accepted", "receipt", "otp_refused"]
    assert [step for step in steps if step in wanted] == wanted
    (issued,) = [
        one for one in events((tmp_path / "bank.json").read_text()) if one.get("step") == "otp_issued"
    ]
    assert issued["code"] == code


def test_every_line_is_what_the_schema_says(tmp_path: Path, world: World) -> None:
    schema = json.loads((ROOT / "docs" / "trace.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    parties = ("ttp", "bank", "customer")
    run_three(tmp_path, *(("--explain", f"{party}.json") for party in parties))
    kept = otls.Trace()
    with pytest.raises(otls.Error):
        talk(world, kept, otls.Trace(), other=True)
    texts = [(tmp_path / f"{party}.json").read_text() for party in parties] + [kept.take()]
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    assert not [error.message for line in lines for error in validator.iter_errors(line)]
    # What the schema knows does occur, but for what belongs to a capture and to long data.
    known = set(schema["$defs"]["event"]["properties"]["event"]["enum"])
    assert known - {line.get("event") for line in lines} == {"folded", "unreadable"}
    wrong = {"event": "message", "connection": None, "role": "client", "direction": "sent"}
    assert list(validator.iter_errors(wrong))


def test_at_the_terminal_each_message_is_a_line_and_no_secret_is_shown(tmp_path: Path) -> None:
    code, logs = run_three(tmp_path, ("--explain",), ("--explain",), ("--explain",))
    for log in logs:
        assert re.search(r"^[→←] ClientHello, \d+ octets, not encrypted: ", log, re.MULTILINE)
        assert code not in log
        told = [line for line in log.splitlines() if not line.startswith("my_")]
        assert not re.search(r"[0-9a-f]{32}", "\n".join(told))
    assert "OTLS_AES_128_CBC_HMAC_SHA256 (0xff01)" in logs[1]
    assert "a private suite: Wireshark cannot read it" in logs[1]
    assert "ECDSA decides with which keys both sides sign" in logs[1]


def test_a_file_that_is_there_stops_a_program_before_it_asks(tmp_path: Path) -> None:
    (tmp_path / "bank.json").write_text("precious")
    with Program("my_server", QUIET, "--explain", "bank.json", folder=tmp_path) as server:
        server.fails(3, "--explain bank.json: File exists (choose another name")
    assert (tmp_path / "bank.json").read_text() == "precious"
