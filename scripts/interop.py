"""`make interop`: `otls serve` and `otls connect` against other implementations of TLS 1.3, as a table.

Each peer runs as its people would run it, in both roles where it has both, with keys of both kinds, with
and without a client certificate, fresh and resumed, and with keys that either side replaces. The table goes
to standard output and into the file that is named. Exits with 1 if a cell fails.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from interop_peers import PEERS, Failed, Lacking, Peer, Place, Service, World, line_of, pipe

# What otls says of a connection.
Facts = dict[str, Any]


@dataclass
class Row:
    """What was seen of a peer in one role."""

    peer: str
    role: str
    key: str
    auth: bool
    cells: dict[str, str] = field(default_factory=dict)
    group: str = ""


COLUMNS = ("fresh", "resumed", "their key update", "our key update")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("document", type=Path)
    parser.add_argument("--only", help="this peer alone")
    arguments = parser.parse_args()
    rows: list[Row] = []
    unavailable: dict[str, str] = {}
    versions: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="otls-interop-") as folder:
        place = Place(Path(folder))
        for peer_type in PEERS:
            if arguments.only not in (None, peer_type.name):
                continue
            try:
                peer = peer_type(place)
                versions[peer.name] = peer.version()
            except Lacking as lacking:
                unavailable[peer_type.name] = str(lacking)
                continue
            rows += rows_of(peer, place)
    text = document(rows, versions, unavailable)
    print(text)
    if arguments.only is None:
        arguments.document.write_text(text, encoding="utf-8")
    return int(any(cell.startswith("fail") for row in rows for cell in row.cells.values()))


def rows_of(peer: Peer, place: Place) -> list[Row]:
    rows = []
    for role in peer.roles:
        for key in ("ecdsa", "rsa"):
            for auth in (True, False):
                row = Row(peer.name, role, key, auth)
                world = place.world(key)
                run = as_our_server if role == "client" else as_our_client
                seen = attempt(row, "fresh", run, peer, world, auth, "cc")
                if seen is not None:
                    row.group = seen[0]["group"]
                    resumed = [entry["resumed"] for entry in seen]
                    right = resumed == [False, True]
                    row.cells["resumed"] = "pass" if right else f"fail: resumed is {resumed}"
                for column, steps in (("their key update", "cu"), ("our key update", "ck")):
                    lack = peer.no_key_update.get(role) if steps == "cu" else None
                    if lack:
                        row.cells[column] = f"unavailable: {lack}"
                    else:
                        attempt(row, column, run, peer, world, auth, steps)
                print(f"{row.peer:8} {row.role:6} {row.key:5} {row.cells}", file=sys.stderr, flush=True)
                rows.append(row)
    return rows


def attempt(row: Row, column: str, run, *arguments) -> list[Facts] | None:  # type: ignore[no-untyped-def]
    try:
        seen: list[Facts] = run(*arguments)
    except (Failed, OSError, subprocess.TimeoutExpired) as failed:
        row.cells[column] = f"fail: {failed}".replace("\n", " ")[:300]
        return None
    row.cells[column] = "pass"
    return seen


def as_our_client(peer: Peer, world: World, auth: bool, steps: str) -> list[Facts]:
    """Runs `otls connect` against the peer as many times as there are c in `steps`."""
    session = world.folder / "session"
    session.unlink(missing_ok=True)
    request = world.folder / "request"
    request.write_text(peer.request, encoding="utf-8")
    seen = []
    with peer.serve(world, auth, steps) as port:
        command = [world.otls, "connect", f"127.0.0.1:{port}", "--name", "localhost", "--json"]
        command += ["--root", world.ca, "--resume", str(session), "--timeout", "10"]
        command += ["--cert", world.client[0], "--key", world.client[1]] if auth else []
        command += ["--key-update"] if "k" in steps else []
        command += [] if peer.wants_open else ["--send", str(request)]
        for _ in range(steps.count("c")):
            facts = connect(command, peer)
            if not peer.is_answer(facts["received"]):
                raise Failed(f"otls connect received {facts['received'][:100]!r}")
            seen.append(facts)
        peer.check_served(auth, steps)
    return seen


def connect(command: list[str], peer: Peer) -> Facts:
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as client:
        typed, shown, said = pipe(client.stdin), pipe(client.stdout), pipe(client.stderr)
        if peer.wants_open:
            typed.write(peer.request)
            typed.flush()
            for _ in range(600):
                if client.poll() is not None or peer.answered.wait(0.05):
                    break
            typed.close()
        try:
            client.wait(60)
        except subprocess.TimeoutExpired:
            client.kill()
            raise
        if client.returncode:
            raise Failed(f"otls connect: {said.read().strip()}")
        facts: Facts = json.loads(shown.read())
        return facts


def as_our_server(peer: Peer, world: World, auth: bool, steps: str) -> list[Facts]:
    """Runs the peer against `otls serve`; what the server says of each connection."""
    command = [world.otls, "serve", "--bind", "127.0.0.1:0", "--json", "--timeout", "20"]
    command += ["--cert", world.server[0], "--key", world.server[1]]
    command += ["--root", world.ca] if auth else ["--client-auth", "none"]
    command += ["--http"] if peer.is_browser else []
    command += ["--key-update"] if "k" in steps else []
    with Service(command, r"listening on 127\.0\.0\.1:(\d+)") as service:
        peer.connect(int(service.found[1]), world, auth, steps)
        seen = [json.loads(line_of(service, r"^\{.*\}$")) for _ in range(steps.count("c"))]
    for facts in seen:
        if facts["error"] is not None:
            raise Failed(f"otls serve: {facts['error']}")
        if bool(facts["peer"]) != auth:
            raise Failed("the client's certificate is not the one that was asked for")
    return seen


def document(rows: list[Row], versions: dict[str, str], unavailable: dict[str, str]) -> str:
    lines = ["# Interoperability", ""]
    lines += ["Written by `make interop`: `otls serve` and `otls connect` against other implementations.", ""]
    lines += [f"- {name}: {version}" for name, version in versions.items()]
    lines += [f"- {name}: unavailable: {reason}" for name, reason in unavailable.items()]
    head = ("peer", "it is the", "keys", "client certificate", *COLUMNS, "group")
    lines += ["", f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [row.cells.get(column, "fail: not reached") for column in COLUMNS]
        auth = "yes" if row.auth else "no"
        lines.append(f"| {' | '.join((row.peer, row.role, row.key, auth, *cells, row.group))} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
