"""Who speaks something else than TLS, by the first octets."""

from __future__ import annotations

#: As many octets as tell.
LENGTH = 16

_PROXY = (
    "a load balancer has put a PROXY protocol header before the connection: have it leave that out, or read "
    "the header from the socket and then make a Stream of it"
)
_HTTP = "the peer speaks HTTP without TLS: check the port, and that the address is meant for TLS"

_MAIL = "the peer greets as mail and FTP servers do: use its port for TLS, or STARTTLS before it"
_SSL_2 = "the peer begins with SSL 2.0, as very old programs do: have it use TLS 1.3"

_SAYINGS = (
    (b"PROXY ", _PROXY),
    (b"\r\n\r\n\x00\r\nQUIT\n", _PROXY),
    *(
        (method, _HTTP)
        for method in (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"HTTP/")
    ),
    (b"SSH-", "the peer speaks SSH: check the port"),
    *((greeting, _MAIL) for greeting in (b"220 ", b"220-", b"* OK ", b"+OK ")),
)


def who_says(first: bytes) -> str:
    """What to do about a peer that begins so; empty where that is not known."""
    # A record of two octets' length, and a CLIENT-HELLO in it.
    if len(first) > 2 and first[0] & 0x80 and first[2] == 1:
        return _SSL_2
    return next((hint for start, hint in _SAYINGS if first.startswith(start)), "")
