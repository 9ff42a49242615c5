"""The connection without sockets."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import otls
from conftest import LONG_AGO, World, connected, pump
from otls import State


@pytest.mark.parametrize("suite", otls.SUITES)
@pytest.mark.parametrize("scheme", otls.SCHEMES)
def test_each_suite_and_scheme_carries_data_both_ways(world: World, suite: str, scheme: str) -> None:
    client, server = connected(
        world,
        client=otls.ClientConfig(world.trust, identity=world.identity("client", scheme)),
        server=otls.ServerConfig(
            world.identity("server", scheme),
            trust=world.trust,
            suites=[suite],
            signing_schemes=[scheme],
            verify_schemes=[scheme],
        ),
    )
    for side in (client, server):
        assert side.suite == suite
        assert side.scheme == side.peer_scheme == scheme
        assert State.HANDSHAKE_DONE | State.CONFIRMED in side.state
    client.seal(b"from the client")
    server.seal(bytearray(b"from the server"))
    pump(client, server)
    assert server.read() == b"from the client"
    assert client.read() == b"from the server"
    client.close()
    pump(client, server)
    assert State.CLOSED in server.state


@pytest.mark.parametrize("group", otls.GROUPS)
def test_each_group_is_negotiated(world: World, group: str) -> None:
    server = otls.ServerConfig(world.identity("server"), trust=world.trust, groups=[group])
    client, _ = connected(world, server=server)
    assert client.group == group


def test_a_byte_stream_may_be_split_anywhere(world: World) -> None:
    client, server = connected(world, step=1)
    client.seal(b"x" * 40_000)
    received = b""
    while len(received) < 40_000:
        pump(client, server, step=7)
        piece = server.read(1000)
        assert piece
        received += piece
    assert received == b"x" * 40_000


def test_both_sides_know_each_other_and_share_an_exporter(world: World) -> None:
    client, server = connected(world)
    assert client.peer is not None
    assert client.peer.subject.common_name == "bank"
    assert server.peer is not None
    assert server.peer.subject.common_name == "customer"
    assert client.identity is not None
    assert client.identity.certificate == server.peer
    assert client.peer_chain[0] == client.peer
    assert client.export("EXPORTER-test", 40) == server.export("EXPORTER-test", 40)
    assert client.export("EXPORTER-test", 40) != client.export("EXPORTER-test", 40, context=b"x")
    with pytest.raises(otls.ApiMisuse):
        client.export("EXPORTER-test", 1 << 20)
    assert server.is_server
    assert not client.is_server


def test_a_server_pauses_for_its_configuration_and_a_client_for_its_certificate(world: World) -> None:
    client = otls.Connection.client(otls.ClientConfig(world.trust), "localhost")
    server = otls.Connection.accept()
    pump(client, server)
    assert State.NEED_CONFIG in server.state
    offer = server.offer
    assert offer is not None
    assert offer.server_name == "localhost"
    assert set(offer.suites) >= set(otls.SUITES)
    assert offer.groups[0] == "X25519MLKEM768"
    with pytest.raises(TypeError):
        server.configure(otls.ClientConfig(world.trust))  # type: ignore[arg-type]
    scheme = "rsa_pss_rsae_sha256"
    identity = world.identity("server", scheme)
    server.configure(
        otls.ServerConfig(identity, trust=world.trust, signing_schemes=[scheme], verify_schemes=[scheme])
    )
    pump(client, server)
    assert State.NEED_CLIENT_CERT in client.state
    request = client.certificate_request
    assert request is not None
    assert request.schemes == (scheme,)
    assert len(request.authorities) == 1
    with pytest.raises(otls.Error):
        client.provide_identity(world.identity("client"))
    client.provide_identity(world.identity("client", scheme))
    pump(client, server)
    assert State.CONFIRMED in client.state


def test_a_refused_certificate_leaves_a_report_and_an_alert(world: World, other_world: World) -> None:
    config = otls.ClientConfig(other_world.trust, identity=world.identity("client"))
    client = otls.Connection.client(config, "localhost")
    server = otls.Connection.server(otls.ServerConfig(world.identity("server"), trust=world.trust))
    with pytest.raises(otls.CertificateUntrusted) as caught:
        pump(client, server)
    assert caught.value.alert == "unknown_ca"
    assert caught.value.report[0].check == "issuer"
    assert State.FAILED in client.state
    assert isinstance(client.error, otls.CertificateUntrusted)
    with pytest.raises(otls.CertificateUntrusted):
        client.seal(b"anything")
    with pytest.raises(otls.AlertReceived) as received:
        server.feed(client.pending())
    assert received.value.alert == "unknown_ca"
    assert received.value.hint


@pytest.mark.parametrize("which", ["expired", "anonymous", "other authority", "server's certificate"])
def test_a_server_refuses_a_client_that_it_cannot_trust(world: World, other_world: World, which: str) -> None:
    cases: dict[str, tuple[otls.Identity | None, type[otls.Error]]] = {
        "expired": (world.identity("client", now=LONG_AGO), otls.CertificateExpired),
        "anonymous": (None, otls.CertificateRequired),
        "other authority": (other_world.identity("client"), otls.CertificateUntrusted),
        "server's certificate": (world.identity("server"), otls.CertificateWrongUsage),
    }
    identity, kind = cases[which]
    config = otls.ClientConfig(world.trust, identity=identity, no_identity=identity is None)
    with pytest.raises(kind):
        connected(world, client=config)


def test_an_altered_record_ends_the_connection_without_plaintext(world: World) -> None:
    client, server = connected(world)
    client.seal(b"Rs 1,00,000")
    record = bytearray(client.pending())
    record[-1] ^= 1
    with pytest.raises(otls.DecryptError) as caught:
        server.feed(record)
    assert caught.value.alert == "bad_record_mac"
    assert server.read() == b""


def test_a_failed_connection_has_no_peer_and_no_session(world: World) -> None:
    keeping = otls.ClientConfig(world.trust, identity=world.identity("client"), sessions=2)
    tickets = otls.TicketKeys.generate()
    serving = otls.ServerConfig(world.identity("server"), trust=world.trust, tickets=tickets)
    client, server = connected(world, client=keeping, server=serving)
    for one in (client, server):
        assert one.peer is not None
        assert one.peer_chain
        assert one.certificate is not None
        with pytest.raises(otls.TruncatedError):
            one.feed_end()
        assert one.peer is None
        assert one.peer_chain == []
        assert one.certificate is None
        assert one.take_session() is None
        with pytest.raises(otls.ApiMisuse):
            one.export("EXPORTER-test", 32)


def test_an_error_of_our_own_side_has_no_alert(world: World) -> None:
    client, _ = connected(world)
    client.close()
    with pytest.raises(otls.ApiMisuse) as misuse:
        client.seal(b"x")
    assert misuse.value.alert is None
    key = world.keys["ecdsa_secp256r1_sha256"].to_pem(password=b"right")
    with pytest.raises(otls.Error) as wrong:
        otls.load_key(key, password=b"wrong")
    assert wrong.value.alert is None


def test_what_fails_without_a_peer_has_no_alert(world: World) -> None:
    with pytest.raises(otls.CertificateError) as refused:
        otls.TrustStore().verify([world.authority.certificate], role="client")
    assert refused.value.alert is None
    with pytest.raises(otls.DecryptError) as altered:
        otls.Aead("AES-128-GCM", bytes(16)).open(bytes(40))
    assert altered.value.alert is None


def test_what_says_nothing_is_tolerated_thirty_two_times(world: World) -> None:
    client, server = connected(world)
    for _ in range(3):
        for _ in range(16):
            client.seal(b"")
            client.update_keys()
        client.seal(b"data")
        pump(client, server)
        assert server.read() == b"data"
    for _ in range(33):
        client.seal(b"")
    with pytest.raises(otls.PeerMisbehaved) as caught:
        server.feed(client.pending())
    assert caught.value.alert == "unexpected_message"
    # Before there are keys, and without any: 17 03 03 00 00.
    server = otls.Connection.server(otls.ServerConfig(world.identity("server"), trust=world.trust))
    with pytest.raises(otls.PeerMisbehaved):
        server.feed(b"\x17\x03\x03\x00\x00")
    client, server = connected(world)
    for one in (client, server):
        with pytest.raises(otls.DecryptError):
            one.feed(b"\x17\x03\x03\x00\x00")


def test_an_end_without_close_notify_is_told_from_a_proper_one(world: World) -> None:
    client, server = connected(world)
    with pytest.raises(otls.TruncatedError):
        client.feed_end()
    client, server = connected(world)
    server.close()
    pump(client, server)
    client.feed_end()
    assert State.CLOSED in client.state
    with pytest.raises(otls.ApiMisuse):
        server.seal(b"after close")


def test_a_configuration_error_says_what_to_do(world: World) -> None:
    identity = world.identity("server")
    with pytest.raises(otls.ApiMisuse, match="whom it trusts"):
        otls.ServerConfig(identity)
    with pytest.raises(otls.ApiMisuse):
        otls.ServerConfig(identity, client_auth="server-only", trust=world.trust)
    with pytest.raises(otls.ApiMisuse):
        otls.ServerConfig(identity, client_auth="maybe", trust=world.trust)  # type: ignore[arg-type]
    with pytest.raises(otls.ApiMisuse):
        otls.ClientConfig(world.trust, identity=identity, no_identity=True)
    wrong: list[dict[str, Any]] = [
        {"suites": []},
        {"suites": ["TLS_NULL_WITH_NULL_NULL"]},
        {"groups": ["x448"]},
        {"signing_schemes": "rsa_pss_rsae_sha256"},
        {"verify_schemes": ["rsa_pss_rsae_sha256", "rsa_pss_rsae_sha256"]},
        {"key_shares": ["X25519MLKEM768"], "groups": ["x25519"]},
        {"max_chain_len": 0},
        {"max_chain_len": 11},
    ]
    for lists in wrong:
        with pytest.raises(otls.ApiMisuse):
            otls.ClientConfig(world.trust, **lists)
    with pytest.raises(otls.BadName):
        otls.Connection.client(otls.ClientConfig(world.trust), "not a name")
    with pytest.raises(TypeError):
        otls.Connection.server(otls.ClientConfig(world.trust))  # type: ignore[arg-type]


def test_objects_are_frozen(world: World) -> None:
    things: list[Any] = [world.trust, world.authority, world.keys["rsa_pss_rsae_sha256"]]
    for thing in things:
        with pytest.raises((AttributeError, TypeError)):
            thing.anything = 1


def test_many_threads_may_work_at_once(world: World) -> None:
    done: list[int] = []

    def work() -> None:
        client, server = connected(world)
        client.seal(b"x" * 100_000)
        received = 0
        while received < 100_000:
            pump(client, server)
            received += len(server.read())
        done.append(received)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [100_000] * 8


def test_the_interpreter_runs_on_while_a_key_is_made() -> None:
    ticks = 0
    finished = threading.Event()

    def generate() -> None:
        otls.PrivateKey.generate("rsa", bits=3072)
        finished.set()

    threading.Thread(target=generate).start()
    while not finished.wait(0.001):
        ticks += 1
    assert ticks >= 3


def test_keys_may_be_replaced_in_the_middle(world: World) -> None:
    client, server = connected(world)
    client.update_keys(request=True)
    client.seal(b"under new keys")
    pump(client, server)
    assert server.read() == b"under new keys"
    server.seal(b"here too")
    pump(client, server)
    assert client.read() == b"here too"


def test_each_side_says_what_it_signs_with_what_it_accepts_and_what_it_shares(world: World) -> None:
    ecdsa, rsa = "ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"
    client, server = connected(
        world,
        client=otls.ClientConfig(
            world.trust,
            identity=world.identity("client", rsa),
            further_identities=[world.identity("client", ecdsa)],
            verify_schemes=[rsa],
            key_shares=[],
            max_chain_len=2,
        ),
        server=otls.ServerConfig(
            world.identity("server", ecdsa),
            further_identities=[world.identity("server", rsa)],
            trust=world.trust,
            verify_schemes=[ecdsa],
        ),
    )
    assert (client.scheme, client.peer_scheme) == (ecdsa, rsa)
    assert client.retried
    assert server.retried
    request = client.certificate_request
    assert request is not None
    assert request.schemes == (ecdsa,)
    assert request.certificate_schemes is not None
    assert rsa in request.certificate_schemes


def test_a_paused_handshake_is_rejected_with_an_alert(world: World) -> None:
    client = otls.Connection.client(otls.ClientConfig(world.trust), "localhost")
    server = otls.Connection.accept()
    with pytest.raises(otls.ApiMisuse):
        server.reject("access_denied")
    pump(client, server)
    for wrong in ("close_notify", "no such alert"):
        with pytest.raises(otls.ApiMisuse):
            server.reject(wrong)
    server.reject("unrecognized_name")
    assert isinstance(server.error, otls.Rejected)
    with pytest.raises(otls.AlertReceived) as caught:
        pump(server, client)
    assert caught.value.alert == "unrecognized_name"


def test_protocols_are_text_and_octets_that_are_none_are_escaped(world: World) -> None:
    client = otls.Connection.client(otls.ClientConfig(world.trust, alpn=["h2", "ab"]), "localhost")
    server = otls.Connection.accept()
    # As clients offer that try how servers take what they do not know (RFC 8701).
    server.feed(client.pending().replace(b"\x02ab", b"\x02\xfa\xfa"))
    offer = server.offer
    assert offer is not None
    assert offer.alpn == ("h2", "\udcfa\udcfa")
    assert [os.fsencode(name) for name in offer.alpn] == [b"h2", b"\xfa\xfa"]
