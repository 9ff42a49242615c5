"""The two programs in C as peers of the scripts, on the certificates that the scripts have got."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from built import ROOT, c_library
from programs import EXAMPLES, MESSAGE, PATIENCE, Program, bank, customer

import otls

# The first of them builds the C library, which takes minutes on a busy machine.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def c_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built programs."""
    folder = tmp_path_factory.mktemp("c")
    library = c_library()
    (folder / "libotls.so.0").symlink_to(library)
    for name in ("otp_bank", "otp_customer"):
        sources = [str(EXAMPLES / "c" / f"{name}.c"), str(EXAMPLES / "c" / "drive.c")]
        includes = ["-I", str(ROOT / "include")]
        linking = [str(library), f"-Wl,-rpath,{folder}"]
        command = ["gcc", "-std=c99", *includes, *sources, "-o", str(folder / name), *linking]
        subprocess.run(command, check=True, timeout=PATIENCE)
    return folder


@pytest.fixture
def enrolled(tmp_path: Path, ports: tuple[int, int], ttp: Program) -> Path:
    """The folder in which the scripts have run once."""
    assert ttp.process.poll() is None
    with bank(tmp_path, ports) as server:
        server.expect("waiting for a customer")
        with customer(tmp_path, ports) as client:
            client.succeeds()
        server.succeeds()
    return tmp_path


def test_a_bank_in_c_serves_the_script(c_programs: Path, enrolled: Path, ports: tuple[int, int]) -> None:
    files = ["CA/cert.pem", "Server/bank.pem", "Server/private_key.pem"]
    command = [str(c_programs / "otp_bank"), *files, str(ports[1]), "--receipts", "Server"]
    with subprocess.Popen(command, cwd=enrolled, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        assert "listening" in server.stderr.readline()
        with customer(enrolled, ports) as client:
            client.succeeds()
        log = server.stderr.read()
        assert server.wait(PATIENCE) == 0, log
    assert MESSAGE.fullmatch(client.output)
    assert "the bank verified the code: accepted" in client.log
    assert "the code of customer was verified: accepted" in log
    (kept,) = (file for file in (enrolled / "Server").glob("*.pem") if len(file.stem) == 32)
    assert kept.stat().st_mode & 0o777 == 0o600
    trust = otls.TrustStore(otls.Certificate.load((enrolled / "CA" / "cert.pem").read_bytes()))
    assert otls.Receipt.from_pem(kept.read_bytes()).verify(trust).subject.common_name == "customer"


def test_a_customer_in_c_is_served_by_the_script(
    c_programs: Path, enrolled: Path, ports: tuple[int, int]
) -> None:
    files = ["CA/cert.pem", "Client/customer.pem", "Client/private_key.pem"]
    command = [str(c_programs / "otp_customer"), *files, str(ports[1])]
    with bank(enrolled, ports) as server:
        server.expect("waiting for a customer")
        client = subprocess.run(
            command, cwd=enrolled, capture_output=True, text=True, timeout=PATIENCE, env=dict(os.environ)
        )
        assert client.returncode == 0, client.stderr
        server.succeeds()
    assert MESSAGE.fullmatch(client.stdout)
    assert "the code of customer was verified: accepted" in server.log
