"""Blocking sockets around the sans-I/O connection."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from types import TracebackType
from typing import Self, TypeAlias

from ._errors import ApiMisuse, Error
from ._files import append_private
from ._otls import (
    Answer,
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
    VerdictNotice,
)
from ._process import check_process
from ._state import State
from ._waiting import Deadline, closed_early, must_wait_to_confirm

Address: TypeAlias = tuple[str, int]
Configure: TypeAlias = Callable[[Offer], Config]
ProvideIdentity: TypeAlias = Callable[[RequestedCertificate], Identity | None]
KeyLog: TypeAlias = str | os.PathLike[str]
Message: TypeAlias = Envelope | Answer | VerdictNotice

#: How long one operation may wait for the peer unless told otherwise, in seconds.
DEFAULT_TIMEOUT = 30.0

#: Octets that are read from the socket at a time: four full records.
_READ_SIZE = 64 * 1024

#: Octets that are sealed before they are written out.
_SEAL_SIZE = 256 * 1024

#: How long a failed connection waits for the peer to take the alert, in seconds.
_ALERT_TIMEOUT = 1.0


class Stream:
    """A connection on a socket: ``send``, ``recv``, and the two sides' messages.

    Each operation waits at most ``timeout`` seconds for the peer and then raises
    :class:`TimeoutError`; ``None`` waits for ever. The handshake is one operation, in which the time
    that ``configure`` and ``provide_identity`` take (they may ask a person) does not count. One thread
    may send while another receives.

    Messages that show free text and no transaction are refused, unless ``accept_free_text=True``: see
    :class:`Channel`.

    A stream belongs to the process that made it: in one that was forked from it every operation raises
    :class:`ApiMisuse`, and ``close`` closes the file descriptor without a word to the peer. A server that
    forks for each client calls ``Listener.accept`` in the child.

    ``key_log`` is a file, made with mode 0600, to which the connection's secrets are appended as lines of
    an ``SSLKEYLOGFILE`` (RFC 9850) if the configuration has ``key_log=True``. Whoever reads it reads the
    connection: for debugging alone.
    """

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        *,
        timeout: float | None = DEFAULT_TIMEOUT,
        configure: Configure | None = None,
        provide_identity: ProvideIdentity | None = None,
        accept_free_text: bool = False,
        key_log: KeyLog | None = None,
    ) -> None:
        self.timeout = timeout
        self.key_log = key_log
        self._accept_free_text = accept_free_text
        self._sock = sock
        self._connection = connection
        self.configure = configure
        self.provide_identity = provide_identity
        self._unfed = b""
        self._channel: Channel | None = None
        self._send_lock = threading.RLock()
        self._process = os.getpid()
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def connection(self) -> Connection:
        """The connection without its socket."""
        return self._connection

    @property
    def peer(self) -> Certificate | None:
        """The peer's certificate, verified; ``None`` for an anonymous client."""
        return self._connection.peer

    @property
    def suite(self) -> str | None:
        """The name of the negotiated cipher suite."""
        return self._connection.suite

    @property
    def group(self) -> str | None:
        """The name of the negotiated key-exchange group."""
        return self._connection.group

    @property
    def scheme(self) -> str | None:
        """The name of the signature scheme with which we signed."""
        return self._connection.scheme

    @property
    def peer_scheme(self) -> str | None:
        """The name of the signature scheme with which the peer signed."""
        return self._connection.peer_scheme

    @property
    def state(self) -> State:
        """What the connection wants and has."""
        return self._connection.state

    @property
    def peer_address(self) -> Address | None:
        """The peer's address, or ``None`` where the socket has none any more."""
        try:
            host, port = self._sock.getpeername()[:2]
        except OSError:
            return None
        return str(host), int(port)

    def fileno(self) -> int:
        """The socket's file descriptor, for ``select``; -1 after ``close``."""
        return self._sock.fileno()

    def handshake(self) -> None:
        """Works until our side of the handshake is done."""
        with self._failing():
            deadline = self._deadline()
            while True:
                self._flush(deadline)
                state = self._connection.state
                if State.NEED_CONFIG in state:
                    with deadline.paused():
                        self._answer_offer()
                elif State.NEED_CLIENT_CERT in state:
                    with deadline.paused():
                        self._answer_request()
                elif State.HANDSHAKE_DONE in state:
                    return
                elif State.CLOSED in state:
                    raise closed_early("the handshake was done")
                else:
                    self._fill(deadline)

    def confirm(self) -> None:
        """Waits until the peer has accepted our certificate, or raises why it has not.

        A TLS 1.3 client finishes before the server has judged it. Call this where it matters and
        the server is known to send tickets after the handshake, as servers of this library do. Raises
        :class:`TruncatedError` where the server closes the connection before that, and
        :class:`ApiMisuse` where data has come before it, which has to be received first.
        """
        with self._failing():
            deadline = self._deadline()
            while must_wait_to_confirm(self._connection.state):
                self._flush(deadline)
                self._fill(deadline)

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends all of ``data``."""
        with self._failing(), self._send_lock:
            deadline = self._deadline()
            view = memoryview(data).cast("B")
            for start in range(0, len(view), _SEAL_SIZE):
                self._connection.seal(view[start : start + _SEAL_SIZE])
                self._flush(deadline)

    def recv(self, limit: int = _READ_SIZE) -> bytes:
        """The next data, at most ``limit`` octets; empty once the peer has said close_notify."""
        if limit < 1:
            raise ApiMisuse("a limit below 1", hint="ask for at least one octet")
        with self._failing():
            deadline = self._deadline()
            while True:
                data = self._connection.open(limit)
                if data or State.CLOSED in self._connection.state:
                    return data
                self._flush(deadline)
                self._fill(deadline)

    def send_message(self, message: Message) -> None:
        """Sends an OTP message."""
        with self._failing(), self._send_lock:
            self._otp().send(message)
            self._flush(self._deadline())

    def approve(
        self, envelope: Envelope, code: Code | str | bytes | None = None, *, identity: Identity | None = None
    ) -> Receipt:
        """Returns a code, by default that of ``envelope``, with a receipt that this side has signed."""
        with self._failing(), self._send_lock:
            receipt = self._otp().approve(envelope, code, identity=identity)
            self._flush(self._deadline())
            return receipt

    def decline(self, envelope: Envelope, *, identity: Identity | None = None) -> Receipt:
        """Declines what ``envelope`` asks, with a receipt that this side has signed."""
        with self._failing(), self._send_lock:
            receipt = self._otp().decline(envelope, identity=identity)
            self._flush(self._deadline())
            return receipt

    def expect(self, id: OtpId, expires_at: datetime) -> None:
        """Takes answers about a code that has gone to this customer by another way, by mail for example."""
        self._otp().expect(id, expires_at)

    def receive_message(self) -> Message | None:
        """The next OTP message; ``None`` once the peer has said close_notify."""
        with self._failing():
            deadline = self._deadline()
            while True:
                message = self._otp().receive()
                if message is not None or State.CLOSED in self._connection.state:
                    return message
                self._flush(deadline)
                self._fill(deadline)

    def peer_is_gone(self) -> bool:
        """Whether the peer has closed or reset the transport; reads nothing and does not wait."""
        check_process(self._process)
        try:
            self._sock.settimeout(0)
            return self._sock.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Says close_notify and closes the socket."""
        if self._sock.fileno() == -1:
            return
        if self._process != os.getpid():
            # The parent goes on with the connection: neither a close_notify nor a shutdown.
            self._sock.close()
            return
        try:
            self._connection.close()
            self._flush(Deadline(_ALERT_TIMEOUT))
        except (Error, OSError):
            pass  # The peer is gone or never got that far: there is nobody to tell.
        self._drop(linger=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Stream {self._connection!r} peer={self.peer_address}>"

    def _otp(self) -> Channel:
        if self._channel is None:
            self._channel = Channel(self._connection, accept_free_text=self._accept_free_text)
        return self._channel

    def _answer_offer(self) -> None:
        offer = self._connection.offer
        if self.configure is None or offer is None:
            raise ApiMisuse("the client's offer waits for a configuration", hint="pass configure=")
        self._connection.configure(self.configure(offer))

    def _answer_request(self) -> None:
        request = self._connection.certificate_request
        if request is None or self.provide_identity is None:
            self._connection.provide_identity(None)
        else:
            self._connection.provide_identity(self.provide_identity(request))

    def _deadline(self) -> Deadline:
        return Deadline(self.timeout)

    def _flush(self, deadline: Deadline) -> None:
        with self._send_lock:
            while data := self._connection.pending():
                self._sock.settimeout(deadline.remaining())
                self._connection.consume(self._sock.send(data))
            if self.key_log is not None and (lines := self._connection.take_key_log()):
                append_private(self.key_log, lines)

    def _fill(self, deadline: Deadline) -> None:
        if not self._unfed:
            self._sock.settimeout(deadline.remaining())
            data = self._sock.recv(_READ_SIZE)
            if not data:
                self._connection.feed_end()
                return
            self._unfed = data
        taken = self._connection.feed(self._unfed)
        self._unfed = self._unfed[taken:]

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """What has to happen when an operation fails: the alert goes out, the socket is closed."""
        check_process(self._process)
        try:
            yield
        except TimeoutError as error:
            if self._connection.state & State.HANDSHAKE_DONE:
                raise TimeoutError(f"no answer from the peer within {self.timeout or 0:g} s") from error
            self._drop(linger=0)
            raise TimeoutError(f"no handshake with the peer within {self.timeout or 0:g} s") from error
        except OSError:
            # The peer's alert may have arrived before its reset: it says more than "broken pipe".
            self._look_for_alert()
            self._drop(linger=0)
            raise
        except Error:
            if State.FAILED in self._connection.state:
                self._say_why()
                self._drop(linger=_ALERT_TIMEOUT)
            raise
        except BaseException:
            # A hook raised, or Ctrl-C: in the middle of a handshake there is no way on.
            if State.HANDSHAKE_DONE not in self._connection.state:
                self.close()
            raise

    def _say_why(self) -> None:
        with contextlib.suppress(OSError):
            self._flush(Deadline(_ALERT_TIMEOUT))

    def _look_for_alert(self) -> None:
        with contextlib.suppress(OSError):
            deadline = Deadline(_ALERT_TIMEOUT)
            while not self._connection.state & (State.HAVE_PLAINTEXT | State.CLOSED):
                self._fill(deadline)

    def _drop(self, *, linger: float) -> None:
        # Closing a socket with unread input resets the connection, and the peer may lose what we
        # sent last: the alert that says why, or the last message.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)
            deadline = Deadline(linger)
            for _ in range(64):
                self._sock.settimeout(deadline.remaining_or_zero())
                if not self._sock.recv(_READ_SIZE):
                    break
        self._sock.close()


class Listener:
    """A listening socket whose connections are :class:`Stream` objects."""

    def __init__(
        self,
        sock: socket.socket,
        config: Config | None,
        *,
        configure: Configure | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> None:
        if (config is None) == (configure is None):
            raise ApiMisuse("a listener needs config or configure, and not both")
        self.timeout = timeout
        self._sock = sock
        self._config = config
        self._configure = configure

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

        Waits ``wait`` seconds for one (for ever by default). With ``handshake=False`` the caller
        calls :meth:`Stream.handshake`, for example in a thread of its own.
        """
        self._sock.settimeout(wait)
        try:
            sock, _ = self._sock.accept()
        except TimeoutError as error:
            raise TimeoutError(f"nobody connected within {wait or 0:g} s") from error
        try:
            connection = Connection.accept() if self._config is None else Connection.server(self._config)
        except BaseException:
            sock.close()
            raise
        stream = Stream(sock, connection, timeout=self.timeout, configure=self._configure)
        if handshake:
            _handshake_or_close(stream)
        return stream

    def close(self) -> None:
        """Stops listening."""
        self._sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def connect(
    address: Address,
    config: Config,
    *,
    server_name: str | None = None,
    session: Session | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    provide_identity: ProvideIdentity | None = None,
    accept_free_text: bool = False,
    key_log: KeyLog | None = None,
) -> Stream:
    """Connects to a server and does the handshake.

    ``server_name`` is the name that the server's certificate must have, by default the host of
    ``address``. ``session`` is resumed if it can be. ``provide_identity`` is asked for an identity when the
    server wants one and ``config`` has none; it may take its time. ``accept_free_text`` and ``key_log`` are
    as in :class:`Stream`.
    """
    name = address[0] if server_name is None else server_name
    connection = Connection.client(config, name, session=session)
    sock = socket.create_connection(address, timeout)
    stream = Stream(
        sock,
        connection,
        timeout=timeout,
        provide_identity=provide_identity,
        accept_free_text=accept_free_text,
        key_log=key_log,
    )
    _handshake_or_close(stream)
    return stream


def listen(
    address: Address,
    config: Config | None = None,
    *,
    configure: Configure | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Listener:
    """Listens on ``address``, with one configuration for all clients or one chosen for each.

    ``configure`` is called with what a client offers and returns the configuration for it; it may
    take its time.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.create_server((host, port), family=family)
    try:
        return Listener(sock, config, configure=configure, timeout=timeout)
    except BaseException:
        sock.close()
        raise


def _handshake_or_close(stream: Stream) -> None:
    try:
        stream.handshake()
    except BaseException:
        stream.close()
        raise
