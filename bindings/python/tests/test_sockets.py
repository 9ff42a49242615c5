"""Blocking sockets: timeouts, ends, alerts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import otls
from conftest import Background, Half, World, customer
from otls._waiting import must_wait_to_confirm


@pytest.fixture
def listener(world: World) -> Iterator[otls.Listener]:
    config = otls.ServerConfig(world.identity("server"), trust=world.trust)
    with otls.listen(("127.0.0.1", 0), config, timeout=10) as listener:
        yield listener


def echo(listener: otls.Listener) -> None:
    with listener.accept() as stream:
        while data := stream.recv():
            stream.send(data)


def test_data_of_any_size_goes_both_ways(world: World, listener: otls.Listener) -> None:
    server = Background(lambda: echo(listener))
    with otls.connect(listener.address, customer(world), timeout=10) as stream:
        assert stream.peer is not None
        assert stream.peer.subject.common_name == "bank"
        stream.confirm()
        for size in (0, 1, 16384, 16385, 100_000):
            payload = bytes(index % 251 for index in range(size))
            stream.send(memoryview(payload))
            received = b""
            while len(received) < size:
                received += stream.recv(5000)
            assert received == payload
        with pytest.raises(otls.ApiMisuse):
            stream.recv(0)
    server.join()
    assert server.error is None


def test_the_hooks_may_take_longer_than_the_timeout(world: World) -> None:
    scheme = "ecdsa_secp384r1_sha384"

    def configure(offer: otls.Offer) -> otls.ServerConfig:
        time.sleep(0.9)
        return otls.ServerConfig(
            world.identity("server", scheme),
            trust=world.trust,
            signing_schemes=[scheme],
            verify_schemes=[scheme],
        )

    def provide(request: otls.RequestedCertificate) -> otls.Identity:
        time.sleep(0.9)
        return world.identity("client", request.schemes[0])

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=1.5) as listener:
        server = Background(lambda: listener.accept().close())
        config = otls.ClientConfig(world.trust)
        with otls.connect(listener.address, config, timeout=1.5, provide_identity=provide) as stream:
            assert stream.scheme == stream.peer_scheme == scheme
        server.join()
    assert server.error is None


def test_a_hook_that_raises_ends_the_connection_for_both(world: World) -> None:
    def configure(offer: otls.Offer) -> otls.ServerConfig:
        raise LookupError("no such bank")

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=10) as listener:
        server = Background(listener.accept)
        with pytest.raises(otls.Error):
            otls.connect(listener.address, customer(world), timeout=10)
        server.join()
    assert isinstance(server.error, LookupError)


def test_a_client_hears_why_it_was_refused(world: World, other_world: World, listener: otls.Listener) -> None:
    server = Background(listener.accept)
    config = otls.ClientConfig(world.trust, identity=other_world.identity("client"))
    stream = otls.connect(listener.address, config, timeout=10)
    with stream, pytest.raises(otls.AlertReceived) as caught:
        stream.confirm()
    assert caught.value.alert == "unknown_ca"
    server.join()
    assert isinstance(server.error, otls.CertificateUntrusted)


def test_sending_to_a_peer_that_refused_raises_its_alert(
    world: World, other_world: World, listener: otls.Listener
) -> None:
    server = Background(listener.accept)
    config = otls.ClientConfig(world.trust, identity=other_world.identity("client"))
    stream = otls.connect(listener.address, config, timeout=10)
    server.join()

    def send_on() -> None:
        for _ in range(100):
            stream.send(b"x" * 65536)

    with pytest.raises(otls.AlertReceived):
        send_on()


def test_a_peer_that_says_nothing_is_not_waited_for_longer_than_asked(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begin = time.monotonic()
        with pytest.raises(TimeoutError, match=r"0\.5 s"):
            otls.connect(silent.getsockname(), customer(world), timeout=0.5)
        assert time.monotonic() - begin < 5


def test_a_peer_that_sends_octet_by_octet_gets_no_more_time(world: World, listener: otls.Listener) -> None:
    listener.timeout = 1.0
    server = Background(listener.accept)
    hello = otls.Connection.client(customer(world), "localhost").pending()
    with socket.create_connection(listener.address) as slow:
        for octet in hello[:50]:
            if server.error is not None:
                break
            slow.send(bytes([octet]))
            time.sleep(0.1)
        server.join()
    assert isinstance(server.error, TimeoutError)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100, b"\x16\x03\x01\xff\xff", b""])
def test_garbage_and_silence_are_errors_and_no_hangs(listener: otls.Listener, garbage: bytes) -> None:
    server = Background(listener.accept)
    with socket.create_connection(listener.address) as client:
        client.sendall(garbage)
    server.join()
    assert isinstance(server.error, (otls.ProtocolError, OSError))


def test_an_end_without_close_notify_is_an_error(world: World, listener: otls.Listener) -> None:
    def vanish() -> None:
        stream = listener.accept()
        stream.send(b"half")
        socket.socket(fileno=stream.fileno()).close()

    server = Background(vanish)
    stream = otls.connect(listener.address, customer(world), timeout=10)
    assert stream.recv() == b"half"
    with pytest.raises((otls.TruncatedError, ConnectionError)):
        stream.recv()
    server.join()


def test_the_end_of_the_peer_is_seen_without_reading(world: World, listener: otls.Listener) -> None:
    server = Background(listener.accept)
    stream = otls.connect(listener.address, customer(world), timeout=10)
    server.join()
    stream.confirm()
    assert not stream.peer_is_gone()
    assert isinstance(server.result, otls.Stream)
    server.result.close()
    assert stream.recv() == b""
    time.sleep(0.1)
    assert stream.peer_is_gone()
    stream.close()
    assert stream.fileno() == -1
    assert stream.peer_address is None


def test_nobody_there_is_a_refused_connection(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = taken.getsockname()
    with pytest.raises(ConnectionRefusedError):
        otls.connect(address, customer(world), timeout=5)


def test_a_port_in_use_and_a_listener_without_configuration_are_errors(
    world: World, listener: otls.Listener
) -> None:
    with pytest.raises(OSError, match="in use"):
        otls.listen(listener.address, otls.ServerConfig(world.identity("server"), trust=world.trust))
    with pytest.raises(otls.ApiMisuse):
        otls.listen(("127.0.0.1", 0))
    with pytest.raises(TimeoutError):
        listener.accept(wait=0.1)


def test_one_thread_may_send_while_another_receives(world: World, listener: otls.Listener) -> None:
    server = Background(lambda: echo(listener))
    with otls.connect(listener.address, customer(world), timeout=10) as stream:

        def send_much() -> None:
            for _ in range(20):
                stream.send(b"y" * 50_000)

        sender = Background(send_much)
        received = 0
        while received < 1_000_000:
            received += len(stream.recv())
        sender.join()
        assert sender.error is None
    server.join()
    assert server.error is None


def test_an_envelope_with_a_free_text_is_received_only_where_that_is_asked_for(
    world: World, listener: otls.Listener
) -> None:
    context = otls.Context({"purpose": "sign in"})

    def bank() -> None:
        for _ in range(2):
            with listener.accept() as stream:
                issued = otls.Ledger().issue("customer", context)
                text = f"Your code is {issued.code.expose()}."
                envelope = otls.Envelope(
                    id=issued.id,
                    text=text,
                    code=issued.code,
                    context=context,
                    expires_at=issued.expires_at,
                )
                stream.send_message(envelope)
                stream.receive_message()

    server = Background(bank)
    with (
        otls.connect(listener.address, customer(world), timeout=10) as stream,
        pytest.raises(otls.OtpFreeText),
    ):
        stream.receive_message()
    with otls.connect(listener.address, customer(world), timeout=10, accept_free_text=True) as stream:
        assert isinstance(stream.receive_message(), otls.Envelope)
    server.join()


def test_confirm_raises_where_the_server_leaves_before_it_has_judged_the_client(world: World) -> None:
    half = Half(world)
    handshake = Background(half.stream.handshake)
    half.flush()
    handshake.join()
    half.server.close()
    half.flush()
    with pytest.raises(otls.TruncatedError, match="accepted our certificate"):
        half.stream.confirm()
    assert otls.State.CONFIRMED not in half.stream.state
    half.sock.close()


def test_data_that_comes_first_is_received_before_the_confirmation() -> None:
    # RFC 8446 §4.4.4 lets a server send it. The connection takes nothing behind it: waiting would never end.
    with pytest.raises(otls.ApiMisuse, match="before the confirmation"):
        must_wait_to_confirm(otls.State.HANDSHAKE_DONE | otls.State.HAVE_PLAINTEXT)
    assert must_wait_to_confirm(otls.State.HANDSHAKE_DONE)
    assert not must_wait_to_confirm(otls.State.CONFIRMED | otls.State.HAVE_PLAINTEXT | otls.State.CLOSED)


def test_certificates_are_judged_at_the_time_of_the_call_that_judges_them(world: World) -> None:
    """An operator thinks, and what is enrolled then is valid from then on."""
    soon = int(time.time()) + 2
    valid_in_a_moment = datetime.fromtimestamp(soon + 300, UTC)

    def identity(profile: str) -> otls.Identity:
        made = world.identity(profile, now=valid_in_a_moment)
        begins = made.certificate.not_before.timestamp()
        assert begins > soon - 2, "it is valid already, and shows nothing"
        while time.time() < begins:
            time.sleep(0.05)
        return made

    def configure(offer: otls.Offer) -> otls.ServerConfig:
        return otls.ServerConfig(identity("server"), trust=world.trust)

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=10) as listener:
        server = Background(listener.accept)
        config = otls.ClientConfig(world.trust)
        stream = otls.connect(
            listener.address,
            config,
            server_name="localhost",
            timeout=10,
            provide_identity=lambda request: identity("client"),
        )
        with stream:
            stream.confirm()
        server.join()
    assert server.error is None


def test_a_hook_that_says_no_tells_the_peer_why(world: World) -> None:
    def configure(offer: otls.Offer) -> otls.ServerConfig:
        if offer.server_name == "localhost":
            raise otls.Rejected("no such name here", alert="unrecognized_name")
        return otls.ServerConfig(world.identity("server"), trust=world.trust)

    def no_identity(request: otls.RequestedCertificate) -> otls.Identity:
        raise otls.Rejected("nothing for these authorities")

    for name, provide, ours, theirs in (
        ("localhost", None, (otls.AlertReceived, "unrecognized_name"), (otls.Rejected, "unrecognized_name")),
        ("127.0.0.1", no_identity, (otls.Rejected, None), (otls.AlertReceived, "handshake_failure")),
    ):
        with otls.listen(("127.0.0.1", 0), configure=configure, timeout=10) as listener:
            server = Background(listener.accept)
            config = otls.ClientConfig(world.trust)
            with pytest.raises(ours[0]) as caught:
                otls.connect(listener.address, config, server_name=name, timeout=10, provide_identity=provide)
            assert caught.value.alert == ours[1]
            server.join()
        assert isinstance(server.error, theirs[0])
        assert server.error.alert == theirs[1]


def test_a_connection_asks_the_callers_clock_with_each_call(world: World) -> None:
    times = [datetime.now(UTC)]
    config = otls.ServerConfig(world.identity("server"), trust=world.trust)
    for late, refused in ((timedelta(), None), (-timedelta(days=1), otls.CertificateNotYetValid)):
        times[0] = datetime.now(UTC)
        client = otls.Connection.client(customer(world), "localhost", now=lambda: times[0])
        server = otls.Connection.server(config)
        server.feed(client.pending())
        times[0] += late
        if refused is None:
            client.feed(server.pending())
        else:
            with pytest.raises(refused):
                client.feed(server.pending())
    with pytest.raises(ZeroDivisionError):
        otls.Connection.client(customer(world), "localhost", now=lambda: 1 // 0)

    def clocks() -> Any:
        return clocks

    with pytest.raises(TypeError):
        otls.Connection.client(customer(world), "localhost", now=clocks)
    still: Any = times[0]
    with pytest.raises(otls.ApiMisuse, match="stands still"):
        otls.Connection.client(customer(world), "localhost", now=still)
    with pytest.raises(otls.ApiMisuse, match="stands still"):
        otls.Connection.server(config, now=still)
    with pytest.raises(otls.ApiMisuse, match="stands still"):
        otls.Connection.accept(now=still)


def test_an_authority_that_replies_octet_by_octet_gets_no_more_time(world: World) -> None:
    stop = threading.Event()

    def trickle(listener: otls.Listener) -> None:
        with listener.accept() as stream:
            stream.recv()
            for octet in b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 50:
                if stop.wait(0.1):
                    return
                stream.send(bytes([octet]))

    config = otls.ServerConfig(world.identity("server"), client_auth="server-only")
    with otls.listen(("127.0.0.1", 0), config, timeout=5) as listener:
        server = Background(lambda: trickle(listener))
        begin = time.monotonic()
        with pytest.raises(TimeoutError, match=r"within 0\.5 s"):
            otls.fetch_authorities(
                listener.address,
                otls.ClientConfig(world.trust, no_identity=True),
                server_name="localhost",
                timeout=0.5,
            )
        assert time.monotonic() - begin < 5
        stop.set()
        server.join()
