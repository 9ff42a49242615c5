"""The attacker's own TLS 1.3: enough to open a recorded handshake, and to play a server (RFC 8446).

One suite, TLS_AES_128_GCM_SHA256, and one or two groups. It checks nothing: an attacker need not.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import socket
from dataclasses import dataclass
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .relay import tls_records

ZERO = bytes(32)
EMPTY = hashlib.sha256(b"").digest()
HANDSHAKE, APPLICATION_DATA = 22, 23
CLIENT_HELLO, SERVER_HELLO = 1, 2
ENCRYPTED_EXTENSIONS, CERTIFICATE, CERTIFICATE_VERIFY, FINISHED = 8, 11, 15, 20
SUPPORTED_VERSIONS, KEY_SHARE = 43, 51
X25519, SECP256R1 = 0x001D, 0x0017
ECDSA_SECP256R1_SHA256 = 0x0403


def expand_label(secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1), up to one block of SHA-256."""
    name = b"tls13 " + label.encode()
    info = length.to_bytes(2, "big") + prefixed(name, 1) + prefixed(context, 1)
    return hmac.digest(secret, info + b"\x01", "sha256")[:length]


def extract(salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract (RFC 5869 §2.2)."""
    return hmac.digest(salt, material, "sha256")


def handshake_secret(shared: bytes) -> bytes:
    """From the secret of the key exchange, without a PSK (RFC 8446 §7.1)."""
    early = extract(ZERO, ZERO)
    return extract(expand_label(early, "derived", EMPTY, 32), shared)


def server_handshake_traffic(shared: bytes, transcript: bytes) -> bytes:
    """What the server's handshake messages are protected with, for ClientHello and ServerHello."""
    return expand_label(handshake_secret(shared), "s hs traffic", hashlib.sha256(transcript).digest(), 32)


class Protection:
    """Seals or opens records under one traffic secret (RFC 8446 §5.2, §5.3)."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(expand_label(secret, "key", b"", 16))
        self._iv = expand_label(secret, "iv", b"", 12)
        self._number = 0

    def _nonce(self) -> bytes:
        padded = self._number.to_bytes(12, "big")
        self._number += 1
        return bytes(a ^ b for a, b in zip(self._iv, padded, strict=True))

    def seal(self, kind: int, data: bytes) -> bytes:
        """A whole record."""
        header = b"\x17\x03\x03" + (len(data) + 17).to_bytes(2, "big")
        return header + self._aead.encrypt(self._nonce(), data + bytes([kind]), header)

    def open(self, record: bytes) -> bytes:
        """What is in a record, its type at the end; raises InvalidTag for any other secret."""
        return self._aead.decrypt(self._nonce(), record[5:], record[:5])


def prefixed(data: bytes, size: int) -> bytes:
    """A vector with its length in front."""
    return len(data).to_bytes(size, "big") + data


def message(kind: int, body: bytes) -> bytes:
    """A handshake message."""
    return bytes([kind]) + prefixed(body, 3)


def extension(kind: int, body: bytes) -> bytes:
    """An extension."""
    return kind.to_bytes(2, "big") + prefixed(body, 2)


@dataclass(frozen=True)
class Hello:
    """A ClientHello or a ServerHello, as far as an attacker needs it; ``raw`` with its header."""

    raw: bytes
    session_id: bytes
    #: Where the cipher suites stand in ``raw``, and how many octets they have.
    suites: tuple[int, int]
    #: Where the body of each extension stands in ``raw``, and its length.
    extensions: dict[int, tuple[int, int]]

    @classmethod
    def parse(cls, raw: bytes) -> Hello:
        """Takes one to pieces."""
        at = 4 + 2 + 32
        session_id = raw[at + 1 : at + 1 + raw[at]]
        at += 1 + raw[at]
        if raw[0] == CLIENT_HELLO:
            suites = (at + 2, int.from_bytes(raw[at : at + 2], "big"))
            at = sum(suites)
            at += 1 + raw[at]
        else:
            suites = (at, 2)
            at += 3
        extensions, at = {}, at + 2
        while at < len(raw):
            length = int.from_bytes(raw[at + 2 : at + 4], "big")
            extensions[int.from_bytes(raw[at : at + 2], "big")] = (at + 4, length)
            at += 4 + length
        return cls(raw, session_id, suites, extensions)

    def body(self, kind: int) -> bytes:
        """The body of an extension."""
        at, length = self.extensions[kind]
        return self.raw[at : at + length]

    def share(self, group: int) -> bytes | None:
        """The key share of a group; a client sends a list, a server one."""
        shares = self.body(KEY_SHARE)
        at = 2 if self.raw[0] == CLIENT_HELLO else 0
        while at < len(shares):
            length = int.from_bytes(shares[at + 2 : at + 4], "big")
            if int.from_bytes(shares[at : at + 2], "big") == group:
                return shares[at + 4 : at + 4 + length]
            at += 4 + length
        return None


class Signer(Protocol):
    """Signs as CertificateVerify wants it."""

    def sign(self, message: bytes, scheme: str, /) -> bytes:
        """A signature."""


def play_server(sock: socket.socket, chain: list[bytes], signer: Signer) -> bytes:
    """A server that shows ``chain`` and signs with whatever key it has; returns the record that comes back.

    It asks for no certificate.
    """
    record = next(tls_records(sock))
    hello = Hello.parse(record[5:])
    peer = hello.share(X25519)
    if peer is None:
        raise ValueError("no key share of X25519 was sent")
    ours = x25519.X25519PrivateKey.generate()
    shared = ours.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
    share = X25519.to_bytes(2, "big") + prefixed(ours.public_key().public_bytes_raw(), 2)
    extensions = extension(SUPPORTED_VERSIONS, b"\x03\x04") + extension(KEY_SHARE, share)
    body = b"\x03\x03" + os.urandom(32) + prefixed(hello.session_id, 1) + b"\x13\x01\x00"
    answer = message(SERVER_HELLO, body + prefixed(extensions, 2))
    sock.sendall(b"\x16\x03\x03" + prefixed(answer, 2))
    transcript = hello.raw + answer
    secret = server_handshake_traffic(shared, transcript)
    entries = b"".join(prefixed(der, 3) + b"\x00\x00" for der in chain)
    flight = message(ENCRYPTED_EXTENSIONS, b"\x00\x00")
    flight += message(CERTIFICATE, b"\x00" + prefixed(entries, 3))
    # RFC 8446 §4.4.3: what is signed is the handshake so far, under a name for the role.
    signed = (
        b" " * 64 + b"TLS 1.3, server CertificateVerify\x00" + hashlib.sha256(transcript + flight).digest()
    )
    signature = signer.sign(signed, "ecdsa_secp256r1_sha256")
    flight += message(CERTIFICATE_VERIFY, ECDSA_SECP256R1_SHA256.to_bytes(2, "big") + prefixed(signature, 2))
    verify_key = expand_label(secret, "finished", b"", 32)
    flight += message(
        FINISHED, hmac.digest(verify_key, hashlib.sha256(transcript + flight).digest(), "sha256")
    )
    sock.sendall(Protection(secret).seal(HANDSHAKE, flight))
    for record in tls_records(sock):
        # change_cipher_spec is for show (RFC 8446 §5).
        if record[0] != 20:
            return record
    return b""
