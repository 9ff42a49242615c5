"""Servers that play the other side of a driver's scenario: of otls, of OpenSSL and of Go.

A driver's program connects, sends ``SCENARIO SIZE`` and a line feed, and plays its side; see
``driver_matrix.py`` for what each scenario is. Data is the octets i % 251.
"""

from __future__ import annotations

import contextlib
import queue
import shutil
import socket
import ssl
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import otls
from drive import pattern

#: How long a peer waits for anything.
PATIENCE = 60.0

_PIECE = 64 * 1024

#: What a slow reader reads in a second.
_SLOW = 4 << 20


class Truncated(Exception):
    """The transport ended without a close_notify."""


class Conn(ABC):
    """A server's side of one connection, which two threads may use at once."""

    @abstractmethod
    def read(self, limit: int) -> bytes:
        """The next octets; empty at a close_notify. Raises :class:`Truncated` at an end without one."""

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Sends all of it."""

    @abstractmethod
    def close(self) -> None:
        """Says close_notify, and closes once the other side has closed."""


class Peer(Protocol):
    """A server in the background."""

    port: int

    def result(self) -> str:
        """What the peer says of the scenario that came to its end."""


def play(conn: Conn, sock: socket.socket) -> str:
    """Plays the scenario that the client asks for; what there is to say of it."""
    line = bytearray()
    while not line.endswith(b"\n"):
        line += conn.read(1)
    scenario, size = line.decode().split()
    return _PARTS[scenario](conn, sock, int(size))


def _echo(conn: Conn, _: socket.socket, size: int) -> str:
    count = 0
    while data := conn.read(_PIECE):
        count += len(data)
        conn.write(data)
    conn.close()
    return f"echoed {count} of {size}"


def _both(conn: Conn, _: socket.socket, size: int) -> str:
    failures: list[str] = []
    reader = threading.Thread(target=_expect, args=(conn, size, failures))
    reader.start()
    _write(conn, size)
    reader.join(PATIENCE)
    if reader.is_alive() or failures:
        return f"wrong: {failures or 'still reading'}"
    conn.close()
    return "both went"


def _half_close(conn: Conn, _: socket.socket, size: int, pause: float = 0) -> str:
    count = 0
    while data := conn.read(_PIECE):
        if data != pattern(count, len(data)):
            return f"wrong: other octets from {count} on"
        count += len(data)
        time.sleep(len(data) * pause)
    conn.write(b"got %d\n" % count)
    conn.close()
    return f"got {count} of {size}"


def _slow(conn: Conn, sock: socket.socket, size: int) -> str:
    return _half_close(conn, sock, size, 1 / _SLOW)


def _cut(conn: Conn, sock: socket.socket, size: int) -> str:
    _write(conn, size)
    sock.shutdown(socket.SHUT_WR)
    with contextlib.suppress(Truncated, OSError):
        while conn.read(_PIECE):
            pass
    sock.close()
    return "cut"


def _cancel(conn: Conn, _: socket.socket, size: int) -> str:
    count = 0
    while count < 64 * 1024:
        count += len(conn.read(_PIECE))
    time.sleep(1)
    try:
        while data := conn.read(_PIECE):
            count += len(data)
    except Truncated:
        return "truncated"
    return f"wrong: a clean end after {count} of {size} octets"


def _close(conn: Conn, _: socket.socket, __: int) -> str:
    with contextlib.suppress(Truncated):
        while conn.read(_PIECE):
            pass
    return "ended"


def _select(conn: Conn, _: socket.socket, size: int) -> str:
    for start in range(0, size, 1000):
        conn.write(pattern(start, min(1000, size - start)))
    conn.close()
    return "sent"


_PARTS = {
    "echo": _echo,
    "octets": _echo,
    "signals": _echo,
    "both": _both,
    "half-close": _half_close,
    "slow": _slow,
    "cut": _cut,
    "cancel": _cancel,
    "close": _close,
    "select": _select,
}


def _write(conn: Conn, size: int) -> None:
    for start in range(0, size, _PIECE):
        conn.write(pattern(start, min(_PIECE, size - start)))


def _expect(conn: Conn, size: int, failures: list[str]) -> None:
    count = 0
    try:
        while count < size and (data := conn.read(_PIECE)):
            if data != pattern(count, len(data)):
                failures.append(f"other octets from {count} on")
                return
            count += len(data)
    except (Truncated, OSError) as error:
        failures.append(repr(error))
    if count != size:
        failures.append(f"{count} of {size} octets came")


class OtlsConn(Conn):
    """By this library's blocking stream."""

    def __init__(self, sock: socket.socket, folder: Path) -> None:
        identity = otls.Identity(
            otls.Certificate.load_chain((folder / "server.pem").read_bytes()),
            otls.load_key((folder / "server.key").read_bytes()),
        )
        trust = otls.TrustStore(otls.Certificate.load_chain((folder / "ca.pem").read_bytes()))
        connection = otls.Connection.server(otls.ServerConfig(identity, trust=trust))
        self._stream = otls.Stream(sock, connection, timeout=PATIENCE)
        self._stream.handshake()

    def read(self, limit: int) -> bytes:
        try:
            return self._stream.recv(limit)
        except (otls.TruncatedError, ConnectionResetError) as error:
            raise Truncated from error

    def write(self, data: bytes) -> None:
        self._stream.send(data)

    def close(self) -> None:
        self._stream.close()


