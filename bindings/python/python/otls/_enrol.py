"""Enrolment over EST (RFC 7030)."""

from __future__ import annotations

from ._address import Address, wanted_name
from ._carrier import Clock, KeyLog
from ._engine import Engine
from ._errors import EnrolmentHttpError
from ._net import connect
from ._otls import Certificate, CertificateRequest, ClientConfig, EstClient, Trace
from ._waiting import DEFAULT_TIMEOUT, Deadline
from ._wire import READ_SIZE


def enroll(
    address: Address,
    config: ClientConfig,
    profile: str,
    request: CertificateRequest,
    *,
    token: str | bytes | bytearray | None = None,
    server_name: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> Certificate:
    """Asks the authority at ``address`` for a certificate of ``profile``, "server" or "client".

    ``token`` is what authorises it (``Register.new_token``): for a server's it takes one, or an identity in
    ``config`` that has a certificate for the same names. ``timeout`` is for the connection, and again for the
    request with its reply. ``key_log`` is as in :class:`Stream`, ``now`` as in :class:`Connection`.
    """
    host = wanted_name(address, server_name)
    client = EstClient.simpleenroll(host, profile, request, token=token)
    with connect(
        address, config, server_name=server_name, timeout=timeout, key_log=key_log, trace=trace, now=now
    ) as stream:
        return stream._both(lambda: exchange(stream._engine, client, timeout))[0]


def fetch_authorities(
    address: Address,
    config: ClientConfig,
    *,
    server_name: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> list[Certificate]:
    """The certificates of the authority at ``address``, which ``config`` has to trust already.

    The rest is as of :func:`enroll`.
    """
    client = EstClient.cacerts(wanted_name(address, server_name))
    with connect(
        address, config, server_name=server_name, timeout=timeout, key_log=key_log, trace=trace, now=now
    ) as stream:
        return stream._both(lambda: exchange(stream._engine, client, timeout))


async def exchange(engine: Engine, client: EstClient, timeout: float | None) -> list[Certificate]:
    """A request and its reply, on either kind of stream."""
    # One end for the whole reply: a server that sends it octet by octet gets no more time.
    deadline = Deadline("no whole reply of the authority", timeout)
    await engine.send(client.request)
    while True:
        is_there = await engine.fill(READ_SIZE, deadline)
        reply = client.feed(engine.take(READ_SIZE)) if is_there else client.feed_end()
        if reply is not None:
            return reply
        if not is_there:
            raise EnrolmentHttpError("the connection ended before the reply was complete")
