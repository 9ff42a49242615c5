"""Waiting for a socket on an event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

#: Seconds for which the loop keeps what nobody waits for.
MOMENT = 0.05


class LoopWaiter:
    """Waits in the event loop, any number of tasks for one socket.

    What one wait has asked of the loop serves the next: it is taken back a moment later, if nobody waits by
    then. Most streams wait again at once, and to ask anew costs more than the wait.
    """

    #: 256 KiB: a socket that is always ready would keep all other tasks waiting.
    turns: float = 4

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Future[None]] = set()
        self._writers: set[asyncio.Future[None]] = set()
        self._of_owners: set[asyncio.Future[None]] = set()
        #: When whoever does not wait for ever has waited enough, by the loop's clock.
        self._ends: dict[asyncio.Future[None], float] = {}
        #: Fires at the first of the ends or before.
        self._timer: asyncio.TimerHandle | None = None
        self._is_reading = False
        self._is_writing = False
        self._settling: asyncio.TimerHandle | None = None
        self._is_woken = False

    async def wait(self, *, read: bool, write: bool, seconds: float | None, closing: bool = False) -> None:
        """Suspends the task."""
        if self._sock.fileno() == -1 or (self._is_woken and not closing):
            return
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._timer, self._settling = loop, None, None
            self._is_reading = self._is_writing = False
        future: asyncio.Future[None] = loop.create_future()
        if read:
            self._readers.add(future)
        if write:
            self._writers.add(future)
        if not closing:
            self._of_owners.add(future)
        self._register(loop)
        if seconds is not None:
            self._ends[future] = end = loop.time() + seconds
            if self._timer is None or self._timer.when() > end:
                self._set_timer(loop, end)
        try:
            await future
        finally:
            self._readers.discard(future)
            self._writers.discard(future)
            self._of_owners.discard(future)
            self._ends.pop(future, None)
            if self._settling is None and not loop.is_closed():
                self._settling = loop.call_later(MOMENT, self._settle)

    async def pause(self) -> None:
        """A turn of the loop."""
        await asyncio.sleep(0)

    def wake(self) -> None:
        """Ends all waits."""
        self._is_woken = True
        _finish(self._of_owners)

    def forget(self) -> None:
        """Takes the socket out of the loop, which would mistake the next of its number for it."""
        _finish(self._readers | self._writers)
        self._readers.clear()
        self._writers.clear()
        self._settle()

    def _register(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._readers and not self._is_reading:
            loop.add_reader(self._sock, self._on_readable)
            self._is_reading = True
        if self._writers and not self._is_writing:
            loop.add_writer(self._sock, self._on_writable)
            self._is_writing = True

    def _settle(self) -> None:
        """Takes back what nobody waits for."""
        if self._settling is not None:
            self._settling.cancel()
            self._settling = None
        if self._timer is not None and not self._ends:
            self._timer.cancel()
            self._timer = None
        loop = self._loop
        if loop is None or loop.is_closed() or self._sock.fileno() == -1:
            return
        if self._is_reading and not self._readers:
            self._is_reading = False
            loop.remove_reader(self._sock)
        if self._is_writing and not self._writers:
            self._is_writing = False
            loop.remove_writer(self._sock)

    def _set_timer(self, loop: asyncio.AbstractEventLoop, end: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = loop.call_at(end, self._on_time, loop)

    def _on_time(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        # A timer may fire before its time by the resolution of the clock.
        now = loop.time() + 1e-3
        _finish([future for future, end in self._ends.items() if end <= now])
        ends = [end for future, end in self._ends.items() if not future.done()]
        if ends:
            self._set_timer(loop, min(ends))

    def _on_readable(self) -> None:
        if not self._readers:
            # The loop would call again in each of its turns.
            self._settle()
        _finish(self._readers)

    def _on_writable(self) -> None:
        if not self._writers:
            self._settle()
        _finish(self._writers)


def _finish(futures: Iterable[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
