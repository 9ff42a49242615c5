"""The connection on asyncio: :func:`open_connection`, :func:`start_server`, :class:`AsyncStream`.

Each operation waits at most ``timeout`` seconds for the peer and then raises :class:`TimeoutError`;
``None`` waits for ever. The handshake is one operation, in which the time that ``configure`` and
``provide_identity`` take does not count. Any of them may be cancelled: a cancelled ``recv`` loses nothing,
a cancelled handshake closes the connection.

An event loop and its connections belong to the process that made them. In one that was forked from it
every operation raises :class:`ApiMisuse`, and ``close`` leaves the transport, which its parent goes on with,
alone. Fork before ``asyncio.run``, and start a server in each process.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

from ._errors import ApiMisuse, Error
from ._net import DEFAULT_TIMEOUT, Address, Message
from ._otls import (
    Certificate,
    Channel,
    Code,
    Config,
    Connection,
    Envelope,
    Identity,
    Offer,
    OtpId,
    Receipt,
    RequestedCertificate,
    Session,
)
from ._process import check_process
from ._state import State
from ._waiting import closed_early, must_wait_to_confirm

__all__ = [
    "AsyncStream",
    "Handler",
    "Server",
    "open_connection",
    "start_server",
]

_T = TypeVar("_T")

#: Chooses a configuration for what a client offers; may be a coroutine function.
Configure: TypeAlias = Callable[[Offer], Config | Awaitable[Config]]
#: Gives the identity that a server asks for; may be a coroutine function.
ProvideIdentity: TypeAlias = Callable[[RequestedCertificate], Identity | Awaitable[Identity | None] | None]

#: Octets that are read from the transport at a time: four full records.
_READ_SIZE = 64 * 1024

#: Octets that are sealed before they are handed to the transport.
_SEAL_SIZE = 256 * 1024

#: How long the end of a connection waits for the peer to take what was said last, in seconds.
_LINGER = 1.0


class AsyncStream:
    """A connection on asyncio: ``send``, ``recv``, and the two sides' messages.

    One task may send while another receives. ``accept_free_text`` is as in :class:`otls.Channel`.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: Connection,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        configure: Configure | None = None,
        provide_identity: ProvideIdentity | None = None,
        accept_free_text: bool = False,
    ) -> None:
        self.timeout = timeout
        self._accept_free_text = accept_free_text
        self._reader = reader
        self._writer = writer
        self._connection = connection
        self._configure = configure
        self._provide_identity = provide_identity
        self._unfed = b""
        self._channel: Channel | None = None
        self._process = os.getpid()

    @property
    def connection(self) -> Connection:
        """The connection without its transport."""
        return self._connection

    @property
    def peer(self) -> Certificate | None:
        """The peer's certificate, verified; ``None`` for an anonymous client."""
        return self._connection.peer

    @property
    def peer_address(self) -> Address | None:
        """The peer's address, or ``None`` where the transport has none any more."""
        name: Any = self._writer.get_extra_info("peername")
        return None if name is None else (str(name[0]), int(name[1]))

    async def handshake(self) -> None:
        """Works until our side of the handshake is done."""
        check_process(self._process)
        try:
            async with self._failing(), asyncio.timeout(self.timeout) as limit:
                while True:
                    await self._flush()
                    state = self._connection.state
                    if state & (State.NEED_CONFIG | State.NEED_CLIENT_CERT):
                        with _paused(limit):
                            await self._answer(state)
                    elif State.HANDSHAKE_DONE in state:
                        return
                    elif State.CLOSED in state:
                        raise closed_early("the handshake was done")
                    else:
                        await self._fill()
        except BaseException:
            # In the middle of a handshake there is no way on.
            self._writer.transport.abort()
            raise

    async def confirm(self) -> None:
        """Waits until the peer has accepted our certificate, or raises why it has not.

        As :meth:`otls.Stream.confirm`.
        """
        async with self._failing(), asyncio.timeout(self.timeout):
            while must_wait_to_confirm(self._connection.state):
                await self._flush()
                await self._fill()

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends all of ``data``."""
        async with self._failing(), asyncio.timeout(self.timeout):
            view = memoryview(data).cast("B")
            for start in range(0, len(view), _SEAL_SIZE):
                self._connection.seal(view[start : start + _SEAL_SIZE])
                await self._flush()

    async def recv(self, limit: int = _READ_SIZE) -> bytes:
        """The next data, at most ``limit`` octets; empty once the peer has said close_notify."""
        if limit < 1:
            raise ApiMisuse("a limit below 1", hint="ask for at least one octet")
        async with self._failing(), asyncio.timeout(self.timeout):
            while True:
                data = self._connection.open(limit)
                if data or State.CLOSED in self._connection.state:
                    return data
                await self._flush()
                await self._fill()

    async def send_message(self, message: Message) -> None:
        """Sends an OTP message."""
        async with self._failing(), asyncio.timeout(self.timeout):
            self._otp().send(message)
            await self._flush()

    async def approve(
        self, envelope: Envelope, code: Code | str | bytes | None = None, *, identity: Identity | None = None
    ) -> Receipt:
        """Returns a code, by default that of ``envelope``, with a receipt that this side has signed."""
        async with self._failing(), asyncio.timeout(self.timeout):
            receipt = self._otp().approve(envelope, code, identity=identity)
            await self._flush()
            return receipt

    async def decline(self, envelope: Envelope, *, identity: Identity | None = None) -> Receipt:
        """Declines what ``envelope`` asks, with a receipt that this side has signed."""
        async with self._failing(), asyncio.timeout(self.timeout):
            receipt = self._otp().decline(envelope, identity=identity)
            await self._flush()
            return receipt

    def expect(self, id: OtpId, expires_at: datetime) -> None:
        """Takes answers about a code that has gone to this customer by another way, by mail for example."""
        self._otp().expect(id, expires_at)

    async def receive_message(self) -> Message | None:
        """The next OTP message; ``None`` once the peer has said close_notify."""
        async with self._failing(), asyncio.timeout(self.timeout):
            while True:
                message = self._otp().receive()
                if message is not None or State.CLOSED in self._connection.state:
                    return message
                await self._flush()
                await self._fill()

    async def close(self) -> None:
        """Says close_notify and closes the transport."""
        if self._process != os.getpid() or self._writer.is_closing():
            return
        with contextlib.suppress(Error, OSError, TimeoutError):
            # The peer may be gone or may never have got that far: there is nobody to tell then.
            async with asyncio.timeout(_LINGER):
                self._connection.close()
                await self._flush()
        await self._drop(linger=0)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<AsyncStream {self._connection!r} peer={self.peer_address}>"

    def _otp(self) -> Channel:
        if self._channel is None:
            self._channel = Channel(self._connection, accept_free_text=self._accept_free_text)
        return self._channel

    async def _answer(self, state: State) -> None:
        if State.NEED_CONFIG in state:
            offer = self._connection.offer
            if self._configure is None or offer is None:
                raise ApiMisuse("the client's offer waits for a configuration", hint="pass configure=")
            self._connection.configure(await _awaited(self._configure(offer)))
            return
        request = self._connection.certificate_request
        if request is None or self._provide_identity is None:
            self._connection.provide_identity(None)
        else:
            self._connection.provide_identity(await _awaited(self._provide_identity(request)))

    async def _flush(self) -> None:
        while data := self._connection.pending():
            self._writer.write(data)
            self._connection.consume(len(data))
        await self._writer.drain()

    async def _fill(self) -> None:
        if not self._unfed:
            data = await self._reader.read(_READ_SIZE)
            if not data:
                self._connection.feed_end()
                return
            self._unfed = data
        taken = self._connection.feed(self._unfed)
        self._unfed = self._unfed[taken:]

    @contextlib.asynccontextmanager
    async def _failing(self) -> AsyncIterator[None]:
        """What has to happen when an operation fails: the alert goes out, the transport is closed."""
        check_process(self._process)
        try:
            yield
        except TimeoutError as error:
            what = "answer from" if State.HANDSHAKE_DONE in self._connection.state else "handshake with"
            raise TimeoutError(f"no {what} the peer within {self.timeout or 0:g} s") from error
        except OSError:
            # The peer's alert may have arrived before its reset: it says more than "broken pipe".
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(_LINGER):
                    while not self._connection.state & (State.HAVE_PLAINTEXT | State.CLOSED):
                        await self._fill()
            await self._drop(linger=0)
            raise
        except Error:
            if State.FAILED in self._connection.state:
                with contextlib.suppress(OSError, TimeoutError):
                    async with asyncio.timeout(_LINGER):
                        await self._flush()
                await self._drop(linger=_LINGER)
            raise

    async def _drop(self, *, linger: float) -> None:
        # Closing a socket with unread input resets the connection, and the peer may lose what we
        # sent last.
        with contextlib.suppress(OSError, TimeoutError):
            if linger and self._writer.can_write_eof():
                self._writer.write_eof()
                async with asyncio.timeout(linger):
                    for _ in range(64):
                        if not await self._reader.read(_READ_SIZE):
                            break
        self._writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_LINGER):
                await self._writer.wait_closed()


#: What :func:`start_server` runs for each client, after the handshake with it.
Handler: TypeAlias = Callable[[AsyncStream], Awaitable[None]]


class Server:
    """A server that :func:`start_server` started."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server

    @property
    def addresses(self) -> list[Address]:
        """Where it listens; the ports are the real ones if 0 was asked for."""
        names = (sock.getsockname() for sock in self._server.sockets)
        return [(str(name[0]), int(name[1])) for name in names]

    async def serve_forever(self) -> None:
        """Serves until it is cancelled."""
        await self._server.serve_forever()

    async def close(self) -> None:
        """Stops listening. Clients that are being served are served on."""
        self._server.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


