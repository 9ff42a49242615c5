"""What a stream promises: both directions at once, deadlines, ends, select, signals."""

from __future__ import annotations

import contextlib
import copy
import gc
import pickle
import select
import socket
import time
import warnings
import weakref
from collections.abc import Callable

import pytest

import otls
from conftest import Background, Half, World, bank, customer, streams


def flood(stream: otls.Stream) -> Background:
    """Sends more than the kernel takes, in a thread."""
    return Background(lambda: stream.send(bytes(64 << 20)))


def receive_all(stream: otls.Stream) -> bytes:
    """All until the end, which is a clean one."""
    return b"".join(iter(stream.recv, b""))


def test_who_reads_never_waits_for_who_writes(world: World) -> None:
    with streams(world) as (ours, theirs):
        sending = flood(ours)
        time.sleep(0.3)
        begin = time.monotonic()
        for number in range(50):
            theirs.send(b"%d" % number)
            assert ours.recv() == b"%d" % number
        assert time.monotonic() - begin < 5
        ours.abort()
        sending.join()
        assert isinstance(sending.error, ConnectionAbortedError)


def test_what_a_reader_has_to_say_goes_out_while_it_waits(world: World) -> None:
    """The answer to a KeyUpdate that asks for one (RFC 8446 §4.6.3)."""
    half = Half(world)
    handshake = Background(half.stream.handshake)
    half.flush()
    handshake.join()
    half.server.feed(half.sock.recv(65536))
    half.flush()
    reading = Background(half.stream.recv)
    half.server.update_keys(request=True)
    half.flush()
    half.sock.settimeout(5)
    assert half.server.feed(half.sock.recv(65536)) > 0
    half.server.seal(b"and on")
    half.flush()
    reading.join()
    assert reading.result == b"and on"
    half.sock.close()


def test_the_data_of_one_call_is_not_mixed_with_anothers(world: World) -> None:
    size = 1_000_000
    with streams(world) as (ours, theirs):
        sending = [Background(lambda octet=octet: ours.send(bytes([octet]) * size)) for octet in b"abc"]  # type: ignore[misc]
        received = b""
        while len(received) < 3 * size:
            received += theirs.recv()
        for one in sending:
            one.join()
        assert sorted(received[index * size :][:size] for index in range(3)) == [
            bytes([octet]) * size for octet in b"abc"
        ]


def test_several_may_receive(world: World) -> None:
    with streams(world) as (ours, theirs):
        receiving = [Background(lambda: ours.recv(1)) for _ in range(3)]
        theirs.send(b"xyz")
        for one in receiving:
            one.join()
        assert sorted(bytes(str(one.result), "ascii") for one in receiving) == [b"b'x'", b"b'y'", b"b'z'"]


def test_no_more_is_sealed_than_a_piece(world: World) -> None:
    with streams(world) as (ours, _):
        sealed = []
        flush = ours._engine._flush

        def look() -> bool:
            sealed.append(len(ours.connection.pending(1 << 30)))
            return flush()

        ours._engine._flush = look  # type: ignore[method-assign]
        sending = flood(ours)
        time.sleep(0.3)
        assert 200 * 1024 < max(sealed) < (256 + 8) * 1024
        ours.abort()
        sending.join()


