"""What carries octets between a socket and a connection, one step at a time."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol, TypeAlias

from ._files import append_private
from ._otls import Connection, Link
from ._state import State
from ._waiting import Deadline, Timeout, earlier, timeouts
from ._wire import Wire

#: The time at which certificates are judged: the system's, where none is given.
Clock: TypeAlias = Callable[[], datetime | float]
KeyLog: TypeAlias = str | os.PathLike[str]


class Waiter(Protocol):
    """Waits for a socket; ``wake`` ends all waits, those to come included, but not one of who closes it."""

    #: How often the socket may be read before others have to have their turn.
    turns: float

    async def wait(self, *, read: bool, write: bool, seconds: float | None, closing: bool = False) -> None:
        """Returns when there is something to read, room to write, or no time left."""

    async def pause(self) -> None:
        """Lets others have their turn, where they would not get it by themselves."""

    def wake(self) -> None:
        """Ends all waits."""

    def forget(self) -> None:
        """The socket will be closed."""


class Carrier:
    """A connection on a socket: feeds, flushes, and says what to wait for."""

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        waiter: Waiter,
        *,
        timeout: Timeout,
        key_log: KeyLog | None,
    ) -> None:
        self.connection = connection
        #: What belongs to the socket, with the one lock that is never held while anybody waits.
        self.wire = Wire(sock, waiter.forget)
        self.link = Link(connection, sock)
        self.timeouts = timeouts(timeout)
        self.key_log = key_log
        self.process = os.getpid()
        #: Why the stream is over for its owner; empty while it is not.
        self.over = ""
        #: Whether our side of the handshake is done.
        self.is_done = False
        self._waiter = waiter
        self._begin = time.monotonic()
        self._turns = 0
        self._is_sending = False

    def begin_end(self, why: str) -> bool:
        """Ends the waits of everybody else; whether nobody has done so before."""
        with self.wire.lock:
            if self.over or self.process != os.getpid():
                return False
            self.over = why
        self._waiter.wake()
        return True

    def abort(self, why: str) -> None:
        """Ends the connection without close_notify: the peer sees that it was cut."""
        if self.process == os.getpid():
            self.begin_end(why)
            self.wire.close()

    def _check(self) -> None:
        error = self.connection.error
        if error is not None:
            raise error
        if self.over:
            raise ConnectionAbortedError(errno.ECONNABORTED, f"this stream is over: {self.over}")
        self._lifetime_left()

    def is_open(self) -> bool:
        """Whether the handshake is done and nothing has ended the connection."""
        return self.is_done and not self.over and not self._is_failed()

    def _is_failed(self) -> bool:
        return State.FAILED in self.connection.state

    def _take_in(self) -> bool:
        """Feeds what was read, or else reads; whether there was anything."""
        with self.wire.lock:
            is_there = self.link.take_in()
            self._log_keys()
            return is_there

    def _flush(self) -> bool:
        """Sends what there is room for; whether nothing is left."""
        with self.wire.lock:
            is_flushed = self.link.flush()
            self._log_keys()
            return is_flushed

    async def _flush_all(self, deadline: Deadline, *, closing: bool = False) -> None:
        while not self._flush():
            await self._wait(deadline, write=True, closing=closing)

    async def _take_in_or_wait(self, deadline: Deadline) -> None:
        if not self._take_in():
            await self._wait_to_read(deadline)
        else:
            self._turns += 1
            await self._have_turns()

    async def _wait_to_read(self, deadline: Deadline) -> None:
        # Who reads never waits for who writes; what the peer makes us say goes out when there is room.
        is_flushed = self._flush()
        await self._wait(deadline, read=True, write=not is_flushed and not self._is_sending)
        self.have_waited()

    def have_waited(self) -> None:
        """Others have had their turn."""
        self._turns = 0

    async def _have_turns(self) -> None:
        if self._turns >= self._waiter.turns:
            self._turns = 0
            await self._waiter.pause()
            self._check()

    async def _wait(
        self, deadline: Deadline, *, read: bool = False, write: bool = False, closing: bool = False
    ) -> None:
        left = deadline.left()
        if not closing:
            left = earlier(left, self._lifetime_left())
        await self._waiter.wait(read=read, write=write, seconds=left, closing=closing)
        if not closing:
            self._check()

    def _lifetime_left(self) -> float | None:
        lifetime = self.timeouts.lifetime
        if lifetime is None:
            return None
        left = self._begin + lifetime - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"the connection has lasted for its whole time of {lifetime:g} s")
        return left

    def _log_keys(self) -> None:
        if self.key_log is not None and (lines := self.connection.take_key_log()):
            append_private(self.key_log, lines)
