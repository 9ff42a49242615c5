"""PKCS#12 out of one program and into the next: keys with their chains, and trust stores."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.serialization import pkcs12
from formats_matrix import Bench, Kind, Matrix, NotDefinedError, java_reader

import otls

PASSWORD = "correct horse"
NAME = "bank"
WRITERS = ["openssl", "cryptography", "Java", "GnuTLS"]
READERS = ["openssl", "cryptography", "Java", "GnuTLS"]


@dataclass(frozen=True)
class Form:
    """How a file is written, in the words of each program; None where it has none."""

    name: str
    openssl: str | None = None
    cryptography: tuple[pkcs12.PBES, hashes.HashAlgorithm] | None = None
    java: str | None = None
    gnutls: str | None = None
    password: str = PASSWORD


FORMS = [
    Form(
        "PBES2, AES-256, HMAC-SHA256",
        openssl="",
        cryptography=(pkcs12.PBES.PBESv2SHA256AndAES256CBC, hashes.SHA256()),
        java="",
        gnutls="--pkcs-cipher=aes-256 --hash=sha256",
    ),
    Form(
        "PBES2, AES-256, HMAC-SHA512",
        openssl="-macalg sha512",
        cryptography=(pkcs12.PBES.PBESv2SHA256AndAES256CBC, hashes.SHA512()),
        java="-J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA512",
        gnutls="--pkcs-cipher=aes-256 --hash=sha512",
    ),
    Form(
        "PBES2, AES-128",
        openssl="-keypbe aes-128-cbc -certpbe aes-128-cbc",
        java="-J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithHmacSHA512AndAES_128"
        " -J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithHmacSHA512AndAES_128",
        gnutls="--pkcs-cipher=aes-128",
    ),
    Form(
        "triple DES, HMAC-SHA1",
        openssl="-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
        cryptography=(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, hashes.SHA1()),
        java="-J-Dkeystore.pkcs12.certProtectionAlgorithm=PBEWithSHA1AndDESede"
        " -J-Dkeystore.pkcs12.keyProtectionAlgorithm=PBEWithSHA1AndDESede"
        " -J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA1",
        gnutls="--pkcs-cipher=3des-pkcs12 --hash=sha1",
    ),
    Form(
        "RC2 with 40 bits, HMAC-SHA1",
        openssl="-legacy",
        java="-J-Dkeystore.pkcs12.legacy",
        gnutls="--pkcs-cipher=rc2-40",
    ),
    Form("nothing encrypted", openssl="-keypbe NONE -certpbe NONE"),
    Form("the empty password", openssl="", gnutls="--empty-password", password=""),
    Form("no password, said by GnuTLS", gnutls="--null-password", password=""),
]


class Store:
    """A folder with a key, its certificate below an authority, and the programs that keep them."""

    def __init__(self, bench: Bench, java: Path | None) -> None:
        self.bench = bench
        self.java = java
        authority = otls.Authority.create(
            otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="CA")
        )
        subject = otls.DistinguishedName(common_name="bank")
        request = otls.CertificateRequest.create(bench.otls, subject, names=["bank.example"])
        self.identity = otls.Identity([authority.issue(request, "server"), authority.certificate], bench.otls)
        for file, certificate in zip(("leaf.pem", "ca.pem"), self.identity.chain, strict=True):
            (bench.folder / file).write_bytes(certificate.to_pem())

    def written(self, *command: str) -> bytes:
        """What a command writes into the file `written.p12`."""
        path = self.bench.folder / "written.p12"
        path.unlink(missing_ok=True)
        self.bench.tool(*command)
        return path.read_bytes()

    # --- other programs write

    def by_openssl(self, form: Form) -> bytes:
        if form.openssl is None:
            raise NotDefinedError("OpenSSL's command has no password that is missing")
        inputs = ["-inkey", "key.pem", "-in", "leaf.pem", "-certfile", "ca.pem", "-name", NAME]
        flags = [*form.openssl.split(), "-passout", f"pass:{form.password}", "-out", "written.p12"]
        return self.written("openssl", "pkcs12", "-export", *inputs, *flags)

    def by_cryptography(self, form: Form) -> bytes:
        if form.cryptography is None:
            raise NotDefinedError("cryptography does not write this one")
        scheme, mac = form.cryptography
        builder = ser.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2000)
        encryption = builder.key_cert_algorithm(scheme).hmac_hash(mac).build(form.password.encode())
        leaf, authority = (x509.load_der_x509_certificate(one.to_der()) for one in self.identity.chain)
        return pkcs12.serialize_key_and_certificates(
            NAME.encode(), self.bench.key, leaf, [authority], encryption
        )

    def by_java(self, form: Form) -> bytes:
        if form.java is None:
            raise NotDefinedError("keytool asks for a password of six characters, and encrypts")
        if shutil.which("keytool") is None:
            raise NotDefinedError("Java is not on this machine")
        # keytool takes no key but out of a key store.
        source = self.by_openssl(FORMS[0])
        (self.bench.folder / "source.p12").write_bytes(source)
        return self.written(
            "keytool",
            *form.java.split(),
            "-importkeystore",
            *("-srckeystore", "source.p12", "-srcstoretype", "PKCS12", "-srcstorepass", PASSWORD),
            *("-destkeystore", "written.p12", "-deststoretype", "PKCS12", "-deststorepass", PASSWORD),
        )

    def by_gnutls(self, form: Form) -> bytes:
        if form.gnutls is None:
            raise NotDefinedError("certtool always encrypts")
        if shutil.which("certtool") is None:
            raise NotDefinedError("GnuTLS is not on this machine")
        inputs = [
            "--load-privkey",
            "key.pem",
            "--load-certificate",
            "leaf.pem",
            "--load-ca-certificate",
            "ca.pem",
        ]
        password = ["--password", form.password] if form.password else []
        output = [*form.gnutls.split(), *password, "--outder", "--outfile", "written.p12"]
        return self.written("certtool", "--to-p12", *inputs, "--p12-name", NAME, *output)

    def into_otls(self, data: bytes, form: Form) -> None:
        """Loads what another program wrote, with no other password."""
        loaded = otls.Identity.load(data, password=form.password)
        if loaded.chain != self.identity.chain:
            raise RuntimeError("another chain came out")
        store = otls.Pkcs12.load(data, password=form.password)
        if store.key is None or store.friendly_name != NAME:
            raise RuntimeError("another key or name came out")
        self.bench.is_same(store.key.public_key.to_der())
        try:
            otls.Identity.load(data, password="wrong")
        except otls.KeyWrongPassword:
            return
        raise RuntimeError("another password opens it")

    # --- trust stores

    def trusted_by_openssl(self) -> bytes:
        return self.written(
            *("openssl", "pkcs12", "-export", "-nokeys", "-in", "ca.pem"),
            *("-passout", f"pass:{PASSWORD}", "-out", "written.p12"),
        )

    def trusted_by_cryptography(self) -> bytes:
        builder = ser.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2000)
        encryption = builder.hmac_hash(hashes.SHA256()).build(PASSWORD.encode())
        authority = x509.load_der_x509_certificate(self.identity.chain[1].to_der())
        certificate = pkcs12.PKCS12Certificate(authority, b"ca")
        return pkcs12.serialize_java_truststore([certificate], encryption)

    def trusted_by_java(self) -> bytes:
        if shutil.which("keytool") is None:
            raise NotDefinedError("Java is not on this machine")
        return self.written(
            *("keytool", "-importcert", "-noprompt", "-alias", "ca", "-file", "ca.pem"),
            *("-keystore", "written.p12", "-storetype", "PKCS12", "-storepass", PASSWORD),
        )

    def trusted_by_gnutls(self) -> bytes:
        if shutil.which("certtool") is None:
            raise NotDefinedError("GnuTLS is not on this machine")
        return self.written(
            *("certtool", "--to-p12", "--load-ca-certificate", "ca.pem", "--p12-name", "ca"),
            *("--password", PASSWORD, "--outder", "--outfile", "written.p12"),
        )

    def is_trusted(self, data: bytes) -> None:
        """Loads a trust store of the one authority."""
        store = otls.Pkcs12.load(data, password=PASSWORD)
        if store.key is not None or store.authorities() != ([self.identity.chain[1]], []):
            raise RuntimeError("another authority came out")

    # --- otls writes

    def by_otls(self, mac: str) -> Path:
        path = self.bench.folder / "ours.p12"
        path.write_bytes(self.identity.to_pkcs12(PASSWORD, friendly_name=NAME, mac=mac))  # type: ignore[arg-type]
        return path

    def into_openssl(self, path: Path, mac: str) -> None:
        version = self.bench.tool("openssl", "version").decode().split()[1]
        if mac == "pbmac1" and tuple(map(int, version.split(".")[:2])) < (3, 4):
            raise NotDefinedError("OpenSSL reads PBMAC1 from 3.4 on")
        pem = self.bench.tool("openssl", "pkcs12", "-in", path.name, "-passin", f"pass:{PASSWORD}", "-nodes")
        (self.bench.folder / "all.pem").write_bytes(pem)
        if pem.count(b"BEGIN CERTIFICATE") != 2:
            raise RuntimeError("another chain came out")
        self.bench.is_same(self.bench.tool("openssl", "pkey", "-in", "all.pem", "-pubout", "-outform", "DER"))

    def into_cryptography(self, path: Path, _mac: str) -> None:
        found = pkcs12.load_pkcs12(path.read_bytes(), PASSWORD.encode())
        if found.key is None or found.cert is None or found.cert.friendly_name != NAME.encode():
            raise RuntimeError("key, certificate or name is missing")
        chain = [found.cert.certificate, *(one.certificate for one in found.additional_certs)]
        if [one.public_bytes(ser.Encoding.DER) for one in chain] != [
            one.to_der() for one in self.identity.chain
        ]:
            raise RuntimeError("another chain came out")
        public = found.key.public_key()
        self.bench.is_same(public.public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo))

    def into_java(self, path: Path, mac: str) -> None:
        argument = f"pkcs12|{path}|{self.bench.folder / 'public.pem'}|{PASSWORD}"
        try:
            self.bench.through(self.java, "Java is not on this machine", argument)
        except RuntimeError as error:
            if mac == "pbmac1" and "NoSuchAlgorithmException" in str(error):
                raise NotDefinedError("this Java does not know PBMAC1") from None
            raise

    def into_gnutls(self, path: Path, mac: str) -> None:
        if shutil.which("certtool") is None:
            raise NotDefinedError("GnuTLS is not on this machine")
        command = ["certtool", "--p12-info", "--inder", "--infile", path.name, "--password", PASSWORD]
        try:
            text = self.bench.tool(*command).decode()
        except RuntimeError as error:
            if mac == "pbmac1" and "hash algorithm is unknown" in str(error):
                raise NotDefinedError("this GnuTLS does not know PBMAC1") from None
            raise
        if text.count("BEGIN CERTIFICATE") != 2 or f"Friendly name: {NAME}" not in text:
            raise RuntimeError("another chain or name came out")
        key = text[text.index("-----BEGIN ENCRYPTED") : text.index("-----END ENCRYPTED")]
        (self.bench.folder / "shrouded.pem").write_text(f"{key}-----END ENCRYPTED PRIVATE KEY-----\n")
        load = ["--load-privkey", "shrouded.pem", "--password", PASSWORD]
        self.bench.is_same(self.bench.tool("certtool", "--pubkey-info", *load, "--outder"))


def stores(kinds: list[Kind]) -> tuple[Matrix, Matrix]:
    """What others write and otls reads, and what otls writes and others read."""
    read, written = Matrix(WRITERS), Matrix(READERS)
    with tempfile.TemporaryDirectory() as name:
        tools = Path(name)
        java = java_reader(tools)
        for kind in kinds:
            folder = tools / kind.name.replace(" ", "-")
            folder.mkdir()
            store = Store(Bench(kind, folder), java)
            _read(read, store)
            for label, mac in (("HMAC-SHA256", "hmac-sha256"), ("PBMAC1", "pbmac1")):
                path = store.by_otls(mac)
                readers = (store.into_openssl, store.into_cryptography, store.into_java, store.into_gnutls)
                for column, reader in zip(READERS, readers, strict=True):
                    written.run(f"{kind.name}, {label}", column, _call(reader, path, mac))
    return read, written


def _read(matrix: Matrix, store: Store) -> None:
    kind = store.bench.kind.name
    for form in FORMS:
        writers = (store.by_openssl, store.by_cryptography, store.by_java, store.by_gnutls)
        for column, write in zip(WRITERS, writers, strict=True):
            cell = _call(lambda write, form: store.into_otls(write(form), form), write, form)
            matrix.run(f"{kind}, {form.name}", column, cell)
    trusted = (
        store.trusted_by_openssl,
        store.trusted_by_cryptography,
        store.trusted_by_java,
        store.trusted_by_gnutls,
    )
    for column, make in zip(WRITERS, trusted, strict=True):
        matrix.run(f"{kind}, a trust store", column, _call(lambda make: store.is_trusted(make()), make))


def _call(function: Callable[..., None], *arguments: object) -> Callable[[], None]:
    return lambda: function(*arguments)
