"""How long to wait for a peer, and what is said of one that leaves before."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import TypeAlias

from ._errors import ApiMisuse, TruncatedError
from ._state import State

#: How long one operation may wait for the peer unless told otherwise, in seconds.
DEFAULT_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a stream waits for its peer, in seconds; ``None`` waits for ever.

    No trickle extends them. Wherever a timeout is asked for, one number stands for the first three.
    """

    #: The whole handshake, in which the time that ``configure`` and ``provide_identity`` take does not count.
    handshake: float | None = DEFAULT_TIMEOUT
    #: Each call that receives, until the first octet of data comes.
    read: float | None = DEFAULT_TIMEOUT
    #: Each piece of at most 256 KiB that is sent: a large transfer to a slow but steady reader goes on.
    write: float | None = DEFAULT_TIMEOUT
    #: The whole connection: after it every call times out.
    lifetime: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            seconds = getattr(self, field.name)
            if seconds is None:
                continue
            if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
                raise ApiMisuse(
                    f"{seconds!r} is no timeout for {field.name}",
                    hint="pass seconds, or None to wait for ever",
                )


#: Seconds for each operation, ``None`` to wait for ever, or each bound by itself.
Timeout: TypeAlias = float | Timeouts | None


def timeouts(timeout: Timeout) -> Timeouts:
    """The bounds that ``timeout`` stands for."""
    if isinstance(timeout, Timeouts):
        return timeout
    return Timeouts(handshake=timeout, read=timeout, write=timeout)


#: No wait of the system is longer: poll(2) counts milliseconds in 32 bits. Whoever waits then waits again.
LONGEST_WAIT = 24 * 3600.0


def socket_timeout(seconds: float | None) -> float | None:
    """What a socket's own timeout can be."""
    timeouts(seconds)
    return None if seconds is None or seconds > LONGEST_WAIT else seconds


class Deadline:
    """The end of one operation, however many reads it takes."""

    def __init__(
        self,
        what: str,
        seconds: float | None,
        progress: Callable[[], str] = str,
        *,
        begin: float | None = None,
    ) -> None:
        self._what = what
        self._seconds = seconds
        self._progress = progress
        begin = time.monotonic() if begin is None else begin
        self._end = None if seconds is None else begin + seconds

    def left(self) -> float | None:
        """Seconds that are left; raises :class:`TimeoutError` where there are none."""
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"{self._what} within {self._seconds:g} s{self._progress()}")
        return left

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What is done in the block does not count."""
        begin = time.monotonic()
        yield
        if self._end is not None:
            self._end += time.monotonic() - begin


def earlier(one: float | None, other: float | None) -> float | None:
    """The shorter of two waits."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def closed_early(what: str) -> TruncatedError:
    """The error for a peer that says close_notify before something that had to come."""
    return TruncatedError(f"the peer closed the connection before {what}", code=25, code_name="TRUNCATED")


_OPEN = State.WANT_READ | State.HAVE_PLAINTEXT | State.NEED_CONFIG | State.NEED_CLIENT_CERT | State.FAILED


def has_ended(state: State) -> bool:
    """Whether the peer has said close_notify and everything before it was received.

    CLOSED alone may be our own close_notify, after which the peer goes on sending.
    """
    return State.CLOSED in state and not state & _OPEN


def must_wait_to_confirm(state: State) -> bool:
    """Whether it is open what the peer thinks of our certificate; raises where that will not be said."""
    if State.CONFIRMED in state:
        return False
    if State.HAVE_PLAINTEXT in state:
        # RFC 8446 §4.4.4: a server may send data before it has judged the client. The connection takes
        # nothing behind it until somebody has received it.
        raise ApiMisuse("data came before the confirmation", hint="receive it, then confirm")
    if has_ended(state):
        raise closed_early("it accepted our certificate")
    return True
