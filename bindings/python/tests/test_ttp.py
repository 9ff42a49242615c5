"""The TTP on its own: its files, its register, and clients of all sorts."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from programs import EXAMPLES, QUIET, Program, bank, customer, free_ports, openssl, trust

import otls
from conftest import World


def test_a_name_that_belongs_to_another_key(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
        server.succeeds()
        client.succeeds()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ca = ["--root", str(tmp_path / "CA" / "cert.pem")]
    with bank(tmp_path, ports) as server, customer(elsewhere, ports, *ca) as client:
        client.fails(4, "customer", "another key", "--revoke")
        server.fails(5)
    subprocess.run([sys.executable, EXAMPLES / "my_ttp.py", "--revoke", "customer"], cwd=tmp_path, check=True)
    with bank(tmp_path, ports) as server, customer(elsewhere, ports, *ca) as client:
        client.succeeds()
        server.succeeds()
    with Program("my_ttp", "--revoke", "nobody", folder=tmp_path) as program:
        program.fails(2, "nobody")


def test_a_second_bank_on_the_machine_is_told_whom_to_ask(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    assert "without a token" in ttp.log
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    ca = ["--root", str(tmp_path / "CA" / "cert.pem")]
    with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
        server.succeeds()
        client.succeeds()
    with bank(elsewhere, ports, *ca, "--name", "mallory") as server, customer(tmp_path, ports) as client:
        server.fails(4, "another key", "localhost", "my_ttp.py --revoke NAME")
        client.end()
        assert client.output == ""
    # The first one goes on, under another name and with a key of another kind too.
    for more in (["--reuse"], ["--name", "savings", "--auth", "RSA"], ["--name", "bank"]):
        with bank(tmp_path, ports, *more) as server, customer(tmp_path, ports) as client:
            client.succeeds()
            server.succeeds()
    revoke = [sys.executable, str(EXAMPLES / "my_ttp.py"), "--revoke", "LocalHost."]
    subprocess.run(revoke, cwd=tmp_path, check=True)
    with bank(elsewhere, ports, *ca, "--name", "other") as server, customer(tmp_path, ports) as client:
        client.succeeds()
        server.succeeds()


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.10"])
def test_a_ttp_without_tokens_listens_on_loopback_alone(tmp_path: Path, bind: str) -> None:
    with Program("my_ttp", QUIET, "--bind", bind, "--port", "0", folder=tmp_path) as program:
        program.fails(2, f"--bind {bind}", "without a token")
    assert not (tmp_path / "CA").exists()


def test_a_customer_checks_the_host_that_it_connects_to(
    tmp_path: Path, ports: tuple[int, int], world: World
) -> None:
    trust(tmp_path, world.authority.certificate)
    key = otls.PrivateKey.generate("ecdsa")
    subject = otls.DistinguishedName(common_name="mallory")
    request = otls.CertificateRequest.create(key, subject, names=["localhost", "mallory.example"])
    identity = otls.Identity(world.authority.issue(request, "server"), key)
    config = otls.ServerConfig(identity, trust=world.trust)
    with otls.listen(("127.0.0.1", ports[1]), config, timeout=20) as listener:
        with customer(tmp_path, ports) as client:
            with pytest.raises(otls.AlertReceived):
                listener.accept(wait=20)
            client.fails(6, "127.0.0.1")
        with customer(tmp_path, ports, "--server-name", "other.example") as client:
            with pytest.raises(otls.AlertReceived):
                listener.accept(wait=20)
            client.fails(6, "other.example")


def test_a_customer_may_name_the_bank_localhost(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    flags = [QUIET, "--bank", f"localhost:{ports[1]}", "--ttp", f"127.0.0.1:{ports[0]}"]
    with bank(tmp_path, ports) as server, Program("my_client", *flags, folder=tmp_path) as client:
        client.succeeds()
        server.succeeds()


def test_a_ttp_stays_up_under_garbage_and_serves_afterwards(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    address = ("127.0.0.1", ports[0])
    authority = otls.Certificate.load((tmp_path / "CA" / "cert.pem").read_bytes())
    anonymous = otls.ClientConfig(otls.TrustStore(authority), no_identity=True)
    held = [socket.create_connection(address) for _ in range(20)]
    for garbage in (
        b"",
        b"\x00" * 1000,
        b"\x16\x03\x01\xff\xff" + b"\xff" * 70_000,
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection(address) as client:
            try:
                client.sendall(garbage)
            except OSError:
                continue  # It was told off before it had finished.
    for request in (
        b"\xff" * 200 + b"\r\n\r\n",
        b"POST /.well-known/est/simpleenroll HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n",
    ):
        with otls.connect(address, anonymous, timeout=10) as stream:
            stream.send(request)
            assert stream.recv().startswith(b"HTTP/1.1 4")
    with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
        client.succeeds()
        server.succeeds()
    assert ttp.process.poll() is None
    assert "Traceback" not in ttp.log
    for connection in held:
        connection.close()


def test_a_ttp_that_was_killed_goes_on_with_its_register(tmp_path: Path, ports: tuple[int, int]) -> None:
    serials = set()
    for _ in range(2):
        with Program("my_ttp", QUIET, "--port", str(ports[0]), folder=tmp_path) as ttp:
            ttp.expect("ready on")
            with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
                client.succeeds()
                server.succeeds()
            ttp.kill()
        serials.add(openssl(tmp_path, "x509", "-in", "Server/bank.pem", "-noout", "-serial"))
    assert len(serials) == 2
    register = otls.Register.from_text((tmp_path / "CA" / "register.txt").read_text())
    assert [entry.common_name for entry in register.entries] == ["bank", "customer"] * 2
    (tmp_path / "CA" / "register.txt").write_text("damaged\n")
    with Program("my_ttp", QUIET, "--port", str(ports[0]), folder=tmp_path) as ttp:
        ttp.fails(3, "CA/register.txt")


def test_a_ca_whose_key_is_missing_or_another(tmp_path: Path, world: World) -> None:
    trust(tmp_path, world.authority.certificate)
    flags = [QUIET, "--port", str(free_ports(1)[0])]
    with Program("my_ttp", *flags, folder=tmp_path) as program:
        program.fails(3, "CA/key.pem")
    otls.save_key(tmp_path / "CA" / "key.pem", otls.PrivateKey.generate("ecdsa", curve="P-384"))
    with Program("my_ttp", *flags, folder=tmp_path) as program:
        program.fails(3, "does not belong")


@pytest.mark.parametrize("kind", ["RSA", "ECDSA"])
@pytest.mark.parametrize("hash_name", ["SHA256", "SHA384"])
def test_a_ca_of_each_kind_signs_for_both(
    tmp_path: Path, ports: tuple[int, int], kind: str, hash_name: str
) -> None:
    flags = [QUIET, "--port", str(ports[0]), "--ca-auth", kind, "--ca-hash", hash_name]
    for _ in range(2):
        with Program("my_ttp", *flags, folder=tmp_path) as ttp:
            ttp.expect("ready on")
            with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
                client.succeeds()
                server.succeeds()
    text = openssl(tmp_path, "x509", "-in", "Server/bank.pem", "-noout", "-text")
    assert f"Signature Algorithm: {hash_name.lower()}With{kind}" in text.replace(
        "ecdsa-with-SHA", "shaWithECDSA"
    ) or (f"ecdsa-with-{hash_name}" in text)
    openssl(
        tmp_path, "verify", "-CAfile", "CA/cert.pem", "-x509_strict", "Server/bank.pem", "Client/customer.pem"
    )


def test_a_password_from_the_environment(tmp_path: Path) -> None:
    port = str(free_ports(1)[0])
    variables = {"OTLS_KEY_PASSWORD": "from outside"}
    for code in (None, 3):
        environment = {} if code else variables
        with Program("my_ttp", QUIET, "--port", port, folder=tmp_path, environment=environment) as program:
            if code:
                program.fails(code, "CA/key.pem", "password")
            else:
                program.expect("ready on")
                program.expect("fingerprint")
        assert "from outside" not in program.log
    assert "ENCRYPTED" in (tmp_path / "CA" / "key.pem").read_text()


def test_an_end_by_signal_is_quiet(tmp_path: Path, ttp: Program) -> None:
    ttp.process.send_signal(signal.SIGTERM)
    assert ttp.end(10) == 128 + signal.SIGTERM
    assert "Traceback" not in ttp.log
