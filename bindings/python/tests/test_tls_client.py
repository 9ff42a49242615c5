"""examples/tls_client.py against nginx, with authorities in a folder of hashes."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from programs import EXAMPLES, free_ports, openssl

import otls
from conftest import World

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
ECDSA = "ecdsa_secp256r1_sha256"
PAGE = "The page."


@contextlib.contextmanager
def nginx(
    folder: Path, identity: otls.Identity, key: otls.PrivateKey, versions: str = "TLSv1.3"
) -> Iterator[int]:
    """An nginx with one page; its port."""
    if NGINX is None:
        pytest.skip("nginx is not on this machine")
    (port,) = free_ports(1)
    chain = b"".join(certificate.to_pem() for certificate in identity.chain)
    (folder / "chain.pem").write_bytes(chain)
    otls.save_key(folder / "key.pem", key)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"""daemon off; pid {folder}/pid; error_log stderr; events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} ssl; ssl_protocols {versions};
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;
    location = / {{ return 200 "{PAGE}"; }} location / {{ return 404; }} }} }}
""",
        encoding="utf-8",
    )
    with subprocess.Popen(
        [NGINX, "-p", str(folder), "-e", "stderr", "-c", str(configuration)], stderr=subprocess.PIPE
    ) as server:
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            server.terminate()


def get(port: int, folder: Path, *flags: str, host: str = "localhost") -> subprocess.CompletedProcess[str]:
    """Runs the example."""
    command = [sys.executable, str(EXAMPLES / "tls_client.py"), host, "--port", str(port)]
    command += ["--root-dir", str(folder), *flags]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def authorities(tmp_path: Path, world: World) -> Path:
    """A folder as `openssl rehash` leaves it, with something of everybody in it."""
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "ttp.pem").write_bytes(world.authority.certificate.to_pem())
    (folder / "notes.txt").write_text("not a certificate", encoding="ascii")
    openssl(folder, "rehash", ".")
    assert any(path.name.endswith(".0") for path in folder.iterdir())
    return folder


@pytest.mark.parametrize("scheme", [ECDSA, "rsa_pss_rsae_sha256"])
def test_a_page_is_fetched_and_the_connection_shown(
    tmp_path: Path, world: World, authorities: Path, scheme: str
) -> None:
    with nginx(tmp_path, world.identity("server", scheme), world.keys[scheme]) as port:
        done = get(port, authorities)
        missing = get(port, authorities, "--get", "/nothing")
    assert (done.returncode, done.stdout) == (0, PAGE), done.stderr
    for text in (
        "TLS 1.3, TLS_",
        f", x25519, {scheme}",
        "0  subject      CN=bank",
        f"issuer       {world.authority.certificate.subject}",
        f"verified by {world.authority.certificate.subject}",
        "the certificate is for localhost",
        "HTTP 200 OK",
    ):
        assert text in done.stderr, (text, done.stderr)
    assert missing.returncode == 7
    assert "HTTP 404" in missing.stderr


def test_a_name_that_the_certificate_has_not_is_refused_unless_told(
    tmp_path: Path, world: World, authorities: Path
) -> None:
    key = world.keys[ECDSA]
    request = otls.CertificateRequest.create(
        key, otls.DistinguishedName(common_name="other"), names=["other.example"]
    )
    identity = otls.Identity([world.authority.issue(request, "server"), world.authority.certificate], key)
    with nginx(tmp_path, identity, key) as port:
        refused = get(port, authorities)
        accepted = get(port, authorities, "--no-check-hostname")
    assert refused.returncode == 6
    assert refused.stdout == ""
    assert "is for other.example; expected localhost" in refused.stderr
    assert (accepted.returncode, accepted.stdout) == (0, PAGE), accepted.stderr
    assert "the name was not checked" in accepted.stderr


def test_an_authority_that_is_not_in_the_folder_is_refused(
    tmp_path: Path, world: World, authorities: Path
) -> None:
    other = otls.Authority.create(
        otls.PrivateKey.generate("ecdsa", curve="P-256"), otls.DistinguishedName(common_name="Other")
    )
    for path in authorities.iterdir():
        path.unlink()
    (authorities / "other.pem").write_bytes(other.certificate.to_pem())
    openssl(authorities, "rehash", ".")
    with nginx(tmp_path, world.identity("server"), world.keys[ECDSA]) as port:
        done = get(port, authorities)
        # Nor without the name: the path is judged all the same.
        unnamed = get(port, authorities, "--no-check-hostname")
    for one in (done, unnamed):
        assert (one.returncode, one.stdout) == (6, "")
        assert "chain 0, certificate 1" in one.stderr


def test_a_revoked_server_is_refused_by_a_list_in_the_folder(
    tmp_path: Path, world: World, authorities: Path
) -> None:
    identity = world.identity("server")
    now = datetime.now(UTC)
    crl = world.authority.issue_crl([(identity.certificate, now, "keyCompromise")])
    (authorities / "list.pem").write_bytes(crl.to_pem())
    openssl(authorities, "rehash", ".")
    assert any(".r0" in path.name for path in authorities.iterdir())
    with nginx(tmp_path, identity, world.keys[ECDSA]) as port:
        done = get(port, authorities)
    assert (done.returncode, done.stdout) == (6, "")
    assert "revoked" in done.stderr


def test_an_old_server_and_a_folder_without_authorities_say_what_is_wrong(
    tmp_path: Path, world: World, authorities: Path
) -> None:
    with nginx(tmp_path, world.identity("server"), world.keys[ECDSA], "TLSv1.2") as port:
        old = get(port, authorities)
        empty = tmp_path / "empty"
        empty.mkdir()
        nobody = get(port, empty)
        absent = get(port, tmp_path / "absent")
    assert old.returncode == 7
    assert "protocol_version" in old.stderr or "TLS 1.3" in old.stderr
    assert nobody.returncode == 3
    assert "openssl rehash" in nobody.stderr
    assert absent.returncode == 3
    assert "No such file" in absent.stderr
    for one in (old, nobody, absent):
        assert "Traceback" not in one.stderr
        assert len(one.stderr.splitlines()) == 1
