"""What both kinds of stream tell of their connection."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Any, NoReturn, TypeAlias

from ._address import Address
from ._engine import Engine
from ._otls import Answer, Certificate, Connection, Envelope, OtpId, VerdictNotice
from ._process import check_process
from ._state import State
from ._waiting import Timeout, Timeouts, timeouts

Message: TypeAlias = Envelope | Answer | VerdictNotice


class Facts:
    """What a stream tells of its connection and of its socket, without waiting."""

    _engine: Engine

    @property
    def connection(self) -> Connection:
        """The connection without its socket."""
        return self._engine.connection

    @property
    def peer(self) -> Certificate | None:
        """The peer's certificate, verified; ``None`` for an anonymous client."""
        return self.connection.peer

    @property
    def suite(self) -> str | None:
        """The name of the negotiated cipher suite."""
        return self.connection.suite

    @property
    def group(self) -> str | None:
        """The name of the negotiated key-exchange group."""
        return self.connection.group

    @property
    def scheme(self) -> str | None:
        """The name of the signature scheme with which we signed."""
        return self.connection.scheme

    @property
    def peer_scheme(self) -> str | None:
        """The name of the signature scheme with which the peer signed."""
        return self.connection.peer_scheme

    @property
    def state(self) -> State:
        """What the connection wants and has."""
        return self.connection.state

    @property
    def timeouts(self) -> Timeouts:
        """How long each operation waits."""
        return self._engine.timeouts

    @property
    def timeout(self) -> float | None:
        """How long a call that receives waits, in seconds; ``None`` for ever.

        Set, it is the bound of the handshake and of each read and write; a ``Timeouts`` sets each by itself.
        """
        return self._engine.timeouts.read

    @timeout.setter
    def timeout(self, timeout: Timeout) -> None:
        bounds = timeouts(timeout)
        if not isinstance(timeout, Timeouts):
            bounds = Timeouts(
                bounds.handshake, bounds.read, bounds.write, lifetime=self._engine.timeouts.lifetime
            )
        self._engine.timeouts = bounds

    @property
    def peer_address(self) -> Address | None:
        """The peer's address, or ``None`` where the socket has none, or none any more."""
        with contextlib.suppress(OSError):
            name: Any = self._engine.wire.sock.getpeername()
            if isinstance(name, tuple):
                return str(name[0]), int(name[1])
        return None

    def pending(self) -> int:
        """How many octets can be received without waiting: they are decrypted, and the socket has them no
        more. 1 if it is the peer's end that can be received, or a failure.

        Ask this before ``fileno`` is given to ``select`` or ``poll``, and ask them only where it is 0.
        """
        return self._engine.pending()

    def fileno(self) -> int:
        """The socket's file descriptor, for ``select`` and ``poll`` alone; -1 after ``close``.

        A stream reads ahead: data that it has decrypted, or read and not yet decrypted, does not show
        there. So ask :meth:`pending` first, and wait for the descriptor only where that is 0. It being
        readable means that octets came, which may be part of a record or no data at all: a call that
        receives may then still wait, as long as its timeout lets it. The socket is non-blocking; whoever
        reads from it or writes to it ends the connection.
        """
        return self._engine.wire.fileno()

    def expect(self, id: OtpId, expires_at: datetime) -> None:
        """Takes answers about a code that has gone to this customer by another way, by mail for example."""
        self._engine.channel.expect(id, expires_at)

    def peer_is_gone(self) -> bool:
        """Whether the peer has closed or reset the transport; reads nothing and does not wait.

        It is noticed behind data that nobody has received (on Linux). A peer that has only closed its own
        direction looks the same.
        """
        check_process(self._engine.process)
        return self._engine.wire.has_hung_up()

    def getpeername(self) -> Any:
        """As of the socket."""
        return self._engine.wire.sock.getpeername()

    def getsockname(self) -> Any:
        """As of the socket."""
        return self._engine.wire.sock.getsockname()

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """As of the socket."""
        self._engine.wire.sock.setsockopt(level, option, value)

    def detach(self) -> NoReturn:
        """Refused: a socket without its connection has records that nobody can open."""
        raise TypeError(
            f"a {type(self).__name__} cannot be detached from its socket: "
            "the keys are with the connection, and whatever follows on the socket is protected with them"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            f"cannot pickle or copy a {type(self).__name__}: a connection belongs to the process and the "
            "object that made it, and two that protect data with its keys would give them away"
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.connection!r} peer={self.peer_address}>"
