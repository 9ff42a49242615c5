"""Blocking sockets: timeouts, ends, alerts."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

import otls
from conftest import World


class Background:
    """Runs one side in a thread and keeps what it returned or raised."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.error: BaseException | None = None
        self.result: object = None
        self._work = work
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001  (the test looks at it)
            self.error = error

    def join(self) -> None:
        self._thread.join(20)
        assert not self._thread.is_alive(), "hangs"


@pytest.fixture
def listener(world: World) -> Iterator[otls.Listener]:
    config = otls.Config.server(world.identity("server"), trust=world.trust)
    with otls.listen(("127.0.0.1", 0), config, timeout=10) as listener:
        yield listener


def customer(world: World) -> otls.Config:
    return otls.Config.client(world.trust, identity=world.identity("client"))


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

    def configure(offer: otls.Offer) -> otls.Config:
        time.sleep(0.7)
        return otls.Config.server(world.identity("server", scheme), trust=world.trust, schemes=[scheme])

    def provide(request: otls.RequestedCertificate) -> otls.Identity:
        time.sleep(0.7)
        return world.identity("client", request.schemes[0])

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=1.0) as listener:
        server = Background(lambda: listener.accept().close())
        config = otls.Config.client(world.trust)
        with otls.connect(listener.address, config, timeout=1.0, provide_identity=provide) as stream:
            assert stream.scheme == stream.peer_scheme == scheme
        server.join()
    assert server.error is None


def test_a_hook_that_raises_ends_the_connection_for_both(world: World) -> None:
    def configure(offer: otls.Offer) -> otls.Config:
        raise LookupError("no such bank")

    with otls.listen(("127.0.0.1", 0), configure=configure, timeout=10) as listener:
        server = Background(listener.accept)
        with pytest.raises(otls.Error):
            otls.connect(listener.address, customer(world), timeout=10)
        server.join()
    assert isinstance(server.error, LookupError)


def test_a_client_hears_why_it_was_refused(world: World, other_world: World, listener: otls.Listener) -> None:
    server = Background(listener.accept)
    config = otls.Config.client(world.trust, identity=other_world.identity("client"))
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
    config = otls.Config.client(world.trust, identity=other_world.identity("client"))
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
        otls.listen(listener.address, otls.Config.server(world.identity("server"), trust=world.trust))
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
