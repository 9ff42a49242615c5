"""The stream on asyncio."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from ._address import check_address
from ._aio_streams import open_streams
from ._aio_waiting import LoopWaiter
from ._carrier import Clock, KeyLog
from ._engine import LINGER, Engine
from ._errors import ApiMisuse, Error
from ._facts import Facts, Message
from ._net import client
from ._otls import (
    ClientConfig,
    Code,
    Connection,
    Envelope,
    Identity,
    Offer,
    Receipt,
    RequestedCertificate,
    ServerConfig,
    Session,
    Trace,
)
from ._process import check_process
from ._waiting import DEFAULT_TIMEOUT, Timeout, timeouts
from ._wire import READ_SIZE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_T = TypeVar("_T")

#: Chooses a configuration for what a client offers; may be a coroutine function.
Configure: TypeAlias = Callable[[Offer], ServerConfig | Awaitable[ServerConfig]]
#: Gives the identity that a server asks for; may be a coroutine function.
ProvideIdentity: TypeAlias = Callable[[RequestedCertificate], Identity | Awaitable[Identity | None] | None]


class AsyncStream(Facts):
    """A connection on asyncio: ``send``, ``recv``, and the two sides' messages.

    Several tasks may send, and the data of one call is not mixed with another's; several may receive. The
    rest is as of :class:`otls.Stream`.
    """

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        *,
        configure: Configure | None = None,
        provide_identity: ProvideIdentity | None = None,
        timeout: Timeout = DEFAULT_TIMEOUT,
        key_log: KeyLog | None = None,
        trace: Trace | None = None,
        accept_free_text: bool = False,
    ) -> None:
        self._waiter = LoopWaiter(sock)
        self._engine = Engine(
            sock,
            connection,
            self._waiter,
            configure=configure,
            provide_identity=provide_identity,
            timeout=timeout,
            key_log=key_log,
            trace=trace,
            accept_free_text=accept_free_text,
        )
        # Taken in this order.
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def handshake(self) -> None:
        """Works until our side of the handshake is done."""
        await self._both(self._engine.handshake)

    async def confirm(self) -> None:
        """Waits until the peer has accepted our certificate, or raises why it has not.

        As :meth:`otls.Stream.confirm`.
        """
        await self._read(self._engine.confirm)

    async def send(self, data: ReadableBuffer) -> None:
        """Sends all of ``data``."""
        view = data if type(data) is bytes else memoryview(data).cast("B")
        engine = await self._begin()
        async with self._writing:
            try:
                is_sent = engine.send_now(view, len(view))
                if is_sent:
                    return
            except (Error, OSError) as error:
                failure = error
                await engine.guard(lambda: engine.fail(failure))
            if is_sent is None:
                await engine.guard(lambda: engine.send(view))
            else:
                await engine.guard(lambda: engine.finish_send(len(view)))

    async def recv(self, limit: int = READ_SIZE) -> bytes:
        """The next data, at most ``limit`` octets; empty once the peer has said close_notify."""
        if limit < 1:
            raise ApiMisuse("a limit below 1", hint="ask for at least one octet")
        while True:
            is_there = await self._fill(limit)
            data = self._engine.take(limit)
            if data or not is_there:
                return data

    async def send_message(self, message: Message) -> None:
        """Sends an OTP message."""
        await self._say(lambda: self._engine.channel.send(message))

    async def approve(
        self, envelope: Envelope, code: Code | str | bytes | None = None, *, identity: Identity | None = None
    ) -> Receipt:
        """Returns a code, by default that of ``envelope``, with a receipt that this side has signed."""
        return await self._say(lambda: self._engine.channel.approve(envelope, code, identity=identity))

    async def decline(self, envelope: Envelope, *, identity: Identity | None = None) -> Receipt:
        """Declines what ``envelope`` asks, with a receipt that this side has signed."""
        return await self._say(lambda: self._engine.channel.decline(envelope, identity=identity))

    async def receive_message(self) -> Message | None:
        """The next OTP message; ``None`` once the peer has said close_notify."""
        while True:
            is_there = await self._read(self._engine.fill_message)
            message: Message | None = self._engine.take_message()
            if message is not None or not is_there:
                return message

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A reader and a writer, for code that was written for those of asyncio.

        They take the stream over: from here on it is used through them alone, and closing the writer closes
        it. A peer that was cut off shows in the reader as :class:`TruncatedError`.
        """
        if not self._engine.is_done:
            await self.handshake()
        return open_streams(self)

    async def close_write(self) -> None:
        """Says close_notify and ends our direction of the transport; the peer may go on, and be received."""
        await self._write(self._engine.close_write)

    async def close(self) -> None:
        """Says close_notify, waits at most a second for the peer's end, and closes; wakes whoever waits."""
        engine = self._engine
        if not engine.begin_end("it was closed"):
            return
        try:
            # Who was sending is awake now and leaves, unless it is a hook that takes its time.
            async with asyncio.timeout(LINGER):
                await self._writing.acquire()
        except TimeoutError:
            engine.abort("")
        except BaseException:
            engine.abort("")
            raise
        else:
            try:
                await engine.finish()
            finally:
                self._writing.release()

    def abort(self) -> None:
        """Closes at once and without close_notify: the peer sees that the data was cut off."""
        self._engine.abort("it was aborted")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
        else:
            # What the peer has got is not all: it must not look like it.
            self.abort()

    async def _fill(self, limit: int) -> bool:
        engine = await self._begin()
        async with self._reading:
            try:
                begin, received = time.monotonic(), engine.link.received
                if engine.is_likely_dry():
                    await self._waiter.wait(read=True, write=False, seconds=engine.timeouts.read)
                    engine.have_waited()
                if engine.fill_now(limit):
                    return True
                deadline = engine.reading(begin, received)
                if engine.is_dry():
                    await self._waiter.wait(read=True, write=False, seconds=deadline.left())
                    engine.have_waited()
                    if engine.fill_now(limit):
                        return True
            except (Error, OSError) as error:
                failure = error
                await engine.guard(lambda: engine.fail(failure))
            return await engine.guard(lambda: engine.fill(limit, deadline))

    async def _begin(self) -> Engine:
        engine = self._engine
        if engine.process != os.getpid():
            check_process(engine.process)
        if not engine.is_done:
            await self.handshake()
        return engine

    async def _both(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        check_process(self._engine.process)
        async with self._writing, self._reading:
            return await self._engine.guard(flow)

    async def _read(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        engine = await self._begin()
        async with self._reading:
            return await engine.guard(flow)

    async def _write(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        engine = await self._begin()
        async with self._writing:
            return await engine.guard(flow)

    async def _say(self, seal: Callable[[], _T]) -> _T:
        return await self._write(lambda: self._engine.say(seal))


async def open_connection(
    host: str,
    port: int,
    config: ClientConfig,
    *,
    server_name: str | None = None,
    session: Session | None = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    provide_identity: ProvideIdentity | None = None,
    accept_free_text: bool = False,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> AsyncStream:
    """Connects to a server and does the handshake; the arguments are those of :func:`otls.connect`."""
    bounds = timeouts(timeout)
    connection = client((host, port), config, server_name, session, now)
    try:
        async with asyncio.timeout(bounds.handshake):
            sock = await _connected_socket(*check_address((host, port)))
    except TimeoutError as error:
        text = f"no connection to {host} port {port} within {bounds.handshake or 0:g} s"
        raise TimeoutError(text) from error
    stream = AsyncStream(
        sock,
        connection,
        timeout=bounds,
        provide_identity=provide_identity,
        accept_free_text=accept_free_text,
        key_log=key_log,
        trace=trace,
    )
    try:
        await stream.handshake()
    except BaseException:
        stream.abort()
        raise
    return stream


async def _connected_socket(host: str, port: int) -> socket.socket:
    """The first address of the host that answers."""
    loop = asyncio.get_running_loop()
    failure: OSError = OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
