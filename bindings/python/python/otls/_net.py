"""Blocking sockets around the sans-I/O connection."""

from __future__ import annotations

import contextlib
import socket
from types import TracebackType
from typing import Self

from ._address import Address, check_address, wanted_name
from ._carrier import Clock, KeyLog
from ._errors import ApiMisuse
from ._otls import ClientConfig, Connection, ServerConfig, Session, Trace
from ._stream import Configure, ProvideIdentity, Stream
from ._waiting import DEFAULT_TIMEOUT, Timeout, socket_timeout, timeouts


class Listener:
    """A listening socket whose connections are :class:`Stream` objects.

    For a server of many customers :func:`serve` is the call; this is for who wants each connection in hand.
    """

    def __init__(
        self,
        sock: socket.socket,
        config: ServerConfig | None,
        *,
        configure: Configure | None = None,
        timeout: Timeout = DEFAULT_TIMEOUT,
        accept_free_text: bool = False,
        key_log: KeyLog | None = None,
        trace: Trace | None = None,
        now: Clock | None = None,
    ) -> None:
        if (config is None) == (configure is None):
            raise ApiMisuse("a listener needs config or configure, and not both")
        timeouts(timeout)
        #: That of the next clients.
        self.timeout = timeout
        self._sock = sock
        self._config = config
        self._configure = configure
        self._accept_free_text = accept_free_text
        self._key_log = key_log
        self._trace = trace
        self._now = now

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one if 0 was asked for."""
        host, port = self._sock.getsockname()[:2]
        return str(host), int(port)

    def fileno(self) -> int:
        """The socket's file descriptor, for ``select``; -1 after ``close``."""
        return self._sock.fileno()

    def accept(self, *, wait: float | None = None, handshake: bool = True) -> Stream:
        """The next client, after the handshake with it.

        Waits ``wait`` seconds for one (for ever by default). The handshake is part of the call: a client that
        says nothing keeps a loop around it from all others, for the whole timeout of the handshake. With
        ``handshake=False`` the call returns before it, and the stream does it when it is first used, in a
        thread of the caller's; :func:`serve` does all that.
        """
        self._sock.settimeout(socket_timeout(wait))
        try:
            sock, _ = self._sock.accept()
        except (TimeoutError, BlockingIOError) as error:
            raise TimeoutError(f"nobody connected within {wait or 0:g} s") from error
        try:
            stream = Stream(
                sock,
                server(self._config, self._now),
                timeout=self.timeout,
                configure=self._configure,
                accept_free_text=self._accept_free_text,
                key_log=self._key_log,
                trace=self._trace,
            )
        except BaseException:
            sock.close()
            raise
        if handshake:
            _handshake_or_close(stream)
        return stream

    def close(self) -> None:
        """Stops listening; ends an ``accept`` that waits in another thread."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def connect(
    address: Address,
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
) -> Stream:
    """Connects to a server and does the handshake.

    ``server_name`` is the name that the server's certificate must have, by default the host of
    ``address``, without a zone that it may have. A dot at the end is the same name. ``session`` is resumed
    if it can be. ``provide_identity`` is asked for an identity when the server wants one and ``config`` has
    none; it may take its time. ``timeout``, ``accept_free_text``, ``key_log`` is as in :class:`Stream` and
    ``now`` as in :class:`Connection`; the bound of the handshake is that of connecting, too.
    """
    bounds = timeouts(timeout)
    connection = client(address, config, server_name, session, now)
    host, port = check_address(address)
    try:
        sock = socket.create_connection((host, port), socket_timeout(bounds.handshake))
    except (TimeoutError, BlockingIOError) as error:
        raise TimeoutError(
            f"no connection to {host} port {port} within {bounds.handshake or 0:g} s"
        ) from error
    stream = Stream(
        sock,
        connection,
        timeout=bounds,
        provide_identity=provide_identity,
        accept_free_text=accept_free_text,
        key_log=key_log,
        trace=trace,
    )
    _handshake_or_close(stream)
    return stream


def listen(
    address: Address,
    config: ServerConfig | None = None,
    *,
    configure: Configure | None = None,
    timeout: Timeout = DEFAULT_TIMEOUT,
    accept_free_text: bool = False,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> Listener:
    """Listens on ``address``, with one configuration for all clients or one chosen for each.

    ``configure`` is called with what a client offers and returns the configuration for it; it may
    take its time. The rest is as in :class:`Stream`.
    """
    host, port = check_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family)
    try:
        return Listener(
            sock,
            config,
            configure=configure,
            timeout=timeout,
            accept_free_text=accept_free_text,
            key_log=key_log,
            trace=trace,
            now=now,
        )
    except BaseException:
        sock.close()
        raise


def client(
    address: Address, config: ClientConfig, name: str | None, session: Session | None, now: Clock | None
) -> Connection:
    """A client's connection to the server at ``address``; nothing is sent yet."""
    check_address(address)
    return Connection.client(config, wanted_name(address, name), session=session, now=now)


def server(config: ServerConfig | None, now: Clock | None) -> Connection:
    """A server's connection to one client; without a configuration it asks for one."""
    return Connection.accept(now=now) if config is None else Connection.server(config, now=now)


def _handshake_or_close(stream: Stream) -> None:
    try:
        stream.handshake()
    except BaseException:
        stream.close()
        raise
