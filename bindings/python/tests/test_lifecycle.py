"""Certificates that change, expire and are resumed while a server runs; headers before the handshake."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import pytest

import otls
from conftest import LONG_AGO, Background, World, bank, customer
from otls import aio

HERE = ("127.0.0.1", 0)


def echo(stream: otls.Stream) -> None:
    """Sends back what comes."""
    while data := stream.recv():
        stream.send(data)


def test_a_server_has_a_new_certificate_without_a_new_start(world: World) -> None:
    current = [bank(world)]
    with (
        otls.Server(echo, HERE, configure=lambda offer: current[0]) as server,
        otls.connect(server.address, customer(world)) as before,
    ):
        current[0] = bank(world)
        with otls.connect(server.address, customer(world)) as after:
            assert before.peer is not None
            assert after.peer is not None
            assert before.peer.serial != after.peer.serial
        before.send(b"lives on")
        assert before.recv() == b"lives on"


def test_a_certificate_that_expires_ends_no_connection_and_begins_none(world: World) -> None:
    now = [LONG_AGO + timedelta(days=1)]
    identity = world.identity("server", now=now[0], lifetime=timedelta(hours=1))
    config = otls.ServerConfig(identity, trust=world.trust, tickets=otls.TicketKeys.generate(now=now[0]))
    client = otls.ClientConfig(
        world.trust, identity=world.identity("client", now=now[0], lifetime=timedelta(hours=2)), sessions=2
    )

    def connect(session: otls.Session | None = None) -> otls.Stream:
        return otls.connect(server.address, client, now=lambda: now[0], session=session)

    with otls.Server(echo, HERE, config, now=lambda: now[0]) as server:
        with connect() as stream:
            stream.confirm()
            session = stream.connection.take_session()
            assert session is not None
            again = otls.Session.from_bytes(session.to_bytes())
            with connect(session) as resumed:
                assert resumed.connection.resumed
            now[0] += timedelta(hours=1.5)
            stream.send(b"lives on")
            assert stream.recv() == b"lives on"
        for offered in (again, None):
            with pytest.raises((otls.CertificateExpired, otls.AlertReceived)):
                connect(offered).confirm()
    assert now[0] < datetime.now(UTC)


@pytest.mark.parametrize("runtime", ["blocking", "asyncio"])
def test_a_header_is_read_before_the_handshake(world: World, runtime: str) -> None:
    header = b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n"
    with socket.create_server(HERE) as listener:

        def balance() -> bytes:
            sock = socket.create_connection(listener.getsockname())
            sock.sendall(header)
            with otls.Stream(
                sock, otls.Connection.client(customer(world), "localhost"), timeout=10
            ) as stream:
                stream.send(b"through")
                return stream.recv()

        balancer = Background(balance)
        sock, _ = listener.accept()
        read = b""
        while not read.endswith(b"\r\n"):
            read += sock.recv(1)
        assert read == header
        connection = otls.Connection.server(bank(world))

        async def serve() -> None:
            async with aio.AsyncStream(sock, connection) as stream:
                assert await stream.recv() == b"through"
                await stream.send(b"seen")

        if runtime == "asyncio":
            asyncio.run(serve())
        else:
            with otls.Stream(sock, connection) as stream:
                assert stream.recv() == b"through"
                stream.send(b"seen")
        balancer.join()
        assert balancer.result == b"seen"
