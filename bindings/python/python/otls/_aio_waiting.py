"""Waiting for a socket on an event loop."""

from __future__ import annotations

import asyncio
import socket


class LoopWaiter:
    """Waits in the event loop, any number of tasks for one socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Future[None]] = set()
        self._writers: set[asyncio.Future[None]] = set()
        self._of_owners: set[asyncio.Future[None]] = set()
        self._is_reading = False
        self._is_writing = False
        self._is_woken = False

    async def wait(self, *, read: bool, write: bool, seconds: float | None, closing: bool = False) -> None:
        """Suspends the task."""
        if self._sock.fileno() == -1 or (self._is_woken and not closing):
            return
        self._loop = loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        groups = [(self._readers, read), (self._writers, write), (self._of_owners, not closing)]
        for group, belongs in groups:
            if belongs:
                group.add(future)
        self._register()
        timer = None if seconds is None else loop.call_later(seconds, _finish, [future])
        try:
            await future
        finally:
            if timer is not None:
                timer.cancel()
            for group, _ in groups:
                group.discard(future)
            self._register()

    async def pause(self) -> None:
        """A socket that is always ready would keep all other tasks waiting."""
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
        self._register()

    def _register(self) -> None:
        loop = self._loop
        if loop is None or loop.is_closed() or self._sock.fileno() == -1:
            return
        wants_reading, wants_writing = bool(self._readers), bool(self._writers)
        if wants_reading != self._is_reading:
            self._is_reading = wants_reading
            if wants_reading:
                loop.add_reader(self._sock, self._on_readable)
            else:
                loop.remove_reader(self._sock)
        if wants_writing != self._is_writing:
            self._is_writing = wants_writing
            if wants_writing:
                loop.add_writer(self._sock, self._on_writable)
            else:
                loop.remove_writer(self._sock)

    def _on_readable(self) -> None:
        _finish(self._readers)

    def _on_writable(self) -> None:
        _finish(self._writers)


def _finish(futures: set[asyncio.Future[None]] | list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
