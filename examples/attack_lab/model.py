"""Runs the model of the original design over real sockets, with somebody in the middle."""

from __future__ import annotations

import atexit
import contextlib
import functools
import secrets
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from .original.cipher import SUITES, unseal
from .original.sides import Bank, Customer
from .original.ttp import Ttp, ask, request
from .relay import PATIENCE, Meddle, Relay, pass_on

TEXT = "The OTP for transferring Rs 1,00,000 to your friend's account is {}."
SECOND = "The OTP for transferring Rs 500 to the power company is {}."


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06}"


@dataclass(frozen=True)
class World:
    """The folder of the three programs, the TTP's key, and who has which key."""

    home: Path
    ttp_key: rsa.RSAPrivateKey
    bank_key: rsa.RSAPrivateKey
    customer_key: rsa.RSAPrivateKey
    #: The attacker's.
    mallory: RSA.RsaKey


@functools.cache
def world() -> World:
    """Bank and customer, each with a certificate of the TTP; removed when the lab ends."""
    folder = Path(tempfile.mkdtemp(prefix="attack-lab-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    keys = [rsa.generate_private_key(65537, 2048) for _ in range(4)]
    made = World(folder, keys[0], keys[1], keys[2], crypto(keys[3]))
    with Ttp("ttp.example", made.ttp_key) as ttp:
        for path, owner, key in (
            ("Server/bank.pem", "bank", made.bank_key),
            ("Client/asha.pem", "asha", made.customer_key),
        ):
            certificate = ask(ttp.address, request(key, owner))
            file = made.home / path
            file.parent.mkdir()
            file.write_bytes(certificate.public_bytes(Encoding.PEM))
    return made


def crypto(key: rsa.RSAPrivateKey) -> RSA.RsaKey:
    """A key of the one library in the other."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return RSA.import_key(der)


@dataclass
class Play:
    """One connection of the model, as it went."""

    bank: Bank
    customer: Customer
    relay: Relay
    #: What the bank has sent.
    sent: list[str]
    bank_error: BaseException | None = None
    customer_error: BaseException | None = None

    @property
    def shown(self) -> list[str]:
        """The customer's messages, padding and all."""
        return [text.decode("latin-1") for text in self.customer.shown]

    @property
    def messages(self) -> list[str]:
        """The customer's messages as a person reads them: without what a terminal does not show."""
        return [text.rstrip("".join(map(chr, range(1, 17)))) for text in self.shown]

    def complained(self) -> str:
        """What either side has complained of; empty where neither has noticed anything."""
        errors = [error for error in (self.customer_error, self.bank_error) if error]
        return "; ".join(f"{type(error).__name__}: {error}" for error in errors)

    def sealed(self) -> list[bytes]:
        """The encrypted messages that somebody in the middle has seen."""
        return [piece.data for piece in self.relay.recorded if piece.is_message]


def messages(count: int = 1) -> list[str]:
    """What the bank sends: one payment, or two."""
    return [text.format(new_code()) for text in (TEXT, SECOND)[:count]]


def play(
    meddle: Meddle = pass_on,
    sent: list[str] | None = None,
    *,
    answer: bytes = b"OK",
    suites: tuple[str, ...] = SUITES,
) -> Play:
    """A customer fetches the bank's messages through a relay."""
    home = world().home
    sent = messages() if sent is None else sent
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        with Relay(listener.getsockname(), meddle, records=False) as relay:
            bank = Bank(home, "Server/bank.pem", key=crypto(world().bank_key))
            customer = Customer(home, "Client/asha.pem", answer=answer, suites=suites)
            done = Play(bank, customer, relay, sent)

            def serve() -> None:
                try:
                    connection, _ = listener.accept()
                    with connection:
                        connection.settimeout(PATIENCE)
                        bank.serve(connection, sent, relay.arm)
                except Exception as error:  # noqa: BLE001  (a row looks at it)
                    done.bank_error = error

            serving = threading.Thread(target=serve, daemon=True)
            serving.start()
            try:
                customer.fetch(relay.address)
            except Exception as error:  # noqa: BLE001
                done.customer_error = error
            serving.join(PATIENCE)
    if relay.error:
        raise relay.error
    return done


def meet(attack: Callable[[socket.socket], None], sent: list[str]) -> Bank:
    """The bank serves somebody who speaks by hand."""
    bank = Bank(world().home, "Server/bank.pem", key=crypto(world().bank_key))
    ours, theirs = _connected()
    with theirs:
        serving = threading.Thread(target=_serve, args=(bank, theirs, sent), daemon=True)
        serving.start()
        with ours:
            attack(ours)
        serving.join(PATIENCE)
    return bank


def _serve(bank: Bank, connection: socket.socket, sent: list[str]) -> None:
    with contextlib.suppress(OSError, ValueError):
        bank.serve(connection, sent, lambda: None)


def _connected() -> tuple[socket.socket, socket.socket]:
    """Both ends of a connection over TCP."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname(), PATIENCE)
        theirs, _ = listener.accept()
    theirs.settimeout(PATIENCE)
    return ours, theirs


def crack(suite: str, sealed: bytes) -> tuple[int, bytes, str] | None:
    """Tries the keys that the original can have: after how many guesses, which one, and the message.

    The key is ``bytearray(b'`` and four characters. Where the first octet shows as itself, a third of the
    time, these are others, and a listener waits for the next connection.
    """
    for count, key in enumerate(guesses(), start=1):
        text = unseal(suite, key, sealed)
        if text.startswith(b"The OTP for "):
            return count, key, text.decode("latin-1")
    return None


def guesses() -> list[bytes]:
    """512 keys: two kinds of quote, and the first octet of the PRF's output."""
    return [f"bytearray(b{quote}\\x{octet:02x}".encode() for quote in "'\"" for octet in range(256)]


def write_certificate(path: str, pem: bytes) -> None:
    """A file that got onto the customer's disk, somehow: the path is what counts."""
    file = world().home / path
    with contextlib.suppress(FileExistsError):
        file.parent.mkdir()
    file.write_bytes(pem)
