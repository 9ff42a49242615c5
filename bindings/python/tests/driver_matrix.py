"""Every driver of the library in every scenario that a driver has to survive, beside peers of three kinds.

A driver's program is called as ``PROGRAM SCENARIO HOST PORT FOLDER SIZE``. It connects to the peer
(``bank.example``), sends ``SCENARIO SIZE`` and a line feed, plays its side of the scenario, and prints one
line that begins with ``ok`` where it came out right.

``python driver_matrix.py FILE`` runs all of it in its whole size and writes the table into FILE, below the
line that begins with "## Drivers"; ``test_drivers.py`` runs it in small.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from built import ROOT, c_library, example
from driver_peers import has_go, peer, relay

import otls

MIB = 1 << 20

#: What a program may take in all, in seconds: its own deadlines are shorter.
PATIENCE = 120.0

HEADING = "## Drivers"


@dataclass(frozen=True)
class Scenario:
    """What happens between a driver and its peer."""

    words: str
    #: Octets, in the tests and as a whole.
    small: int
    whole: int
    #: What the peer says when it came out right.
    said: str | None
    #: Seconds behind each octet of a relay between the two, if there is one.
    relay: float | None = None


SCENARIOS = {
    "echo": Scenario("echo of all that is sent, both ways at once", 4 * MIB, 64 * MIB, "echoed {0} of {0}"),
    "both": Scenario("both write first", 4 * MIB, 64 * MIB, "both went"),
    "half-close": Scenario("half-close", MIB, 16 * MIB, "got {0} of {0}"),
    "cut": Scenario("cut off", 100_000, MIB, "cut"),
    "octets": Scenario("one octet at a time", 500, 4_000, "echoed {0} of {0}", relay=0.0),
    "trickle": Scenario("a handshake that trickles", 0, 0, None, relay=0.05),
    "slow": Scenario("slow reader", 8 * MIB, 32 * MIB, "got {0} of {0}"),
    "cancel": Scenario("cancelled", 32 * MIB, 64 * MIB, "truncated"),
    "close": Scenario("closed from elsewhere", 0, 0, "ended"),
    "signals": Scenario("signals", 2 * MIB, 32 * MIB, "echoed {0} of {0}"),
    "select": Scenario("select", 50_000, 500_000, "sent"),
}

PEERS = ("otls", "OpenSSL", "Go")


def drivers(folder: Path) -> dict[str, list[str]]:
    """The programs, which are built first, by the name of their driver."""
    python = [sys.executable, str(Path(__file__).with_name("drive.py"))]
    rust = [str(example("drive"))]
    return {
        "Rust, blocking": [*rust, "blocking"],
        "tokio": [*rust, "tokio"],
        "Python, blocking": [*python, "blocking"],
        "asyncio": [*python, "asyncio"],
        "C, epoll": [str(c_program(folder))],
    }


def c_program(folder: Path) -> Path:
    """The program over ``examples/c/drive.c``."""
    # The name that programs load it by.
    shutil.copy(c_library(), folder / "libotls.so.0")
    sources = [ROOT / "examples/c/drive.c", ROOT / "tests/c/drive_client.c"]
    program = folder / "drive-c"
    flags = [
        "-std=gnu11",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-pthread",
        f"-I{ROOT / 'include'}",
        f"-I{ROOT / 'examples/c'}",
    ]
    link = [str(folder / "libotls.so.0"), f"-Wl,-rpath,{folder}"]
    subprocess.run(["gcc", *flags, *sources, "-o", program, *link], check=True)
    return program


def make_keys(folder: Path) -> None:
    """The files of both sides."""
    key = otls.PrivateKey.generate("ecdsa", curve="P-256")
    subject = otls.DistinguishedName(common_name="drivers")
    authority = otls.Authority.create(key, subject, lifetime=timedelta(days=7))
    (folder / "ca.pem").write_bytes(authority.certificate.to_pem())
    for name, profile in (("bank.example", "server"), ("customer.example", "client")):
        key = otls.PrivateKey.generate("ecdsa", curve="P-256")
        request = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name=name), names=[name])
        certificate = authority.issue(request, profile, lifetime=timedelta(days=1))
        (folder / f"{profile}.pem").write_bytes(certificate.to_pem())
        (folder / f"{profile}.key").write_bytes(key.to_pem())


def run(driver: list[str], peer_name: str, name: str, size: int, folder: Path) -> str:
    """Plays one scenario: ``ok``, or what was wrong."""
    scenario = SCENARIOS[name]
    with peer(peer_name, folder) as server:
        if scenario.relay is None:
            line = called(driver, name, server.port, folder, size)
        else:
            with relay(server.port, scenario.relay) as port:
                line = called(driver, name, port, folder, size)
        if not line.startswith("ok"):
            return line
        said = scenario.said and server.result()
        wanted = scenario.said and scenario.said.format(size)
    return "ok" if said == wanted else f"wrong: the peer says {said!r}, and not {wanted!r}"


def called(driver: list[str], name: str, port: int, folder: Path, size: int) -> str:
    """What the program prints."""
    command = [*driver, name, "127.0.0.1", str(port), str(folder), str(size)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"wrong: not done within {PATIENCE:g} s"
    if done.returncode and not done.stdout.startswith(("wrong", "cannot")):
        return f"wrong: exit status {done.returncode}: {done.stderr[-300:]}"
    return done.stdout.strip()


def document() -> Iterator[str]:
    """The table, line by line; a cell that fails has its reason."""
    peers = [name for name in PEERS if name != "Go" or has_go()]
    with tempfile.TemporaryDirectory(prefix="otls-drivers-") as name:
        folder = Path(name)
        make_keys(folder)
        programs = drivers(folder)
        yield f"{HEADING}\n"
        yield "Each driver of the library as the client of " + ", ".join(peers) + ", in this order."
        yield "What the scenarios are is in `bindings/python/tests/driver_matrix.py`.\n"
        yield f"| scenario | size | {' | '.join(programs)} |"
        yield f"| --- | ---: |{' --- |' * len(programs)}"
        for scenario, what in SCENARIOS.items():
            cells = []
            for driver, command in programs.items():
                begun = time.monotonic()
                seen = [run(command, one, scenario, what.whole, folder) for one in peers]
                cells.append(", ".join("pass" if one == "ok" else one for one in seen))
                print(f"{scenario}: {driver}: {seen} {time.monotonic() - begun:.1f} s", file=sys.stderr)
            size = f"{what.whole:,}" if what.whole else ""
            yield f"| {what.words} | {size} | {' | '.join(cells)} |"


def main() -> int:
    lines = list(document())
    print("\n".join(lines))
    if len(sys.argv) > 1:
        file = Path(sys.argv[1])
        kept = file.read_text(encoding="utf-8").split(HEADING)[0].rstrip() if file.exists() else ""
        part = file.with_suffix(".part")
        part.write_text("\n".join([kept, "", *lines]) + "\n", encoding="utf-8")
        os.replace(part, file)
    return int(any("wrong" in line or "cannot" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
