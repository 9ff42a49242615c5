"""The page of a real run says what tshark and the key log say of the same octets."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from browser import browser
from programs import QUIET, Program, bank, customer, free_ports
from test_capture import Relay, capture

import otls

#: What a key log calls the secrets that the page names as RFC 8446 §7.1 does.
LOGGED = {
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": "client_handshake_traffic_secret",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": "server_handshake_traffic_secret",
    "CLIENT_TRAFFIC_SECRET_0": "client_application_traffic_secret_0",
    "SERVER_TRAFFIC_SECRET_0": "server_application_traffic_secret_0",
    "EXPORTER_SECRET": "exporter_master_secret",
}


def handshake_octets(value: Any) -> Iterator[str]:
    """The octets of each handshake message in what tshark writes as JSON."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "tls.handshake_raw":
                several = inner if isinstance(inner[0], list) else [inner]
                yield from (one[0] for one in several)
            elif not name.endswith("_raw"):
                yield from handshake_octets(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from handshake_octets(inner)


def by_tshark(file: Path, keys: Path) -> dict[str, list[str]]:
    """The messages of each side, in their order."""
    found = {}
    # In these captures the client is at port 443.
    for side, port in (("client", "tcp.srcport"), ("server", "tcp.dstport")):
        command = ["tshark", "-n", "-r", str(file), "-d", "tcp.port==443,tls", "-Y", f"tls && {port} == 443"]
        command += ["-o", f"tls.keylog_file:{keys}", "-T", "json", "-x"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        packets = json.loads(done.stdout, object_pairs_hook=_with_repeated)
        found[side] = list(handshake_octets(packets))
    return found


def _with_repeated(pairs: list[tuple[str, Any]]) -> Any:
    # tshark writes a member once for each time that it occurs.
    names = [name for name, _ in pairs]
    return dict(pairs) if len(set(names)) == len(names) else [{name: value} for name, value in pairs]


def test_the_page_of_a_run_is_what_tshark_and_the_key_log_say(tmp_path: Path) -> None:
    ttp_port, bank_port = free_ports(2)
    ttp_relay, bank_relay = Relay(ttp_port), Relay(bank_port)
    keys = tmp_path / "keys.log"
    shared = ("--key-log", str(keys))
    with (
        Program("my_ttp", QUIET, "--port", str(ttp_port), "--explain", "ttp.json", folder=tmp_path) as ttp,
        bank(
            tmp_path,
            (ttp_relay.port, bank_port),
            *("--cipher", "AES-GCM", "--hash", "SHA256", "--explain", "bank.json", *shared),
        ) as the_bank,
        customer(
            tmp_path, (ttp_relay.port, bank_relay.port), "--explain", "customer.json", *shared
        ) as the_customer,
    ):
        the_customer.succeeds()
        the_bank.succeeds()
        ttp.process.terminate()
        ttp.end()
    traces = [(tmp_path / f"{party}.json").read_text() for party in ("ttp", "bank", "customer")]
    path = tmp_path / "page.html"
    path.write_text(otls.Trace.page(traces), encoding="utf-8")

    theirs = {}
    for log in ttp_relay.connections + bank_relay.connections:
        octets = b"".join(data for direction, data in log if direction == "O")
        if len(octets) > 100:
            file = tmp_path / "traffic.pcapng"
            capture(log, file)
            # Behind the record's header, the message's and the version: the client's random.
            theirs[octets[11:43].hex()] = by_tshark(file, keys)
    assert len(theirs) == 3

    with browser() as window:
        window.resize(1280, 900)
        window.open(path)
        ours = window.run(SHOWN)
        text = window.run("document.getElementById('show-all').click(); return document.body.textContent")
    assert {one["random"] for one in ours} == set(theirs)
    for one in ours:
        # Each octet that the page shows of each message, in the order in which it shows them.
        assert one["sides"] == theirs[one["random"]]
        assert len(one["sides"]["server"]) >= 4
    logged = [line.split() for line in keys.read_text().splitlines()]
    assert {label for label, _, _ in logged} == set(LOGGED)
    assert all(secret in text for _, _, secret in logged)


#: What is seen of the messages of each connection, once each is opened.
SHOWN = """
document.getElementById("show-all").click();
return M.connections.map((connection, index) => {
  const sides = { client: [], server: [] };
  for (const step of M.steps) {
    if (step.kind !== "message" || step.connection !== index) continue;
    const row = rowOf(step.at);
    row.querySelector(".step").click();
    const octets = Array.from(row.querySelectorAll("[role=grid] .octet"), (one) => one.textContent.trim());
    sides[step.sender === 0 ? "client" : "server"].push(octets.join(""));
    row.querySelector(".step").click();
  }
  return { random: connection.id, sides };
});
"""
