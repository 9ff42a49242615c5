"""The ledger over a store that outlives the program, its limits, and what it records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from programs import free_ports

import otls

PAYMENT = otls.Context({"amount": "10000000", "currency": "INR", "payee": "friend"})
PEPPER = bytes(range(32))
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_a_file_remembers_what_was_accepted(tmp_path: Path) -> None:
    address = f"sqlite:{tmp_path / 'otp.sqlite'}"
    ledger = otls.Ledger(address, pepper=PEPPER)
    used, opened = ledger.issue("asha", PAYMENT, now=NOW), ledger.issue("asha", PAYMENT, now=NOW)
    assert ledger.verify(used.id, "asha", PAYMENT, used.code, now=NOW).accepted
    del ledger
    again = otls.Ledger(address, pepper=b"another pepper of thirty-two octets", former_peppers=[PEPPER])
    assert again.verify(used.id, "asha", PAYMENT, used.code, now=NOW).kind == "used"
    assert again.verify(opened.id, "asha", PAYMENT, opened.code, now=NOW).accepted
    counts = again.statistics(now=NOW)
    assert counts == {
        "open": 0,
        "used": 2,
        "cancelled": 0,
        "locked": 0,
        "expired": 0,
        "locked_subjects": 0,
    }
    assert again.expire(now=NOW + timedelta(hours=2)) == 2


def test_a_ledger_has_limits_and_names_them() -> None:
    ledger = otls.Ledger(issues=2, alphabet="ABCDEFGHJKLMNPQRSTUVWXYZ", length=8)
    first = ledger.issue("asha", PAYMENT, now=NOW)
    assert len(first.code) == 8
    assert first.code.expose().isalpha()
    wrong = "A" * 8 if first.code.expose() != "A" * 8 else "B" * 8
    assert ledger.verify(first.id, "asha", PAYMENT, wrong, now=NOW).attempts_left == 2
    second = ledger.resend(first.id, "asha", PAYMENT, now=NOW)
    assert ledger.verify(first.id, "asha", PAYMENT, first.code, now=NOW).kind == "cancelled"
    assert ledger.verify(second.id, "asha", PAYMENT, wrong * 2, now=NOW).attempts_left == 1
    with pytest.raises(otls.OtpThrottled):
        ledger.issue("asha", PAYMENT, now=NOW)
    with pytest.raises(otls.OtpNotOpen):
        ledger.resend(first.id, "asha", PAYMENT, now=NOW)
    ledger.lock("asha", now=NOW)
    assert ledger.verify(second.id, "asha", PAYMENT, second.code, now=NOW).kind == "locked"
    with pytest.raises(otls.OtpSubjectLocked):
        ledger.issue("asha", PAYMENT, now=NOW + timedelta(hours=1))
    ledger.unlock("asha", now=NOW)
    cancelled = ledger.cancel(second.id, now=NOW)
    assert cancelled.kind == "cancelled"
    assert not cancelled.accepted
    assert ledger.cancel(otls.OtpId("00" * 16), now=NOW).kind == "unknown"


def test_what_happened_is_recorded_and_changes_are_found(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = otls.Ledger(audit_log=log, audit_key=key)
    issued = ledger.issue("asha", PAYMENT, now=NOW)
    assert ledger.verify(issued.id, "asha", PAYMENT, issued.code, now=NOW).accepted
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events] == ["issued", "verified:accepted"]
    assert {event["id"] for event in events} == {str(issued.id)}
    count, mac = otls.verify_audit_log(log, key)
    assert (count, mac.hex()) == (2, events[-1]["mac"])
    with pytest.raises(otls.OtpAuditError):
        otls.verify_audit_log(log, b"not that key, but as many octets")
    log.write_text(log.read_text().replace("asha", "ravi"))
    with pytest.raises(otls.OtpAuditError, match="line 1"):
        otls.verify_audit_log(log, key)
    log.write_text("")
    with pytest.raises(otls.OtpAuditError):
        ledger.issue("asha", PAYMENT, now=NOW)


@pytest.mark.parametrize(
    ("address", "settings"),
    [
        ("sqlite:otp.sqlite", {}),
        ("cupboard:", {"pepper": PEPPER}),
        ("memory:", {"pepper": b"short"}),
        ("memory:", {"former_peppers": [b"short"]}),
        ("memory:", {"subject_attempts": 101}),
        ("memory:", {"issues": 0}),
        ("memory:", {"length": 5}),
        ("memory:", {"alphabet": "01"}),
        ("memory:", {"audit_log": "audit.log"}),
        ("memory:", {"audit_key": PEPPER}),
    ],
)
def test_a_ledger_that_cannot_be_is_refused(
    address: str, settings: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(otls.ApiMisuse):
        otls.Ledger(address, **settings)  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_server_that_is_not_there_is_an_error_of_the_store() -> None:
    (port,) = free_ports(1)
    for address in (f"redis://127.0.0.1:{port}", f"postgresql://bank@127.0.0.1:{port}/otp"):
        with pytest.raises(otls.OtpStoreError, match="refused"):
            otls.Ledger(address, pepper=PEPPER)
