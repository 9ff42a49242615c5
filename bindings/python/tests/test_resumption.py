"""Sessions, ALPN, several certificates, records and the key log."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

import otls
from conftest import World, pump

Pair = tuple[otls.Connection, otls.Connection]


def pair(client: otls.ClientConfig, server: otls.ServerConfig, session: otls.Session | None = None) -> Pair:
    ends = (otls.Connection.client(client, "localhost", session=session), otls.Connection.server(server))
    pump(*ends)
    return ends


@pytest.fixture
def keys() -> otls.TicketKeys:
    return otls.TicketKeys.generate()


def server_of(world: World, keys: otls.TicketKeys, count: int = 2) -> otls.ServerConfig:
    identity = world.identity("server")
    return otls.ServerConfig(identity, trust=world.trust, tickets=keys, ticket_count=count)


def test_a_session_resumes_once_with_both_identities(world: World, keys: otls.TicketKeys) -> None:
    identity = world.identity("client")
    config = otls.ClientConfig(world.trust, identity=identity, sessions=2)
    server = server_of(world, keys)
    first, _ = pair(config, server)
    assert not first.resumed
    session = first.take_session()
    assert session is not None
    assert session.server_name == "localhost"
    assert first.peer is not None
    assert session.expires_at == min(identity.certificate.not_after, first.peer.not_after)
    saved = session.to_bytes()
    client, bank = pair(config, server, session)
    assert client.resumed
    assert bank.resumed
    assert bank.peer == identity.certificate
    assert client.certificate == identity.certificate
    assert client.identity is None
    with pytest.raises(otls.ApiMisuse, match="used"):
        pair(config, server, session)
    with pytest.raises(otls.ApiMisuse, match="used"):
        session.to_bytes()
    again, _ = pair(config, server, otls.Session.from_bytes(saved))
    assert again.resumed
    with pytest.raises(otls.ApiMisuse, match="not a saved session"):
        otls.Session.from_bytes(saved[:-1])


def test_a_session_ends_a_day_after_its_full_handshake(world: World, keys: otls.TicketKeys) -> None:
    week = timedelta(days=7)
    client_identity, server_identity = (world.identity(side, lifetime=week) for side in ("client", "server"))
    client = otls.ClientConfig(world.trust, identity=client_identity, sessions=1)
    server = otls.ServerConfig(server_identity, trust=world.trust, tickets=keys)
    begun = datetime.now(UTC)
    session, resumed = None, []
    for hours in (0, 11, 22, 23, 25):
        now = begun + timedelta(hours=hours)
        clock = partial(datetime.fromtimestamp, now.timestamp(), UTC)
        connection = otls.Connection.client(client, "localhost", session=session, now=clock)
        bank = otls.Connection.server(server, now=clock)
        pump(connection, bank)
        resumed.append(bank.resumed)
        session = connection.take_session()
        assert session is not None
        since = begun if hours < 24 else now
        assert abs(session.authenticated_at - since) < timedelta(seconds=2)
        assert session.expires_at <= session.authenticated_at + timedelta(days=1)
    assert resumed == [False, True, True, True, False]


def test_the_lifetime_of_sessions_is_a_setting(world: World, keys: otls.TicketKeys) -> None:
    identity, server_identity = world.identity("client"), world.identity("server")
    ten, one = timedelta(minutes=10), timedelta(minutes=1)
    client = otls.ClientConfig(world.trust, identity=identity, sessions=1, session_lifetime=ten)
    server = otls.ServerConfig(server_identity, trust=world.trust, tickets=keys, session_lifetime=one)
    for other, seconds in ((server_of(world, keys), 600), (server, 60)):
        first, _ = pair(client, other)
        session = first.take_session()
        assert session is not None
        assert session.expires_at - session.authenticated_at == timedelta(seconds=seconds)
    for wrong in (timedelta(0), timedelta(days=7, seconds=1)):
        with pytest.raises(otls.ApiMisuse):
            otls.ClientConfig(world.trust, session_lifetime=wrong)
        with pytest.raises(otls.ApiMisuse):
            otls.ServerConfig(server_identity, trust=world.trust, session_lifetime=wrong)


def test_servers_share_their_ticket_keys(world: World, keys: otls.TicketKeys) -> None:
    config = otls.ClientConfig(world.trust, identity=world.identity("client"), sessions=1)
    identity = world.identity("server")
    session = pair(config, otls.ServerConfig(identity, trust=world.trust, tickets=keys))[0].take_session()
    same = otls.TicketKeys.from_bytes(keys.to_bytes())
    client, _ = pair(config, otls.ServerConfig(identity, trust=world.trust, tickets=same), session)
    assert client.resumed
    with pytest.raises(otls.ApiMisuse, match="wrong length"):
        otls.TicketKeys.from_bytes(b"short")


def test_blocking_sockets_resume(world: World, keys: otls.TicketKeys) -> None:
    config = otls.ClientConfig(world.trust, identity=world.identity("client"), sessions=1)
    with otls.listen(("127.0.0.1", 0), server_of(world, keys)) as listener:

        def serve() -> None:
            for _ in range(2):
                with listener.accept() as stream:
                    stream.recv()

        thread = threading.Thread(target=serve)
        thread.start()
        resumed, session = [], None
        for _ in range(2):
            with otls.connect(listener.address, config, server_name="localhost", session=session) as stream:
                stream.confirm()
                session = stream.connection.take_session()
                resumed.append(stream.connection.resumed)
        thread.join()
    assert resumed == [False, True]


def test_a_protocol_is_agreed_on_or_refused(world: World) -> None:
    client = otls.ClientConfig(world.trust, identity=world.identity("client"), alpn=["h2", "otp"])
    identity = world.identity("server")
    agreed = pair(client, otls.ServerConfig(identity, trust=world.trust, alpn=["otp"]))
    assert [end.alpn for end in agreed] == ["otp", "otp"]
    with pytest.raises(otls.PeerIncompatible):
        pair(client, otls.ServerConfig(identity, trust=world.trust, alpn=["http/1.1"]))


def test_a_client_gets_the_certificate_that_it_can_verify(world: World) -> None:
    rsa = world.identity("server", "rsa_pss_rsae_sha256")
    server = otls.ServerConfig(world.identity("server"), client_auth="server-only", further_identities=[rsa])
    only_rsa = otls.ClientConfig(world.trust, verify_schemes=["rsa_pss_rsae_sha256"], named_authorities=True)
    client, _ = pair(only_rsa, server)
    assert client.peer == rsa.certificate


def test_records_are_shaped_as_asked(world: World) -> None:
    identity = world.identity("client")
    config = otls.ClientConfig(
        world.trust, identity=identity, record_size_limit=100, max_fragment=50, padding=64
    )
    client, bank = pair(config, otls.ServerConfig(world.identity("server"), trust=world.trust))
    client.seal(b"x")
    assert len(client.pending()) == 5 + 50 + 1 + 16  # padded to the largest fragment
    bank.seal(bytes(200))
    assert len(bank.pending()) > 2 * 100
    with pytest.raises(otls.ApiMisuse, match="64 to 16385"):
        otls.ClientConfig(world.trust, record_size_limit=10)
    with pytest.raises(otls.ApiMisuse, match="1 to 16384"):
        otls.ClientConfig(world.trust, max_fragment=0)


def test_the_key_log_is_the_same_on_both_sides(world: World) -> None:
    client, bank = pair(
        otls.ClientConfig(world.trust, identity=world.identity("client"), key_log=True),
        otls.ServerConfig(world.identity("server"), trust=world.trust, key_log=True),
    )
    lines = client.take_key_log()
    assert lines is not None
    assert lines.count("\n") == 5
    assert bank.take_key_log() == lines
    assert client.take_key_log() is None
