"""Keys, requests, certificates, authorities, trust."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import otls
from conftest import LONG_AGO, World


@pytest.mark.parametrize(
    ("arguments", "kind", "bits", "curve"),
    [
        ({"kind": "rsa"}, "rsa", 2048, None),
        ({"kind": "ecdsa"}, "ecdsa", 256, "P-256"),
        ({"kind": "ecdsa", "curve": "P-384"}, "ecdsa", 384, "P-384"),
    ],
)
def test_a_generated_key_tells_its_kind(
    arguments: dict[str, Any], kind: str, bits: int, curve: str | None
) -> None:
    key = otls.PrivateKey.generate(**arguments)
    for half in (key, key.public_key):
        assert (half.kind, half.bits, half.curve) == (kind, bits, curve)


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "dsa"},
        {"kind": "rsa", "bits": 1024},
        {"kind": "rsa", "curve": "P-256"},
        {"kind": "ecdsa", "bits": 256},
        {"kind": "ecdsa", "curve": "P-521"},
    ],
)
def test_a_kind_of_key_that_does_not_exist_is_a_misuse_and_a_value_error(arguments: dict[str, Any]) -> None:
    with pytest.raises(otls.ApiMisuse) as caught:
        otls.PrivateKey.generate(**arguments)
    assert isinstance(caught.value, ValueError)
    assert "P-256" in caught.value.hint


@pytest.mark.parametrize("password", [None, "geheim", b"\xff\x00\xfe", bytearray(b"mutable")])
@pytest.mark.parametrize("encoding", ["to_pem", "to_der"])
def test_a_saved_key_loads_with_its_password(
    world: World, encoding: str, password: str | bytes | None
) -> None:
    key = world.keys["ecdsa_secp256r1_sha256"]
    data = getattr(key, encoding)(password=password)
    assert isinstance(data, bytes)
    assert otls.load_key(data, password=password).public_key == key.public_key
    if encoding == "to_pem":
        assert otls.load_key(data.decode(), password=password).public_key == key.public_key
        assert (b"ENCRYPTED" in data) == (password is not None)


def test_each_way_in_which_a_key_does_not_load_has_its_own_class(world: World) -> None:
    key = world.keys["ecdsa_secp256r1_sha256"]
    plain, encrypted = key.to_pem(), key.to_pem(password="right")
    with pytest.raises(otls.KeyWrongPassword):
        otls.load_key(encrypted, password="wrong")
    with pytest.raises(otls.KeyPasswordRequired):
        otls.load_key(encrypted)
    with pytest.raises(otls.KeyPasswordNotNeeded):
        otls.load_key(plain, password="right")
    with pytest.raises(otls.KeyNotFound):
        otls.load_key(world.authority.certificate.to_pem())
    with pytest.raises(otls.KeyMaterialError):
        otls.load_key(plain[: len(plain) // 2])
    with pytest.raises(otls.KeyMismatch):
        otls.Identity(world.authority.certificate, key)
    with pytest.raises(TypeError):
        otls.load_key(17)  # type: ignore[arg-type]


def test_nothing_secret_is_shown(world: World) -> None:
    key = world.keys["rsa_pss_rsae_sha256"]
    assert repr(key) == str(key) == "<PrivateKey rsa 2048 bits>"
    with pytest.raises(otls.KeyWrongPassword) as caught:
        otls.load_key(key.to_pem(password="right"), password="hunter2")
    assert "hunter2" not in f"{caught.value!r} {caught.value.hint}"


@pytest.mark.parametrize("scheme", otls.SCHEMES)
def test_a_signature_verifies_and_that_of_another_message_does_not(world: World, scheme: str) -> None:
    key = world.keys[scheme]
    signature = key.sign(b"message", scheme)
    key.public_key.verify(b"message", signature, scheme)
    with pytest.raises(otls.BadSignature):
        key.public_key.verify(b"massage", signature, scheme)
    wrong = "rsa_pss_rsae_sha256" if key.kind == "ecdsa" else "ecdsa_secp256r1_sha256"
    with pytest.raises(otls.WrongScheme):
        key.sign(b"message", wrong)


def test_public_keys_compare_and_hash_by_value(world: World) -> None:
    key = world.keys["ecdsa_secp384r1_sha384"].public_key
    again = otls.PublicKey.load(key.to_pem())
    assert key == again == otls.PublicKey.load(key.to_der())
    assert len({key, again}) == 1
    assert key != world.keys["ecdsa_secp256r1_sha256"].public_key
    assert len(key.fingerprint) == 64


def test_a_certificate_has_what_the_request_asked_and_the_authority_decided(world: World) -> None:
    key = world.keys["ecdsa_secp256r1_sha256"]
    subject = otls.DistinguishedName(
        country="IN", state="Goa", locality="Panaji", organization="Bänk", common_name="bank"
    )
    names = ("bank.example", "127.0.0.1", "::1")
    request = otls.CertificateRequest.create(key, subject, names=names)
    assert otls.CertificateRequest.load(request.to_pem()).names == names
    start = datetime.now(UTC).replace(microsecond=0)
    certificate = world.authority.issue(request, "server", lifetime=timedelta(days=1), now=start)
    assert certificate.subject == subject == request.subject
    assert certificate.issuer == world.authority.certificate.subject
    assert certificate.names == names
    assert certificate.public_key == key.public_key == request.public_key
    assert certificate.not_after == start + timedelta(days=1)
    assert certificate.not_before <= start
    assert certificate.not_after.utcoffset() == timedelta(0)
    assert 0 < certificate.serial < 1 << 127
    assert not certificate.is_ca
    assert world.authority.certificate.is_ca
    assert otls.Certificate.load(certificate.to_pem()) == otls.Certificate.load(certificate.to_der())
    more = world.authority.issue(request, "server", names=["other.example", "bank.example"])
    assert more.names == (*names, "other.example")
    with pytest.raises(otls.BadName):
        world.authority.issue(request, "server", names=["two words"])
    bundle = certificate.to_pem() + world.authority.certificate.to_pem()
    assert otls.Certificate.load_chain(bundle) == [certificate, world.authority.certificate]


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"country": "IND"}, "country"),
        ({"country": "1N"}, "country"),
        ({"organization": "x" * 65}, "organi"),
        ({"common_name": "line\nbreak"}, "common name"),
        ({}, ""),
    ],
)
def test_a_bad_subject_is_refused_by_the_attributes_name(attributes: dict[str, Any], named: str) -> None:
    with pytest.raises(otls.BadName) as caught:
        otls.DistinguishedName(**attributes)
    assert named in str(caught.value).lower()
    assert isinstance(caught.value, ValueError)


def test_a_bad_alternative_name_is_refused(world: World) -> None:
    key = world.keys["ecdsa_secp256r1_sha256"]
    subject = otls.DistinguishedName(common_name="bank")
    assert otls.check_name("127.0.0.1") == "127.0.0.1"
    with pytest.raises(otls.BadName):
        otls.check_name("no spaces")
    with pytest.raises(otls.BadName):
        otls.CertificateRequest.create(key, subject, names=["a..b"])
    with pytest.raises(otls.ApiMisuse):
        otls.CertificateRequest.create(key, subject, names="bank.example")


def test_a_request_with_an_altered_octet_is_refused(world: World) -> None:
    subject = otls.DistinguishedName(common_name="bank")
    request = otls.CertificateRequest.create(world.keys["ecdsa_secp256r1_sha256"], subject)
    with pytest.raises(otls.RequestBadSignature):
        otls.CertificateRequest.load(request.to_der().replace(b"bank", b"bonk"))


def test_trust_judges_issuer_time_name_and_usage(world: World, other_world: World) -> None:
    server = world.identity("server").certificate
    old = world.identity("server", now=LONG_AGO).certificate
    world.trust.verify(server, server_name="localhost")
    world.trust.verify(world.identity("client").certificate)
    cases: list[tuple[otls.TrustStore, otls.Certificate, str | None, type[otls.Error], str]] = [
        (other_world.trust, server, "localhost", otls.CertificateUntrusted, "issuer"),
        (world.trust, server, "bank.example", otls.CertificateWrongName, "name"),
        (world.trust, server, None, otls.CertificateWrongUsage, "extendedKeyUsage"),
        (world.trust, old, "localhost", otls.CertificateExpired, "notAfter"),
    ]
    for trust, certificate, name, kind, check in cases:
        with pytest.raises(kind) as caught:
            trust.verify(certificate, server_name=name)
        finding = caught.value.report[0]
        assert finding.check == check
        assert finding.reason
        assert finding.hint
    with pytest.raises(otls.CertificateNotYetValid):
        world.trust.verify(server, server_name="localhost", now=LONG_AGO)
    with pytest.raises(otls.ApiMisuse, match="time zone"):
        world.trust.verify(server, server_name="localhost", now=LONG_AGO.replace(tzinfo=None))
    with pytest.raises(otls.CertificateError):
        otls.TrustStore(server)


def test_an_authority_is_trusted_by_the_fingerprint_that_openssl_writes(world: World) -> None:
    identity = world.identity("client")
    digits = world.authority.certificate.fingerprint.upper()
    colons = ":".join(digits[start : start + 2] for start in range(0, 64, 2))
    for text in (digits, colons):
        otls.TrustStore(fingerprints=[text]).verify(identity.chain)
    with pytest.raises(otls.CertificateUntrusted):
        otls.TrustStore(fingerprints=["00" * 32]).verify(identity.chain)
    for text in ("", "00" * 31, "zz" * 32, "00" * 33):
        with pytest.raises(otls.ApiMisuse):
            otls.TrustStore(fingerprints=[text])


def test_openssl_reads_what_is_written(world: World, tmp_path: Path) -> None:
    key = world.keys["ecdsa_secp384r1_sha384"]
    subject = otls.DistinguishedName(common_name="bank")
    request = otls.CertificateRequest.create(key, subject, names=["bank.example"])
    otls.save_key(tmp_path / "key.pem", key, password="geheim")
    otls.write_file(tmp_path / "csr.pem", request.to_pem())
    otls.write_file(tmp_path / "cert.pem", world.authority.issue(request, "server").to_pem())
    otls.write_file(tmp_path / "ca.pem", world.authority.certificate.to_pem())
    for arguments in (
        ["pkey", "-in", "key.pem", "-passin", "pass:geheim", "-check", "-noout"],
        ["req", "-in", "csr.pem", "-verify", "-noout"],
        ["verify", "-CAfile", "ca.pem", "-purpose", "sslserver", "-x509_strict", "cert.pem"],
    ):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True)


def test_an_authority_loads_again_and_a_leaf_is_none(world: World) -> None:
    key = otls.PrivateKey.generate("ecdsa")
    subject = otls.DistinguishedName(common_name="CA")
    made = otls.Authority.create(key, subject, hash="sha-256", lifetime=timedelta(hours=1))
    again = otls.Authority.load(made.certificate, otls.load_key(key.to_pem()), hash="SHA256")
    assert again.certificate == made.certificate
    with pytest.raises(otls.KeyMismatch):
        otls.Authority.load(made.certificate, world.keys["ecdsa_secp256r1_sha256"])
    with pytest.raises(otls.CertificateError):
        otls.Authority.load(world.identity("server").certificate, world.keys["ecdsa_secp256r1_sha256"])
    with pytest.raises(otls.ApiMisuse):
        otls.Authority.create(key, subject, hash="MD5")
