"""Keys and certificates out of one library and into the next, and what is refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import formats_document
import formats_matrix as formats
import formats_pkcs12
import pytest
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.Hash import SHA256
from Crypto.PublicKey import RSA
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

import otls
from conftest import World

# 3072 and 4096 bits are in `make interop`.
QUICK = [kind for kind in formats.KINDS if kind.name in ("RSA 2048", "P-256", "P-384")]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.timeout(300)
def test_private_keys_go_from_every_library_to_every_other() -> None:
    read, written = formats.private_keys(QUICK)
    assert read.failures() + written.failures() == []
    # What cannot be had on this machine, such as Go, is said.
    print(*read.notes, *written.notes, sep="\n")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_public_keys_requests_and_certificates_are_read_by_every_library() -> None:
    others = formats_document.documents(QUICK)
    assert others.failures() == []
    print(*others.notes, sep="\n")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
@pytest.mark.timeout(300)
def test_pkcs12_goes_from_every_program_to_every_other() -> None:
    read, written = formats_pkcs12.stores([kind for kind in QUICK if kind.name != "P-384"])
    assert read.failures() + written.failures() == []
    print(*read.notes, *written.notes, sep="\n")


def test_the_document_has_every_row_of_the_matrix() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    assert "FAIL" not in text
    for kind in formats.KINDS:
        traditional = "PKCS#1" if kind.is_rsa else "SEC1"
        for form in formats._forms():
            assert f"| {kind.name}, {form.name.format(traditional=traditional)} |" in text
        for store in formats_pkcs12.FORMS:
            assert f"| {kind.name}, {store.name} |" in text


def test_what_is_wrong_with_a_pkcs12_file_has_its_exception(world: World) -> None:
    identity = world.identity("server")
    file = identity.to_pkcs12("right", friendly_name="Bänk")
    store = otls.Pkcs12.load(file, password="right")
    assert (store.friendly_name, store.certificates) == ("Bänk", identity.chain)
    assert repr(store) == '<Pkcs12 "Bänk">'
    assert otls.Identity.load(file, password="right").chain == identity.chain
    with pytest.raises(otls.KeyWrongPassword):
        otls.Pkcs12.load(file, password="wrong")
    with pytest.raises(otls.KeyPasswordRequired):
        otls.Identity.load(file)
    with pytest.raises(otls.KeyMalformed):
        otls.Identity.load(file[:-1], password="right")
    with pytest.raises(otls.KeyUnsupportedFormat, match="BER") as caught:
        otls.Identity.load(b"\x30\x80" + file[4:] + b"\0\0", password="right")
    assert "openssl pkcs12" in caught.value.hint
    with pytest.raises(otls.KeyNotFound, match="PKCS#12"):
        otls.load_key(file, password="right")
    for bad in ({"mac": "md5"}, {"password": ""}, {"password": b"\xff"}):
        with pytest.raises(otls.ApiMisuse):
            identity.to_pkcs12(**({"password": "x"} | bad))


def test_what_does_not_go_together_is_refused() -> None:
    key = otls.PrivateKey.generate("ecdsa")
    with pytest.raises(otls.KeyUnsupportedFormat, match="not RSA"):
        key.export(format="pkcs1")
    with pytest.raises(otls.KeyUnsupportedFormat, match="not RSA"):
        key.public_key.to_pkcs1_pem()
    for options in (
        {"encryption": "scrypt"},
        {"password": "x", "encryption": "rot13"},
        {"format": "pkcs8", "password": "x", "encryption": "legacy-pem"},
        {"format": "sec1", "password": "x"},
        {"format": "openssh"},
        {"encoding": "base64"},
        {"password": ""},
    ):
        with pytest.raises(otls.ApiMisuse):
            key.export(**options)  # type: ignore[arg-type]


def test_each_fault_of_a_key_file_has_its_exception() -> None:
    key = otls.PrivateKey.generate("rsa")
    for options in ({}, {"encryption": "scrypt"}, {"format": "pkcs1", "encryption": "legacy-pem"}):
        data = key.export(password="right", **options)  # type: ignore[arg-type]
        assert otls.load_key(data, password="right").public_key == key.public_key
        with pytest.raises(otls.KeyWrongPassword) as wrong:
            otls.load_key(data, password="wrong")
        with pytest.raises(otls.KeyPasswordRequired) as missing:
            otls.load_key(data)
        assert "password=" in wrong.value.hint
        assert "password=" in missing.value.hint
    plain = key.export(format="pkcs1", encoding="der")
    with pytest.raises(otls.KeyPasswordNotNeeded) as needless:
        otls.load_key(plain, password="x")
    assert "password=" in needless.value.hint
    for length in range(len(plain)):
        with pytest.raises(otls.KeyMaterialError):
            otls.load_key(plain[:length])
    for position in range(0, len(plain), 7):
        changed = bytearray(plain)
        changed[position] ^= 1
        # The numbers for the Chinese remainder theorem follow from the others: the file's do not count.
        with contextlib.suppress(otls.KeyMaterialError):
            assert otls.load_key(bytes(changed)).public_key == key.public_key
    with pytest.raises(otls.KeySizeError):
        otls.load_key(RSA.generate(1024).export_key("DER"))
    text = key.export(format="pkcs1", password="x", encryption="legacy-pem").decode()
    with pytest.raises(otls.KeyUnsupportedEncryption, match="DES-CBC"):
        otls.load_key(text.replace("AES-256-CBC", "DES-CBC"), password="x")


def test_the_faults_that_rust_and_c_know_are_exceptions_here() -> None:
    folder = Path(__file__).parents[3] / "tests/vectors/keys"
    lines = [line for line in (folder / "faults.txt").read_text().splitlines() if line[0] != "#"]
    assert len(lines) == 14
    for line in lines:
        kind, file, password, name, words = line.split(" ", 4)
        data = (folder / file).read_bytes()
        options = {} if kind == "public" or password == "-" else {"password": password}
        load = otls.PublicKey.load if kind == "public" else otls.load_key
        with pytest.raises(otls.KeyMaterialError) as caught:
            load(data, **options)
        assert caught.value.code_name == name, line
        assert words in str(caught.value), line
        assert caught.value.hint
    certificate = otls.Certificate.load((folder / "certificate.pem").read_bytes())
    with pytest.raises(otls.KeyMismatch):
        otls.Identity([certificate], otls.PrivateKey.generate("ecdsa"))


def test_oaep_agrees_with_cryptography_and_pycryptodome() -> None:
    key = otls.PrivateKey.generate("rsa")
    pem = key.to_pem()
    theirs = ser.load_pem_private_key(pem, None)
    assert isinstance(theirs, rsa.RSAPrivateKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"label")
    assert theirs.decrypt(key.public_key.encrypt(b"an AEAD key", label=b"label"), oaep) == b"an AEAD key"
    assert key.decrypt(theirs.public_key().encrypt(b"back", oaep), label=b"label") == b"back"
    dome = PKCS1_OAEP.new(RSA.import_key(pem), hashAlgo=SHA256)
    assert dome.decrypt(key.public_key.encrypt(b"an AEAD key")) == b"an AEAD key"
    assert key.decrypt(dome.encrypt(b"back")) == b"back"
    sealed = bytearray(key.public_key.encrypt(b"x"))
    sealed[-1] ^= 1
    with pytest.raises(otls.DecryptError):
        key.decrypt(sealed)
    with pytest.raises(otls.DecryptError):
        key.decrypt(key.public_key.encrypt(b"x", label=b"a"), label=b"b")
    with pytest.raises(otls.ApiMisuse, match="more than the RSA key can encrypt"):
        key.public_key.encrypt(bytes(191))
    with pytest.raises(otls.WrongScheme):
        otls.PrivateKey.generate("ecdsa").public_key.encrypt(b"x")


def test_aead_agrees_with_cryptography_and_pycryptodome() -> None:
    for name, theirs in (
        ("AES-128-GCM", AESGCM),
        ("AES-256-GCM", AESGCM),
        ("CHACHA20-POLY1305", ChaCha20Poly1305),
    ):
        key = otls.Aead.generate_key(name)
        ours, other = otls.Aead(name, key), theirs(key)
        sealed = ours.seal(b"the OTP", aad=b"for Asha")
        assert other.decrypt(sealed[:12], sealed[12:], b"for Asha") == b"the OTP"
        nonce = bytes(range(12))
        assert other.encrypt(nonce, b"x" * 100, None) == ours.seal_with_nonce(nonce, b"x" * 100)
        assert ours.open_with_nonce(nonce, other.encrypt(nonce, b"", None)) == b""
    key = otls.Aead.generate_key("AES-256-GCM")
    sealed = otls.Aead("AES-256-GCM", key).seal(b"data")
    cipher = AES.new(key, AES.MODE_GCM, nonce=sealed[:12])
    assert cipher.decrypt_and_verify(sealed[12:-16], sealed[-16:]) == b"data"


@pytest.mark.parametrize(
    "name",
    ["AES-128-GCM", "AES-256-GCM", "CHACHA20-POLY1305", "AES-128-CBC-HMAC-SHA256", "AES-256-CBC-HMAC-SHA384"],
)
def test_nothing_comes_out_of_a_message_that_was_changed_anywhere(name: str) -> None:
    aead = otls.Aead(name, otls.Aead.generate_key(name))
    sealed = aead.seal(b"sixteen octets!!", aad=b"aad")
    assert aead.open(sealed, aad=b"aad") == b"sixteen octets!!"
    for index in range(len(sealed)):
        changed = bytearray(sealed)
        changed[index] ^= 1
        with pytest.raises(otls.DecryptError):
            aead.open(changed, aad=b"aad")
        with pytest.raises(otls.DecryptError):
            aead.open(sealed[:index], aad=b"aad")
    with pytest.raises(otls.DecryptError):
        aead.open(sealed)


def test_wrong_keys_nonces_and_names_are_refused() -> None:
    with pytest.raises(otls.ApiMisuse, match="wrong length"):
        otls.Aead("AES-128-GCM", bytes(17))
    with pytest.raises(otls.ApiMisuse, match="unknown AEAD"):
        otls.Aead("AES-128-ECB", bytes(16))
    aead = otls.Aead("AES-128-GCM", bytes(16))
    with pytest.raises(otls.ApiMisuse, match="12 octets"):
        aead.seal_with_nonce(bytes(11), b"")
    with pytest.raises(otls.ApiMisuse, match="12 octets"):
        aead.open_with_nonce(bytes(13), b"")


def test_pkcs1_signatures_are_made_and_checked_by_name() -> None:
    key = otls.PrivateKey.generate("rsa")
    theirs = ser.load_der_public_key(key.public_key.to_der())
    assert isinstance(theirs, rsa.RSAPublicKey)
    theirs.verify(key.sign(b"data", "rsa_pkcs1_sha256"), b"data", padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(otls.BadSignature):
        key.public_key.verify(b"other", key.sign(b"data", "rsa_pkcs1_sha256"), "rsa_pkcs1_sha256")


def test_authorities_lists_and_paths(world: World) -> None:
    root = otls.Authority.create(
        otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="Root"), path_length=1
    )
    key = otls.PrivateKey.generate("ecdsa")
    asked = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name="Branch"))
    certificate = root.issue_authority(asked, permitted=["branch.example"])
    branch = otls.Authority.load(certificate, key, chain=root.chain)
    assert [one.subject.common_name for one in branch.chain] == ["Branch", "Root"]
    assert certificate.is_ca
    assert certificate.path_length == 0
    subject = otls.DistinguishedName(
        common_name="bank", organizational_unit="Payments", email="bank@branch.example", serial_number="7"
    )
    names = ["bank.branch.example"]
    request = otls.CertificateRequest.create(world.keys["ecdsa_secp256r1_sha256"], subject, names=names)
    leaf = branch.issue(request, "both")
    assert leaf.subject == subject
    assert leaf.extended_key_usages == ["serverAuth", "clientAuth"]
    assert leaf.key_usages == ["digitalSignature"]
    assert leaf.authority_key_identifier == certificate.subject_key_identifier
    assert "Payments" in leaf.to_text()
    assert leaf.signature_algorithm == "ecdsa-with-SHA256"

    with_chain = otls.TrustStore(root.certificate, intermediates=certificate)
    assert with_chain.verify(leaf, server_name="bank.branch.example") == root.certificate
    assert with_chain.verify(leaf) == root.certificate
    with pytest.raises(otls.CertificateUntrusted):
        otls.TrustStore(root.certificate).verify(leaf)
    with pytest.raises(otls.CertificateWrongRole):
        otls.TrustStore(root.certificate, intermediates=certificate, max_depth=0).verify(leaf, role="any")
    now = leaf.not_before
    empty, lists = branch.issue_crl([]), root.issue_crl([(certificate, now, "keyCompromise")])
    assert certificate in lists
    assert leaf not in empty
    (serial, _, reason), *_ = lists.revoked
    assert (serial, reason) == (certificate.serial, "keyCompromise")
    assert otls.Crl.load(lists.to_pem()).number == lists.number
    assert lists.next_update > lists.this_update
    assert "Key Compromise" in lists.to_text() or "keyCompromise" in lists.to_text()
    with pytest.raises(otls.CertificateRevoked):
        otls.TrustStore(root.certificate, intermediates=certificate, crls=[lists]).verify(leaf)
    with pytest.raises(otls.CertificateRevoked, match="required"):
        otls.TrustStore(root.certificate, intermediates=certificate, crls=[empty], require_crls=True).verify(
            leaf
        )
    with pytest.raises(otls.ApiMisuse):
        with_chain.verify(leaf, server_name="bank.branch.example", role="client")
    with pytest.raises(otls.ApiMisuse):
        root.issue_crl([(certificate, now, "boredom")])
