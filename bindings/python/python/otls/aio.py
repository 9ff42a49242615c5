"""The connection on asyncio: :func:`open_connection`, :func:`start_server`, :class:`AsyncStream`.

It is what :class:`otls.Stream` is, with ``await``: the same calls, timeouts, ends and errors. Any call may
be cancelled: a cancelled ``recv`` loses nothing; after a cancelled ``send`` nothing can be sent any more,
and the peer will see that the data was cut off; a cancelled handshake ends the connection.

An event loop and its connections belong to the process that made them. In one that was forked from it
every operation raises :class:`ApiMisuse`, and ``close`` leaves the socket, which its parent goes on with,
alone. Fork before ``asyncio.run``, and start a server in each process.
"""

from __future__ import annotations

from ._aio import (
    AsyncStream,
    Configure,
    ProvideIdentity,
    open_connection,
)
from ._aio_enrol import (
    enroll,
    fetch_authorities,
)
from ._aio_server import (
    Handler,
    OnFailure,
    Server,
    start_server,
)

__all__ = [
    "AsyncStream",
    "Configure",
    "Handler",
    "OnFailure",
    "ProvideIdentity",
    "Server",
    "enroll",
    "fetch_authorities",
    "open_connection",
    "start_server",
]
