"""A socket that never waits, whoever does the waiting."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

#: Octets that are read from the socket at a time: four full records.
READ_SIZE = 64 * 1024


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
        self._on_close = on_close

    def fileno(self) -> int:
        """-1 once it is closed."""
        return self.sock.fileno()

    def discard(self) -> bool | None:
        """Reads once and throws it away: whether it was more than the end, ``None`` where nothing came."""
        try:
            return bool(self.sock.recv(READ_SIZE))
        except BlockingIOError:
            return None

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
