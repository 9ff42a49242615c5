"""The scenarios of drive.py, on blocking sockets and on asyncio, against a server in Python."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import otls
from conftest import World
from drive import PIECE, check, pattern

PROGRAM = Path(__file__).with_name("drive.py")
RELAYED = {"octets": 0.0, "trickle": 0.05}
SIZES = {
    "echo": 16 << 20,
    "both": 16 << 20,
    "half-close": 4 << 20,
    "cut": 1 << 20,
    "octets": 2000,
    "trickle": 1,
    "slow": 10 << 20,
    "cancel": 64 << 20,
    "close": 1,
    "signals": 4 << 20,
    "select": 50_000,
}


class Peer:
    """Plays the server's part of each scenario."""

    def __init__(self) -> None:
        self.cut_seen = threading.Event()

    def play(self, stream: otls.Stream) -> None:
        """One connection."""
        line = b""
        while not line.endswith(b"\n"):
            line += stream.recv(1)
        scenario, size = line.decode().split()
        parts = {
            "half-close": self.answer,
            "slow": self.answer,
            "cut": self.cut,
            "both": self.both,
            "cancel": self.stop_reading,
            "select": self.small_records,
        }
        parts.get(scenario, self.echo)(stream, int(size))

    def echo(self, stream: otls.Stream, size: int) -> None:
        while data := stream.recv():
            stream.send(data)

    def answer(self, stream: otls.Stream, size: int) -> None:
        offset = 0
        while data := stream.recv():
            offset = check(data, offset)
            time.sleep(len(data) / (4 << 20))
        stream.send(f"got {offset}\n".encode())

    def write(self, stream: otls.Stream, size: int, piece: int = PIECE) -> None:
        for offset in range(0, size, piece):
            stream.send(pattern(offset, min(piece, size - offset)))

    def cut(self, stream: otls.Stream, size: int) -> None:
        self.write(stream, size)
        stream.abort()

    def both(self, stream: otls.Stream, size: int) -> None:
        received = [0]

        def read() -> None:
            while received[0] < size:
                received[0] = check(stream.recv(), received[0])

        reader = threading.Thread(target=read)
        reader.start()
        self.write(stream, size)
        reader.join()

    def stop_reading(self, stream: otls.Stream, size: int) -> None:
        offset = 0
        while offset < 65536:
            offset = check(stream.recv(), offset)
        time.sleep(1)
        try:
            while data := stream.recv():
                offset = check(data, offset)
        except (otls.TruncatedError, ConnectionResetError):
            self.cut_seen.set()

    def small_records(self, stream: otls.Stream, size: int) -> None:
        self.write(stream, size, 1000)


@contextlib.contextmanager
def relay(address: otls.Address, pause: float) -> Iterator[otls.Address]:
    """Carries one connection, an octet at a time."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def carry() -> None:
        with listener, contextlib.suppress(OSError):
            left, _ = listener.accept()
            right = socket.create_connection(address)
            other = {left: right, right: left}
            while other and not is_over.is_set():
                for sock in select.select(list(other), [], [], 0.1)[0]:
                    octet = sock.recv(1)
                    if octet:
                        time.sleep(pause)
                        (right if sock is left else left).sendall(octet)
                    else:
                        other.pop(sock).shutdown(socket.SHUT_WR)
            left.close()
            right.close()

    thread = threading.Thread(target=carry, daemon=True)
    thread.start()
    yield listener.getsockname()
    is_over.set()
    thread.join(10)


@pytest.fixture(scope="session")
def folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client's files."""
    path = tmp_path_factory.mktemp("drive")
    identity = world.identity("client")
    (path / "ca.pem").write_bytes(world.authority.certificate.to_pem())
    (path / "client.pem").write_bytes(identity.certificate.to_pem())
    otls.save_key(path / "client.key", world.keys["ecdsa_secp256r1_sha256"])
    return path


@pytest.mark.parametrize("runtime", ["blocking", "asyncio"])
@pytest.mark.parametrize("scenario", list(SIZES))
def test_a_scenario_comes_out_right(world: World, folder: Path, runtime: str, scenario: str) -> None:
    config = otls.ServerConfig(world.identity("server", names=["bank.example"]), trust=world.trust)
    peer = Peer()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(otls.Server(peer.play, ("127.0.0.1", 0), config, grace=5))
        address = server.address
        if scenario in RELAYED:
            address = stack.enter_context(relay(address, RELAYED[scenario]))
        arguments = [runtime, scenario, address[0], str(address[1]), str(folder), str(SIZES[scenario])]
        done = subprocess.run(
            [sys.executable, PROGRAM, *arguments], capture_output=True, text=True, timeout=100, check=False
        )
        assert (done.stdout[:3], done.stderr, done.returncode) == ("ok ", "", 0), done.stdout
        if scenario == "cancel":
            assert peer.cut_seen.wait(10), "the peer took the end for a clean one"
