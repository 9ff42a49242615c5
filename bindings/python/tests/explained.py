"""Traces to make pages of: what two parties do in memory, each with a trace."""

from __future__ import annotations

from typing import Any

import pytest

import otls
from conftest import World, bank, customer, pump

CODE = "256345"
MESSAGE = f"The OTP for transferring Rs 1,00,000 to your friend's account is {CODE}."
PAYMENT = "transfer, Rs 1,00,000 to your friend's account"


class Parties:
    """A customer and a bank, each with a trace."""

    def __init__(self, world: World, *, secrets: bool = True) -> None:
        self.world = world
        self.traces = [
            otls.Trace(party=name, title="a test", secrets=secrets) for name in ("customer", "bank")
        ]

    def connect(
        self, client: otls.ClientConfig, server: otls.ServerConfig, session: otls.Session | None = None
    ) -> tuple[otls.Connection, otls.Connection]:
        pair = otls.Connection.client(client, "localhost", session=session), otls.Connection.server(server)
        for side, trace in zip(pair, self.traces, strict=True):
            side.set_trace(trace)
        pump(*pair)
        return pair

    def take(self) -> list[str]:
        return [trace.take() for trace in self.traces]


def one_password(world: World, *, suite: str = "TLS_AES_128_GCM_SHA256") -> list[str]:
    """The three programs: a code is sent, returned, accepted, and refused at the second try."""
    parties = Parties(world)
    ours, theirs = parties.traces
    theirs.story("question", "country code: IN", question="country code", answer="IN")
    client, server = parties.connect(customer(world), bank(world, suites=[suite]))
    about: dict[str, Any] = {"id": "00" * 16, "transaction": PAYMENT}
    theirs.story("otp_issued", "a code for customer", secret={"code": CODE}, bound_to="customer", **about)
    server.seal(MESSAGE.encode())
    theirs.story("otp_sent", "the code went to customer", **about)
    pump(client, server)
    ours.story("otp_shown", MESSAGE, **about)
    assert client.read() == MESSAGE.encode()
    client.seal(CODE.encode())
    ours.story("otp_returned", "the code went back", **about)
    pump(client, server)
    theirs.story("otp_accepted", "right, the first time", **about)
    theirs.story("receipt", "keeps the receipt", signer="customer", decision="approved", **about)
    theirs.story("otp_refused", "the same code a second time", reason="used", **about)
    client.close()
    server.close()
    pump(client, server)
    ttp = otls.Trace(party="ttp", secrets=True)
    ttp.story("certificate_issued", "issued to customer", subject="CN=customer", serial="01")
    return [ttp.take(), *parties.take()]


def ins_and_outs(world: World) -> list[str]:
    """A HelloRetryRequest, a resumption, and new keys."""
    parties = Parties(world)
    keys = otls.TicketKeys.generate()
    server = bank(world, groups=["secp384r1"], tickets=keys, ticket_count=2)
    client = customer(world, sessions=2)
    first, _ = parties.connect(client, server)
    again, _end = parties.connect(client, server, first.take_session())
    assert again.resumed
    again.update_keys(request=True)
    pump(again, _end)
    return parties.take()


def refused(world: World, other: World) -> list[str]:
    """A bank of another authority."""
    parties = Parties(world)
    with pytest.raises(otls.Error):
        parties.connect(customer(world), bank(other))
    return parties.take()


def long_data(world: World) -> list[str]:
    """10 MiB."""
    parties = Parties(world)
    client, server = parties.connect(customer(world), bank(world))
    for _ in range(160):
        client.seal(bytes(1 << 16))
        pump(client, server)
        while server.read(1 << 20):
            pump(client, server)
    client.close()
    pump(client, server)
    return parties.take()
