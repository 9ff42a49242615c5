"""Enrolment over EST (RFC 7030) on asyncio."""

from __future__ import annotations

from ._address import Address, wanted_name
from ._aio import open_connection
from ._carrier import Clock, KeyLog
from ._enrol import exchange
from ._otls import Certificate, CertificateRequest, ClientConfig, EstClient, Trace
from ._waiting import DEFAULT_TIMEOUT


async def enroll(
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
    """Asks the authority at ``address`` for a certificate; as :func:`otls.enroll`."""
    host = wanted_name(address, server_name)
    client = EstClient.simpleenroll(host, profile, request, token=token)
    connecting = open_connection(
        *address, config, server_name=server_name, timeout=timeout, key_log=key_log, trace=trace, now=now
    )
    async with await connecting as stream:
        return (await stream._both(lambda: exchange(stream._engine, client, timeout)))[0]


async def fetch_authorities(
    address: Address,
    config: ClientConfig,
    *,
    server_name: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key_log: KeyLog | None = None,
    trace: Trace | None = None,
    now: Clock | None = None,
) -> list[Certificate]:
    """The certificates of the authority at ``address``; as :func:`otls.fetch_authorities`."""
    client = EstClient.cacerts(wanted_name(address, server_name))
    connecting = open_connection(
        *address, config, server_name=server_name, timeout=timeout, key_log=key_log, trace=trace, now=now
    )
    async with await connecting as stream:
        return await stream._both(lambda: exchange(stream._engine, client, timeout))
