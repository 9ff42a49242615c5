"""What carries octets between a connection and a socket that does not wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import otls
from conftest import World, connected
from otls import State
from otls._otls import Link


class Sock:
    """What a socket has received, one read each, and what it has sent; it has room for so many octets."""

    def __init__(self, *reads: bytes, room: int = 1 << 30) -> None:
        self.reads, self.room, self.sent = list(reads), room, b""

    def recv(self, limit: int) -> bytes:
        if not self.reads:
            raise BlockingIOError
        octets, self.reads[0] = self.reads[0][:limit], self.reads[0][limit:]
        if not self.reads[0]:
            del self.reads[0]
        return octets

    def send(self, octets: bytes) -> int:
        octets = bytes(octets)[: self.room]
        if not octets:
            raise BlockingIOError
        self.room -= len(octets)
        self.sent += octets
        return len(octets)


def sealed(connection: otls.Connection, *messages: bytes) -> bytes:
    """A record for each."""
    octets = b""
    for message in messages:
        connection.seal(message)
        octets += connection.pending(1 << 20)
        connection.consume(1 << 20)
    return octets


def test_one_read_opens_all_records_that_have_come(world: World) -> None:
    client, server = connected(world)
    sock = Sock(sealed(client, b"one", b"two", b"three"))
    link = Link(server, sock)
    assert link.read(1000) == b"onetwothree"
    assert link.read(1000) is None


def test_what_is_beyond_the_limit_is_kept_and_nothing_more_is_received(world: World) -> None:
    client, server = connected(world)
    sock = Sock(sealed(client, b"one", b"two"), sealed(client, b"three"))
    link = Link(server, sock)
    assert link.read(2) == b"on"
    assert (link.kept, len(sock.reads)) == (len(b"two") + 22, 1)
    # A record is not opened before there is room for all of it behind other data.
    assert link.read(3) == b"e"
    assert link.read(2) == b"tw"
    assert link.kept == 0
    assert link.read(100) == b"o"
    assert len(sock.reads) == 1
    assert link.read(5) == b"three"
    assert not sock.reads


def test_a_record_that_is_kept_in_part_is_no_reason_not_to_receive(world: World) -> None:
    client, server = connected(world)
    data = os.urandom(200_000)
    octets = sealed(client, data)
    # Of all lengths: headers are cut as well as records.
    sock = Sock(*(octets[start : start + 16_407] for start in range(0, len(octets), 16_407)))
    link = Link(server, sock)
    received = b""
    while (piece := link.read(1 << 16)) is not None:
        received += piece
    assert received == data


@pytest.mark.parametrize("octets", [b"\x17\x03\x03\x41\x01", b"\x2a\x03\x03\x00\x10"])
def test_a_header_that_is_wrong_is_refused_at_once(world: World, octets: bytes) -> None:
    client, server = connected(world)
    link = Link(server, Sock(sealed(client, b"data") + octets))
    assert link.read(100) == b"data"
    with pytest.raises(otls.InvalidMessage):
        link.read(100)


def test_a_record_in_pieces_is_no_data_until_it_is_whole(world: World) -> None:
    client, server = connected(world)
    octets = sealed(client, b"data")
    link = Link(server, Sock(octets[:10], octets[10:]))
    assert link.read(100) == b""
    assert link.read(100) == b"data"
    assert link.received == len(octets)


def test_data_before_a_damaged_record_comes_first(world: World) -> None:
    client, server = connected(world)
    octets = bytearray(sealed(client, b"good", b"bad"))
    octets[-1] ^= 1
    link = Link(server, Sock(bytes(octets)))
    assert link.read(100) == b"good"
    for _ in range(2):
        with pytest.raises(otls.DecryptError):
            link.read(100)
    with pytest.raises(otls.DecryptError):
        link.take_in()


def test_the_end_of_the_transport_is_an_error_unless_it_was_announced(world: World) -> None:
    client, server = connected(world)
    link = Link(server, Sock(sealed(client, b"data"), b""))
    assert link.read(100) == b"data"
    with pytest.raises(otls.TruncatedError):
        link.read(100)
    assert link.ended

    client, server = connected(world)
    client.seal(b"data")
    client.close()
    sock = Sock(client.pending(), b"more")
    link = Link(server, sock)
    assert link.read(100) == b"data"
    # Nothing is received after close_notify.
    assert link.read(100) == b""
    assert sock.reads == [b"more"]
    assert State.CLOSED in server.state


def test_what_there_is_no_room_for_stays_pending(world: World) -> None:
    client, server = connected(world)
    sock = Sock(room=30_000)
    link = Link(client, sock)
    data = os.urandom(100_000)
    assert not link.send(data)
    assert link.stuck
    assert len(sock.sent) == 30_000
    assert not link.flush()
    sock.room = 1 << 30
    # Who reads sends it as well.
    assert link.read(1) is None
    assert not link.stuck
    assert link.flush()
    other = Link(server, Sock(sock.sent))
    assert b"".join(iter(lambda: other.read(1 << 16) or b"", b"")) == data


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_sent(world: World, kind: type) -> None:
    client, server = connected(world)
    sock = Sock()
    assert Link(client, sock).send(kind(b"data"))
    assert Link(server, Sock(sock.sent)).read(100) == b"data"


def test_an_error_of_the_socket_is_handed_on(world: World) -> None:
    class Broken:
        def recv(self, limit: int) -> bytes:
            raise ConnectionResetError

        def send(self, octets: bytes) -> int:
            raise BrokenPipeError

    client, _ = connected(world)
    link = Link(client, Broken())
    with pytest.raises(ConnectionResetError):
        link.read(1)
    with pytest.raises(ConnectionResetError):
        link.take_in()
    with pytest.raises(BrokenPipeError):
        link.send(b"data")
    # It was sealed, and is pending.
    assert link.stuck
    assert client.pending()


def test_a_signal_in_the_socket_may_receive_in_between(world: World) -> None:
    """What its handler has received comes first, because it was first."""
    client, server = connected(world)
    first, second = sealed(client, b"first"), sealed(client, b"second")

    class Interrupted(Sock):
        is_handling = False

        def recv(self, limit: int) -> bytes:
            if not self.is_handling:
                self.is_handling = True
                assert link.take_in()
            return super().recv(limit)

    link = Link(server, Interrupted(first, second))
    assert link.read(100) == b"firstsecond"


def test_a_child_of_the_process_is_refused(world: World) -> None:
    client, _ = connected(world)
    link = Link(client, Sock(b"x"))
    child = os.fork()
    if child == 0:
        refused = 0
        for call in (
            lambda: link.read(1),
            link.take_in,
            link.flush,
            lambda: link.send(b"x"),
            lambda: link.kept,
        ):
            try:
                call()
            except otls.ApiMisuse:
                refused += 1
        os._exit(refused)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5


def test_an_import_brings_little_of_the_standard_library() -> None:
    program = "import sys, otls; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = "asyncio dataclasses email enum inspect logging pathlib re socket ssl tempfile threading typing"
    assert not set(heavy.split()) & set(loaded.stdout.split())


def test_names_that_come_later_are_there_all_the_same() -> None:
    assert set(otls.__all__) <= set(dir(otls))
    namespace: dict[str, object] = {}
    exec("from otls import *", namespace)
    assert set(otls.__all__) <= set(namespace)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = otls.nothing  # type: ignore[attr-defined]
