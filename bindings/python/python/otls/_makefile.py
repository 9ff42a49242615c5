"""A stream as the file object that ``socket.makefile`` gives, for the libraries that read and write one."""

from __future__ import annotations

import io
from typing import IO, TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Channel(Protocol):
    """What a file needs of a stream."""

    def fileno(self) -> int:
        """For ``select``."""

    def recv_into(self, buffer: WriteableBuffer) -> int:
        """Receives."""

    def send(self, data: Any) -> int:
        """Sends."""

    def _enter_file(self) -> None:
        """A file was opened."""

    def _leave_file(self) -> None:
        """A file was closed."""


class StreamIO(io.RawIOBase):
    """A stream as an unbuffered file; closing it leaves the stream open."""

    def __init__(self, stream: Channel, mode: str) -> None:
        self._stream = stream
        self._mode = mode
        stream._enter_file()

    @property
    def mode(self) -> str:
        """``"rb"``, ``"wb"`` or ``"rwb"``."""
        return self._mode

    @property
    def name(self) -> int:
        """The file descriptor."""
        return self.fileno()

    def readable(self) -> bool:
        """Whether it was opened to read."""
        return "r" in self._mode

    def writable(self) -> bool:
        """Whether it was opened to write."""
        return "w" in self._mode

    def fileno(self) -> int:
        """The file descriptor, for ``select``."""
        self._check_open()
        return self._stream.fileno()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """The next octets; 0 at the end."""
        self._check_open()
        if not self.readable():
            raise io.UnsupportedOperation("not readable")
        return self._stream.recv_into(buffer)

    def write(self, data: ReadableBuffer) -> int:
        """Sends all of ``data``."""
        self._check_open()
        if not self.writable():
            raise io.UnsupportedOperation("not writable")
        return self._stream.send(data)

    def close(self) -> None:
        """Closes the file."""
        if not self.closed:
            super().close()
            self._stream._leave_file()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file.")


def open_file(
    stream: Channel,
    mode: str,
    buffering: int | None,
    encoding: str | None,
    errors: str | None,
    newline: str | None,
) -> IO[Any]:
    """As ``socket.makefile``."""
    if not set(mode) <= set("rwb"):
        raise ValueError(f"invalid mode {mode!r} (only r, w, b allowed)")
    is_writing = "w" in mode
    is_reading = "r" in mode or not is_writing
    raw = StreamIO(stream, ("r" if is_reading else "") + ("w" if is_writing else "") + "b")
    size = io.DEFAULT_BUFFER_SIZE if buffering is None or buffering < 0 else buffering
    if size == 0:
        if "b" not in mode:
            raise ValueError("unbuffered streams must be binary")
        return raw  # type: ignore[return-value]
    buffered: Any
    if is_reading and is_writing:
        buffered = io.BufferedRWPair(raw, raw, size)
    elif is_reading:
        buffered = io.BufferedReader(raw, size)
    else:
        buffered = io.BufferedWriter(raw, size)
    if "b" in mode:
        return buffered  # type: ignore[no-any-return]
    text: Any = io.TextIOWrapper(buffered, encoding, errors, newline)
    text.mode = mode
    return text  # type: ignore[no-any-return]
