"""otls.serve and otls.Server: many customers, silent ones, limits, and the end."""

from __future__ import annotations

import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import otls
from conftest import Background, World, bank, customer

HERE = ("127.0.0.1", 0)


def greet(stream: otls.Stream) -> None:
    """Greets by name."""
    assert stream.peer is not None
    stream.send(b"hello " + stream.peer.subject.common_name.encode())


def echo(stream: otls.Stream) -> None:
    """Sends back what comes."""
    while data := stream.recv():
        stream.send(data)


def greeting(world: World, address: otls.Address) -> bytes:
    """What the server says to a customer."""
    with otls.connect(address, customer(world), timeout=10) as stream:
        return b"".join(iter(stream.recv, b""))


def test_silent_clients_are_in_nobodys_way(world: World) -> None:
    with otls.Server(greet, HERE, bank(world), timeout=30) as server:
        silent = [socket.create_connection(server.address) for _ in range(20)]
        begin = time.monotonic()
        assert greeting(world, server.address) == b"hello customer"
        assert time.monotonic() - begin < 5
        for sock in silent:
            sock.close()


def test_where_there_is_no_room_the_longest_handshake_makes_it(world: World) -> None:
    with otls.Server(greet, HERE, bank(world), timeout=30, max_connections=3) as server:
        silent = [socket.create_connection(server.address) for _ in range(3)]
        assert greeting(world, server.address) == b"hello customer"
        silent[0].settimeout(5)
        assert silent[0].recv(1) == b""
        for sock in silent:
            sock.close()


def test_no_more_are_served_at_a_time_than_asked(world: World) -> None:
    most, at_once = 0, 0
    lock = threading.Lock()

    def slow(stream: otls.Stream) -> None:
        nonlocal most, at_once
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.1)
        with lock:
            at_once -= 1
        greet(stream)

    with otls.Server(slow, HERE, bank(world), max_connections=2) as server:
        customers = [Background(lambda: greeting(world, server.address)) for _ in range(8)]
        for one in customers:
            one.join()
            assert one.result == b"hello customer"
    assert most == 2


def test_what_a_handler_raises_is_said_and_ends_its_connection_alone(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(stream: otls.Stream) -> None:
        stream.send(b"half a reply")
        if stream.recv() == b"fail":
            raise LookupError("no such account")

    failures: list[BaseException] = []
    with otls.Server(broken, HERE, bank(world), on_failure=lambda _, error: failures.append(error)) as server:
        with (
            otls.connect(server.address, customer(world), timeout=10) as bystander,
            otls.connect(server.address, customer(world), timeout=10) as stream,
        ):
            stream.send(b"fail")
            assert stream.recv() == b"half a reply"
            with pytest.raises(otls.TruncatedError):
                stream.recv()
            assert bystander.recv() == b"half a reply"
            bystander.send(b"go on")
            assert bystander.recv() == b""
        with socket.create_connection(server.address) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            stranger.settimeout(5)
            stranger.recv(100)
        end = time.monotonic() + 10
        while len(caplog.records) < 2 and time.monotonic() < end:
            time.sleep(0.02)
    # Which of the two threads writes first is theirs.
    failed, refused = sorted(caplog.records, key=lambda record: -record.levelno)
    assert (failed.name, failed.levelno, failed.exc_info and failed.exc_info[0]) == (
        "otls",
        logging.ERROR,
        LookupError,
    )
    assert (refused.name, refused.levelno) == ("otls", logging.WARNING)
    assert "no connection: the peer's message is invalid" in refused.getMessage()
    assert {type(failure) for failure in failures} == {LookupError, otls.InvalidMessage}


def test_a_server_ends_after_those_whom_it_serves_and_in_bounded_time(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    server = otls.Server(echo, HERE, bank(world), grace=1.5)
    serving = Background(server.serve_forever)
    with otls.connect(server.address, customer(world), timeout=10) as ending:
        idle = otls.connect(server.address, customer(world), timeout=10)
        for stream in (ending, idle):
            stream.send(b"x")
            assert stream.recv() == b"x"
        assert server.connections == 2
        begin = time.monotonic()
        server.stop()
        time.sleep(0.3)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(ending.getpeername())
        ending.send(b"still served")
        assert ending.recv() == b"still served"
    # The idle one is cut off, and sees it.
    with pytest.raises(otls.TruncatedError):
        idle.recv()
    serving.join()
    assert serving.error is None
    assert 1 < time.monotonic() - begin < 4


def test_a_handler_that_does_not_come_back_does_not_hold_the_end_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    go = threading.Event()
    with otls.Server(lambda stream: go.wait(20), HERE, bank(world), grace=0.2) as server:
        stream = otls.connect(server.address, customer(world), timeout=10)
        begin = time.monotonic()
    assert time.monotonic() - begin < 4
    assert "1 connections were cut off, whose handlers go on" in caplog.text
    with pytest.raises(otls.TruncatedError):
        stream.recv()
    go.set()


PROGRAM = """
import sys, otls
here = sys.argv[1]
chain = otls.Certificate.load_chain(open(f"{here}/bank.pem", "rb").read())
identity = otls.Identity(chain, otls.load_key(open(f"{here}/bank.key", "rb").read()))
config = otls.ServerConfig(identity, client_auth="server-only")
def handler(stream):
    print("served", flush=True)
    while data := stream.recv():
        stream.send(data)
listener = otls.listen(("127.0.0.1", 0), config)
print(listener.address[1], flush=True)
otls.serve(handler, listener)
print("ended well", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_after_its_connections(
    world: World, tmp_path: Path, number: signal.Signals
) -> None:
    identity = world.identity("server")
    (tmp_path / "bank.pem").write_bytes(identity.certificate.to_pem())
    otls.save_key(tmp_path / "bank.key", world.keys["ecdsa_secp256r1_sha256"])
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        address = ("127.0.0.1", int(program.stdout.readline()))
        config = otls.ClientConfig(world.trust, no_identity=True)
        with otls.connect(address, config, server_name="localhost", timeout=10) as stream:
            assert program.stdout.readline() == "served\n"
            program.send_signal(number)
            time.sleep(0.3)
            stream.send(b"still served")
            assert stream.recv() == b"still served"
        output, errors = program.communicate(timeout=20)
    if number == signal.SIGTERM:
        assert (output, errors, program.returncode) == ("ended well\n", "", 0)
    else:
        assert errors.endswith("KeyboardInterrupt\n")
        assert output == ""


def test_a_server_needs_room_and_one_configuration(world: World) -> None:
    with pytest.raises(otls.ApiMisuse, match="room"):
        otls.Server(greet, HERE, bank(world), max_connections=0)
    with pytest.raises(otls.ApiMisuse, match="config or configure"):
        otls.serve(greet, HERE)
    with (
        otls.listen(HERE, bank(world)) as listener,
        pytest.raises(otls.ApiMisuse, match="has a configuration"),
    ):
        otls.Server(greet, listener, bank(world))


def test_serve_works_in_a_thread_too(world: World) -> None:
    listener = otls.listen(HERE, bank(world))
    serving = Background(lambda: otls.serve(greet, listener))
    assert greeting(world, listener.address) == b"hello customer"
    listener.close()
    serving.join()
    assert serving.error is None
