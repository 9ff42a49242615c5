"""Runs otls over real sockets as the three programs use it, with somebody in the middle."""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import otls

from .relay import PATIENCE, Meddle, Piece, Relay, pass_on

# A server of the library says on standard error what became of its clients, unless somebody listens.
logging.getLogger("otls").addHandler(logging.NullHandler())

#: The default answers of the bank's questions: AES and SHA256.
SUITE = "OTLS_AES_128_CBC_HMAC_SHA256"
#: One that other programs know.
STANDARD_SUITE = "TLS_AES_128_GCM_SHA256"
SCHEME = "ecdsa_secp256r1_sha256"
NAMES = ("localhost", "127.0.0.1")

TEMPLATE = "The OTP for transferring {amount} to {payee} is {code}."
FIRST = otls.Transaction(
    "transfer", TEMPLATE, amount=otls.Amount(10_000_000, "INR"), payee="your friend's account"
)
SECOND = otls.Transaction("transfer", TEMPLATE, amount=otls.Amount(50_000, "INR"), payee="the power company")


@dataclass(frozen=True)
class Person:
    """Somebody with a key and a certificate."""

    key: otls.PrivateKey
    identity: otls.Identity


@dataclass(frozen=True)
class World:
    """The TTP and those whom it has certified."""

    authority: otls.Authority
    bank: Person
    customer: Person

    @property
    def trust(self) -> otls.TrustStore:
        """Trust in this TTP alone."""
        return otls.TrustStore(self.authority.certificate)


def new_authority(common_name: str) -> otls.Authority:
    """A TTP."""
    key = otls.PrivateKey.generate("ecdsa", curve="P-384")
    return otls.Authority.create(key, otls.DistinguishedName(country="IN", common_name=common_name))


def certify(authority: otls.Authority, profile: str, common_name: str, names: Sequence[str] = ()) -> Person:
    """Somebody who has asked an authority for a certificate."""
    key = otls.PrivateKey.generate("ecdsa", curve="P-256")
    subject = otls.DistinguishedName(common_name=common_name)
    request = otls.CertificateRequest.create(key, subject, names=names)
    certificate = authority.issue(request, profile)
    return Person(key, otls.Identity([certificate, authority.certificate], key))


@functools.cache
def world() -> World:
    """One for all attacks."""
    authority = new_authority("ttp.example")
    return World(authority, certify(authority, "server", "bank", NAMES), certify(authority, "client", "asha"))


def server_config(identity: otls.Identity | None = None, **settings: Any) -> otls.ServerConfig:
    """The bank's, as ``my_server.py`` has it."""
    settings = {"suites": [SUITE], "signing_schemes": [SCHEME], "verify_schemes": [SCHEME], **settings}
    return otls.ServerConfig(identity or world().bank.identity, trust=world().trust, **settings)


def client_config(identity: otls.Identity | None = None, **settings: Any) -> otls.ClientConfig:
    """The customer's, as ``my_client.py`` has it."""
    if "no_identity" not in settings:
        settings["identity"] = identity or world().customer.identity
    return otls.ClientConfig(world().trust, **settings)


@dataclass
class Play:
    """One connection, as it went."""

    relay: Relay | None = None
    sent: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    verdicts: list[otls.Verdict] = field(default_factory=list)
    bank_error: BaseException | None = None
    customer_error: BaseException | None = None

    @property
    def recorded(self) -> list[Piece]:
        """What the man in the middle has seen."""
        return self.relay.recorded if self.relay else []

    def gain(self) -> str:
        """What the attacker has gained: the customer was shown what the bank has not sent, or not all of it
        and no error. Empty where he has gained nothing.
        """
        if self.shown != self.sent[: len(self.shown)]:
            return f"the customer was shown {self.shown}, and the bank had sent {self.sent}"
        if self.customer_error is None and self.shown != self.sent:
            return (
                f"the customer noticed nothing, and was shown {len(self.shown)} of {len(self.sent)} messages"
            )
        return ""


#: What one side does with its stream.
Side = Callable[[otls.Stream, Play], None]


def check(error: BaseException | None) -> str:
    """The name of the check that raised an error: the alert, or the error where it has none.

    An alert that came from the peer is the peer's check, and named so.
    """
    if isinstance(error, otls.AlertReceived):
        return f"alert_received: {error.alert}"
    if isinstance(error, otls.Error):
        return error.alert or error.code_name.lower()
    return type(error).__name__ if error else ""


def text(error: BaseException | None) -> str:
    """What an error says, of a certificate with the check that failed."""
    if isinstance(error, otls.Error) and error.report:
        finding = error.report[0]
        return (
            f"{error}: {finding.check}: {finding.reason}" if finding.reason not in str(error) else str(error)
        )
    return str(error or "")


