"""Public keys, requests and certificates of otls in other libraries, and docs/formats.md.

``python formats_document.py [FILE]`` prints all matrices as Markdown, and writes them into FILE.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import OpenSSL.crypto as pyopenssl
from Crypto.PublicKey import ECC, RSA
from cryptography import x509
from cryptography.hazmat.primitives import serialization as ser
from formats_matrix import (
    KINDS,
    Bench,
    Kind,
    Matrix,
    NotDefinedError,
    go_reader,
    java_reader,
    private_keys,
)
from formats_pkcs12 import stores

import otls


def documents(kinds: list[Kind]) -> Matrix:
    """What otls writes of public keys, requests and certificates, and others read."""
    matrix = Matrix(["openssl", "cryptography", "PyCryptodome", "pyOpenSSL", "Go", "Java"])
    with tempfile.TemporaryDirectory() as name:
        tools = Path(name)
        go, java = go_reader(tools), java_reader(tools)
        for kind in kinds:
            folder = tools / kind.name.replace(" ", "-")
            folder.mkdir()
            bench = Bench(kind, folder)
            for row, data in things(bench).items():
                path = folder / row.replace(" ", "-").replace("#", "")
                path.write_bytes(data)
                cells: list[Callable[[], None]] = [
                    lambda bench=bench, path=path: bench.is_same(public_of_openssl(bench, path)),  # type: ignore[misc]
                    lambda bench=bench, path=path: bench.is_same(public_of_cryptography(path)),  # type: ignore[misc]
                    lambda bench=bench, path=path: bench.is_same(public_of_pycryptodome(bench, path)),  # type: ignore[misc]
                    lambda bench=bench, path=path: bench.is_same(public_of_pyopenssl(path)),  # type: ignore[misc]
                    lambda bench=bench, path=path: bench.through(go, "Go is not on this machine", str(path)),  # type: ignore[misc]
                    lambda bench=bench, path=path: into_java(bench, java, path),  # type: ignore[misc]
                ]
                for column, cell in zip(matrix.columns, cells, strict=True):
                    matrix.run(f"{kind.name}, {row}", column, cell)
    return matrix


def things(bench: Bench) -> dict[str, bytes]:
    """Public keys, a request and a certificate of the bench's key."""
    public = bench.otls.public_key
    subject = otls.DistinguishedName(country="IN", organization="Bänk", common_name="bank")
    request = otls.CertificateRequest.create(bench.otls, subject, names=["bank.example", "127.0.0.1"])
    authority = otls.Authority.create(
        otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="CA")
    )
    certificate = authority.issue(request, "server")
    found = {
        "public key PEM": public.to_pem(),
        "public key DER": public.to_der(),
        "request PEM": request.to_pem(),
        "request DER": request.to_der(),
        "certificate PEM": certificate.to_pem(),
        "certificate DER": certificate.to_der(),
    }
    if bench.kind.is_rsa:
        found |= {
            "public key PKCS#1 PEM": public.to_pkcs1_pem(),
            "public key PKCS#1 DER": public.to_pkcs1_der(),
        }
    return found


def public_of_openssl(bench: Bench, path: Path) -> bytes:
    form = "PEM" if path.name.endswith("PEM") else "DER"
    if path.name.startswith("public"):
        kind = ["rsa", "-RSAPublicKey_in"] if "PKCS1" in path.name else ["pkey", "-pubin"]
        return bench.tool("openssl", *kind, "-in", path.name, "-inform", form, "-pubout", "-outform", "DER")
    kind = ["req", "-verify"] if path.name.startswith("request") else ["x509"]
    pem = bench.tool("openssl", *kind, "-in", path.name, "-inform", form, "-noout", "-pubkey")
    return otls.PublicKey.load(pem).to_der()


def public_of_cryptography(path: Path) -> bytes:
    data, pem = path.read_bytes(), path.name.endswith("PEM")
    if path.name.startswith("public"):
        key = (ser.load_pem_public_key if pem else ser.load_der_public_key)(data)
    elif path.name.startswith("request"):
        request = (x509.load_pem_x509_csr if pem else x509.load_der_x509_csr)(data)
        if not request.is_signature_valid:
            raise RuntimeError("no proof of possession")
        key = request.public_key()
    else:
        key = (x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate)(data).public_key()
    return key.public_bytes(ser.Encoding.DER, ser.PublicFormat.SubjectPublicKeyInfo)


def public_of_pycryptodome(bench: Bench, path: Path) -> bytes:
    if path.name.startswith("request"):
        raise NotDefinedError("PyCryptodome reads no certificate requests")
    load = RSA.import_key if bench.kind.is_rsa else ECC.import_key
    key = load(path.read_bytes())
    return key.public_key().export_key(format="DER")


def public_of_pyopenssl(path: Path) -> bytes:
    kind = pyopenssl.FILETYPE_PEM if path.name.endswith("PEM") else pyopenssl.FILETYPE_ASN1
    data = path.read_bytes()
    if "PKCS1" in path.name:
        raise NotDefinedError("pyOpenSSL takes public keys as SubjectPublicKeyInfo")
    if path.name.startswith("request"):
        raise NotDefinedError("pyOpenSSL has left requests to cryptography")
    if path.name.startswith("public"):
        key = pyopenssl.load_publickey(kind, data)
    else:
        key = pyopenssl.load_certificate(kind, data).get_pubkey()
    return pyopenssl.dump_publickey(pyopenssl.FILETYPE_ASN1, key)


def into_java(bench: Bench, reader: Path | None, path: Path) -> None:
    if path.name.startswith("request"):
        raise NotDefinedError("Java's CertificateFactory reads no requests")
    if "PKCS1" in path.name:
        raise NotDefinedError("Java's KeyFactory takes SubjectPublicKeyInfo only")
    kind = "public" if path.name.startswith("public") else "certificate"
    bench.through(reader, "Java is not on this machine", f"{kind}|{path}")


def document(read: Matrix, written: Matrix, others: Matrix, pkcs12: tuple[Matrix, Matrix]) -> str:
    """docs/formats.md, behind its page for readers."""
    return f"""### Private keys written by others, read by otls

{read.markdown()}

### Private keys written by otls, read by others

{written.markdown()}

### Public keys, requests and certificates written by otls, read by others

{others.markdown()}

### PKCS#12 written by others, read by otls

{pkcs12[0].markdown()}

### PKCS#12 written by otls, read by others

{pkcs12[1].markdown()}
"""


def main() -> int:
    """Prints the matrix, or writes it into a file; 1 if a cell fails."""
    read, written = private_keys(KINDS)
    others = documents(KINDS)
    pkcs12 = stores(KINDS)
    text = document(read, written, others, pkcs12)
    if len(sys.argv) > 1:
        file = Path(sys.argv[1])
        page = file.read_text(encoding="utf-8").partition("\n### ")[0]
        file.write_text(f"{page}\n{text}", encoding="utf-8")
    with contextlib.suppress(BrokenPipeError):
        print(text)
    failures = read.failures() + written.failures() + others.failures()
    failures += pkcs12[0].failures() + pkcs12[1].failures()
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
