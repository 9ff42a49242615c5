"""Flags, questions, streams and signals of the three programs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from programs import EXAMPLES, MESSAGE, QUIET, Program, bank, customer, flags_for, free_ports


@pytest.mark.parametrize("name", ["my_ttp", "my_server", "my_client"])
@pytest.mark.parametrize("when", ["question", "waiting"])
def test_ctrl_c_is_quiet(tmp_path: Path, ports: tuple[int, int], name: str, when: str) -> None:
    flags = [QUIET] if when == "waiting" else []
    if name != "my_client":
        flags += ["--port", str(ports[1])]
    with Program(name, *flags, folder=tmp_path, terminal=True) as program:
        waiting = {
            "my_ttp": "fingerprint",
            "my_server": "waiting for a customer",
            "my_client": "waiting up to",
        }
        program.expect(waiting[name] if when == "waiting" else "]: ")
        time.sleep(0.2)
        program.press(b"\x03")
        assert program.end(10) == 130
        assert "Traceback" not in program.log
        assert "error" not in program.log


def test_a_standard_output_that_is_closed(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    with bank(tmp_path, ports) as server, Path("/dev/full").open("wb") as full:
        server.expect("waiting for a customer")
        command = [sys.executable, EXAMPLES / "my_client.py", QUIET, "--bank", f"127.0.0.1:{ports[1]}"]
        done = subprocess.run(
            [*map(str, command), *flags_for(ports[0])],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert done.returncode == 3
        assert "cannot show the message" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr


def test_no_secret_is_on_any_stream(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    with bank(tmp_path, ports) as server, customer(tmp_path, ports) as client:
        client.succeeds()
        server.succeeds()
    message = MESSAGE.fullmatch(client.output)
    assert message
    said = ttp.log + server.log + client.log + server.output + ttp.output
    assert message[1] not in said
    for key in ("CA/key.pem", "Server/private_key.pem", "Client/private_key.pem"):
        path = tmp_path / key
        assert path.stat().st_mode & 0o777 == 0o600
        body = path.read_text().splitlines()[1]
        assert body[:24] not in said
    assert "BEGIN" not in said
    assert not re.search(r"[0-9a-f]{96}", said), "a traffic secret in hexadecimal?"
    for path in tmp_path.rglob("*"):
        if path.is_file() and not path.name.startswith(".my_client"):
            assert message[1].encode() not in path.read_bytes() or path.suffix == ".pem"


@pytest.mark.parametrize("name", ["my_ttp", "my_server", "my_client"])
def test_help_has_an_example_and_the_exit_codes(tmp_path: Path, name: str) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--help"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0
    for text in (f"example:\n  {name}.py", "exit codes:", "--no-input", "--key-password-file"):
        assert text in done.stdout
    assert not re.search(r"--(key-)?password\b(?!-file)", done.stdout), "a secret as an argument"


@pytest.mark.parametrize("colourless", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_colour_is_for_terminals_that_want_it(tmp_path: Path, colourless: dict[str, str]) -> None:
    environment = {"TERM": "xterm"} | colourless
    with Program("my_client", folder=tmp_path, terminal=True, environment=environment) as program:
        program.expect("user name")
        assert ("\x1b[" in program.log) == (not colourless)


@pytest.mark.parametrize(
    ("name", "flags", "texts"),
    [
        ("my_server", ["--auth", "DSA"], ["--auth", "ECDSA or RSA"]),
        ("my_server", ["--hash", "MD5"], ["--hash", "SHA256 or SHA384"]),
        ("my_server", ["--country", "IND"], ["--country", "two letters"]),
        ("my_server", ["--name", "../../etc/bank"], ["--name", "letters, digits"]),
        ("my_server", ["--name", ".hidden"], ["--name", "dot"]),
        ("my_client", ["--name", "CSR"], ["--name", "CSR.pem"]),
        ("my_client", ["--name", "x" * 65], ["--name", "64"]),
        ("my_client", ["--domain", "a..b"], ["--domain"]),
        ("my_client", ["--san", "no spaces"], ["--san"]),
        ("my_client", ["--confirm"], ["--confirm", "terminal"]),
        ("my_ttp", ["--organisation", "tab\there"], ["--organisation"]),
        ("my_ttp", ["--ca-auth", "DSA"], ["--ca-auth", "ECDSA", "RSA"]),
    ],
)
def test_a_flag_that_is_not_accepted(tmp_path: Path, name: str, flags: list[str], texts: list[str]) -> None:
    with Program(name, QUIET, *flags, folder=tmp_path) as program:
        program.fails(2, *texts)
    assert not list(tmp_path.glob("[A-Z]*"))


@pytest.mark.parametrize(
    "flags", [["--port", "70000"], ["--timeout", "-1"], ["--ttp", "nowhere"], ["--what"]]
)
def test_a_flag_that_does_not_exist_or_is_no_number(tmp_path: Path, flags: list[str]) -> None:
    with Program("my_server", *flags, folder=tmp_path) as program:
        assert program.end() == 2
        assert "usage: my_server.py" in program.log
        assert "Traceback" not in program.log


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("my_ttp", ["--country", "--state", "--locality", "--organisation", "--domain"]),
        ("my_server", ["--name", "--auth", "--cipher", "--hash", "--country", "--san"]),
        ("my_client", ["--name", "--country", "--domain", "--san"]),
    ],
)
def test_nobody_to_ask(tmp_path: Path, name: str, named: list[str]) -> None:
    with Program(name, folder=tmp_path) as program:
        program.fails(2, *named, "--no-input", patience=10)


@pytest.mark.parametrize("name", ["my_ttp", "my_server", "my_client"])
def test_an_input_that_ends_at_a_question(tmp_path: Path, name: str) -> None:
    port = str(free_ports(1)[0])
    flags = [] if name == "my_client" else ["--port", port]
    with Program(name, *flags, folder=tmp_path, terminal=True) as program:
        program.expect("]: ")
        program.press(b"\x04")
        program.fails(2, "the input ended at the question")


def test_a_bank_that_serves_on(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    with bank(tmp_path, ports, "--serve-forever") as server:
        server.expect("waiting for customers")
        with socket.create_connection(("127.0.0.1", ports[1])) as stranger:
            stranger.sendall(b"nonsense nonsense")
        server.expect("was not served: the peer's message is invalid")
        codes = set()
        for _ in range(3):
            with customer(tmp_path, ports) as client:
                client.succeeds()
            message = MESSAGE.fullmatch(client.output)
            assert message
            codes.add(message[1])
            server.expect("a second time is refused")
        assert len(codes) > 1
        os.killpg(server.process.pid, signal.SIGINT)
        assert server.end() == 130


def test_a_bank_that_serves_for_ever_outlives_any_customer(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    at = ["--bank", f"127.0.0.1:{ports[1]}", "--ttp", f"127.0.0.1:{ports[0]}", "--reuse", QUIET]
    with bank(tmp_path, ports, "--serve-forever") as server:
        server.expect("waiting for customers")
        # One who says nothing is in nobody's way.
        with socket.create_connection(("127.0.0.1", ports[1])):
            with customer(tmp_path, ports) as client:
                client.succeeds()
            asked = [
                "--bank",
                f"127.0.0.1:{ports[1]}",
                "--ttp",
                f"127.0.0.1:{ports[0]}",
                "--reuse",
                "--confirm",
            ]
            asked += ["--name", "customer"]
            with Program("my_client", *asked, folder=tmp_path, terminal=True) as client:
                client.expect("type the code to approve the payment, or no: ")
                client.type("")
                client.expect("type the code to approve the payment, or no: ")
                client.type("no")
                client.succeeds()
            server.expect("was not served: customer declined the transfer; others are")
            with Program("my_client", *asked, folder=tmp_path, terminal=True) as client:
                client.expect("type the code to approve the payment, or no: ")
                client.kill()
            server.expect("was not served: the peer closed the connection half way")
            with Program("my_client", *at, folder=tmp_path) as client:
                client.succeeds()
        assert server.process.poll() is None


def test_a_certificate_is_used_again_when_asked(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> None:
    serials = set()
    for _ in range(2):
        with bank(tmp_path, ports, "--reuse") as server, customer(tmp_path, ports, "--reuse") as client:
            client.succeeds()
            server.succeeds()
        serials.add((tmp_path / "Server" / "bank.pem").read_bytes())
    assert len(serials) == 1
    assert "using Server/bank.pem again" in server.log
    assert "using Client/customer.pem again" in client.log
