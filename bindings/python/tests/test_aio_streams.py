"""Code that was written for asyncio's readers and writers, enrolment and clocks on asyncio."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_aio_driver import HERE, run, streams

import otls
from conftest import World, bank, customer
from otls import aio

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def shouting(
    world: World, client: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    """Runs a client against the usual example of asyncio's documentation, each on a reader and a writer."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def handler(stream: aio.AsyncStream) -> None:
        await shout(*await stream.streams())

    async def work() -> None:
        async with await aio.start_server(handler, HERE, 0, bank(world)) as server:
            stream = await aio.open_connection(*server.addresses[0], customer(world))
            await client(*await stream.streams())

    run(work)


def test_lines_and_parts_and_the_end(world: World) -> None:
    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"one\n")
        writer.writelines([b"two\nthr", b"ee\n"])
        await writer.drain()
        assert await reader.readline() == b"ONE\n"
        assert await reader.readuntil(b"W") == b"TW"
        assert await reader.readexactly(4) == b"O\nTH"
        stream = writer.get_extra_info("otls")
        assert isinstance(stream, aio.AsyncStream)
        assert writer.get_extra_info("peername") == stream.peer_address
        assert writer.can_write_eof()
        writer.write_eof()
        assert await reader.read() == b"REE\n"
        assert reader.at_eof()
        writer.close()
        await writer.wait_closed()
        assert stream.fileno() == -1

    shouting(world, client)


def test_much_data_waits_in_drain_and_not_in_memory(world: World) -> None:
    async def work() -> None:
        size = 16 << 20
        async with streams(world) as (ours, theirs):
            _, writer = await ours.streams()
            most = 0

            async def write() -> None:
                nonlocal most
                for _ in range(size // 65536):
                    writer.write(bytes(65536))
                    most = max(most, writer.transport.get_write_buffer_size())
                    await writer.drain()
                writer.close()
                await writer.wait_closed()

            writing = asyncio.create_task(write())
            await asyncio.sleep(0.3)
            assert not writing.done()
            received = 0
            while data := await theirs.recv():
                received += len(data)
            await theirs.close()
            await writing
            assert received == size
            assert most <= 4 * 65536

    run(work)


def test_a_reader_that_nobody_reads_takes_no_more(world: World) -> None:
    async def work() -> None:
        size = 16 << 20
        async with streams(world) as (ours, theirs):
            reader, writer = await ours.streams()
            sending = asyncio.create_task(theirs.send(bytes(size)))
            await asyncio.sleep(0.3)
            assert not sending.done()
            assert len(reader._buffer) < 512 * 1024  # type: ignore[attr-defined]
            assert len(await reader.readexactly(size)) == size
            await sending
            writer.transport.abort()

    run(work)


def test_a_reader_sees_that_its_peer_was_cut_off(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            reader, writer = await ours.streams()
            await theirs.send(b"half a line")
            theirs.abort()
            with pytest.raises(otls.TruncatedError):
                await reader.readline()
            writer.write(b"x")
            with pytest.raises(otls.TruncatedError):
                await writer.drain()

    run(work)


def test_an_aborted_writer_cuts_its_peer_off(world: World) -> None:
    async def work() -> None:
        async with streams(world) as (ours, theirs):
            _, writer = await ours.streams()
            writer.write(b"half")
            await asyncio.sleep(0.1)
            writer.transport.abort()
            assert await theirs.recv() == b"half"
            with pytest.raises(otls.TruncatedError):
                await theirs.recv()

    run(work)


def test_enrolment(world: World, tmp_path: Path) -> None:
    register = otls.Register()
    key_log = tmp_path / "keys.log"

    async def authority(stream: aio.AsyncStream) -> None:
        server = otls.EstServer(world.authority, open_to_servers=True)
        while data := await stream.recv():
            if response := server.feed(data, register):
                await stream.send(response)

    async def work() -> None:
        served = otls.ServerConfig(world.identity("server"), client_auth="server-only")
        config = otls.ClientConfig(world.trust, no_identity=True, key_log=True)
        key = otls.PrivateKey.generate("ecdsa")
        subject = otls.DistinguishedName(common_name="asha")
        request = otls.CertificateRequest.create(key, subject, names=["asha.example"])
        async with await aio.start_server(authority, HERE, 0, served) as server:
            address = server.addresses[0]
            (fetched,) = await aio.fetch_authorities(address, config)
            assert fetched == world.authority.certificate
            issued = await aio.enroll(address, config, "client", request, key_log=key_log)
            assert issued.public_key == key.public_key
            with pytest.raises(otls.BadName):
                await aio.enroll(("[::1]", address[1]), config, "client", request)

    run(work)
    assert os.stat(key_log).st_size > 0


def test_an_authority_that_replies_octet_by_octet_gets_no_more_time(world: World) -> None:
    async def trickle(stream: aio.AsyncStream) -> None:
        await stream.recv()
        for octet in b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50:
            await asyncio.sleep(0.1)
            await stream.send(bytes([octet]))

    async def work() -> None:
        served = otls.ServerConfig(world.identity("server"), client_auth="server-only")
        config = otls.ClientConfig(world.trust, no_identity=True)
        async with await aio.start_server(trickle, HERE, 0, served) as server:
            begin = time.monotonic()
            with pytest.raises(TimeoutError, match=r"no whole reply of the authority within 0\.5 s"):
                await aio.fetch_authorities(server.addresses[0], config, timeout=0.5)
            assert time.monotonic() - begin < 5

    run(work)


class Clock:
    """Yesterday, until it is set."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) - timedelta(days=1)
        self.asked = 0

    def __call__(self) -> datetime:
        """The time."""
        self.asked += 1
        return self.now


def test_certificates_are_judged_by_the_clock_that_is_passed(world: World) -> None:
    """On each side of both kinds of stream, at the time of the call that judges."""

    async def handler(stream: aio.AsyncStream) -> None:
        await stream.confirm()

    async def work() -> None:
        early, clock = Clock(), Clock()
        async with await aio.start_server(handler, HERE, 0, bank(world), now=clock) as server:
            address = server.addresses[0]
            for connect in (
                lambda: aio.open_connection(*address, customer(world), now=early),
                lambda: asyncio.to_thread(otls.connect, address, customer(world), now=early),
            ):
                with pytest.raises(otls.CertificateNotYetValid):
                    await connect()
            stream = await aio.open_connection(*address, customer(world))
            with pytest.raises(otls.AlertReceived):
                await stream.confirm()
            clock.now += timedelta(days=1)
            async with await aio.open_connection(*address, customer(world), now=clock) as stream:
                await stream.confirm()

            moments = iter([early.now])
            async with await aio.open_connection(
                *address, customer(world), now=lambda: next(moments, clock.now)
            ) as stream:
                assert stream.peer is not None

    run(work)
    clock = Clock()
    with otls.Server(lambda stream: stream.confirm(), (HERE, 0), bank(world), now=clock) as server:
        with otls.connect(server.address, customer(world)) as stream, pytest.raises(otls.AlertReceived):
            stream.confirm()
        clock.now += timedelta(days=1)
        with otls.connect(server.address, customer(world), now=clock) as stream:
            stream.confirm()
