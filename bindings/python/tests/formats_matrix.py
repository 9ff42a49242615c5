"""Every kind of key in every format, out of one library and into the next.

Each cell is run: ``pass``, or the number of a note that says why the cell is not defined.
"""

from __future__ import annotations

import base64
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import OpenSSL.crypto as pyopenssl
from Crypto.PublicKey import ECC, RSA
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import otls

PASSWORD = b"correct horse"
SOURCES = Path(__file__).resolve().parents[3] / "tests" / "interop_formats"
PASS = "pass"


class NotDefinedError(Exception):
    """The tool has no such thing; the text says why."""


@dataclass(frozen=True)
class Kind:
    """A kind of key."""

    name: str
    make: Callable[[], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]

    @property
    def is_rsa(self) -> bool:
        return self.name.startswith("RSA")


def _rsa(bits: int) -> Callable[[], rsa.RSAPrivateKey]:
    return lambda: rsa.generate_private_key(65537, bits)


KINDS = [
    Kind("RSA 2048", _rsa(2048)),
    Kind("RSA 3072", _rsa(3072)),
    Kind("RSA 4096", _rsa(4096)),
    Kind("P-256", lambda: ec.generate_private_key(ec.SECP256R1())),
    Kind("P-384", lambda: ec.generate_private_key(ec.SECP384R1())),
]


@dataclass(frozen=True)
class Form:
    """How a private key is written."""

    name: str
    pkcs8: bool
    pem: bool
    #: "", or the encryption as the note at its row names it.
    encryption: str = ""
    #: Who writes it, by the tool's own name for it.
    openssl: str | None = None
    cryptography: bool = False
    pycryptodome: str | None = None
    pyopenssl: str | None = None
    #: How otls writes it; None where it only reads it.
    otls: str | None = None


def _forms() -> list[Form]:
    forms = []
    for pem in (True, False):
        text = "PEM" if pem else "DER"
        forms += [
            Form(
                f"PKCS#8 {text}",
                pkcs8=True,
                pem=pem,
                openssl="-nocrypt",
                cryptography=True,
                pycryptodome="",
                pyopenssl="",
                otls="plain",
            ),
            Form(
                f"PKCS#8 {text}, PBKDF2-SHA256, AES-256",
                pkcs8=True,
                pem=pem,
                encryption="PBES2",
                openssl="-v2 aes-256-cbc",
                cryptography=True,
                pycryptodome="PBKDF2WithHMAC-SHA256AndAES256-CBC",
                pyopenssl="aes-256-cbc",
                otls="pbkdf2",
            ),
            Form(
                f"PKCS#8 {text}, scrypt, AES-256",
                pkcs8=True,
                pem=pem,
                encryption="scrypt",
                openssl="-scrypt",
                pycryptodome="scryptAndAES256-CBC",
                otls="scrypt",
            ),
            Form(
                f"{{traditional}} {text}",
                pkcs8=False,
                pem=pem,
                openssl="",
                cryptography=True,
                pycryptodome="",
                otls="plain",
            ),
        ]
        for cipher in ("128", "192", "256"):
            for prf in ("SHA1", "SHA384", "SHA512"):
                forms.append(
                    Form(
                        f"PKCS#8 {text}, PBKDF2-{prf}, AES-{cipher}",
                        pkcs8=True,
                        pem=pem,
                        encryption="PBES2",
                        openssl=f"-v2 aes-{cipher}-cbc -v2prf hmacWith{prf}",
                        pycryptodome=f"PBKDF2WithHMAC-{prf}AndAES{cipher}-CBC",
                    )
                )
        forms.append(
            Form(
                f"PKCS#8 {text}, PBKDF2, triple DES",
                pkcs8=True,
                pem=pem,
                encryption="PBES2",
                openssl="-v2 des3",
                pycryptodome="PBKDF2WithHMAC-SHA1AndDES-EDE3-CBC",
            )
        )
    for cipher in ("aes128", "aes192", "aes256", "des3"):
        forms.append(
            Form(
                f"{{traditional}} PEM, legacy {cipher}",
                pkcs8=False,
                pem=True,
                encryption="legacy",
                openssl=f"-{cipher}",
                cryptography=cipher == "aes256",
                pycryptodome="DES-EDE3-CBC" if cipher == "des3" else None,
                otls="legacy-pem" if cipher == "aes256" else None,
            )
        )
    return forms