async def open_connection(
    host: str,
    port: int,
    config: Config,
    *,
    server_name: str | None = None,
    session: Session | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    provide_identity: ProvideIdentity | None = None,
    accept_free_text: bool = False,
) -> AsyncStream:
    """Connects to a server and does the handshake.

    ``server_name`` is the name that the server's certificate must have, by default ``host``.
    ``session`` is resumed if it can be. ``provide_identity`` is asked for an identity when the server
    wants one and ``config`` has none. ``accept_free_text`` is as in :class:`otls.Channel`.
    """
    name = host if server_name is None else server_name
    connection = Connection.client(config, name, session=session)
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise TimeoutError(f"no connection to {host} within {timeout or 0:g} s") from error
    stream = AsyncStream(
        reader,
        writer,
        connection,
        timeout=timeout,
        provide_identity=provide_identity,
        accept_free_text=accept_free_text,
    )
    await stream.handshake()
    return stream


async def start_server(
    handler: Handler,
    host: str,
    port: int,
    config: Config | None = None,
    *,
    configure: Configure | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    on_failure: Callable[[Address | None, Exception], None] | None = None,
) -> Server:
    """Listens, and runs ``handler`` for each client after the handshake with it.

    One configuration serves all clients, or ``configure`` chooses one for each. What goes wrong with a
    client, in the handshake or in ``handler``, ends that client alone; ``on_failure`` hears of it.
    """
    if (config is None) == (configure is None):
        raise ApiMisuse("a server needs config or configure, and not both")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection.accept() if config is None else Connection.server(config)
        stream = AsyncStream(reader, writer, connection, timeout=timeout, configure=configure)
        address = stream.peer_address
        try:
            await stream.handshake()
            await handler(stream)
        except Exception as error:  # noqa: BLE001  (it is handed on; the server lives on)
            if on_failure is not None:
                on_failure(address, error)
        finally:
            await stream.close()

    return Server(await asyncio.start_server(serve, host, port))


@contextlib.contextmanager
def _paused(limit: asyncio.Timeout) -> Iterator[None]:
    """What is done in the block does not count."""
    clock, end = asyncio.get_running_loop().time, limit.when()
    begin = clock()
    limit.reschedule(None)
    yield
    if end is not None:
        limit.reschedule(end + clock() - begin)


async def _awaited(value: _T | Awaitable[_T]) -> _T:
    return await value if inspect.isawaitable(value) else value
