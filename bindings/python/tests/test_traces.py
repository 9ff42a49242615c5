"""What the workflow leaves behind: a ledger and a log that outlive the bank, receipts, and no code."""

from __future__ import annotations

import json
import re
from pathlib import Path

from programs import MESSAGE, Program, bank, customer

import otls


def pay(folder: Path, ports: tuple[int, int], *flags: str) -> tuple[str, str]:
    """One customer's payment: the code, and what both wrote beside the message."""
    with (
        bank(folder, ports, "--reuse", *flags) as the_bank,
        customer(folder, ports, "--reuse") as the_customer,
    ):
        the_customer.succeeds()
        the_bank.succeeds()
        message = MESSAGE.fullmatch(the_customer.output)
        assert message is not None
        assert the_bank.output == ""
        return message[1], the_bank.log + the_customer.log


def test_the_code_is_on_the_customers_screen_and_nowhere_else(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    payments = [pay(tmp_path, ports), pay(tmp_path, ports)]
    files = [file for file in tmp_path.rglob("*") if file.is_file() and not file.name.endswith(".out")]
    names = {str(file.relative_to(tmp_path)) for file in files}
    assert {"Server/otp.sqlite", "Server/audit.log", "Server/audit.log.head", "Server/pepper"} <= names
    assert sum(name.startswith("Server/receipts/") for name in names) == 2
    for code, log in payments:
        # Within longer numbers any six digits come up by chance.
        alone = re.compile(rb"(?<![0-9a-f])" + code.encode() + rb"(?![0-9a-f])")
        assert not alone.search((log + ttp.log).encode())
        for file in files:
            assert not alone.search(file.read_bytes()), file
    for name in ("otp.sqlite", "audit.log", "audit.log.head", "audit.key", "pepper"):
        assert (tmp_path / "Server" / name).stat().st_mode & 0o077 == 0, name


def test_the_bank_goes_on_with_its_ledger_and_log_and_stops_where_they_were_changed(
    tmp_path: Path, ports: tuple[int, int], ttp: Program
) -> None:
    for _ in range(2):
        pay(tmp_path, ports)
    log = tmp_path / "Server" / "audit.log"
    key = (tmp_path / "Server" / "audit.key").read_bytes()
    events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    calls = ["issue", "issued", "verify", "verified:accepted", "verify", "verified:used"]
    assert events == calls * 2
    assert otls.verify_audit_log(log, key)[0] == len(events)
    pay(tmp_path, ports, "--ledger", "memory:")
    text = log.read_text()
    log.write_text(text.replace("verified:used", "verified:wrong"))
    with bank(tmp_path, ports) as the_bank:
        the_bank.fails(3, "audit.log", "line 6", "then repair it")
    log.write_text(text)
    with bank(tmp_path, ports, "--ledger", "cupboard:") as the_bank:
        the_bank.fails(2, "--ledger cupboard:", "names no store")
    (tmp_path / "Server" / "pepper").write_bytes(b"short")
    with bank(tmp_path, ports) as the_bank:
        the_bank.fails(3, "pepper", "fewer than 32 octets")