@dataclass
class Matrix:
    """The cells, by row and column, and the notes."""

    columns: list[str]
    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def run(self, row: str, column: str, cell: Callable[[], None]) -> None:
        """Runs a cell, unless an earlier kind of key has shown that it fails."""
        cells = self.rows.setdefault(row, {})
        if cells.get(column, PASS) != PASS:
            return
        try:
            cell()
            cells[column] = PASS
        except NotDefinedError as why:
            if str(why) not in self.notes:
                self.notes.append(str(why))
            cells[column] = f"not defined ({self.notes.index(str(why)) + 1})"
        except Exception as error:  # noqa: BLE001  (whatever a tool raises is a cell that fails)
            cells[column] = f"FAIL: {type(error).__name__}: {error}"

    def failures(self) -> list[str]:
        """The cells that fail."""
        return [
            f"{row} / {column}: {cell}"
            for row, cells in self.rows.items()
            for column, cell in cells.items()
            if cell.startswith("FAIL")
        ]

    def markdown(self) -> str:
        """The table and its notes."""
        lines = ["| | " + " | ".join(self.columns) + " |", "| --- |" + " --- |" * len(self.columns)]
        for row, cells in self.rows.items():
            lines.append(f"| {row} | " + " | ".join(cells.get(column, "") for column in self.columns) + " |")
        return "\n".join([*lines, "", *(f"{number}. {note}" for number, note in enumerate(self.notes, 1))])


