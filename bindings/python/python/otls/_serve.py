"""A server for many customers, in one call."""

from __future__ import annotations

import contextlib
import logging
import math
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeAlias

from ._address import Address
from ._carrier import Clock, KeyLog
from ._errors import ApiMisuse, Error
from ._net import Listener, listen
from ._otls import ServerConfig, Trace
from ._stream import Configure, Stream, Waker
from ._waiting import DEFAULT_TIMEOUT, Timeout

#: What a server runs for each customer, after the handshake.
Handler: TypeAlias = Callable[[Stream], object]

#: Hears whose connection ended why, beside the log; ``None`` is for who could not even be taken.
OnFailure: TypeAlias = Callable[[Address | None, BaseException], object]

LOG = logging.getLogger("otls")

#: Connections at a time unless told otherwise; each has a thread.
MAX_CONNECTIONS = 100

#: How long the end of a server waits for those whom it serves, in seconds.
GRACE = 10.0

#: How long a server waits before it tries again, where there are no descriptors or threads left.
BREATH = 0.2

#: How long a handshake may take where others wait for its room, in seconds.
PATIENCE = 1.0


class Server:
    """Serves each customer in a thread of its own: the handshake, then ``handler``, then ``close``.

    A customer who says nothing is in nobody's way. At most ``max_connections`` are served at a time, and more
    wait in the kernel's queue; where there is no room, whoever has been longest in its handshake, and for
    more than a second, has to make it. What ``handler`` raises ends that connection alone,
    without close_notify, and goes to ``logging.getLogger("otls")``; ``on_failure`` hears of it as well.

    Made, it listens; ``serve_forever`` serves, and so does a ``with`` block, in a thread beside it. The
    arguments behind ``handler`` are those of :func:`listen`; a :class:`Listener` may stand for the address.
    """

    def __init__(
        self,
        handler: Handler,
        address: Address | Listener,
        config: ServerConfig | None = None,
        *,
        configure: Configure | None = None,
        timeout: Timeout = DEFAULT_TIMEOUT,
        max_connections: int = MAX_CONNECTIONS,
        grace: float = GRACE,
        on_failure: OnFailure | None = None,
        accept_free_text: bool = False,
        key_log: KeyLog | None = None,
        trace: Trace | None = None,
        now: Clock | None = None,
    ) -> None:
        if max_connections < 1:
            raise ApiMisuse("a server without room for a connection", hint="pass max_connections=1 or more")
        if isinstance(address, Listener):
            if config is not None or configure is not None:
                raise ApiMisuse("a listener has a configuration", hint="pass an address, or no configuration")
            self._listener = address
        else:
            self._listener = listen(
                address,
                config,
                configure=configure,
                timeout=timeout,
                accept_free_text=accept_free_text,
                key_log=key_log,
                trace=trace,
                now=now,
            )
        self._handler = handler
        self._max_connections = max_connections
        self._grace = grace
        self._on_failure = on_failure
        self._waker = Waker()
        self._is_stopping = False
        self._thread: threading.Thread | None = None
        # Those who are served, in the order in which they came: since when they are in their handshake.
        self._served: dict[Stream, float] = {}
        self._changed = threading.Condition()

    @property
    def address(self) -> Address:
        """Where it listens; the port is the real one if 0 was asked for."""
        return self._listener.address

    @property
    def connections(self) -> int:
        """How many are served now, handshakes included."""
        return len(self._served)

    def serve_forever(self) -> None:
        """Serves until :meth:`stop`, and then for ``grace`` seconds at most those who are being served."""
        try:
            while self._wait_for_customer():
                self._take_customer()
        finally:
            self._end()

    def stop(self) -> None:
        """Ends ``serve_forever``, from any thread or a signal's handler; does not wait for it."""
        self._is_stopping = True
        self._waker.set()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self.serve_forever, name="otls server", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _wait_for_customer(self) -> bool:
        if self._listener.fileno() == -1:
            return False
        poller = select.poll()
        poller.register(self._waker, select.POLLIN)
        poller.register(self._listener, select.POLLIN)
        poller.poll()
        return not self._is_stopping

    def _take_customer(self) -> None:
        try:
            stream = self._listener.accept(wait=0, handshake=False)
        except TimeoutError:
            return  # It has left the queue.
        except (OSError, Error) as error:
            if self._listener.fileno() == -1:
                return
            LOG.error("cannot take a customer: %s", error)
            self._tell(None, error)
            time.sleep(BREATH)
            return
        self._make_room()
        with self._changed:
            self._served[stream] = time.monotonic()
        try:
            threading.Thread(target=self._serve, args=(stream,), daemon=True).start()
        except RuntimeError as error:
            LOG.error("cannot serve %s: %s", stream.peer_address, error)
            self._tell(stream.peer_address, error)
            self._leave(stream)

    def _make_room(self) -> None:
        with self._changed:
            while len(self._served) >= self._max_connections and not self._is_stopping:
                oldest = min(self._served, key=self._served.__getitem__)
                if time.monotonic() - self._served[oldest] > PATIENCE:
                    oldest.abort()
                self._changed.wait(BREATH)

    def _serve(self, stream: Stream) -> None:
        address = stream.peer_address
        is_done = False
        try:
            with stream:
                stream.handshake()
                with self._changed:
                    self._served[stream] = math.inf
                is_done = True
                self._handler(stream)
        except BaseException as error:  # noqa: BLE001  (one customer's trouble is not the others')
            report(address, error, is_done=is_done)
            self._tell(address, error)
        finally:
            self._leave(stream)

    def _tell(self, address: Address | None, error: BaseException) -> None:
        if self._on_failure is not None:
            self._on_failure(address, error)

    def _leave(self, stream: Stream) -> None:
        stream.abort()
        with self._changed:
            self._served.pop(stream, None)
            self._changed.notify_all()

    def _end(self) -> None:
        self._is_stopping = True
        self._listener.close()
        self._wait_for_all(self._grace)
        for stream in list(self._served):
            stream.abort()
        # Their handlers are awake now; one that waits for something else is left to itself.
        self._wait_for_all(1.0)
        if left := len(self._served):
            LOG.warning("%d connections were cut off, whose handlers go on", left)

    def _wait_for_all(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._served, seconds)


