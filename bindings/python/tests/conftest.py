"""Authorities, identities and connections that the tests share."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from programs import Program, free_ports

import otls

# A shell starts background jobs with Ctrl-C ignored, and the programs under test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: When the authorities began; for certificates that are over.
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """A TTP and the keys of those whom it certifies."""

    authority: otls.Authority
    keys: dict[str, otls.PrivateKey]

    @property
    def trust(self) -> otls.TrustStore:
        """Trust in this TTP alone."""
        return otls.TrustStore(self.authority.certificate)

    def identity(
        self,
        profile: str,
        scheme: str = "ecdsa_secp256r1_sha256",
        *,
        now: datetime | None = None,
        lifetime: timedelta = timedelta(hours=1),
        names: Sequence[str] = ("localhost", "127.0.0.1"),
    ) -> otls.Identity:
        """Somebody with a certificate and a key."""
        key = self.keys[scheme]
        subject = otls.DistinguishedName(common_name="bank" if profile == "server" else "customer")
        request = otls.CertificateRequest.create(key, subject, names=names)
        certificate = self.authority.issue(request, profile, now=now, lifetime=lifetime)
        return otls.Identity([certificate, self.authority.certificate], key)


def make_world(common_name: str, keys: dict[str, otls.PrivateKey]) -> World:
    """A new TTP."""
    key = otls.PrivateKey.generate("ecdsa", curve="P-384")
    subject = otls.DistinguishedName(country="IN", organization="Example Trust", common_name=common_name)
    twenty_years = timedelta(days=20 * 365)
    return World(otls.Authority.create(key, subject, now=LONG_AGO, lifetime=twenty_years), keys)


@pytest.fixture(scope="session")
def world() -> World:
    """The TTP that both sides trust."""
    rsa = otls.PrivateKey.generate("rsa", bits=2048)
    keys = {
        "ecdsa_secp256r1_sha256": otls.PrivateKey.generate("ecdsa", curve="P-256"),
        "ecdsa_secp384r1_sha384": otls.PrivateKey.generate("ecdsa", curve="P-384"),
        "rsa_pss_rsae_sha256": rsa,
        "rsa_pss_rsae_sha384": rsa,
        "ed25519": otls.PrivateKey.generate("ed25519"),
    }
    return make_world("ttp.example", keys)


@pytest.fixture(scope="session")
def other_world(world: World) -> World:
    """A TTP that nobody else trusts, with the same clients."""
    return make_world("other.example", world.keys)


def customer(world: World, **settings: Any) -> otls.ClientConfig:
    """The configuration of a customer with a certificate."""
    return otls.ClientConfig(world.trust, identity=world.identity("client"), **settings)


def bank(world: World, **settings: Any) -> otls.ServerConfig:
    """The configuration of a bank that asks for one."""
    return otls.ServerConfig(world.identity("server"), trust=world.trust, **settings)


def pump(left: otls.Connection, right: otls.Connection, step: int = 1 << 16) -> None:
    """Carries bytes both ways, in pieces of ``step`` octets, until nothing moves any more."""
    moved = True
    while moved:
        moved = False
        for sender, receiver in ((left, right), (right, left)):
            while (piece := sender.pending(step)) and (taken := receiver.feed(piece)):
                sender.consume(taken)
                moved = True


def connected(
    world: World,
    *,
    client: otls.ClientConfig | None = None,
    server: otls.ServerConfig | None = None,
    step: int = 1 << 16,
) -> tuple[otls.Connection, otls.Connection]:
    """A client and a server after their handshake."""
    if client is None:
        client = otls.ClientConfig(world.trust, identity=world.identity("client"))
    if server is None:
        server = otls.ServerConfig(world.identity("server"), trust=world.trust)
    pair = otls.Connection.client(client, "localhost"), otls.Connection.server(server)
    pump(*pair, step=step)
    return pair


@pytest.fixture
def ports() -> tuple[int, int]:
    """A port for a TTP and one for a bank."""
    ttp, bank = free_ports(2)
    return ttp, bank


@pytest.fixture
def ttp(tmp_path: Path, ports: tuple[int, int]) -> Iterator[Program]:
    """A TTP that is ready."""
    with Program("my_ttp", "--no-input", "--port", str(ports[0]), folder=tmp_path) as program:
        program.expect("ready on")
        program.expect("fingerprint")
        yield program


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


class Half:
    """A server on one end of a socket pair, moved by hand, and a stream on the other."""

    def __init__(self, world: World) -> None:
        ours, self.sock = socket.socketpair()
        self.server = otls.Connection.server(otls.ServerConfig(world.identity("server"), trust=world.trust))
        client = otls.Connection.client(customer(world), "localhost")
        self.stream = otls.Stream(ours, client, timeout=5)
        self._first = Background(lambda: self.server.feed(self.sock.recv(65536)))

    def flush(self) -> None:
        """Sends what is pending."""
        self._first.join()
        self.sock.sendall(self.server.pending())
        self.server.consume(len(self.server.pending()))


@contextlib.contextmanager
def streams(
    world: World, *, timeout: otls.Timeout = 10.0, **settings: Any
) -> Iterator[tuple[otls.Stream, otls.Stream]]:
    """A customer's stream and its bank's, over TCP, after the handshake; ``settings`` are the customer's."""
    with otls.listen(("127.0.0.1", 0), bank(world), timeout=timeout) as listener:
        accepting = Background(listener.accept)
        ours = otls.connect(listener.address, customer(world), timeout=timeout, **settings)
        accepting.join()
        theirs = accepting.result
        assert isinstance(theirs, otls.Stream), accepting.error
        try:
            yield ours, theirs
        finally:
            ours.abort()
            theirs.abort()
