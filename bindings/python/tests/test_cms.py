"""Messages for who is not connected: signed, sealed, and the OTP by mail."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from test_otp import PAYMENT, envelope

import otls
from conftest import World

CONTENT = b"Rs 1,00,000\r\n\x00\xff"


def test_a_sealed_message_is_for_its_recipient(world: World, other_world: World) -> None:
    bank = world.identity("server")
    for scheme in ("rsa_pss_rsae_sha256", "ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384"):
        customer = world.identity("client", scheme)
        message = otls.cms_seal(CONTENT, bank, customer.certificate)
        opened = otls.cms_open(message, customer, world.trust, server_name="localhost")
        assert opened.content == CONTENT
        assert opened.signer == bank.certificate
        assert opened.signed_at is not None
        assert abs(datetime.now(UTC) - opened.signed_at) < timedelta(minutes=5)
        with pytest.raises(otls.CmsNotRecipient):
            otls.cms_open(message, bank, world.trust, server_name="localhost")
        with pytest.raises(otls.CertificateUntrusted) as refused:
            otls.cms_open(message, customer, other_world.trust, server_name="localhost")
        assert refused.value.report[0].check == "issuer"
        with pytest.raises(otls.CertificateWrongName):
            otls.cms_open(message, customer, world.trust, server_name="other.example")
        with pytest.raises(otls.DecryptError):
            otls.cms_open(message[:-1] + bytes([message[-1] ^ 1]), customer, world.trust, role="any")
        with pytest.raises(otls.CmsMalformed):
            otls.cms_open(message[:-1], customer, world.trust, role="any")
    with pytest.raises(otls.CertificateWrongUsage):
        otls.cms_seal(CONTENT, bank, bank.certificate)


def test_a_signed_message_is_for_everybody(world: World) -> None:
    bank = world.identity("server")
    message = otls.cms_sign(bytearray(CONTENT), bank, now=datetime(2026, 11, 26, tzinfo=UTC))
    verified = otls.cms_verify(message, world.trust, server_name="localhost")
    assert (verified.content, verified.signer) == (CONTENT, bank.certificate)
    assert verified.signed_at == datetime(2026, 11, 26, tzinfo=UTC)
    at = message.index(CONTENT)
    with pytest.raises(otls.BadSignature):
        otls.cms_verify(message[:at] + b"X" + message[at + 1 :], world.trust, role="any")
    with pytest.raises(otls.CmsUnsupported, match="signed and not encrypted"):
        otls.cms_open(message, world.identity("client"), world.trust, role="any")


def test_a_detached_signature_is_of_its_content() -> None:
    vectors = Path(__file__).resolve().parents[3] / "tests" / "vectors" / "cms"
    message, content = (vectors / "detached.pem").read_bytes(), (vectors / "content").read_bytes()
    trust = otls.TrustStore([otls.Certificate.load((vectors / "root.pem").read_bytes())])
    now = datetime(2027, 1, 1, tzinfo=UTC)
    verified = otls.cms_verify(message, trust, content=content, server_name="bank.example", now=now)
    assert (verified.content, verified.signer.subject.common_name) == (content, "bank")
    with pytest.raises(otls.BadSignature):
        otls.cms_verify(message, trust, content=content + b"!", role="any", now=now)
    with pytest.raises(otls.CmsUnsupported, match="detached"):
        otls.cms_verify(message, trust, role="any", now=now)
    with pytest.raises(otls.CertificateWrongName):
        otls.cms_verify(message, trust, content=content, server_name="other.example", now=now)


def test_an_otp_comes_by_mail(world: World) -> None:
    bank, customer = world.identity("server"), world.identity("client")
    issued = otls.Ledger().issue("asha", PAYMENT)
    message = otls.Mail.seal(envelope(issued), bank, customer.certificate)
    with pytest.raises(otls.OtpFreeText):
        otls.Mail.open(message, customer, world.trust, server_name="localhost")
    mail = otls.Mail.open(message, customer, world.trust, server_name="localhost", accept_free_text=True)
    assert mail.signer == bank.certificate
    assert mail.envelope.id == issued.id
    assert mail.envelope.code.expose() == issued.code.expose()
    assert mail.envelope.context == PAYMENT
    assert issued.code.expose() not in repr(mail)
    with pytest.raises(otls.OtpExpired):
        otls.Mail.open(message, customer, world.trust, server_name="localhost", now=issued.expires_at)
    other = otls.cms_seal(CONTENT, bank, customer.certificate)
    with pytest.raises(otls.OtpMalformed):
        otls.Mail.open(other, customer, world.trust, server_name="localhost")


def test_mail_of_another_customer_is_not_the_banks(world: World) -> None:
    customer, other = world.identity("client"), world.identity("client", "ecdsa_secp384r1_sha384")
    message = otls.Mail.seal(envelope(otls.Ledger().issue("asha", PAYMENT)), other, customer.certificate)
    with pytest.raises(otls.ApiMisuse, match="anybody may have signed"):
        otls.Mail.open(message, customer, world.trust, accept_free_text=True)
    with pytest.raises(otls.CertificateWrongUsage):
        otls.Mail.open(message, customer, world.trust, server_name="localhost", accept_free_text=True)
    mail = otls.Mail.open(message, customer, world.trust, role="client", accept_free_text=True)
    assert mail.signer == other.certificate


def test_openssl_opens_ours_and_its_own_is_opened(world: World, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl command on this machine")
    bank, customer = world.identity("server"), world.identity("client")
    (tmp_path / "bank.pem").write_bytes(bank.certificate.to_pem())
    (tmp_path / "asha.pem").write_bytes(customer.certificate.to_pem())
    (tmp_path / "ca.pem").write_bytes(world.authority.certificate.to_pem())
    key = world.keys["ecdsa_secp256r1_sha256"]
    (tmp_path / "key.pem").write_bytes(key.to_pem())
    (tmp_path / "content").write_bytes(CONTENT)

    def openssl(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], cwd=tmp_path, check=True, capture_output=True)

    (tmp_path / "sealed.der").write_bytes(otls.cms_seal(CONTENT, bank, customer.certificate))
    openssl("cms -decrypt -inform DER -binary -in sealed.der -recip asha.pem -inkey key.pem -out signed.der")
    openssl("cms -verify -inform DER -binary -in signed.der -CAfile ca.pem -purpose any -out opened")
    assert (tmp_path / "opened").read_bytes() == CONTENT
    openssl(
        "cms -sign -binary -nodetach -outform DER -in content -signer bank.pem -inkey key.pem -out signed.der"
    )
    for cipher in ("-aes-256-gcm", "-aes256"):
        openssl(f"cms -encrypt -binary -outform DER {cipher} -in signed.der -recip asha.pem -out sealed.der")
        sealed = (tmp_path / "sealed.der").read_bytes()
        opened = otls.cms_open(sealed, customer, world.trust, server_name="localhost")
        assert opened.content == CONTENT
