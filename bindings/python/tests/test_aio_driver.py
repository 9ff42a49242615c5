"""What an asyncio stream promises: several tasks, cancelling, ends, deadlines."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import pickle
import time
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

import otls
from conftest import World, bank, customer
from otls import aio
from otls._aio_waiting import MOMENT
from otls._otls import Link

HERE = "127.0.0.1"


@contextlib.asynccontextmanager
async def streams(
    world: World, *, timeout: otls.Timeout = 10.0
) -> AsyncIterator[tuple[aio.AsyncStream, aio.AsyncStream]]:
    """A customer's stream and its bank's, after the handshake."""
    accepted: asyncio.Queue[aio.AsyncStream] = asyncio.Queue()
    over = asyncio.Event()

    async def handler(stream: aio.AsyncStream) -> None:
        await accepted.put(stream)
        await over.wait()

    server = await aio.start_server(handler, HERE, 0, bank(world), timeout=timeout)
    ours = await aio.open_connection(*server.addresses[0], customer(world), timeout=timeout)
    try:
        yield ours, await accepted.get()
    finally:
        over.set()
        ours.abort()
        await server.close()


def run(work: Callable[[], Awaitable[None]]) -> None:
    """Runs one test."""

    async def main() -> None:
        await asyncio.wait_for(work(), 60)

    asyncio.run(main())


async def receive_all(stream: aio.AsyncStream) -> bytes:
    """All until the end, which is a clean one."""
    received = b""
    while data := await stream.recv():
        received += data
    return received


async def receive(stream: aio.AsyncStream, size: int) -> bytes:
    """So much."""
    received = b""
    while len(received) < size:
        received += await stream.recv()
    return received


def test_who_reads_never_waits_for_who_writes(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            sending = asyncio.create_task(ours.send(bytes(64 << 20)))
            await asyncio.sleep(0.2)
            assert len(ours.connection.pending(1 << 30)) < (256 + 8) * 1024
            for number in range(50):
                await theirs.send(b"%d" % number)
                assert await ours.recv() == b"%d" % number
            ours.abort()
            with pytest.raises(ConnectionAbortedError):
                await sending

    run(work)


def test_the_data_of_one_call_is_not_mixed_with_anothers(world: World) -> None:
    async def work() -> None:
        size = 1_000_000
        async with streams(world) as (ours, theirs):
            sending = asyncio.gather(*(ours.send(bytes([octet]) * size) for octet in b"abc"))
            received = await receive(theirs, 3 * size)
            await sending
            parts = sorted(received[index * size :][:size] for index in range(3))
            assert parts == [bytes([octet]) * size for octet in b"abc"]

    run(work)


def test_several_may_receive_and_who_is_cancelled_takes_nothing_along(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            waiting = [asyncio.create_task(ours.recv(1)) for _ in range(4)]
            await asyncio.sleep(0.05)
            waiting[0].cancel()
            waiting[2].cancel()
            await theirs.send(b"xy")
            done = await asyncio.gather(*waiting, return_exceptions=True)
            assert sorted(one for one in done if isinstance(one, bytes)) == [b"x", b"y"]

    run(work)


def test_a_receive_that_is_cancelled_at_any_moment_loses_nothing(world: World) -> None:
    async def work() -> None:
        data = bytes(index % 251 for index in range(8 << 20))
        async with streams(world) as (ours, theirs):
            sending = asyncio.create_task(theirs.send(data))
            received, cancelled, tries = bytearray(), 0, 0
            while len(received) < len(data):
                receiving = asyncio.create_task(ours.recv())
                tries += 1
                for _ in range(tries % 7):
                    await asyncio.sleep(0)
                receiving.cancel()
                try:
                    received += await receiving
                except asyncio.CancelledError:
                    cancelled += 1
                    received += await ours.recv()
            await sending
            assert received == data
            assert cancelled > 10

    run(work)


def test_a_cancelled_send_is_the_last_and_never_ends_well(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(ours.send(bytes(64 << 20)), 0.2)
            with pytest.raises(otls.ApiMisuse, match="cannot be written any more"):
                await ours.send(b"more")
            await theirs.send(b"are you there?")
            assert await ours.recv() == b"are you there?"
            closing = asyncio.create_task(ours.close())
            with pytest.raises((otls.TruncatedError, ConnectionResetError)):
                await receive_all(theirs)
            await closing

    run(work)


def test_a_send_that_is_cancelled_between_two_pieces_is_the_last_as_well(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):

            async def cancelled() -> None:
                raise asyncio.CancelledError

            ours._engine._waiter.pause = cancelled  # type: ignore[method-assign]
            with pytest.raises(asyncio.CancelledError):
                await ours.send(bytes(300_000))
            assert not ours.connection.pending()
            with pytest.raises(otls.ApiMisuse, match="cannot be written any more"):
                await ours.send(b"more")
            closing = asyncio.create_task(ours.close())
            with pytest.raises(otls.TruncatedError):
                await receive_all(theirs)
            await closing

    run(work)


def test_what_nobody_waits_for_does_not_keep_the_loop_busy(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            calls = 0
            on_readable = ours._waiter._on_readable

            def count() -> None:
                nonlocal calls
                calls += 1
                on_readable()

            ours._waiter._on_readable = count  # type: ignore[method-assign]
            # The last wait of the handshake is forgotten.
            await asyncio.sleep(2 * MOMENT)
            receiving = asyncio.create_task(ours.recv())
            await asyncio.sleep(0.01)
            await theirs.send(b"one")
            assert await receiving == b"one"
            await theirs.send(b"two")
            await asyncio.sleep(2 * MOMENT)
            assert calls < 10
            assert await ours.recv() == b"two"

    run(work)


def test_a_stream_that_was_dropped_is_not_kept_by_the_loop(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            copied = aio.AsyncStream(ours._engine.wire.sock.dup(), ours.connection)
            receiving = asyncio.create_task(copied.recv())
            await asyncio.sleep(0.01)
            receiving.cancel()
            await asyncio.gather(receiving, return_exceptions=True)
            dropped = weakref.ref(copied)
            del copied, receiving
            await asyncio.sleep(2 * MOMENT)
            gc.collect()
            assert dropped() is None
            theirs.abort()
            ours.abort()

    run(work)


def test_a_socket_that_is_closed_under_a_call_is_said_so(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, _):

            class Sock:
                def send(self, octets: bytes) -> int:
                    ours.abort()
                    raise OSError(errno.EBADF, "Bad file descriptor")

            ours._engine.link = Link(ours.connection, Sock())
            with pytest.raises(ConnectionAbortedError, match="it was aborted"):
                await ours.send(b"x")

    run(work)


def test_sending_to_a_peer_that_refused_raises_its_alert(world: World, other_world: World) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        raise AssertionError("a stranger is served")

    async def work() -> None:
        async with await aio.start_server(handler, HERE, 0, bank(world)) as server:
            config = otls.ClientConfig(world.trust, identity=other_world.identity("client"))
            stream = await aio.open_connection(*server.addresses[0], config)
            while server.connections:
                await asyncio.sleep(0.02)
            with pytest.raises(otls.AlertReceived, match="unknown_ca"):
                await asyncio.gather(*(stream.send(bytes(65536)) for _ in range(50)))
            stream.abort()

    run(work)


def test_a_write_that_times_out_says_how_much_had_gone(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, _):
            ours.timeout = 0.3
            with pytest.raises(TimeoutError, match=r"within 0\.3 s: \d+ of 67108864 octets had gone"):
                await ours.send(bytes(64 << 20))

    run(work)


@pytest.mark.parametrize("how", ["raises", "is cancelled"])
def test_a_block_that_ends_otherwise_ends_in_a_truncation(world: World, how: str) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):

            async def half() -> None:
                async with ours:
                    await ours.send(b"first half")
                    if how == "raises":
                        raise LookupError
                    await asyncio.sleep(10)

            task = asyncio.create_task(half())
            assert await theirs.recv() == b"first half"
            task.cancel()
            with pytest.raises(otls.TruncatedError):
                await theirs.recv()
            with contextlib.suppress(LookupError, asyncio.CancelledError):
                await task

    run(work)


def test_one_direction_is_closed_and_the_other_goes_on(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            await ours.send(b"question")
            await ours.close_write()
            assert await receive_all(theirs) == b"question"
            with pytest.raises(otls.ApiMisuse, match="data after close"):
                await ours.send(b"more")
            await theirs.send(b"answer")
            assert await ours.recv() == b"answer"
            await theirs.close()
            assert await ours.recv() == b""

    run(work)


def test_close_wakes_whoever_waits(world: World) -> None:
    async def work() -> None:
        async with streams(world, timeout=None) as (ours, _):
            calls = (ours.recv(), ours.recv(), ours.send(bytes(64 << 20)), ours.send(b"x"))
            waiting = [asyncio.create_task(call) for call in calls]
            await asyncio.sleep(0.2)
            begin = time.monotonic()
            closing = asyncio.create_task(ours.close())
            for one in waiting:
                with pytest.raises(ConnectionAbortedError, match="it was closed"):
                    await one
            assert time.monotonic() - begin < 1
            await closing
            await ours.close()
            assert ours.fileno() == -1

    run(work)


def test_a_stream_that_is_always_ready_leaves_others_their_turn(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            turns = 0

            async def count() -> None:
                nonlocal turns
                while True:
                    turns += 1
                    await asyncio.sleep(0)

            counting = asyncio.create_task(count())
            sending = asyncio.create_task(theirs.send(bytes(8 << 20)))
            await receive(ours, 8 << 20)
            await sending
            assert turns > 30
            # And a socket that takes everything at once.
            turns = 0

            class Sock:
                def send(self, octets: bytes) -> int:
                    return len(octets)

            ours._engine.link = Link(ours.connection, Sock())
            await ours.send(bytes(4 << 20))
            counting.cancel()
            assert turns > 10

    run(work)


def test_it_tells_what_the_blocking_stream_tells(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            assert (ours.suite, ours.group) == (theirs.suite, theirs.group)
            assert ours.suite
            assert ours.group
            assert ours.scheme == theirs.peer_scheme == "ecdsa_secp256r1_sha256"
            assert otls.State.HANDSHAKE_DONE in ours.state
            assert theirs.peer is not None
            await theirs.send(b"abc")
            assert await ours.recv(1) == b"a"
            assert ours.pending() == 2
            assert ours.fileno() > 0
            assert not ours.peer_is_gone()
            theirs.abort()
            await asyncio.sleep(0.05)
            assert ours.peer_is_gone()
            with pytest.raises(TypeError, match="AsyncStream"):
                pickle.dumps(ours)
            with pytest.raises(otls.BadName):
                await aio.open_connection("localhost:1", 1, customer(world))
            with pytest.raises(otls.ApiMisuse):
                await ours.recv(0)

    run(work)