def test_a_write_that_times_out_says_how_much_had_gone_and_is_the_last(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.timeout = 0.3
        with pytest.raises(TimeoutError, match=r"no room .* within 0\.3 s: \d+ of 67108864 octets had gone"):
            ours.send(bytes(64 << 20))
        with pytest.raises(otls.ApiMisuse, match="cannot be written any more"):
            ours.send(b"more")
        # Reading goes on, and the end is not one that calls the data whole.
        theirs.send(b"are you there?")
        assert ours.recv() == b"are you there?"
        closing = Background(ours.close)
        with pytest.raises((otls.TruncatedError, ConnectionResetError)):
            receive_all(theirs)
        closing.join()


def test_a_small_write_that_times_out_is_the_last_as_well(world: World) -> None:
    with streams(world) as (ours, _):
        ours.timeout = 0.3

        def send_on() -> None:
            for _ in range(1000):
                ours.send(bytes(50_000))

        with pytest.raises(TimeoutError, match=r"0 of 50000 octets had gone"):
            send_on()
        with pytest.raises(otls.ApiMisuse, match="cannot be written any more"):
            ours.send(b"more")


def test_what_a_cut_write_has_left_goes_out_with_who_reads(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.timeout = otls.Timeouts(write=0.3)
        with pytest.raises(TimeoutError):
            ours.send(bytes(64 << 20))
        left = len(ours.connection.pending(1 << 30))
        assert left
        reading = Background(ours.recv)
        time.sleep(0.2)
        theirs.timeout = 1
        with pytest.raises(TimeoutError):
            receive_all(theirs)
        assert not ours.connection.pending()
        ours.abort()
        reading.join()


def test_a_record_that_comes_octet_by_octet_gets_no_more_time_and_is_not_lost(world: World) -> None:
    half = Half(world)
    handshake = Background(half.stream.handshake)
    half.flush()
    handshake.join()
    half.server.feed(half.sock.recv(65536))
    half.flush()
    half.stream.confirm()
    half.server.seal(b"late")
    record = half.server.pending()
    half.stream.timeout = 0.5
    reading = Background(half.stream.recv)
    sent = 0
    while reading.error is None:
        assert sent < len(record), "a trickle extends the deadline"
        half.sock.send(record[sent : sent + 1])
        sent += 1
        time.sleep(0.05)
    reading.join()
    assert isinstance(reading.error, TimeoutError)
    text = str(reading.error)
    assert text.startswith("no answer from the peer within 0.5 s (")
    assert text.endswith(" octets of a record came)")
    half.sock.send(record[sent:])
    assert half.stream.recv() == b"late"
    half.sock.close()


def test_a_connection_has_a_whole_time_as_well(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.timeout = otls.Timeouts(lifetime=60)
        ours.settimeout(20)
        assert ours.timeouts == otls.Timeouts(20, 20, 20, lifetime=60)
        theirs.send(b"x")
        assert ours.recv() == b"x"
        ours.timeout = otls.Timeouts(lifetime=0.1)
        time.sleep(0.1)
        for call in (ours.recv, lambda: ours.send(b"y")):
            with pytest.raises(TimeoutError, match=r"whole time of 0\.1 s"):
                call()


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "5", 1e400])
def test_a_timeout_is_a_number_of_seconds(seconds: float) -> None:
    for make in (lambda: otls.Timeouts(read=seconds), lambda: otls.listen(("127.0.0.1", 0), timeout=seconds)):
        with pytest.raises(otls.ApiMisuse):
            make()


def test_a_timeout_of_many_years_and_one_of_nothing(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.timeout = 1e12
        reading = Background(ours.recv)
        time.sleep(0.1)
        theirs.send(b"x")
        reading.join()
        assert reading.result == b"x"
        ours.settimeout(0)
        with pytest.raises(TimeoutError):
            ours.recv()
        theirs.send(b"y")
        time.sleep(0.1)
        assert ours.recv() == b"y"
        assert ours.gettimeout() == 0
    with otls.listen(("127.0.0.1", 0), bank(world)) as listener:
        with pytest.raises(TimeoutError, match="nobody connected"):
            listener.accept(wait=0)
        accepting = Background(lambda: listener.accept(wait=1e12))
        otls.connect(listener.address, customer(world), timeout=1e12).abort()
        accepting.join()
        with pytest.raises(TimeoutError, match=r"no connection to .* within 0 s"):
            otls.connect(listener.address, customer(world), timeout=0)


def test_one_direction_is_closed_and_the_other_goes_on(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.send(b"the question")
        ours.shutdown(socket.SHUT_WR)
        ours.close_write()
        assert theirs.recv() == b"the question"
        assert theirs.recv() == b""
        with pytest.raises(otls.ApiMisuse, match="data after close"):
            ours.send(b"more")
        waiting = Background(ours.recv)
        theirs.send(b"the answer")
        waiting.join()
        assert waiting.result == b"the answer"
        theirs.close()
        assert ours.recv() == b""
        assert ours.recv() == b""


def test_shutting_down_reading_ends_it_at_once(world: World) -> None:
    with streams(world) as (ours, theirs):
        waiting = Background(ours.recv)
        time.sleep(0.1)
        ours.shutdown(socket.SHUT_RD)
        waiting.join()
        assert waiting.result == b""
        ours.send(b"still")
        assert theirs.recv() == b"still"
        with pytest.raises(otls.ApiMisuse):
            ours.shutdown(17)
        ours.shutdown(socket.SHUT_RDWR)
        assert theirs.recv() == b""
        ours.close()
        with pytest.raises(OSError, match="not connected"):
            ours.shutdown(socket.SHUT_WR)
    with streams(world) as (ours, _):
        ours.timeout = 0.1
        with pytest.raises(TimeoutError):
            ours.send(bytes(64 << 20))
        with pytest.raises(OSError, match="cannot be written any more"):
            ours.shutdown(socket.SHUT_WR)


def test_a_block_that_fails_ends_in_a_truncation(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.send(b"first half")
        with pytest.raises(LookupError), ours:
            raise LookupError
        assert theirs.recv() == b"first half"
        with pytest.raises(otls.TruncatedError):
            theirs.recv()
        assert ours.fileno() == -1
        with pytest.raises(ConnectionAbortedError, match="this stream is over: it was aborted"):
            ours.recv()


@pytest.mark.parametrize(
    "error", [LookupError("x"), ConnectionRefusedError("x"), TimeoutError("x"), KeyboardInterrupt()]
)
def test_a_hook_that_raises_ends_the_handshake_with_a_word(world: World, error: BaseException) -> None:
    def configure(offer: otls.Offer) -> otls.ServerConfig:
        raise error

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=10) as listener:
        accepting = Background(listener.accept)
        with pytest.raises(otls.TruncatedError, match="before the handshake was done"):
            otls.connect(listener.address, customer(world), timeout=10)
        accepting.join()
        assert accepting.error is error


def test_a_peer_that_sends_without_end_does_not_hold_close_up(world: World) -> None:
    with streams(world) as (ours, _):
        ours._engine.wire.discard = lambda: True  # type: ignore[method-assign]
        begin = time.monotonic()
        ours.close()
        assert time.monotonic() - begin < 3


def test_an_abort_resets_nothing_that_was_sent_though_there_was_something_unread(world: World) -> None:
    with streams(world) as (ours, theirs):
        theirs.send(b"x" * 1000)
        time.sleep(0.1)
        ours.send(b"half")
        ours.abort()
        raw = theirs._engine.wire.sock
        raw.setblocking(True)
        while raw.recv(65536):  # A reset would be an error.
            pass


def test_a_dropped_stream_ends_in_a_truncation(world: World) -> None:
    with streams(world) as (ours, theirs):
        copied = otls.Stream(ours._engine.wire.sock.dup(), ours.connection)
        copied.send(b"half")
        ours._engine.wire.sock.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            del copied
            gc.collect()
        assert theirs.recv() == b"half"
        with pytest.raises(otls.TruncatedError):
            theirs.recv()


def test_the_last_words_arrive_though_there_was_something_unread(world: World) -> None:
    with streams(world) as (ours, theirs):
        theirs.send(b"x" * 100_000)
        ours.send(b"last words")
        closing = Background(ours.close)
        time.sleep(0.1)
        with contextlib.suppress(otls.Error, OSError):
            theirs.send(b"x" * 100_000)
        assert theirs.recv() == b"last words"
        assert theirs.recv() == b""
        theirs.close()
        closing.join()


def test_close_wakes_whoever_waits(world: World) -> None:
    with streams(world, timeout=None) as (ours, _):
        waiting = [Background(ours.recv), Background(ours.recv), flood(ours), flood(ours)]
        time.sleep(0.3)
        begin = time.monotonic()
        closing = Background(ours.close)
        for one in waiting:
            one.join()
            assert isinstance(one.error, ConnectionAbortedError)
            assert "it was closed" in str(one.error)
        assert time.monotonic() - begin < 2
        closing.join()
        ours.close()
        assert ours.fileno() == -1


def test_close_waits_at_most_a_moment_for_a_peer_that_says_nothing(world: World) -> None:
    with streams(world) as (ours, _):
        begin = time.monotonic()
        ours.close()
        assert 0.9 < time.monotonic() - begin < 2.5


def test_a_peer_that_hung_up_is_noticed_behind_what_it_sent(world: World) -> None:
    with streams(world) as (ours, theirs):
        theirs.send(b"x" * 1000)
        time.sleep(0.1)
        assert not ours.peer_is_gone()
        theirs.abort()
        time.sleep(0.1)
        assert ours.peer_is_gone()
        assert ours.recv() == b"x" * 1000


def test_what_was_read_ahead_does_not_hide_from_poll(world: World) -> None:
    with streams(world) as (ours, theirs):
        ours.confirm()
        for number in range(20):
            theirs.send(b"%02d" % number)
        time.sleep(0.2)
        poller = select.poll()
        poller.register(ours, select.POLLIN)
        received = b""
        while len(received) < 40:
            assert ours.pending() or poller.poll(1000), received
            received += ours.recv(1)
        assert ours.pending() == 0
        assert not poller.poll(0)
        theirs.send(b"more")
        assert ours.recv(10**30) == b"more"


def test_a_stream_is_neither_copied_nor_detached(world: World) -> None:
    with streams(world) as (ours, _):
        refused: list[Callable[[], object]] = [
            lambda: pickle.dumps(ours),
            lambda: copy.copy(ours),
            lambda: copy.deepcopy(ours),
            ours.detach,
        ]
        for call in refused:
            with pytest.raises(TypeError, match="Stream"):
                call()
        assert weakref.ref(ours)() is ours


def test_who_speaks_something_else_is_named(world: World) -> None:
    cases = {
        b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n": "PROXY",
        b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c": "PROXY",
        b"GET / HTTP/1.1\r\n\r\n": "HTTP",
        b"HTTP/1.1 400 Bad Request\r\n\r\n": "HTTP",
        b"SSH-2.0-OpenSSH_9.2\r\n": "SSH",
        b"220 mail.example ESMTP\r\n": "STARTTLS",
        b"* OK IMAP4rev1 ready\r\n": "STARTTLS",
        b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10": "SSL 2.0",
        b"\xff\xfd\x18\xff\xfd\x20\xff\xfd": "",
    }
    for first, named in cases.items():
        ours, theirs = socket.socketpair()
        stream = otls.Stream(ours, otls.Connection.server(bank(world)))
        theirs.sendall(first)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises(otls.InvalidMessage) as caught:
            stream.handshake()
        assert named in caught.value.hint
        assert named or "TLS 1.3" in caught.value.hint, caught.value.hint
        theirs.close()
