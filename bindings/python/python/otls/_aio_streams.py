"""A stream as asyncio's own reader and writer."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ._errors import Error

if TYPE_CHECKING:
    from ._aio import AsyncStream

#: Octets that may wait to be sealed before ``drain`` waits.
_HIGH_WATER = 64 * 1024


def open_streams(stream: AsyncStream) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The reader and the writer, over a transport that sends and receives by tasks of its own."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = StreamTransport(stream, protocol)
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)


class StreamTransport(asyncio.Transport):
    """A stream as a transport."""

    def __init__(self, stream: AsyncStream, protocol: asyncio.Protocol) -> None:
        super().__init__({"peername": stream.peer_address, "sockname": stream.getsockname(), "otls": stream})
        self._stream = stream
        self._protocol = protocol
        self._unsent: deque[bytes] = deque()
        self._waiting = 0
        self._is_paused = False
        self._is_closing = False
        self._ends_writing = False
        self._is_lost = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._has_work = asyncio.Event()
        protocol.connection_made(self)
        self._receiving = asyncio.create_task(self._receive())
        self._sending = asyncio.create_task(self._send())

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Takes ``data`` to send it."""
        if self._ends_writing or self._is_closing or not data:
            return
        self._unsent.append(bytes(data))
        self._waiting += len(data)
        if self._waiting > _HIGH_WATER and not self._is_paused:
            self._is_paused = True
            self._protocol.pause_writing()
        self._has_work.set()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        """Takes several."""
        for data in list_of_data:
            self.write(data)

    def get_write_buffer_size(self) -> int:
        """Octets that wait to be sealed."""
        return self._waiting

    def can_write_eof(self) -> bool:
        """Yes: close_notify."""
        return True

    def write_eof(self) -> None:
        """Says close_notify after what was written."""
        self._ends_writing = True
        self._has_work.set()

    def pause_reading(self) -> None:
        """Receives no more for now."""
        self._may_read.clear()

    def resume_reading(self) -> None:
        """Receives on."""
        self._may_read.set()

    def is_reading(self) -> bool:
        """Whether it receives."""
        return self._may_read.is_set() and not self._is_closing

    def is_closing(self) -> bool:
        """Whether it is closed or about to be."""
        return self._is_closing

    def close(self) -> None:
        """Sends what was written, says close_notify and closes."""
        self._is_closing = True
        self._has_work.set()

    def abort(self) -> None:
        """Closes at once, without close_notify."""
        self._lose(None)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replaces the protocol."""
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError("a stream needs an asyncio.Protocol")
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol."""
        return self._protocol

    async def _receive(self) -> None:
        try:
            while True:
                await self._may_read.wait()
                try:
                    data = await self._stream.recv()
                except TimeoutError:
                    continue  # Who reads from a reader has its own idea of how long to wait.
                if not data:
                    break
                self._protocol.data_received(data)
            if not self._protocol.eof_received():
                self.close()
        except (Error, OSError) as error:
            # Who closes it sends what was written first, and is told of the end by that.
            if not self._is_closing:
                self._lose(error)

    async def _send(self) -> None:
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                while self._unsent:
                    data = self._unsent.popleft()
                    await self._stream.send(data)
                    self._waiting -= len(data)
                    if self._is_paused and self._waiting <= _HIGH_WATER // 2:
                        self._is_paused = False
                        self._protocol.resume_writing()
                if self._is_closing:
                    await self._stream.close()
                    self._lose(None)
                    return
                if self._ends_writing:
                    await self._stream.close_write()
        except (Error, OSError) as error:
            self._lose(error)

    def _lose(self, error: Exception | None) -> None:
        if self._is_lost:
            return
        self._is_lost = self._is_closing = True
        self._stream.abort()
        for task in (self._receiving, self._sending):
            if task is not asyncio.current_task():
                task.cancel()
        asyncio.get_running_loop().call_soon(self._protocol.connection_lost, error)
