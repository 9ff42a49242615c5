"""Connections on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable

import pytest

import otls
from conftest import World
from otls import aio


def server_config(world: World) -> otls.ServerConfig:
    return otls.ServerConfig(world.identity("server"), trust=world.trust)


def customer(world: World) -> otls.ClientConfig:
    return otls.ClientConfig(world.trust, identity=world.identity("client"))


async def echo(stream: aio.AsyncStream) -> None:
    while data := await stream.recv():
        await stream.send(data)


def served(
    world: World,
    work: Callable[[str, int], Awaitable[None]],
    handler: aio.Handler = echo,
    timeout: float = 10,
) -> list[Exception]:
    """Runs ``work`` against a server; what went wrong on the server's side."""
    failures: list[Exception] = []

    async def main() -> None:
        server = await aio.start_server(
            handler,
            "127.0.0.1",
            0,
            server_config(world),
            timeout=timeout,
            on_failure=lambda _, error: failures.append(error),
        )
        async with server:
            host, port = server.addresses[0]
            await asyncio.wait_for(work(host, port), 30)

    asyncio.run(main())
    return failures


def test_data_of_any_size_goes_both_ways(world: World) -> None:
    async def work(host: str, port: int) -> None:
        async with await aio.open_connection(host, port, customer(world)) as stream:
            assert stream.peer is not None
            assert stream.peer_address == (host, port)
            await stream.confirm()
            for size in (1, 16384, 16385, 1_000_000):
                data = bytes(size)
                sending = asyncio.create_task(stream.send(data))
                received = b""
                while len(received) < size:
                    received += await stream.recv()
                await sending
                assert received == data

    assert served(world, work) == []


def test_many_connections_are_served_at_once(world: World) -> None:
    config = customer(world)

    async def one(host: str, port: int, number: int) -> None:
        async with await aio.open_connection(host, port, config) as stream:
            await stream.send(str(number).encode())
            assert await stream.recv() == str(number).encode()

    async def work(host: str, port: int) -> None:
        await asyncio.gather(*(one(host, port, number) for number in range(50)))

    assert served(world, work) == []


def test_a_cancelled_receive_loses_nothing(world: World) -> None:
    async def work(host: str, port: int) -> None:
        async with await aio.open_connection(host, port, customer(world)) as stream:
            for _ in range(5):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stream.recv(), 0.01)
            await stream.send(b"still here")
            assert await stream.recv() == b"still here"

    assert served(world, work) == []


def test_a_silent_peer_is_given_up_in_time(world: World) -> None:
    async def silent(stream: aio.AsyncStream) -> None:
        await asyncio.sleep(5)

    async def work(host: str, port: int) -> None:
        stream = await aio.open_connection(host, port, customer(world), timeout=0.2)
        with pytest.raises(TimeoutError, match=r"no answer from the peer within 0\.2 s"):
            await stream.recv()
        await stream.close()
        # Who says nothing at all gets no handshake.
        _, writer = await asyncio.open_connection(host, port)
        await asyncio.sleep(0.5)
        writer.close()

    failures = served(world, work, silent, timeout=0.3)
    assert any("no handshake with the peer" in str(error) for error in failures)


def test_a_peer_that_sends_octet_by_octet_gets_no_more_time(world: World) -> None:
    hello = otls.Connection.client(customer(world), "localhost").pending()

    async def work(host: str, port: int) -> None:
        begin = time.monotonic()
        reader, writer = await asyncio.open_connection(host, port)
        for octet in hello[:100]:
            writer.write(bytes([octet]))
            with contextlib.suppress(TimeoutError):
                assert await asyncio.wait_for(reader.read(1), 0.1) == b""
                break
        else:
            pytest.fail("the server still waits")
        assert time.monotonic() - begin < 5
        writer.close()

    failures = served(world, work, timeout=0.5)
    (error,) = failures
    assert re.fullmatch(r"no handshake with the peer within 0\.5 s \(\d+ octets came\)", str(error))


def test_a_hook_that_says_no_tells_the_peer_why(world: World) -> None:
    async def configure(offer: otls.Offer) -> otls.ServerConfig:
        await asyncio.sleep(0)
        raise otls.Rejected("no such name here", alert="unrecognized_name")

    failures: list[Exception] = []

    async def main() -> None:
        def keep(_: object, error: Exception) -> None:
            failures.append(error)

        server = await aio.start_server(echo, "127.0.0.1", 0, configure=configure, timeout=5, on_failure=keep)
        async with server:
            host, port = server.addresses[0]
            with pytest.raises(otls.AlertReceived) as caught:
                await aio.open_connection(host, port, otls.ClientConfig(world.trust), timeout=5)
            assert caught.value.alert == "unrecognized_name"

    asyncio.run(main())
    assert [type(error) for error in failures] == [otls.Rejected]


