"""What a stranger sends costs a server little, whatever it is."""

from __future__ import annotations

import datetime
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import otls

# An optimised build has 20 ms (docs/performance.md); to compare all names one by one would take minutes.
MOST_SECONDS = 5.0


def tlv(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def forged_chain(root_name: x509.Name) -> tuple[otls.Identity, int]:
    """A leaf of 4,000 names and five authorities in the name of the root, one of them with 4,000 subtrees."""
    own, forger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)

    def certificate(
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        extensions: list[tuple[x509.ExtensionType, bool]],
    ) -> bytes:
        builder = x509.CertificateBuilder(
            subject_name=subject,
            issuer_name=root_name,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - day,
            not_valid_after=now + day,
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        signed = builder.sign(forger, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.DER)

    names = tlv(0x30, tlv(0x82, b"a") * 4000)
    subtrees = tlv(0x30, tlv(0xA1, tlv(0x30, tlv(0x82, b"b")) * 4000))
    is_ca: tuple[x509.ExtensionType, bool] = (x509.BasicConstraints(True, None), True)
    mallory = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mallory")])
    ders = [
        certificate(
            mallory,
            own,
            [
                (x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), names), False),
                (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),
            ],
        ),
        certificate(
            root_name,
            forger,
            [is_ca, (x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.30"), subtrees), True)],
        ),
    ]
    ders += [certificate(root_name, forger, [is_ca]) for _ in range(4)]
    key = own.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = [otls.Certificate.load(der) for der in ders]
    return otls.Identity(chain, otls.load_key(key)), sum(map(len, ders))


def test_a_forged_chain_of_many_names_ends_a_connection_in_bounded_time() -> None:
    root = otls.Authority.create(
        otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="Bank Root")
    )
    key = otls.PrivateKey.generate("ecdsa")
    request = otls.CertificateRequest.create(
        key, otls.DistinguishedName(common_name="bank"), names=["localhost"]
    )
    bank = otls.Identity(root.issue(request, "server"), key)
    trust = otls.TrustStore(root.certificate)
    mallory, length = forged_chain(x509.load_der_x509_certificate(root.certificate.to_der()).subject)
    assert length < 64 << 10

    server = otls.Connection.server(otls.ServerConfig(bank, trust=trust))
    client = otls.Connection.client(otls.ClientConfig(trust, identity=mallory), "localhost")
    refused, took = None, 0.0
    while refused is None:
        sent = client.pending(1 << 20)
        client.consume(len(sent))
        assert sent, "the handshake went on without the forged chain"
        while sent and refused is None:
            before = time.thread_time()
            try:
                sent = sent[server.feed(sent) :]
            except otls.Error as error:
                refused = error
            took += time.thread_time() - before
        answer = server.pending(1 << 20)
        server.consume(len(answer))
        while answer and refused is None:
            answer = answer[client.feed(answer) :]
    assert "signature" in str(refused), refused
    assert took < MOST_SECONDS, took
