"""A socket that never waits: what is between it and a connection, whoever does the waiting."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

#: Octets that are read from the socket at a time: four full records.
READ_SIZE = 64 * 1024


class Inbox:
    """One read of the socket, and how much of it was fed.

    A handler of a signal (Ctrl-C) may raise between any two steps of Python, and what a call has returned
    is lost then. So nothing is returned here: ``list.extend`` of ``map`` calls and keeps what it gets in
    one step.
    """

    def __init__(self) -> None:
        self.octets: list[bytes] = []
        self._fed: list[int] = []

    def is_empty(self) -> bool:
        """Whether nothing is here, not even the end."""
        return not self.octets

    def is_end(self) -> bool:
        """Whether the transport has ended."""
        return self.octets == [b""]

    def feed(self, feed: Callable[[bytes], int]) -> bool:
        """Hands on what was not yet fed; whether all of it is now."""
        self._fed.extend(map(feed, (self.octets[0][sum(self._fed) :],)))
        return sum(self._fed) == len(self.octets[0])


class Wire:
    """A stream socket, non-blocking."""

    def __init__(self, sock: socket.socket, on_close: Callable[[], None]) -> None:
        sock.setblocking(False)
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        #: For one step on the socket or the connection, never while somebody waits. A signal's handler may
        #: close the stream that it has interrupted.
        self.lock = threading.RLock()
        self.received = 0
        self._on_close = on_close

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self.sock.fileno()

    def receive(self, inbox: Inbox) -> bool:
        """Reads once; whether there was anything, the end included."""
        try:
            inbox.octets.extend(map(self.sock.recv, (READ_SIZE,)))
        except BlockingIOError:
            return False
        self.received += len(inbox.octets[0])
        return True

    def send(self, octets: bytes, consume: Callable[[int], None]) -> bool:
        """Writes once and tells ``consume`` how much, in one step; whether there was room."""
        try:
            any(map(consume, map(self.sock.send, (octets,))))
        except BlockingIOError:
            return False
        return True

    def has_hung_up(self) -> bool:
        """Whether the peer has closed or reset the transport, behind whatever it has sent before."""
        poller = select.poll()
        # POLLRDHUP is of Linux; elsewhere an end that nobody reads shows as no octet to peek at.
        rdhup: int = getattr(select, "POLLRDHUP", 0)
        try:
            poller.register(self.sock, rdhup)
            if poller.poll(0):
                return True
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except (OSError, ValueError):
            return True

    def shut_down_write(self) -> None:
        """Ends our direction of the transport."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Closes the socket."""
        with self.lock:
            if self.sock.fileno() == -1:
                return
            # Closing a socket with unread input resets the connection, and the peer may lose what we sent
            # last: the alert that says why, or the last message.
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)
                for _ in range(64):
                    if not self.sock.recv(READ_SIZE):
                        break
            self._on_close()
            self.sock.close()
