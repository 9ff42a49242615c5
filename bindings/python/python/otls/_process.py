"""What belongs to one process."""

from __future__ import annotations

import os

from ._errors import ApiMisuse


def check_process(process: int) -> None:
    """Raises in a child of the process that made a connection."""
    if process != os.getpid():
        raise ApiMisuse(
            "a connection of the process that this one was forked from",
            hint="make the connection after os.fork(), in the process that uses it",
        )
