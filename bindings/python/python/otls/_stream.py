"""The stream on blocking sockets."""

from __future__ import annotations

import errno
import math
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

from ._carrier import KeyLog
from ._engine import LINGER, Engine
from ._errors import ApiMisuse, Error
from ._facts import Facts, Message
from ._makefile import open_file
from ._otls import (
    Code,
    Connection,
    Envelope,
    Identity,
    Offer,
    Receipt,
    RequestedCertificate,
    ServerConfig,
    Trace,
)
from ._process import check_process
from ._waiting import DEFAULT_TIMEOUT, LONGEST_WAIT, Timeout
from ._wire import READ_SIZE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

_T = TypeVar("_T")

Configure: TypeAlias = Callable[[Offer], ServerConfig]
ProvideIdentity: TypeAlias = Callable[[RequestedCertificate], Identity | None]


class Stream(Facts):
    """A connection on a socket, with what people expect of one, and the two sides' messages.

    **Threads.** One thread may send while another receives: neither waits for the other, whatever the peer
    does. Several may send, and the data of one call is not mixed with another's; several may receive. At most
    256 KiB are sealed and not sent, and at most 64 KiB received and not opened.

    **Time.** ``timeout`` is in seconds for the handshake and for each read and write, ``None`` waits for
    ever, and :class:`Timeouts` has a bound for each; what the peer sends or takes octet by octet gets no
    more time. What is over raises :class:`TimeoutError`, which says what was waited for and how much had
    come or gone. After one in the handshake the connection is over; after one in a read it goes on; after
    one in a write nothing can be sent any more, because part of the data is out.

    **Ends.** :meth:`recv` returns no data once the peer has said close_notify and raises
    :class:`TruncatedError` where the transport ended before that. :meth:`close_write` says close_notify and
    goes on reading. :meth:`close` says it, waits at most a second for the peer's end so that the last data
    is not lost, and closes; from another thread it wakes whoever waits, with
    :class:`ConnectionAbortedError`. A ``with`` block that ends with an exception, and :meth:`abort`, close
    without close_notify: the peer sees that the data was cut off. A handler of a signal that raises
    (Ctrl-C) in a call that receives loses nothing: the next call goes on.

    **The handshake** is done by the first call that needs it, if :meth:`handshake` was not called before.

    Messages that show free text and no transaction are refused, unless ``accept_free_text=True``: see
    :class:`Channel`.

    A stream belongs to the process that made it: in one that was forked from it every operation raises
    :class:`ApiMisuse`, and ``close`` closes the file descriptor without a word to the peer. A server that
    forks for each client calls ``Listener.accept`` in the child.

    ``key_log`` is a file, made with mode 0600, to which the connection's secrets are appended as lines of
    an ``SSLKEYLOGFILE`` (RFC 9850) if the configuration has ``key_log=True``. Whoever reads it reads the
    connection: for debugging alone. ``trace`` records what happens, for people: see :class:`Trace`.
    """

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        *,
        timeout: Timeout = DEFAULT_TIMEOUT,
        configure: Configure | None = None,
        provide_identity: ProvideIdentity | None = None,
        accept_free_text: bool = False,
        key_log: KeyLog | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._waiter = _PollWaiter(sock)
        self._engine = Engine(
            sock,
            connection,
            self._waiter,
            timeout=timeout,
            configure=configure,
            provide_identity=provide_identity,
            accept_free_text=accept_free_text,
            key_log=key_log,
            trace=trace,
        )
        # Taken in this order. A signal's handler may use the stream that it has interrupted.
        self._writing = threading.RLock()
        self._reading = threading.RLock()
        self._open_files = 0
        self._closes_with_files = False

    @property
    def configure(self) -> Configure | None:
        """Chooses the configuration for a client that has said what it offers."""
        return self._engine.configure

    @configure.setter
    def configure(self, configure: Configure | None) -> None:
        self._engine.configure = configure

    @property
    def provide_identity(self) -> ProvideIdentity | None:
        """Gives the identity that a server asks for."""
        return self._engine.provide_identity

    @provide_identity.setter
    def provide_identity(self, provide: ProvideIdentity | None) -> None:
        self._engine.provide_identity = provide

    @property
    def key_log(self) -> KeyLog | None:
        """The file of the connection's secrets."""
        return self._engine.key_log

    @key_log.setter
    def key_log(self, path: KeyLog | None) -> None:
        self._engine.key_log = path

    def handshake(self) -> None:
        """Works until our side of the handshake is done."""
        self._both(self._engine.handshake)

    def confirm(self) -> None:
        """Waits until the peer has accepted our certificate, or raises why it has not.

        A TLS 1.3 client finishes before the server has judged it. Call this where it matters and
        the server is known to send tickets after the handshake, as servers of this library do. Raises
        :class:`TruncatedError` where the server closes the connection before that, and
        :class:`ApiMisuse` where data has come before it, which has to be received first.
        """
        self._read(self._engine.confirm)

    def send(self, data: ReadableBuffer) -> int:
        """Sends all of ``data``; returns its length, as a socket that had room for it."""
        view = data if type(data) is bytes else memoryview(data).cast("B")
        length = len(view)
        engine = self._begin()
        with self._writing:
            try:
                is_sent = engine.send_now(view, length)
                if is_sent:
                    return length
            except (Error, OSError) as error:
                failure = error
                _drive(engine.guard(lambda: engine.fail(failure)))
            if is_sent is None:
                _drive(engine.guard(lambda: engine.send(view)))
            else:
                _drive(engine.guard(lambda: engine.finish_send(length)))
        return length

    def sendall(self, data: ReadableBuffer) -> None:
        """Sends all of ``data``."""
        self.send(data)

    def recv(self, limit: int = READ_SIZE) -> bytes:
        """The next data, at most ``limit`` octets; empty once the peer has said close_notify."""
        if limit < 1:
            raise ApiMisuse("a limit below 1", hint="ask for at least one octet")
        while True:
            is_there = self._fill(limit)
            # Another thread may have taken it meanwhile.
            data = self._engine.take(limit)
            if data or not is_there:
                return data

    def recv_into(self, buffer: WriteableBuffer, limit: int = 0) -> int:
        """Puts the next data into ``buffer``, at most ``limit`` octets (0: as many as fit); returns how many.

        0 once the peer has said close_notify.
        """
        view = memoryview(buffer).cast("B")
        if limit < 0 or limit > len(view):
            raise ApiMisuse("a limit that is not within the buffer", hint="pass 0 for as many as fit")
        if not view:
            return 0
        data = self.recv(min(limit or len(view), READ_SIZE))
        view[: len(data)] = data
        return len(data)

    def send_message(self, message: Message) -> None:
        """Sends an OTP message."""
        self._say(lambda: self._engine.channel.send(message))

    def approve(
        self, envelope: Envelope, code: Code | str | bytes | None = None, *, identity: Identity | None = None
    ) -> Receipt:
        """Returns a code, by default that of ``envelope``, with a receipt that this side has signed."""
        return self._say(lambda: self._engine.channel.approve(envelope, code, identity=identity))

    def decline(self, envelope: Envelope, *, identity: Identity | None = None) -> Receipt:
        """Declines what ``envelope`` asks, with a receipt that this side has signed."""
        return self._say(lambda: self._engine.channel.decline(envelope, identity=identity))

    def receive_message(self) -> Message | None:
        """The next OTP message; ``None`` once the peer has said close_notify."""
        while True:
            is_there = self._read(self._engine.fill_message)
            message: Message | None = self._engine.take_message()
            if message is not None or not is_there:
                return message

    def makefile(
        self,
        mode: str = "r",
        buffering: int | None = None,
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """A file object of the stream, as ``socket.makefile``.

        As with a socket, ``close`` of the stream takes effect when its files are closed as well.
        """
        return open_file(self, mode, buffering, encoding, errors, newline)

    def settimeout(self, seconds: float | None) -> None:
        """The bound of the handshake and of each read and write, as :attr:`timeout`."""
        self.timeout = seconds

    def gettimeout(self) -> float | None:
        """How long a call that receives waits."""
        return self.timeout

    def close_write(self) -> None:
        """Says close_notify and ends our direction of the transport; the peer may go on, and be received."""
        self._write(self._engine.close_write)

    def shutdown(self, how: int) -> None:
        """As of a socket: ``SHUT_WR`` is :meth:`close_write`; after ``SHUT_RD`` :meth:`recv` finds an end."""
        if how not in (socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR):
            raise ApiMisuse(f"{how!r} ends no direction", hint="pass SHUT_RD, SHUT_WR or SHUT_RDWR")
        if not self._engine.is_open():
            # What socketserver, for one, expects of a socket that failed.
            raise OSError(errno.ENOTCONN, "this stream is not connected")
        if how != socket.SHUT_RD:
            try:
                self.close_write()
            except Error as error:
                raise OSError(errno.ENOTCONN, str(error)) from error
        if how != socket.SHUT_WR:
            self._engine.stop_reading()

    def close(self) -> None:
        """Says close_notify, waits at most a second for the peer's end, and closes; wakes whoever waits."""
        engine = self._engine
        if engine.process != os.getpid():
            # The parent goes on with the connection: neither a close_notify nor a shutdown.
            engine.wire.sock.close()
            return
        self._closes_with_files = True
        if self._open_files > 0 or not engine.begin_end("it was closed"):
            return
        # Who was sending is awake now and leaves, unless it is a hook that takes its time.
        if self._writing.acquire(timeout=LINGER):
            try:
                _drive(engine.finish())
            finally:
                self._writing.release()
        else:
            engine.abort("")

    def abort(self) -> None:
        """Closes at once and without close_notify: the peer sees that the data was cut off."""
        self._engine.abort("it was aborted")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            # What the peer has got is not all: it must not look like it.
            self.abort()

    def _enter_file(self) -> None:
        self._open_files += 1

    def _leave_file(self) -> None:
        self._open_files -= 1
        if self._closes_with_files:
            self.close()

    def _fill(self, limit: int) -> bool:
        engine = self._begin()
        with self._reading:
            try:
                begin, received = time.monotonic(), engine.link.received
                if engine.is_likely_dry():
                    self._waiter.poll_to_read(engine.timeouts.read)
                if engine.fill_now(limit):
                    return True
                deadline = engine.reading(begin, received)
                if engine.is_dry():
                    self._waiter.poll(read=True, write=False, seconds=deadline.left())
                    if engine.fill_now(limit):
                        return True
            except (Error, OSError) as error:
                failure = error
                _drive(engine.guard(lambda: engine.fail(failure)))
            return _drive(engine.guard(lambda: engine.fill(limit, deadline)))

    def _begin(self) -> Engine:
        engine = self._engine
        if engine.process != os.getpid():
            check_process(engine.process)
        if not engine.is_done:
            self.handshake()
        return engine

    def _both(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        check_process(self._engine.process)
        with self._writing, self._reading:
            return _drive(self._engine.guard(flow))

    def _read(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        engine = self._begin()
        with self._reading:
            return _drive(engine.guard(flow))

    def _write(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        engine = self._begin()
        with self._writing:
            return _drive(engine.guard(flow))

    def _say(self, seal: Callable[[], _T]) -> _T:
        return self._write(lambda: self._engine.say(seal))


def _drive(flow: Coroutine[Any, Any, _T]) -> _T:
    """Runs a flow that waits in its calls."""
    try:
        flow.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    flow.close()
    raise ApiMisuse("a coroutine function where nothing awaits it", hint="see otls.aio")


#: What a poller waits for: something to read, room to write; and only for that.
_TO_READ = (True, False, False)


class _PollWaiter:
    """Waits in poll(2), for the socket and for whoever ends the wait."""

    turns: float = math.inf

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        #: Those that nobody waits in, by what they wait for.
        self._pollers: dict[tuple[bool, bool, bool], select.poll] = {}
        self._waker: Waker | None = None
        self._is_woken = False

    async def wait(self, *, read: bool, write: bool, seconds: float | None, closing: bool = False) -> None:
        """Waits in the call."""
        self.poll(read=read, write=write, seconds=seconds, closing=closing)

    def poll(self, *, read: bool, write: bool, seconds: float | None, closing: bool = False) -> None:
        """As :meth:`wait`."""
        if not closing and self._waker is None:
            self._waker = Waker()
        if self._sock.fileno() == -1 or (self._is_woken and not closing):
            return
        kind = (read, write, closing)
        poller = self._pollers.pop(kind, None) or self._poller(*kind)
        wait = LONGEST_WAIT if seconds is None else min(seconds, LONGEST_WAIT)
        poller.poll(math.ceil(wait * 1000))
        self._pollers[kind] = poller

    def poll_to_read(self, seconds: float | None) -> None:
        """As :meth:`wait` for something to read."""
        poller = self._pollers.pop(_TO_READ, None)
        if poller is None or self._is_woken or seconds is None or self._sock.fileno() == -1:
            self.poll(read=True, write=False, seconds=seconds)
            return
        poller.poll(int(seconds * 1000) + 1 if seconds < LONGEST_WAIT else LONGEST_WAIT * 1000)
        self._pollers[_TO_READ] = poller

    def _poller(self, read: bool, write: bool, closing: bool) -> select.poll:
        poller = select.poll()
        poller.register(self._sock, (select.POLLIN if read else 0) | (select.POLLOUT if write else 0))
        if not closing and self._waker is not None:
            poller.register(self._waker, select.POLLIN)
        return poller

    async def pause(self) -> None:
        """Threads get their turn by themselves."""

    def wake(self) -> None:
        """Ends all waits."""
        self._is_woken = True
        if self._waker is not None:
            self._waker.set()

    def forget(self) -> None:
        """Nothing is registered anywhere."""


class Waker:
    """Something for poll(2) that becomes readable when it is told to, and stays so."""

    def __init__(self) -> None:
        self._ends = (os.eventfd(0),) if sys.platform == "linux" else os.pipe()

    def fileno(self) -> int:
        """For ``poll``."""
        return self._ends[0]

    def set(self) -> None:
        """Makes it readable."""
        os.write(self._ends[-1], (1).to_bytes(8, sys.byteorder))

    def __del__(self) -> None:
        for end in getattr(self, "_ends", ()):
            os.close(end)
