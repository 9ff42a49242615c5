"""BROKEN ON PURPOSE: never use any of this. The trusted third party of the original design.

- Each certificate has the TTP's own public key in it, whatever key was in the request.
- Each certificate is an authority's (CA:TRUE), anybody is certified as anybody, and nobody looks at the
  signature of a request.
- Its own certificate goes to whoever asks for it over the network, who trusts what comes.
- It ends after two certificates.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

ROOT = b"ROOT"


def name(common_name: str) -> x509.Name:
    """A subject of a common name alone."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certify(key: rsa.RSAPrivateKey, issuer: x509.Name, subject: x509.Name) -> x509.Certificate:
    """A certificate for the signer's own key, as an authority's."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


class Ttp:
    """Serves in a thread: a request in DER for a certificate, or ``ROOT`` for its own."""

    CERTIFICATES = 2

    def __init__(self, common_name: str, key: rsa.RSAPrivateKey) -> None:
        self._key = key
        self._name = name(common_name)
        self.certificate = certify(key, self._name, self._name)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(5)
        self.address: tuple[str, int] = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        issued = 0
        with contextlib.suppress(OSError):
            while issued < self.CERTIFICATES:
                connection, _ = self._listener.accept()
                with connection:
                    request = connection.recv(1024)
                    if request == ROOT:
                        connection.sendall(self.certificate.public_bytes(Encoding.DER))
                        continue
                    subject = x509.load_der_x509_csr(request).subject
                    certificate = certify(self._key, self._name, subject)
                    connection.sendall(certificate.public_bytes(Encoding.DER))
                    issued += 1
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)


def ask(address: tuple[str, int], request: bytes) -> x509.Certificate:
    """What the TTP at an address answers, taken as it comes."""
    with socket.create_connection(address, 5) as sock:
        sock.sendall(request)
        return x509.load_der_x509_certificate(sock.recv(4096))


def request(key: rsa.RSAPrivateKey, common_name: str) -> bytes:
    """A certificate request."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(name(common_name))
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