@dataclass(frozen=True)
class Client:
    """How a customer connects: its configuration, a session to resume, and where its key log goes."""

    config: otls.ClientConfig | None = None
    session: otls.Session | None = None
    key_log: Path | None = None

    def connect(self, address: tuple[str, int]) -> otls.Stream:
        """A connection to whoever is at ``address``, which has to be ``localhost``."""
        return otls.connect(
            address,
            self.config or client_config(),
            server_name="localhost",
            session=self.session,
            timeout=PATIENCE,
            key_log=self.key_log,
        )


def play(
    meddle: Meddle = pass_on,
    *,
    bank: Side | None = None,
    customer: Side | None = None,
    server: otls.ServerConfig | None = None,
    client: Client | None = None,
) -> Play:
    """A customer connects to the bank through a relay; both do what the programs do, or what is passed."""
    with (
        otls.listen(("127.0.0.1", 0), server or server_config(), timeout=PATIENCE) as listener,
        Relay(listener.address, meddle) as relay,
    ):
        done = Play(relay)
        serving = start(listener, bank or send_codes, done)
        try:
            with (client or Client()).connect(relay.address) as stream:
                stream.confirm()
                (customer or approve_codes)(stream, done)
        except Exception as error:  # noqa: BLE001  (a row looks at it)
            done.customer_error = error
        serving.join(PATIENCE + 1)
    if relay.error:
        raise relay.error
    return done


def start(listener: otls.Listener, bank: Side, done: Play) -> threading.Thread:
    """Serves one customer in a thread."""

    def serve() -> None:
        try:
            with listener.accept(wait=PATIENCE) as stream:
                bank(stream, done)
        except Exception as error:  # noqa: BLE001  (a row looks at it)
            done.bank_error = error

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


def meet_bank(attack: Callable[[socket.socket], None], server: otls.ServerConfig) -> Play:
    """The bank serves somebody who speaks by hand."""
    with otls.listen(("127.0.0.1", 0), server, timeout=PATIENCE) as listener:
        done = Play()
        serving = start(listener, send_codes, done)
        with socket.create_connection(listener.address, PATIENCE) as sock:
            attack(sock)
            # To the end, for a bank that waits a moment whether its last words were read.
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
                while sock.recv(65_536):
                    pass
        serving.join(PATIENCE + 1)
    return done


def meet_customer(attack: Callable[[socket.socket], object]) -> BaseException | None:
    """A customer connects to somebody who speaks by hand; what the customer's handshake raised."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)

        def serve() -> None:
            sock, _ = listener.accept()
            with sock, contextlib.suppress(OSError):
                sock.settimeout(PATIENCE)
                attack(sock)

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        address: tuple[str, int] = listener.getsockname()
        try:
            Client().connect(address).abort()
        except Exception as error:  # noqa: BLE001
            return error
        finally:
            serving.join(PATIENCE)
    return None


def send_codes(stream: otls.Stream, done: Play, transactions: Sequence[otls.Transaction] = (FIRST,)) -> None:
    """The bank: a code for each transaction, then what comes back is judged."""
    assert stream.peer is not None  # noqa: S101  (the configuration requires a certificate)
    subject = stream.peer.subject.common_name
    ledger = otls.Ledger()
    begin_messages(stream, done)
    issued = {}
    for transaction in transactions:
        code = ledger.issue(subject, transaction.context)
        issued[code.id] = transaction.context
        envelope = otls.Envelope.for_transaction(code, transaction)
        done.sent.append(envelope.expose_text())
        stream.send_message(envelope)
    for _ in transactions:
        answer = stream.receive_message()
        if not isinstance(answer, otls.Answer) or answer.code is None:
            return
        verdict = ledger.verify(answer.id, subject, issued[answer.id], answer.code, receipt=answer.receipt)
        done.verdicts.append(verdict)
        stream.send_message(otls.VerdictNotice(answer.id, verdict))


def send_two(stream: otls.Stream, done: Play) -> None:
    """The bank, with two payments."""
    send_codes(stream, done, (FIRST, SECOND))


def begin_messages(stream: otls.Stream, done: Play) -> None:
    """Tells the man in the middle that the messages come now, when all before them is through."""
    # The customer's first octet comes when it has read all of the handshake.
    stream.recv(1)
    if done.relay:
        done.relay.arm()


def approve_codes(stream: otls.Stream, done: Play) -> None:
    """The customer: shows what comes and returns the code, signed."""
    stream.send(b".")
    while (message := stream.receive_message()) is not None:
        if isinstance(message, otls.Envelope):
            done.shown.append(message.expose_text())
            # A connection that resumes another has no key of its own to sign with.
            stream.approve(message, identity=world().customer.identity)
