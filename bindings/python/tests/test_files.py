"""What a file holds counts, or the file is refused; and what nobody reads holds nothing up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448
from programs import EXAMPLES, QUIET, bank, customer

import otls
from conftest import World


def test_a_bundle_of_lists_counts_whole(world: World) -> None:
    other = otls.Authority.create(
        otls.PrivateKey.generate("ecdsa"), otls.DistinguishedName(common_name="Other")
    )
    leaf = world.identity("client").certificate
    first, second = other.issue_crl([]), world.authority.issue_crl([(leaf, leaf.not_before, "keyCompromise")])
    bundle = first.to_pem() + b"ours:\n" + second.to_pem()
    lists = otls.Crl.load_all(bundle)
    assert [one.number for one in lists] == [first.number, second.number]
    assert len(otls.Crl.load_all(second.to_der())) == 1
    with pytest.raises(otls.CertificateRevoked):
        otls.TrustStore(world.authority.certificate, crls=lists).verify(leaf)
    with pytest.raises(otls.CertificateMalformed, match=r"2 revocation lists.*load_all"):
        otls.Crl.load(bundle)
    for damaged in (
        bundle + leaf.to_pem(),
        first.to_pem() + second.to_der(),
        first.to_der() + second.to_pem(),
        first.to_pem() + second.to_pem().replace(b"-----BEGIN", b"----BEGIN"),
        bundle[:-5],
    ):
        with pytest.raises(otls.CertificateMalformed):
            otls.Crl.load_all(damaged)


def test_no_loader_takes_the_first_of_two(world: World) -> None:
    key = otls.PrivateKey.generate("ecdsa")
    authority = world.authority.certificate
    asked = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name="x"))
    leaf = world.authority.issue(asked, "client")
    both = leaf.to_pem() + key.to_pem() + authority.to_pem()
    identity = otls.Identity.load(both)
    assert identity.chain == [leaf, authority]
    encrypted = leaf.to_pem() + key.to_pem(password="secret")
    assert otls.Identity.load(encrypted, password="secret").chain == [leaf]
    with pytest.raises(otls.KeyMaterialError, match="identity"):
        otls.load_key(both)
    with pytest.raises(otls.KeyMaterialError, match="2 private keys"):
        otls.load_key(key.to_pem() + key.to_pem())
    with pytest.raises(otls.CertificateMalformed, match="a private key"):
        otls.Certificate.load_chain(both)
    with pytest.raises(otls.CertificateMalformed, match="2 certificates"):
        otls.Certificate.load(leaf.to_pem() + authority.to_pem())
    with pytest.raises(otls.CertificateMalformed, match="2 certificate requests"):
        otls.CertificateRequest.load(asked.to_pem() + asked.to_pem())
    with pytest.raises(otls.KeyMaterialError, match="2 public keys"):
        otls.PublicKey.load(key.public_key.to_pem() + key.public_key.to_pem())


def test_an_authority_that_cannot_be_used_is_named(world: World) -> None:
    key = ed448.Ed448PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Ed")])
    valid = world.authority.certificate
    made = x509.CertificateBuilder(name, name, key.public_key(), 7, valid.not_before, valid.not_after)
    pem = made.sign(key, None).public_bytes(serialization.Encoding.PEM)
    authorities, left_out = otls.Certificate.load_authorities(pem + valid.to_pem())
    assert authorities == [valid]
    assert len(left_out) == 1
    assert "CN=Ed" in left_out[0]
    with pytest.raises(otls.Error):
        otls.Certificate.load_chain(pem + valid.to_pem())


@pytest.mark.parametrize("stderr", ["broken", "closed", "full"])
def test_a_ttp_serves_where_nobody_reads_its_log(tmp_path: Path, ports: tuple[int, int], stderr: str) -> None:
    command = [sys.executable, str(EXAMPLES / "my_ttp.py"), QUIET, "--port", str(ports[0])]
    reader, writer = os.pipe()
    if stderr == "broken":
        os.close(reader)
    elif stderr == "full":
        os.set_blocking(writer, False)
        try:
            while os.write(writer, b"x" * 4096):
                pass
        except BlockingIOError:
            os.set_blocking(writer, True)
    else:
        command = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    output = tmp_path / "output"
    with output.open("wb") as file:
        ttp = subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=file, stderr=writer)
    os.close(writer)
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "CA" / "cert.pem").exists() or not listens(ports[0]):
            assert ttp.poll() is None, "the TTP has died"
            assert time.monotonic() < end, "the TTP does not listen"
            time.sleep(0.05)
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", ports[0])) as garbage:
                garbage.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
            client.succeeds()
            server.succeeds()
        assert ttp.poll() is None
        # Its log is not on standard output instead.
        assert output.read_bytes() == b""
    finally:
        ttp.send_signal(signal.SIGTERM)
        ttp.wait(10)
        if stderr != "broken":
            os.close(reader)


def listens(port: int) -> bool:
    """Whether somebody listens on the port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
