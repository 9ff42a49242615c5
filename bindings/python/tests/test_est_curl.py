"""The TTP as other EST clients see it: curl with a request of openssl's."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import Program, free_ports, openssl

import otls


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """The port of a TTP that is ready."""
    (number,) = free_ports(1)
    with Program("my_ttp", "--no-input", "--port", str(number), folder=tmp_path) as program:
        program.expect("ready on")
        yield number


def curl(folder: Path, port: int, path: str, *flags: str) -> tuple[int, bytes]:
    """The status and body of an answer."""
    url = f"https://localhost:{port}/.well-known/est/{path}"
    command = [
        "curl",
        "-sS",
        "--tlsv1.3",
        "--max-time",
        "20",
        "--cacert",
        "CA/cert.pem",
        "-w",
        "%{http_code}",
    ]
    done = subprocess.run([*command, *flags, "-o", "body", url], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout), (folder / "body").read_bytes()


def certificates(folder: Path, body: bytes) -> list[otls.Certificate]:
    """The certificates of a certs-only answer, read by openssl."""
    (folder / "answer.p7").write_bytes(base64.b64decode(body))
    pem = openssl(folder, "pkcs7", "-inform", "DER", "-in", "answer.p7", "-print_certs")
    return otls.Certificate.load_chain(pem)


def test_curl_gets_the_authoritys_certificate(tmp_path: Path, port: int) -> None:
    status, body = curl(tmp_path, port, "cacerts")
    assert status == 200
    assert certificates(tmp_path, body) == [
        otls.Certificate.load((tmp_path / "CA" / "cert.pem").read_bytes())
    ]


@pytest.mark.parametrize(
    "kind",
    [
        ["rsa:2048"],
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
        ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ],
)
def test_curl_enrols_a_request_of_openssls(tmp_path: Path, port: int, kind: list[str]) -> None:
    san = ["-addext", "subjectAltName=DNS:web.example"]
    subject = ["-subj", "/C=IN/O=Example/CN=web.example"]
    openssl(
        tmp_path,
        "req",
        "-new",
        "-newkey",
        *kind,
        "-nodes",
        "-keyout",
        "key.pem",
        *subject,
        *san,
        "-out",
        "csr.pem",
    )
    der = otls.CertificateRequest.load((tmp_path / "csr.pem").read_bytes()).to_der()
    for line in (base64.b64encode(der), base64.encodebytes(der)):
        (tmp_path / "csr.b64").write_bytes(line)
        post = ["-H", "Content-Type: application/pkcs10", "--data-binary", "@csr.b64"]
        status, body = curl(tmp_path, port, "server/simpleenroll", *post)
        assert status == 200
    (certificate,) = certificates(tmp_path, body)
    assert certificate.names == ("web.example",)
    otls.write_file(tmp_path / "cert.pem", certificate.to_pem())
    openssl(tmp_path, "verify", "-CAfile", "CA/cert.pem", "-purpose", "sslserver", "-x509_strict", "cert.pem")
    public = openssl(tmp_path, "pkey", "-in", "key.pem", "-pubout")
    assert openssl(tmp_path, "x509", "-in", "cert.pem", "-noout", "-pubkey") == public


def test_curl_is_refused_with_a_reason(tmp_path: Path, port: int) -> None:
    status, _ = curl(tmp_path, port, "nothing")
    assert status == 404
    (tmp_path / "junk").write_bytes(b"bm90IGEgcmVxdWVzdA==")
    post = ["-H", "Content-Type: application/pkcs10", "--data-binary", "@junk"]
    status, body = curl(tmp_path, port, "simpleenroll", *post)
    assert status == 400
    assert b"request" in body
