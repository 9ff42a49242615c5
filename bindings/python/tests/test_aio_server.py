"""What an asyncio server promises: its log, its limits, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import time
from pathlib import Path

import pytest
from test_aio_driver import HERE, receive_all, run

import otls
from conftest import World, bank, customer
from otls import aio


def test_what_a_handler_raises_reaches_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        await stream.send(b"half a reply")
        raise LookupError("no such account")

    async def work() -> None:
        async with (
            await aio.start_server(handler, HERE, 0, bank(world)) as server,
            await aio.open_connection(*server.addresses[0], customer(world)) as stream,
        ):
            assert await stream.recv() == b"half a reply"
            with pytest.raises(otls.TruncatedError):
                await stream.recv()

    run(work)
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("otls", logging.ERROR)
    assert record.exc_info is not None
    assert record.exc_info[0] is LookupError


def test_a_server_ends_after_those_whom_it_serves_and_in_bounded_time(world: World) -> None:
    async def echo(stream: aio.AsyncStream) -> None:
        while data := await stream.recv():
            await stream.send(data)

    async def work() -> None:
        server = await aio.start_server(echo, HERE, 0, bank(world))
        address = server.addresses[0]
        async with await aio.open_connection(*address, customer(world)) as ending:
            idle = await aio.open_connection(*address, customer(world))
            for stream in (ending, idle):
                await stream.send(b"x")
                assert await stream.recv() == b"x"
            assert server.connections == 2
            closing = asyncio.create_task(server.close(grace=1))
            await asyncio.sleep(0.1)
            with pytest.raises(ConnectionRefusedError):
                await aio.open_connection(*address, customer(world))
            await ending.send(b"still served")
            assert await ending.recv() == b"still served"
        assert not closing.done()
        with pytest.raises(otls.TruncatedError):
            await idle.recv()
        await closing
        assert server.connections == 0
        assert server.addresses == []
        idle.abort()

    run(work)


def test_clients_can_be_ended_at_once(world: World) -> None:
    cancelled = 0

    async def handler(stream: aio.AsyncStream) -> None:
        nonlocal cancelled
        try:
            await stream.recv()
        except asyncio.CancelledError:
            cancelled += 1
            raise

    async def work() -> None:
        server = await aio.start_server(handler, HERE, 0, bank(world))
        clients = [await aio.open_connection(*server.addresses[0], customer(world)) for _ in range(3)]
        for client in clients:
            await client.confirm()
        serving = asyncio.create_task(server.serve_forever())
        closing = asyncio.create_task(server.wait_closed())
        await asyncio.sleep(0)
        server.close_clients()
        for client in clients:
            with pytest.raises(otls.TruncatedError):
                await client.recv()
            client.abort()
        assert not closing.done()
        serving.cancel()
        await closing
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    run(work)
    assert cancelled == 3


def test_no_more_are_served_at_a_time_than_asked(world: World) -> None:
    most = 0

    async def work() -> None:
        async def handler(stream: aio.AsyncStream) -> None:
            nonlocal most
            most = max(most, server.connections)
            await asyncio.sleep(0.05)

        async def one() -> None:
            host, port = server.addresses[0]
            async with await aio.open_connection(host, port, customer(world)) as stream:
                assert await stream.recv() == b""

        async with await aio.start_server(handler, HERE, 0, bank(world), max_connections=2) as server:
            await asyncio.gather(*(one() for _ in range(8)))
        with pytest.raises(otls.ApiMisuse, match="room"):
            await aio.start_server(handler, HERE, 0, bank(world), max_connections=0)

    run(work)
    assert most == 2


def test_silent_clients_are_in_nobodys_way(world: World) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        await stream.send(b"hi")

    async def work() -> None:
        server = await aio.start_server(handler, HERE, 0, bank(world))
        silent = [socket.create_connection(server.addresses[0]) for _ in range(50)]
        begin = time.monotonic()
        async with await aio.open_connection(*server.addresses[0], customer(world)) as stream:
            assert await stream.recv() == b"hi"
        assert time.monotonic() - begin < 5
        for sock in silent:
            sock.close()
        await server.close(grace=1)

    run(work)


def test_where_there_is_no_room_the_longest_handshake_makes_it(world: World) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        await stream.send(b"hi")

    async def work() -> None:
        server = await aio.start_server(handler, HERE, 0, bank(world), max_connections=3)
        silent = [socket.create_connection(server.addresses[0]) for _ in range(3)]
        begin = time.monotonic()
        async with await aio.open_connection(*server.addresses[0], customer(world)) as stream:
            assert await stream.recv() == b"hi"
        assert time.monotonic() - begin < 5
        assert await asyncio.to_thread(silent[0].recv, 1) == b""
        for sock in silent:
            sock.close()
        await server.close(grace=1)

    run(work)


def test_a_handler_that_cancels_itself_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        raise asyncio.CancelledError

    async def work() -> None:
        async with (
            await aio.start_server(handler, HERE, 0, bank(world)) as server,
            await aio.open_connection(*server.addresses[0], customer(world)) as stream,
        ):
            with pytest.raises(otls.TruncatedError):
                await stream.recv()

    run(work)
    assert "the handler failed" in caplog.text


def test_all_addresses_of_a_host_are_listened_on(world: World) -> None:
    async def handler(stream: aio.AsyncStream) -> None:
        await stream.send(b"hi")

    async def work() -> None:
        async with await aio.start_server(handler, None, 0, bank(world)) as server:
            ports = {port for _, port in server.addresses}
            assert len(ports) == 1
            async with await aio.open_connection(HERE, ports.pop(), customer(world)) as stream:
                assert await stream.recv() == b"hi"

    run(work)


def test_secrets_go_to_the_file_on_both_sides(world: World, tmp_path: Path) -> None:
    logs = [tmp_path / "client.log", tmp_path / "server.log"]

    async def handler(stream: aio.AsyncStream) -> None:
        await stream.send(b"hi")

    async def work() -> None:
        served = bank(world, key_log=True)
        async with await aio.start_server(handler, HERE, 0, served, key_log=logs[1]) as server:
            config, (host, port) = customer(world, key_log=True), server.addresses[0]
            async with await aio.open_connection(host, port, config, key_log=logs[0]) as stream:
                await receive_all(stream)

    run(work)
    ours, theirs = (set(log.read_text().splitlines()) for log in logs)
    assert len(ours) >= 4
    assert ours == theirs
    assert all(os.stat(log).st_mode & 0o777 == 0o600 for log in logs)
