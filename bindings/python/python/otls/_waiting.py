"""How long to wait for a peer, and what is said of one that leaves before."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from ._errors import ApiMisuse, TruncatedError
from ._state import State


class Deadline:
    """The end of one operation, however many reads it takes."""

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    def remaining(self) -> float | None:
        """Seconds that are left; raises :class:`TimeoutError` where there are none."""
        if self._end is None:
            return None
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def remaining_or_zero(self) -> float:
        """Seconds that are left, never below 0: a socket with timeout 0 does not block."""
        return 0.0 if self._end is None else max(0.0, self._end - time.monotonic())

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """What is done in the block does not count."""
        begin = time.monotonic()
        yield
        if self._end is not None:
            self._end += time.monotonic() - begin


def closed_early(what: str) -> TruncatedError:
    """The error for a peer that says close_notify before something that had to come."""
    return TruncatedError(f"the peer closed the connection before {what}", code=25, code_name="TRUNCATED")


def must_wait_to_confirm(state: State) -> bool:
    """Whether it is open what the peer thinks of our certificate; raises where that will not be said."""
    if State.CONFIRMED in state:
        return False
    if State.HAVE_PLAINTEXT in state:
        # RFC 8446 §4.4.4: a server may send data before it has judged the client. The connection takes
        # nothing behind it until somebody has received it.
        raise ApiMisuse("data came before the confirmation", hint="receive it, then confirm")
    if State.CLOSED in state:
        raise closed_early("it accepted our certificate")
    return True
