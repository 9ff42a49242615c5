"""Wireshark reads the workflow's connections with a key log, and finds the plaintexts in them."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from programs import MESSAGE, PATIENCE, QUIET, Program, bank, customer, free_ports


class Relay:
    """Passes connections on to another port and keeps what goes through: direction and octets."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections: list[list[tuple[str, bytes]]] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            ours, _ = self._listener.accept()
            theirs = self._connect()
            log: list[tuple[str, bytes]] = []
            self.connections.append(log)
            for source, target, direction in ((ours, theirs, "O"), (theirs, ours, "I")):
                threading.Thread(target=_pass_on, args=(source, target, direction, log), daemon=True).start()

    def _connect(self) -> socket.socket:
        # Whoever connects finds the relay at once, and its program perhaps not yet.
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self._to))
            except ConnectionRefusedError:
                if time.monotonic() >= end:
                    raise
                time.sleep(0.05)


def _pass_on(
    source: socket.socket, target: socket.socket, direction: str, log: list[tuple[str, bytes]]
) -> None:
    try:
        while data := source.recv(65536):
            log.append((direction, data))
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def capture(log: list[tuple[str, bytes]], path: Path) -> None:
    """Writes a connection as packets, with headers that text2pcap makes up."""
    dump = []
    for direction, data in log:
        # Below the largest packet of IP.
        for start in range(0, len(data), 16_000):
            lines = [
                f"{offset:06x} {data[start : start + 16_000][offset : offset + 16].hex(' ')}"
                for offset in range(0, len(data[start : start + 16_000]), 16)
            ]
            dump += [direction, *lines, ""]
    subprocess.run(
        ["text2pcap", "-q", "-D", "-4", "10.0.0.1,10.0.0.2", "-T", "40000,443", "-", str(path)],
        input="\n".join(dump) + "\n",
        text=True,
        check=True,
        capture_output=True,
    )


def plaintext(capture_file: Path, *flags: str) -> bytes:
    """The application data of both sides, as far as tshark decrypts it."""
    command = ["tshark", "-n", "-q", "-r", str(capture_file), "-d", "tcp.port==443,tls", *flags]
    command += ["-z", "follow,tls,raw,0"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = (line.strip() for line in done.stdout.splitlines())
    return b"".join(bytes.fromhex(line) for line in lines if re.fullmatch("([0-9a-f]{2})+", line))


def test_tshark_decrypts_the_workflow(tmp_path: Path) -> None:
    if shutil.which("tshark") is None or shutil.which("text2pcap") is None:
        pytest.skip("tshark and text2pcap are not on this machine")
    ttp_port, bank_port = free_ports(2)
    ttp_relay, bank_relay = Relay(ttp_port), Relay(bank_port)
    log = tmp_path / "keys.log"
    logging = ("--key-log", str(log))
    # Wireshark knows the registered suites alone.
    suite = ("--cipher", "CHACHA20", "--hash", "SHA256")
    with (
        Program("my_ttp", QUIET, "--port", str(ttp_port), folder=tmp_path),
        bank(tmp_path, (ttp_relay.port, bank_port), *suite, *logging) as the_bank,
        customer(tmp_path, (ttp_relay.port, bank_relay.port), *logging) as the_customer,
    ):
        the_customer.succeeds()
        the_bank.succeeds()
        message = MESSAGE.fullmatch(the_customer.output)
    assert message is not None
    # Each side enrols, and the customer pays; probes that send nothing are connections as well.
    connections = [log for log in ttp_relay.connections + bank_relay.connections if log]
    assert len(connections) == 3
    texts = []
    for connection in connections:
        file = tmp_path / "traffic.pcapng"
        capture(connection, file)
        assert plaintext(file) == b"", "readable without the key log"
        texts.append(plaintext(file, "-o", f"tls.keylog_file:{log}"))
    for profile, text in zip(("server", "client"), texts[:2], strict=True):
        assert text.startswith(f"POST /.well-known/est/{profile}/simpleenroll HTTP/1.1\r\n".encode())
        assert b"HTTP/1.1 200 OK\r\n" in text
        assert b"application/pkcs7-mime" in text
    assert message[0].strip().encode() in texts[2]
    # The code goes there and back.
    assert texts[2].count(message[1].encode()) >= 2
