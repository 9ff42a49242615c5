"""Enrolment over EST (RFC 7030) with blocking sockets."""

from __future__ import annotations

from ._errors import EnrolmentHttpError
from ._net import DEFAULT_TIMEOUT, Address, KeyLog, connect
from ._otls import Certificate, CertificateRequest, Config, EstClient
from ._waiting import Deadline


def enroll(
    address: Address,
    config: Config,
    profile: str,
    request: CertificateRequest,
    *,
    token: str | bytes | bytearray | None = None,
    server_name: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
    key_log: KeyLog | None = None,
) -> Certificate:
    """Asks the authority at ``address`` for a certificate of ``profile``, "server" or "client".

    ``token`` is what authorises it (``Register.new_token``): for a server's it takes one, or an identity in
    ``config`` that has a certificate for the same names. ``timeout`` is for the connection, and again for the
    request with its reply. ``key_log`` is as in :class:`Stream`.
    """
    host = address[0] if server_name is None else server_name
    client = EstClient.simpleenroll(host, profile, request, token=token)
    return _exchange(client, address, config, host, timeout, key_log)[0]


def fetch_authorities(
    address: Address,
    config: Config,
    *,
    server_name: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> list[Certificate]:
    """The certificates of the authority at ``address``, which ``config`` has to trust already."""
    host = address[0] if server_name is None else server_name
    return _exchange(EstClient.cacerts(host), address, config, host, timeout)


def _exchange(
    client: EstClient,
    address: Address,
    config: Config,
    server_name: str,
    timeout: float | None,
    key_log: KeyLog | None = None,
) -> list[Certificate]:
    with connect(address, config, server_name=server_name, timeout=timeout, key_log=key_log) as stream:
        # One end for the whole reply: a server that sends it octet by octet gets no more time.
        deadline = Deadline(timeout)
        stream.send(client.request)
        while True:
            try:
                stream.timeout = deadline.remaining()
                data = stream.recv()
            except TimeoutError as error:
                raise TimeoutError(f"no whole reply of the authority within {timeout or 0:g} s") from error
            reply = client.feed(data) if data else client.feed_end()
            if reply is not None:
                return reply
            if not data:
                raise EnrolmentHttpError("the connection ended before the reply was complete")