class OpensslConn(Conn):
    """By OpenSSL in Python's ``ssl``, in memory, so that two threads may use it at once."""

    def __init__(self, sock: socket.socket, folder: Path) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_cert_chain(folder / "server.pem", folder / "server.key")
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
        sock.settimeout(PATIENCE)
        self._sock = sock
        self._come, self._go = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._come, self._go, server_side=True)
        self._lock, self._sending = threading.Lock(), threading.Lock()
        while not self._step(self._tls.do_handshake):
            self._receive()

    def _step(self, call: object, *arguments: object) -> bytes | bool:
        """Calls OpenSSL, and sends what it has to say; False where it waits for more."""
        with self._sending:
            with self._lock:
                try:
                    done = call(*arguments)  # type: ignore[operator]
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    done = False
                said = self._go.read()
            if said:
                self._sock.sendall(said)
        return True if done is None else done

    def _receive(self) -> None:
        data = self._sock.recv(_PIECE)
        with self._lock:
            if data:
                self._come.write(data)
            else:
                self._come.write_eof()

    def read(self, limit: int) -> bytes:
        try:
            while True:
                with self._lock:
                    try:
                        return self._tls.read(limit)
                    except ssl.SSLWantReadError:
                        pass
                self._receive()
        except ssl.SSLZeroReturnError:
            return b""
        except (ssl.SSLEOFError, ConnectionResetError) as error:
            raise Truncated from error

    def write(self, data: bytes) -> None:
        self._step(self._tls.write, data)

    def close(self) -> None:
        # The first call says close_notify; what the other side still says is not waited for.
        with contextlib.suppress(ssl.SSLError, OSError):
            self._step(self._tls.unwrap)
            self._sock.shutdown(socket.SHUT_WR)
            while self._sock.recv(_PIECE):
                pass
        self._sock.close()


class PythonPeer:
    """A server of one of the kinds above, which serves one client after the other."""

    def __init__(self, kind: type[OtlsConn | OpensslConn], folder: Path) -> None:
        self._kind, self._folder = kind, folder
        self._results: queue.Queue[str] = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        try:
            with sock:
                self._results.put(play(self._kind(sock, self._folder), sock))
        except Exception as error:  # noqa: BLE001  (whatever it is, the test has to see it)
            self._results.put(f"wrong: {error!r}")

    def result(self) -> str:
        return self._results.get(timeout=PATIENCE)

    def close(self) -> None:
        self._listener.close()


class GoPeer:
    """The program ``tests/interop_peers/drive.go``."""

    def __init__(self, folder: Path) -> None:
        source = Path(__file__).resolve().parents[3] / "tests/interop_peers/drive.go"
        program = folder / "drive-go"
        if not program.exists():
            subprocess.run(["go", "build", "-o", program, source], check=True, capture_output=True)
        self._process = subprocess.Popen([program, folder], stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def result(self) -> str:
        return self._line()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@contextlib.contextmanager
def peer(name: str, folder: Path) -> Iterator[PythonPeer | GoPeer]:
    """The peer of this name: ``otls``, ``OpenSSL`` or ``Go``."""
    if name == "Go":
        running: PythonPeer | GoPeer = GoPeer(folder)
    else:
        running = PythonPeer(OtlsConn if name == "otls" else OpensslConn, folder)
    try:
        yield running
    finally:
        running.close()


def has_go() -> bool:
    """Whether Go's compiler is on this machine."""
    return shutil.which("go") is not None


@contextlib.contextmanager
def relay(port: int, pause: float) -> Iterator[int]:
    """Passes one octet at a time each way, with so many seconds behind each; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    sockets: list[socket.socket] = []

    def carry(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                for octet in data:
                    target.sendall(bytes([octet]))
                    time.sleep(pause)
            target.shutdown(socket.SHUT_WR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for one in (near, far):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets.append(one)
            threading.Thread(target=carry, args=(near, far), daemon=True).start()
            carry(far, near)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        for one in (listener, *sockets):
            one.close()
