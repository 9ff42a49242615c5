"""The man in the middle: a relay between two sockets that sees, keeps, changes and invents what passes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

#: Seconds after which anything in the lab that waits gives up.
PATIENCE = 5.0

BANK, CUSTOMER = "bank", "customer"


@dataclass(frozen=True)
class Piece:
    """What passes at once: a TLS record, or what one ``recv`` gave."""

    sender: str
    data: bytes
    #: Whether the bank has said that its message comes now. On a real network length and time tell.
    is_message: bool


class Cut(Exception):
    """Raised by who meddles: both connections end here. What is in it goes out before."""

    def __init__(self, last: bytes = b"") -> None:
        super().__init__()
        self.last = last


#: Gets each piece, and returns what goes on to the other side in its place.
Meddle = Callable[["Relay", Piece], list[bytes]]


def pass_on(relay: Relay, piece: Piece) -> list[bytes]:
    """Changes nothing: who only listens."""
    return [piece.data]


class Relay:
    """Passes one connection on to ``target``, in a thread for each direction."""

    def __init__(self, target: tuple[str, int], meddle: Meddle = pass_on, *, records: bool = True) -> None:
        self._target, self._meddle, self._records = target, meddle, records
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self._sockets: dict[str, socket.socket] = {}
        self._lock = threading.RLock()
        self._armed = False
        #: Each piece, in the order in which it came here.
        self.recorded: list[Piece] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Where the customer connects, believing that it is the bank."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def arm(self) -> None:
        """From now on what the bank sends are its messages."""
        self._armed = True

    def say(self, to: str, data: bytes) -> None:
        """Sends something to ``to``, as if the other side had."""
        with contextlib.suppress(OSError):
            self._sockets[to].sendall(data)

    def sent_by(self, sender: str) -> bytes:
        """All octets that came from one side."""
        return b"".join(piece.data for piece in self.recorded if piece.sender == sender)

    def close(self) -> None:
        """Ends both connections."""
        self._listener.close()
        for sock in self._sockets.values():
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE)
        for sock in self._sockets.values():
            sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            customer, _ = self._listener.accept()
            bank = socket.create_connection(self._target, PATIENCE)
        except OSError as error:
            self.error = error
            return
        customer.settimeout(PATIENCE)
        for sock in (customer, bank):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets = {BANK: bank, CUSTOMER: customer}
        other = threading.Thread(target=self._carry, args=(CUSTOMER, BANK), daemon=True)
        other.start()
        self._carry(BANK, CUSTOMER)
        other.join(PATIENCE)

    def _carry(self, sender: str, to: str) -> None:
        source = self._sockets[sender]
        try:
            for data in tls_records(source) if self._records else chunks(source):
                with self._lock:
                    piece = Piece(sender, data, self._armed and sender == BANK)
                    self.recorded.append(piece)
                    for answer in self._meddle(self, piece):
                        self.say(to, answer)
            self._sockets[to].shutdown(socket.SHUT_WR)
        except Cut as cut:
            self.say(to, cut.last)
            for sock in self._sockets.values():
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        except Exception as error:  # noqa: BLE001  (shown by whoever asks for it)
            self.error = error


def chunks(source: socket.socket) -> Iterator[bytes]:
    """What comes, as it comes."""
    while data := source.recv(1024):
        yield data


def tls_records(source: socket.socket) -> Iterator[bytes]:
    """TLS records, header included (RFC 8446 §5.1)."""
    while header := exactly(source, 5):
        yield header + exactly(source, int.from_bytes(header[3:5], "big"))


def exactly(source: socket.socket, length: int) -> bytes:
    """``length`` octets, or none where the connection ends."""
    data = b""
    while len(data) < length:
        more = source.recv(length - len(data))
        if not more:
            return b""
        data += more
    return data