def serve(
    handler: Handler,
    address: Address | Listener,
    config: ServerConfig | None = None,
    *,
    max_connections: int = MAX_CONNECTIONS,
    timeout: Timeout = DEFAULT_TIMEOUT,
    grace: float = GRACE,
    configure: Configure | None = None,
    on_failure: OnFailure | None = None,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    accept_free_text: bool = False,
    now: Clock | None = None,
) -> None:
    """Serves customers until SIGTERM or Ctrl-C: ``handler(stream)`` for each, in a thread of its own.

    See :class:`Server`, which is the same with a ``stop``. SIGTERM ends it well, after those who are being
    served (``grace`` seconds at most); so does Ctrl-C, which is then raised, and a second one ends it at
    once.
    """
    server = Server(
        handler,
        address,
        config,
        max_connections=max_connections,
        timeout=timeout,
        grace=grace,
        configure=configure,
        on_failure=on_failure,
        key_log=key_log,
        trace=trace,
        accept_free_text=accept_free_text,
        now=now,
    )
    with _until_terminated(server):
        server.serve_forever()


@contextlib.contextmanager
def _until_terminated(server: Server) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # Signals are for the main thread alone.
        return

    def stop(number: int, frame: FrameType | None) -> None:
        server.stop()

    before: Any = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def report(address: Address | None, error: BaseException, *, is_done: bool) -> None:
    """Says in the log why a connection ended."""
    who = f"{address[0]}:{address[1]}" if address else "a customer"
    if not is_done:
        LOG.warning("%s: no connection: %s", who, str(error) or type(error).__name__)
    elif isinstance(error, Error | OSError):
        LOG.warning("%s: the connection failed: %s", who, error, exc_info=error)
    else:
        LOG.error("%s: the handler failed", who, exc_info=error)
