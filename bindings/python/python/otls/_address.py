"""Addresses and names as people write them."""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from ._errors import ApiMisuse, BadName
from ._otls import check_name

Address: TypeAlias = tuple[str, int]


def check_address(address: Any) -> Address:
    """A host and a port that can be looked up."""
    if not isinstance(address, tuple) or len(address) < 2 or not isinstance(address[0], str):
        raise ApiMisuse(f"{address!r} is no address", hint='pass a host and a port: ("bank.example", 443)')
    host, port = address[:2]
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise ApiMisuse(f"{port!r} is no port", hint="pass a number from 0 to 65535")
    if hint := _hint(host):
        raise BadName(f"{host!r} is no host", hint=hint)
    try:
        host.encode("idna" if host else "ascii")
    except UnicodeError as error:
        raise BadName(f"{host!r} is no host: {error}", hint="write a DNS name or an IP address") from error
    # RFC 6761 section 6.3: "localhost." is this machine, but a table of hosts has it without the dot.
    return ("localhost" if host.lower() == "localhost." else host), port


def wanted_name(address: Address, name: str | None) -> str:
    """The name that the server's certificate must have: by default the host of its address.

    An address may have a zone, which is of this machine alone.
    """
    wanted = _without_zone(check_address(address)[0]) if name is None else name
    try:
        return check_name(wanted)
    except UnicodeError as error:
        raise BadName(
            f"{wanted!r} is no name of a server: {error}", hint="write a DNS name or an IP address"
        ) from error
    except BadName as error:
        hint = _hint(wanted) or "pass server_name=: a DNS name or an IP address"
        raise BadName(str(error), hint=hint) from error


def _without_zone(host: str) -> str:
    address, has_zone, _ = host.partition("%")
    return address if has_zone and ":" in address else host


def _hint(host: str) -> str:
    bare = host.strip().strip("\ufeff")
    if bare != host and bare:
        return f'leave out the blanks around it: "{bare}"'
    if "://" in host:
        return "write the host alone, without what is before and behind it in a URL"
    if "@" in host:
        return f'write the host alone: "{host.rpartition("@")[2]}"'
    if host.startswith("["):
        return f'write an IPv6 address without brackets: "{host[1:].partition("]")[0]}"'
    if named := re.fullmatch(r"([^:]+):([0-9]+)", host):
        return f'write the port apart from the host: ("{named[1]}", {named[2]})'
    return ""
