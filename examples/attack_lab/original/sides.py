"""BROKEN ON PURPOSE: never use any of this. The bank and the customer of the original design.

- A certificate is "verified" by printing how many days are left, and is a file at a path that the peer names.
- The public key comes beside the certificate, and nobody compares the two.
- The key is transported with RSA: whoever has the bank's private key, now or later, has every session.
- Nobody checks that both have seen the same handshake.
- A ``recv(1024)`` is taken for a message.
- The session key is printed; the code is displayed, and whatever comes back is taken for a yes.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from Crypto.Cipher import PKCS1_OAEP
from Crypto.PublicKey import RSA
from cryptography import x509

from . import cipher


@dataclass
class Side:
    """What both have."""

    #: Where it runs: paths are below.
    home: Path
    #: The path of its certificate, which the peer is told.
    certificate: str
    #: What its terminal shows.
    terminal: list[str] = field(default_factory=list)

    def check_certificate(self, path: str) -> None:
        """All that the original calls verification."""
        certificate = x509.load_pem_x509_certificate((self.home / path).read_bytes())
        days = (certificate.not_valid_after_utc - datetime.now(UTC)).days
        self.terminal.append(f"certificate verified: valid for {days} more days")

    def derive(self, premaster: bytes) -> bytes:
        """The session key, which is also shown."""
        key = cipher.session_key(premaster)
        self.terminal.append(f"session key: {key!r}")
        return key


@dataclass
class Bank(Side):
    """Sends each message, waits for anything to come back, and makes the transfer."""

    key: RSA.RsaKey = field(kw_only=True)
    #: The messages after which something came back.
    transfers: list[str] = field(default_factory=list)

    def serve(self, peer: socket.socket, messages: list[str], before: Callable[[], None]) -> None:
        """Serves one customer; ``before`` is called when the handshake is done."""
        hello = json.loads(peer.recv(1024))
        suite = next(suite for suite in cipher.SUITES if suite in hello["suites"])
        answer = {
            "suite": suite,
            "random": os.urandom(16).hex(),
            "certificate": self.certificate,
            "public_key": self.key.public_key().export_key().decode(),
        }
        peer.sendall(json.dumps(answer).encode())
        exchange = json.loads(peer.recv(1024))
        self.check_certificate(exchange["certificate"])
        key = self.derive(PKCS1_OAEP.new(self.key).decrypt(bytes.fromhex(exchange["premaster"])))
        before()
        for message in messages:
            peer.sendall(cipher.seal(suite, key, message.encode()))
            if peer.recv(1024):
                self.transfers.append(message)


@dataclass
class Customer(Side):
    """Shows what comes, and says OK to it."""

    shown: list[bytes] = field(default_factory=list)
    #: What it offers, and what the bank has chosen.
    suites: tuple[str, ...] = cipher.SUITES
    suite: str = ""
    answer: bytes = b"OK"

    def fetch(self, address: tuple[str, int]) -> None:
        """One connection to the bank, to its end."""
        with socket.create_connection(address, 5) as bank:
            bank.sendall(json.dumps({"suites": self.suites, "random": os.urandom(16).hex()}).encode())
            answer = json.loads(bank.recv(1024))
            self.suite = answer["suite"]
            self.check_certificate(answer["certificate"])
            premaster = os.urandom(48)
            sealed = PKCS1_OAEP.new(RSA.import_key(answer["public_key"])).encrypt(premaster)
            exchange = {"certificate": self.certificate, "premaster": sealed.hex()}
            bank.sendall(json.dumps(exchange).encode())
            key = self.derive(premaster)
            while data := bank.recv(1024):
                self.shown.append(cipher.unseal(self.suite, key, data))
                bank.sendall(self.answer)
