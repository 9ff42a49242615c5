"""Ed25519 keys, P-521 authorities, and leaves without ExtendedKeyUsage."""

from __future__ import annotations

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

import otls
from conftest import Background, World


def test_ed25519_keys_sign_and_authenticate(world: World) -> None:
    key = otls.PrivateKey.generate("ed25519")
    assert (key.kind, key.curve, key.bits) == ("ed25519", None, 256)
    assert otls.load_key(key.to_pem()).public_key == key.public_key
    signature = key.sign(b"message", "ed25519")
    key.public_key.verify(b"message", signature, "ed25519")
    with pytest.raises(otls.BadSignature):
        key.public_key.verify(b"another", signature, "ed25519")
    with pytest.raises(otls.WrongScheme):
        key.sign(b"message", "rsa_pss_rsae_sha256")

    subject = otls.DistinguishedName(common_name="bank")
    request = otls.CertificateRequest.create(key, subject, names=["localhost"])
    certificate = world.authority.issue(request, "server")
    bank = otls.ServerConfig(otls.Identity(certificate, key), client_auth="server-only")
    with otls.listen(("127.0.0.1", 0), bank, timeout=10) as listener:
        accepted = Background(lambda: listener.accept().close())
        config = otls.ClientConfig(world.trust, no_identity=True)
        with otls.connect(listener.address, config, server_name="localhost", timeout=10) as stream:
            assert stream.peer_scheme == "ed25519"
        accepted.join()


def test_an_authority_on_p521_and_a_leaf_without_extended_key_usage() -> None:
    key, leaf_key = ec.generate_private_key(ec.SECP521R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "CA")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    root = x509.CertificateBuilder(name, name, key.public_key(), 7, now - day, now + day)
    root = root.add_extension(constraints, critical=True)
    names = x509.SubjectAlternativeName([x509.DNSName("bank.example")])
    leaf = x509.CertificateBuilder(name, name, leaf_key.public_key(), 8, now - day, now + day)
    leaf = leaf.add_extension(names, critical=False)
    authority = otls.Certificate.load(_pem(root.sign(key, hashes.SHA512())))
    certificate = otls.Certificate.load(_pem(leaf.sign(key, hashes.SHA512())))
    assert (authority.public_key.kind, authority.public_key.curve) == ("ecdsa", "P-521")
    with pytest.raises(otls.CertificateError, match="no ExtendedKeyUsage"):
        otls.TrustStore(authority).verify(certificate, server_name="bank.example")
    trust = otls.TrustStore(authority, allow_missing_eku=True)
    assert trust.verify(certificate, server_name="bank.example") == authority


def test_the_algorithm_of_a_request_that_is_not_accepted_is_named() -> None:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bank")])
    request = x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA3_256())
    with pytest.raises(otls.UnsupportedSignature, match="RSA-SHA3-256") as refused:
        otls.CertificateRequest.load(request.public_bytes(Encoding.PEM))
    assert "Ed25519" in refused.value.hint


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)