def test_the_hooks_may_take_longer_than_the_timeout_and_give_the_peer_none(world: World) -> None:
    async def configure(offer: otls.Offer) -> otls.ServerConfig:
        await asyncio.sleep(0.7)
        return server_config(world)

    async def identity(request: otls.RequestedCertificate) -> otls.Identity:
        await asyncio.sleep(0.7)
        return world.identity("client")

    failures: list[Exception] = []

    async def main() -> None:
        server = await aio.start_server(
            echo,
            "127.0.0.1",
            0,
            configure=configure,
            timeout=1,
            on_failure=lambda _, error: failures.append(error),
        )
        async with server:
            host, port = server.addresses[0]
            config = otls.ClientConfig(world.trust)
            stream = await aio.open_connection(host, port, config, timeout=1, provide_identity=identity)
            async with stream:
                await stream.confirm()
            # Who says hello and then nothing more is given up all the same.
            _, writer = await asyncio.open_connection(host, port)
            writer.write(otls.Connection.client(customer(world), "localhost").pending())
            await asyncio.sleep(2.5)
            writer.close()

    asyncio.run(main())
    (error,) = failures
    assert re.fullmatch(r"no handshake with the peer within 1 s \(\d+ octets came\)", str(error))


def test_confirm_raises_where_the_server_leaves_before_it_has_judged_the_client(world: World) -> None:
    async def main() -> None:
        async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server = otls.Connection.server(server_config(world))
            server.feed(await reader.read(65536))
            server.close()
            writer.write(server.pending())
            writer.close()

        async with await asyncio.start_server(leaving, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            stream = await aio.open_connection(host, port, customer(world))
            with pytest.raises(otls.TruncatedError, match="accepted our certificate"):
                await stream.confirm()
            await stream.close()

    asyncio.run(main())


def test_a_refusal_is_heard_on_both_sides(world: World) -> None:
    async def work(host: str, port: int) -> None:
        with pytest.raises(otls.CertificateWrongName):
            await aio.open_connection(host, port, customer(world), server_name="other.example")
        anonymous = otls.ClientConfig(world.trust, no_identity=True)
        stream = await aio.open_connection(host, port, anonymous)
        with pytest.raises(otls.AlertReceived, match="certificate_required"):
            await stream.recv()

    failures = served(world, work)
    assert {type(error) for error in failures} == {otls.AlertReceived, otls.CertificateRequired}


def test_a_handler_that_fails_ends_its_client_alone(world: World) -> None:
    async def broken(stream: aio.AsyncStream) -> None:
        if await stream.recv() == b"fail":
            raise ValueError("as asked")
        await stream.send(b"fine")

    async def work(host: str, port: int) -> None:
        async with await aio.open_connection(host, port, customer(world)) as stream:
            await stream.send(b"fail")
            with pytest.raises(otls.TruncatedError):
                await stream.recv()
        async with await aio.open_connection(host, port, customer(world)) as stream:
            await stream.send(b"go on")
            assert await stream.recv() == b"fine"

    assert [str(error) for error in served(world, work, broken)] == ["as asked"]


def test_configuration_and_identity_may_be_given_late_by_coroutines(world: World) -> None:
    async def configure(offer: otls.Offer) -> otls.ServerConfig:
        await asyncio.sleep(0)
        assert "TLS_AES_128_GCM_SHA256" in offer.suites
        return server_config(world)

    async def identity(request: otls.RequestedCertificate) -> otls.Identity:
        await asyncio.sleep(0)
        assert request.authorities
        return world.identity("client")

    async def main() -> None:
        async with await aio.start_server(echo, "127.0.0.1", 0, configure=configure) as server:
            host, port = server.addresses[0]
            config = otls.ClientConfig(world.trust)
            async with await aio.open_connection(host, port, config, provide_identity=identity) as stream:
                await stream.send(b"known")
                assert await stream.recv() == b"known"

    asyncio.run(main())


def test_otp_messages_go_over_it(world: World) -> None:
    ledger = otls.Ledger()
    context = otls.Context({"payee": "friend"})
    verdicts: list[str] = []

    async def bank(stream: aio.AsyncStream) -> None:
        issued = ledger.issue("customer", context)
        await stream.send_message(
            otls.Envelope(
                id=issued.id,
                text="The OTP",
                code=issued.code,
                context=context,
                expires_at=issued.expires_at,
            )
        )
        answer = await stream.receive_message()
        assert isinstance(answer, otls.Answer)
        assert answer.code is not None
        verdict = ledger.verify(answer.id, "customer", context, answer.code)
        verdicts.append(verdict.kind)
        await stream.send_message(otls.VerdictNotice(answer.id, verdict))

    async def work(host: str, port: int) -> None:
        config = customer(world)
        async with await aio.open_connection(host, port, config, accept_free_text=True) as stream:
            envelope = await stream.receive_message()
            assert isinstance(envelope, otls.Envelope)
            await stream.send_message(otls.Answer(envelope.id, envelope.code))
            notice = await stream.receive_message()
            assert isinstance(notice, otls.VerdictNotice)
        async with await aio.open_connection(host, port, config) as stream:
            with pytest.raises(otls.OtpFreeText):
                await stream.receive_message()

    failures = served(world, work, bank)
    assert verdicts == ["accepted"]
    assert len(failures) == 1


def test_a_server_needs_one_configuration(world: World) -> None:
    async def main() -> None:
        with pytest.raises(otls.ApiMisuse):
            await aio.start_server(echo, "127.0.0.1", 0)

    asyncio.run(main())
