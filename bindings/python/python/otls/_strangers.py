"""Who speaks something else than TLS, by the first octets."""

from __future__ import annotations

#: As many octets as tell.
LENGTH = 16

_PROXY = (
    "a load balancer has put a PROXY protocol header before the connection: have it leave that out, or read "
    "the header from the socket and then make a Stream of it"
)
_HTTP = "the peer speaks HTTP without TLS: check the port, and that the address is meant for TLS"

_SAYINGS = (
    (b"PROXY ", _PROXY),
    (b"\r\n\r\n\x00\r\nQUIT\n", _PROXY),
    *(
        (method, _HTTP)
        for method in (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"HTTP/")
    ),
    (b"SSH-", "the peer speaks SSH: check the port"),
)


def who_says(first: bytes) -> str:
    """What to do about a peer that begins so; empty where that is not known."""
    return next((hint for start, hint in _SAYINGS if first.startswith(start)), "")