class Bench:
    """A folder with a key of one kind and the tools that read and write it."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.key = kind.make()
        plain = self.key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
        self.otls = otls.load_key(plain)
        self.spki = self.otls.public_key.to_der()
        (folder / "key.pem").write_bytes(plain)
        (folder / "public.pem").write_bytes(self.otls.public_key.to_pem())
        (folder / "password").write_bytes(PASSWORD + b"\n")

    def tool(self, *arguments: str) -> bytes:
        """The standard output of a command that succeeds."""
        done = subprocess.run(arguments, cwd=self.folder, capture_output=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def is_same(self, spki: bytes) -> None:
        """Refuses another key."""
        if spki != self.spki:
            raise RuntimeError("another key came out")

    # --- other libraries write

    def by_openssl(self, form: Form) -> bytes:
        if form.openssl is None:
            raise NotDefinedError("OpenSSL's command does not write it")
        out = "PEM" if form.pem else "DER"
        flags = form.openssl.split()
        password = ["-passout", "file:password"] if form.encryption else []
        if form.pkcs8:
            command = ["pkcs8", "-topk8", *flags, *password]
        elif self.kind.is_rsa:
            command = ["rsa", "-traditional", *flags, *password]
        else:
            command = ["ec", *flags, *password]
        return self.tool("openssl", *command, "-in", "key.pem", "-outform", out)

    def by_cryptography(self, form: Form) -> bytes:
        if not form.cryptography:
            raise NotDefinedError("cryptography chooses the encryption itself and does not write this one")
        encryption: ser.KeySerializationEncryption = ser.NoEncryption()
        if form.encryption:
            encryption = ser.BestAvailableEncryption(PASSWORD)
        structure = ser.PrivateFormat.PKCS8 if form.pkcs8 else ser.PrivateFormat.TraditionalOpenSSL
        return self.key.private_bytes(
            ser.Encoding.PEM if form.pem else ser.Encoding.DER, structure, encryption
        )

    def by_pycryptodome(self, form: Form) -> bytes:
        if form.pycryptodome is None or (form.encryption == "legacy" and not self.kind.is_rsa):
            raise NotDefinedError("PyCryptodome does not write this encryption")
        out = "PEM" if form.pem else "DER"
        protected = form.encryption in ("PBES2", "scrypt")
        if self.kind.is_rsa:
            key = RSA.import_key((self.folder / "key.pem").read_bytes())
            extra: dict[str, Any] = {"protection": form.pycryptodome} if protected else {}
            return key.export_key(
                out,
                passphrase=PASSWORD.decode() if form.encryption else None,
                pkcs=8 if form.pkcs8 else 1,
                **extra,
            )
        point = ECC.import_key((self.folder / "key.pem").read_bytes())
        options: dict[str, Any] = {"format": out, "use_pkcs8": form.pkcs8}
        if form.encryption:
            options |= {"passphrase": PASSWORD.decode(), "protection": form.pycryptodome}
        data = point.export_key(**options)
        return data.encode() if isinstance(data, str) else data

    def by_pyopenssl(self, form: Form) -> bytes:
        if form.pyopenssl is None:
            raise NotDefinedError("pyOpenSSL writes what OpenSSL calls the private key of the day: PKCS#8")
        if form.encryption and not form.pem:
            raise NotDefinedError("pyOpenSSL encrypts PEM only")
        key = pyopenssl.PKey.from_cryptography_key(self.key)
        kind = pyopenssl.FILETYPE_PEM if form.pem else pyopenssl.FILETYPE_ASN1
        if form.encryption:
            return pyopenssl.dump_privatekey(kind, key, form.pyopenssl, PASSWORD)
        return pyopenssl.dump_privatekey(kind, key)

    def into_otls(self, data: bytes, form: Form) -> None:
        """Loads what another library wrote."""
        key = otls.load_key(data, password=PASSWORD if form.encryption else None)
        self.is_same(key.public_key.to_der())

    # --- otls writes

    def by_otls(self, form: Form) -> Path:
        if form.otls is None:
            raise NotDefinedError("otls reads this encryption and does not write it")
        structure = "pkcs8" if form.pkcs8 else "pkcs1" if self.kind.is_rsa else "sec1"
        options = {} if form.otls == "plain" else {"password": PASSWORD, "encryption": form.otls}
        data = self.otls.export(format=structure, encoding="pem" if form.pem else "der", **options)  # type: ignore[arg-type]
        path = self.folder / "written"
        path.write_bytes(data)
        return path

    def into_openssl(self, path: Path, form: Form) -> None:
        command = ["openssl", "pkey", "-in", path.name, "-inform", "PEM" if form.pem else "DER"]
        if form.encryption:
            command += ["-passin", "file:password"]
        self.is_same(self.tool(*command, "-pubout", "-outform", "DER"))

    def into_cryptography(self, path: Path, form: Form) -> None:
        load = ser.load_pem_private_key if form.pem else ser.load_der_private_key
        key = load(path.read_bytes(), PASSWORD if form.encryption else None)
        public = key.public_key()
        self.is_same(public.public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo))

    def into_pycryptodome(self, path: Path, form: Form) -> None:
        load = RSA.import_key if self.kind.is_rsa else ECC.import_key
        key = load(path.read_bytes(), passphrase=PASSWORD.decode() if form.encryption else None)
        public = key.public_key().export_key(format="DER")
        self.is_same(public)

    def into_pyopenssl(self, path: Path, form: Form) -> None:
        if form.encryption and not form.pem:
            raise NotDefinedError("pyOpenSSL encrypts PEM only")
        kind = pyopenssl.FILETYPE_PEM if form.pem else pyopenssl.FILETYPE_ASN1
        password = PASSWORD if form.encryption else None
        key = pyopenssl.load_privatekey(kind, path.read_bytes(), password)
        self.is_same(pyopenssl.dump_publickey(pyopenssl.FILETYPE_ASN1, key))

    def into_go(self, reader: Path | None, path: Path, form: Form) -> None:
        if form.encryption:
            raise NotDefinedError("Go's crypto/x509 opens no encrypted keys")
        self.through(reader, "Go is not on this machine", str(path))

    def into_java(self, reader: Path | None, path: Path, form: Form) -> None:
        if not form.pkcs8:
            raise NotDefinedError("Java's KeyFactory takes PKCS#8 only")
        if form.encryption == "scrypt":
            raise NotDefinedError("Java has no scrypt")
        kind = "encrypted" if form.encryption else "private"
        argument = f"{kind}|{path}|{self.folder / 'public.pem'}|{PASSWORD.decode()}"
        self.through(reader, "Java is not on this machine", argument)

    def through(self, reader: Path | None, missing: str, argument: str) -> None:
        """Runs the Go or the Java program."""
        if reader is None:
            raise NotDefinedError(missing)
        command = [str(reader)] if reader.suffix == "" else ["java", "-cp", str(reader.parent), reader.stem]
        answer = self.tool(*command, argument).decode().strip()
        if answer.startswith("error"):
            raise RuntimeError(answer)
        self.is_same(base64.b64decode(answer))


def go_reader(folder: Path) -> Path | None:
    """The Go program, built; nothing where there is no Go."""
    if shutil.which("go") is None:
        return None
    program = folder / "formats-go"
    command = ["go", "build", "-o", str(program), str(SOURCES / "formats.go")]
    subprocess.run(command, check=True, capture_output=True)
    return program


def java_reader(folder: Path) -> Path | None:
    """The Java program, compiled; nothing where there is no compiler."""
    if shutil.which("javac") is None:
        return None
    subprocess.run(
        ["javac", "-d", str(folder), str(SOURCES / "Formats.java")], check=True, capture_output=True
    )
    return folder / "Formats.class"


def pass_on(bench: Bench, write: Callable[[Form], bytes], form: Form) -> None:
    """Loads what another library writes."""
    bench.into_otls(write(form), form)


def private_keys(kinds: list[Kind]) -> tuple[Matrix, Matrix]:
    """What others write and otls reads, and what otls writes and others read."""
    read = Matrix(["openssl", "cryptography", "PyCryptodome", "pyOpenSSL"])
    written = Matrix(["openssl", "cryptography", "PyCryptodome", "pyOpenSSL", "Go", "Java"])
    with tempfile.TemporaryDirectory() as name:
        tools = Path(name)
        go, java = go_reader(tools), java_reader(tools)
        for kind in kinds:
            folder = tools / kind.name.replace(" ", "-")
            folder.mkdir()
            bench = Bench(kind, folder)
            traditional = "PKCS#1" if kind.is_rsa else "SEC1"
            for form in _forms():
                row = f"{kind.name}, {form.name.format(traditional=traditional)}"
                for column, write in zip(
                    read.columns,
                    (bench.by_openssl, bench.by_cryptography, bench.by_pycryptodome, bench.by_pyopenssl),
                    strict=True,
                ):
                    read.run(row, column, partial(pass_on, bench, write, form))
                if form.otls is None:
                    continue
                readers: list[Callable[[Path, Form], None]] = [
                    bench.into_openssl,
                    bench.into_cryptography,
                    bench.into_pycryptodome,
                    bench.into_pyopenssl,
                    lambda path, form, bench=bench: bench.into_go(go, path, form),  # type: ignore[misc]
                    lambda path, form, bench=bench: bench.into_java(java, path, form),  # type: ignore[misc]
                ]
                path = bench.by_otls(form)
                for column, reader in zip(written.columns, readers, strict=True):
                    written.run(row, column, lambda reader=reader, form=form, path=path: reader(path, form))  # type: ignore[misc]
    return read, written
