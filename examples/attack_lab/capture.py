"""What a listener keeps: a capture file of a connection, and what Wireshark finds in it."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

from .relay import BANK, Piece
from .verdict import CannotRun

#: The ports in the capture; the bank's is one at which Wireshark expects TLS.
PORTS = {True: 443, False: 40_000}
ADDRESSES = {True: bytes((10, 0, 0, 2)), False: bytes((10, 0, 0, 1))}
#: Below the largest packet of IP.
LARGEST = 16_000


def write_pcap(pieces: list[Piece], path: Path) -> None:
    """Writes a connection as packets of TCP over IPv4 (LINKTYPE_RAW)."""
    packets = []
    numbers = {True: 1, False: 1}
    for piece in pieces:
        from_bank = piece.sender == BANK
        for start in range(0, len(piece.data), LARGEST):
            data = piece.data[start : start + LARGEST]
            packets.append(_packet(from_bank, numbers[from_bank], numbers[not from_bank], data))
            numbers[from_bank] += len(data)
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101)
    body = b"".join(struct.pack("<IIII", 0, at, len(p), len(p)) + p for at, p in enumerate(packets))
    path.write_bytes(header + body)


def _packet(from_bank: bool, number: int, acknowledged: int, data: bytes) -> bytes:
    ports = PORTS[from_bank], PORTS[not from_bank]
    tcp = struct.pack(">HHIIBBHHH", *ports, number, acknowledged, 5 << 4, 0x18, 65_535, 0, 0) + data
    addresses = ADDRESSES[from_bank] + ADDRESSES[not from_bank]
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + addresses + tcp


def follow(pieces: list[Piece], protocol: str, *flags: str) -> bytes:
    """What Wireshark shows of both sides in a connection: ``"tcp"`` or, as far as it decrypts, ``"tls"``."""
    program = shutil.which("tshark")
    if program is None:
        raise CannotRun("tshark is not on this machine: install Wireshark's command line (Debian: tshark)")
    with tempfile.TemporaryDirectory(prefix="attack-lab-") as folder:
        path = Path(folder) / "capture.pcap"
        write_pcap(pieces, path)
        command = [program, "-n", "-q", "-r", str(path), "-d", "tcp.port==443,tls", *flags]
        command += ["-z", f"follow,{protocol},raw,0"]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603
    lines = (line.strip() for line in done.stdout.splitlines())
    return b"".join(bytes.fromhex(line) for line in lines if re.fullmatch("([0-9a-f]{2})+", line))
