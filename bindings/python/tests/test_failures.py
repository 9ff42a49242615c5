"""What can go wrong between the three programs: one line that says why, an exit code of its own, no hang."""

from __future__ import annotations

import os
import shutil
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
from programs import QUIET, Program, bank, customer, openssl, trust

import otls
from conftest import LONG_AGO, World


def test_a_ttp_that_is_down(tmp_path: Path, ports: tuple[int, int], world: World) -> None:
    trust(tmp_path, world.authority.certificate)
    with bank(tmp_path, ports, "--wait", "1") as server, customer(tmp_path, ports) as client:
        server.fails(4, "gave up waiting for the TTP at 127.0.0.1")
        client.fails(5, "closed the connection half way")


def test_a_ttp_that_never_was(tmp_path: Path, ports: tuple[int, int]) -> None:
    with customer(tmp_path, ports, "--wait", "1") as client:
        client.fails(4, f"gave up waiting for the TTP to write {tmp_path}/CA/cert.pem")
    assert "waiting up to 1 s for the TTP" in client.log


def test_a_ttp_whose_operator_thinks_is_waited_for_until_it_ends(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    with Program("my_ttp", "--port", str(ports[0]), folder=tmp_path, terminal=True) as ttp:
        ttp.expect("country code [IN]: ")
        with customer(tmp_path, ports, "--wait", "1") as client:
            client.expect("waiting up to 1 s for the TTP")
            time.sleep(2.5)
            assert client.process.poll() is None, client.log
            ttp.press(b"\x03")
            client.fails(4, f"gave up waiting for the TTP to write {tmp_path}/CA/cert.pem")
            assert "the TTP is there, and its operator is being asked" in client.log


def test_a_ttp_of_another_folder_or_whose_folder_is_gone_is_not_waited_for(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    begin = time.monotonic()
    wanted = "is running, and there is no {}/CA/cert.pem (run this in the TTP's folder, or pass"
    with customer(other, ports) as client:
        client.fails(4, wanted.format(other))
    shutil.rmtree(tmp_path / "CA")
    with customer(tmp_path, ports) as client:
        client.fails(4, wanted.format(tmp_path), "if its folder was deleted, end it and start it again")
    assert time.monotonic() - begin < 20


def test_a_ttp_whose_folder_is_gone_says_so_to_who_has_its_certificate(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    (tmp_path / "CA").rename(tmp_path / "gone")
    with bank(tmp_path, ports, "--root", "gone/cert.pem") as server:
        with customer(tmp_path, ports, "--root", "gone/cert.pem") as client:
            client.fails(5, "the peer closed the connection half way")
        server.fails(4, "the TTP at")
    ttp.expect(f"the folder {tmp_path}/CA is gone, nothing can be issued (bring it back")


def test_a_bank_that_is_down(tmp_path: Path, ports: tuple[int, int], world: World) -> None:
    trust(tmp_path, world.authority.certificate)
    with customer(tmp_path, ports, "--wait", "1") as client:
        client.fails(5, f"gave up waiting for the bank at 127.0.0.1:{ports[1]}")


def test_no_customer(tmp_path: Path, ports: tuple[int, int]) -> None:
    with bank(tmp_path, ports, "--timeout", "1") as server:
        server.fails(5, "no customer came")


@pytest.mark.parametrize("name", ["my_ttp", "my_server"])
def test_a_port_in_use(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Program(name, QUIET, "--port", str(port), folder=tmp_path) as program:
            program.fails(5, f"127.0.0.1:{port}", "in use", "--port")


def test_a_client_that_closes_half_way(
    tmp_path: Path, ports: tuple[int, int], world: World, ttp: Program
) -> None:
    hello = otls.Connection.client(otls.ClientConfig(world.trust), "localhost").pending()
    for sent in (hello, hello[:20], b""):
        with bank(tmp_path, ports) as server:
            server.expect("waiting for a customer")
            with socket.create_connection(("127.0.0.1", ports[1])) as client:
                client.sendall(sent)
            server.fails(5, "closed the connection half way")


def test_a_client_that_leaves_while_the_operator_types(
    tmp_path: Path, ports: tuple[int, int], world: World
) -> None:
    hello = otls.Connection.client(otls.ClientConfig(world.trust), "localhost").pending()
    flags = ["--name", "bank", "--port", str(ports[1])]
    with Program("my_server", *flags, folder=tmp_path, terminal=True) as server:
        server.expect("waiting for a customer")
        with socket.create_connection(("127.0.0.1", ports[1])) as client:
            client.sendall(hello)
            server.expect("key exchange/authentication (ECDSA, RSA) [ECDSA]: ")
        server.type("RSA")
        server.fails(5, "the customer closed the connection half way")


def test_an_operator_who_never_answers(tmp_path: Path, ports: tuple[int, int], world: World) -> None:
    trust(tmp_path, world.authority.certificate)
    flags = ["--name", "bank", "--port", str(ports[1])]
    with (
        Program("my_server", *flags, folder=tmp_path, terminal=True) as server,
        customer(tmp_path, ports, "--timeout", "2") as client,
    ):
        server.expect("[ECDSA]: ")
        client.fails(5, "within 2 s")


def test_a_peer_that_is_no_otls_at_all(tmp_path: Path, ports: tuple[int, int], world: World) -> None:
    trust(tmp_path, world.authority.certificate)
    with bank(tmp_path, ports) as server:
        server.expect("waiting for a customer")
        with socket.create_connection(("127.0.0.1", ports[1])) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
            server.fails(7)
    with socket.create_server(("127.0.0.1", ports[1])) as listener, customer(tmp_path, ports) as program:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            program.fails(7)


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"not a key at all", ["Server/private_key.pem"]),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", ["Server/private_key.pem"]),
        (b"", ["Server/private_key.pem"]),
        (None, ["Server/private_key.pem", "directory"]),
    ],
)
def test_a_key_file_that_does_not_load(
    tmp_path: Path, ports: tuple[int, int], ttp: Program, content: bytes | None, texts: list[str]
) -> None:
    path = tmp_path / "Server" / "private_key.pem"
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
        server.fails(3, *texts)
        client.fails(5)
    if content is not None:
        assert path.read_bytes() == content


def test_a_key_with_a_password(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    with (
        bank(tmp_path, ports, "--key-password-file", "password") as server,
        customer(tmp_path, ports) as client,
    ):
        server.succeeds()
        client.succeeds()
    key = tmp_path / "Server" / "private_key.pem"
    assert "ENCRYPTED" in key.read_text()
    assert "correct horse" not in server.log + client.log + ttp.log
    before = key.read_bytes()
    for content, texts in (("wrong staple", ["wrong password"]), (None, ["encrypted", "password"])):
        flags = []
        if content is not None:
            password.write_text(content)
            flags = ["--key-password-file", "password"]
        with bank(tmp_path, ports, *flags) as server, customer(tmp_path, ports):
            server.fails(3, "Server/private_key.pem", *texts)
        assert "wrong staple" not in server.log
        assert key.read_bytes() == before
    for flags in (["--key-password-file", "missing"], ["--key-password-file", os.devnull]):
        with bank(tmp_path, ports, *flags) as server:
            server.fails(3)


def test_a_certificate_of_another_ca(
    tmp_path: Path, ports: tuple[int, int], ttp: Program, world: World
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    trust(elsewhere, world.authority.certificate)
    with bank(tmp_path, ports) as server, customer(elsewhere, ports) as client:
        client.fails(6, "issuer", "refused")
        server.fails(6, "unknown_ca")


def test_a_ttp_whose_certificate_is_not_the_one_that_is_trusted(
    tmp_path: Path, ports: tuple[int, int], ttp: Program, world: World
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    trust(elsewhere, world.authority.certificate)
    with bank(elsewhere, ports) as server, customer(elsewhere, ports):
        server.fails(6, "CA/cert.pem", "issuer")


def test_a_fingerprint_instead_of_a_file(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    fingerprint = otls.Certificate.load((tmp_path / "CA" / "cert.pem").read_bytes()).fingerprint
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with (
        bank(tmp_path, ports) as server,
        customer(elsewhere, ports, "--root-fingerprint", fingerprint.upper()) as client,
    ):
        client.succeeds()
        server.succeeds()
    wrong = ("0" if fingerprint[0] != "0" else "1") + fingerprint[1:]
    with customer(elsewhere, ports, "--root-fingerprint", wrong) as client:
        client.fails(6, "--root-fingerprint")
    with customer(elsewhere, ports, "--root-fingerprint", "123") as client:
        assert client.end() == 2


def test_a_fingerprint_that_differs(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    right = openssl(tmp_path, "x509", "-in", "CA/cert.pem", "-noout", "-fingerprint", "-sha256")
    fingerprint = right.strip().partition("=")[2]
    wrong = ("0" if fingerprint[0] != "0" else "1") + fingerprint[1:]
    with customer(tmp_path, ports, "--root-fingerprint", wrong) as client:
        client.fails(6, "CA/cert.pem", "--root-fingerprint")
    with (
        bank(tmp_path, ports, "--root-fingerprint", fingerprint) as server,
        customer(tmp_path, ports, "--root-fingerprint", fingerprint.lower()) as client,
    ):
        client.succeeds()
        server.succeeds()


@pytest.mark.parametrize("whose", ["expired", "wrong name", "another host's", "a client's"])
def test_a_bank_with_a_bad_certificate(
    tmp_path: Path, ports: tuple[int, int], world: World, whose: str
) -> None:
    trust(tmp_path, world.authority.certificate)
    identity = {
        "expired": world.identity("server", now=LONG_AGO),
        "wrong name": world.identity("server"),
        "another host's": world.identity("server", names=["localhost"]),
        "a client's": world.identity("client"),
    }[whose]
    config = otls.ServerConfig(identity, trust=world.trust)
    more = ["--server-name", "bank.example"] if whose == "wrong name" else []
    text = {
        "expired": "expired",
        "wrong name": "name",
        "another host's": "name",
        "a client's": "extendedKeyUsage",
    }[whose]
    with (
        otls.listen(("127.0.0.1", ports[1]), config, timeout=20) as listener,
        customer(tmp_path, ports, *more) as client,
    ):
        with pytest.raises(otls.AlertReceived):
            listener.accept(wait=20)
        client.fails(6, text)


@pytest.mark.parametrize(
    ("whose", "text"),
    [
        ("expired", "expired"),
        ("none", "no certificate"),
        ("other", "issuer"),
        ("a server's", "extendedKeyUsage"),
    ],
)
def test_a_customer_with_a_bad_certificate(
    tmp_path: Path, ports: tuple[int, int], world: World, other_world: World, whose: str, text: str
) -> None:
    # This TTP's key is in the test, which can issue what no TTP would.
    (tmp_path / "CA").mkdir()
    ca_key = otls.PrivateKey.generate("ecdsa", curve="P-384")
    subject = otls.DistinguishedName(common_name="ttp.example")
    long = timedelta(days=20 * 365)
    mine = World(otls.Authority.create(ca_key, subject, now=LONG_AGO, lifetime=long), world.keys)
    otls.save_key(tmp_path / "CA" / "key.pem", ca_key)
    otls.write_file(tmp_path / "CA" / "cert.pem", mine.authority.certificate.to_pem())
    identity = {
        "expired": mine.identity("client", now=LONG_AGO),
        "none": None,
        "other": other_world.identity("client"),
        "a server's": mine.identity("server"),
    }[whose]
    config = otls.ClientConfig(mine.trust, identity=identity, no_identity=identity is None)
    with (
        Program("my_ttp", QUIET, "--port", str(ports[0]), folder=tmp_path) as ttp,
        bank(tmp_path, ports) as server,
    ):
        ttp.expect("ready on")
        server.expect("waiting for a customer")
        stream = otls.connect(("127.0.0.1", ports[1]), config, server_name="localhost", timeout=20)
        with stream, pytest.raises(otls.AlertReceived):
            stream.confirm()
        server.fails(6, text)
