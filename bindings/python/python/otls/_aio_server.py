"""A server for many customers on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Self, TypeAlias

from ._address import Address, check_address
from ._aio import AsyncStream, Configure
from ._carrier import Clock, KeyLog
from ._errors import ApiMisuse
from ._net import server
from ._otls import ServerConfig, Trace
from ._serve import BREATH, GRACE, LOG, PATIENCE, report
from ._waiting import DEFAULT_TIMEOUT, Timeout, timeouts

#: What :func:`start_server` runs for each client, after the handshake with it.
Handler: TypeAlias = Callable[[AsyncStream], Awaitable[object]]
OnFailure: TypeAlias = Callable[[Address | None, Exception], object]

#: Connections at a time unless told otherwise.
MAX_CONNECTIONS = 1000


class Server:
    """A server that :func:`start_server` started."""

    def __init__(
        self,
        sockets: Sequence[socket.socket],
        make: Callable[[socket.socket], AsyncStream],
        handler: Handler,
        max_connections: int,
        on_failure: OnFailure | None,
    ) -> None:
        self._sockets = list(sockets)
        self._make = make
        self._handler = handler
        self._on_failure = on_failure
        self._max_connections = max_connections
        self._clients: set[asyncio.Task[None]] = set()
        # In the order in which they came: since when they are in their handshake.
        self._greeting: dict[AsyncStream, float] = {}
        self._accepting = [asyncio.create_task(self._accept(sock)) for sock in self._sockets]

    @property
    def addresses(self) -> list[Address]:
        """Where it listens; the ports are the real ones if 0 was asked for. Empty once it is closed."""
        names = [sock.getsockname() for sock in self._sockets if sock.fileno() != -1]
        return [(str(name[0]), int(name[1])) for name in names]

    @property
    def connections(self) -> int:
        """How many are served now, handshakes included."""
        return len(self._clients)

    async def serve_forever(self) -> None:
        """Serves until it is closed; cancelled, it closes the server."""
        try:
            await asyncio.wait(self._accepting)
        except asyncio.CancelledError:
            await self.close()
            raise

    async def close(self, grace: float = GRACE) -> None:
        """Stops listening, and waits for those who are being served; after ``grace`` seconds ends them."""
        self._stop_listening()
        if self._clients:
            await asyncio.wait(self._clients, timeout=grace)
        self.close_clients()
        await self.wait_closed()

    def close_clients(self) -> None:
        """Ends all connections now, without close_notify: their handlers are cancelled."""
        for task in self._clients:
            task.cancel()

    async def wait_closed(self) -> None:
        """Waits until it listens no more and its last client is gone."""
        while self._accepting or self._clients:
            await asyncio.wait([*self._accepting, *self._clients])
            self._accepting = [task for task in self._accepting if not task.done()]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close(GRACE if kind is None else 0)

    def _stop_listening(self) -> None:
        for task in self._accepting:
            task.cancel()

    async def _accept(self, sock: socket.socket) -> None:
        try:
            while True:
                try:
                    accepted, _ = await asyncio.get_running_loop().sock_accept(sock)
                except OSError as error:
                    # No descriptors left, or a client that has left the queue.
                    LOG.error("cannot take a client: %s", error)
                    self._tell(None, error)
                    await asyncio.sleep(BREATH)
                    continue
                with contextlib.ExitStack() as undo:
                    undo.callback(accepted.close)
                    await self._make_room()
                    undo.pop_all()
                task = asyncio.create_task(self._serve(accepted))
                self._clients.add(task)
                task.add_done_callback(self._clients.discard)
        finally:
            sock.close()

    async def _make_room(self) -> None:
        while len(self._clients) >= self._max_connections:
            oldest = next(iter(self._greeting), None)
            if oldest is not None and time.monotonic() - self._greeting[oldest] > PATIENCE:
                oldest.abort()
            await asyncio.wait(self._clients, timeout=BREATH, return_when=asyncio.FIRST_COMPLETED)

    def _tell(self, address: Address | None, error: Exception) -> None:
        if self._on_failure is not None:
            self._on_failure(address, error)

    async def _serve(self, sock: socket.socket) -> None:
        address, is_done = None, False
        try:
            stream = self._make(sock)
            address = stream.peer_address
            async with stream:
                self._greeting[stream] = time.monotonic()
                try:
                    await stream.handshake()
                finally:
                    del self._greeting[stream]
                is_done = True
                await self._handler(stream)
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and not task.cancelling():
                report(address, error, is_done=is_done)  # By the handler's own doing, not by close_clients.
        except Exception as error:  # noqa: BLE001  (it is said; the server lives on)
            report(address, error, is_done=is_done)
            self._tell(address, error)
        finally:
            sock.close()


async def start_server(
    handler: Handler,
    host: str | None,
    port: int,
    config: ServerConfig | None = None,
    *,
    configure: Configure | None = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    max_connections: int = MAX_CONNECTIONS,
    on_failure: OnFailure | None = None,
    accept_free_text: bool = False,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> Server:
    """Listens, and runs ``handler`` for each client after the handshake with it.

    One configuration serves all clients, or ``configure`` chooses one for each. ``host`` may have several
    addresses; ``None`` is all of this machine. At most ``max_connections`` are served at a time, and more
    wait in the kernel's queue; where there is no room, whoever has been longest in its handshake, and for
    more than a second, has to make it.

    What goes wrong with a client, in the handshake or in ``handler``, ends that client alone, without
    close_notify, and goes to ``logging.getLogger("otls")``; ``on_failure`` hears of it as well.
    """
    if (config is None) == (configure is None):
        raise ApiMisuse("a server needs config or configure, and not both")
    if max_connections < 1:
        raise ApiMisuse("a server without room for a connection", hint="pass max_connections=1 or more")
    bounds = timeouts(timeout)

    def make(sock: socket.socket) -> AsyncStream:
        return AsyncStream(
            sock,
            server(config, now),
            timeout=bounds,
            configure=configure,
            accept_free_text=accept_free_text,
            key_log=key_log,
            trace=trace,
        )

    return Server(await _listening_sockets(host, port), make, handler, max_connections, on_failure)


async def _listening_sockets(host: str | None, port: int) -> list[socket.socket]:
    loop = asyncio.get_running_loop()
    name, number = check_address((host or "", port))
    found = await loop.getaddrinfo(name or None, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    with contextlib.ExitStack() as undo:
        for family, _, _, _, address in dict.fromkeys(found):
            if sockets and number == 0:
                address = (address[0], sockets[0].getsockname()[1], *address[2:])
            sock = socket.create_server(address, family=family)
            undo.callback(sock.close)
            sock.setblocking(False)
            sockets.append(sock)
        undo.pop_all()
    return sockets
