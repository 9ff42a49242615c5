"""The ledger over a store that outlives the program, its limits, and what it records."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from programs import free_ports

import otls

if TYPE_CHECKING:
    from collections.abc import Callable

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


def full_width(digits: str) -> str:
    return "".join(chr(ord(digit) + 0xFEE0) for digit in digits)


@pytest.mark.parametrize(
    "form",
    [
        lambda code: f"{code[:3]} {code[3:]}",
        lambda code: f" {code[:3]}-{code[3:]}\r\n",
        lambda code: f"{code[:3]}\u00a0{code[3:]}",
        lambda code: f"{code[:3]} \u2013 {code[3:]}",
        lambda code: f"\u2066{code}\u2069",
        lambda code: f"{code[:3]} {code[3:]}".encode(),
        full_width,
    ],
)
def test_a_code_is_taken_as_it_is_typed(form: Callable[[str], str | bytes]) -> None:
    ledger = otls.Ledger()
    issued = ledger.issue("asha", PAYMENT, attempts=1, now=NOW)
    assert ledger.verify(issued.id, "asha", PAYMENT, form(issued.code.expose()), now=NOW).accepted


def test_what_cannot_be_a_code_is_no_attempt_and_what_could_be_one_is() -> None:
    ledger = otls.Ledger()
    issued = ledger.issue("asha", PAYMENT, attempts=2, now=NOW)
    code = issued.code.expose()
    for typed in ("", " ", code[:5], code + "0", "12345o", "\u0967" * 6, "9" * 100_000):
        verdict = ledger.verify(issued.id, "asha", PAYMENT, typed, now=NOW)
        assert (verdict.kind, verdict.attempts_left, verdict.accepted) == ("not_a_code", None, False)
        assert str(verdict) == "not a code"
        # The same for a code that is none.
        assert ledger.verify(otls.OtpId("00" * 16), "asha", PAYMENT, typed, now=NOW) == verdict
    guess = "000000" if code != "000000" else "111111"
    assert ledger.verify(issued.id, "asha", PAYMENT, full_width(guess), now=NOW).attempts_left == 1
    assert ledger.verify(issued.id, "asha", PAYMENT, issued.code, now=NOW).accepted
    assert otls.Verdict("not_a_code") == otls.Verdict("not_a_code")
    with pytest.raises(otls.ApiMisuse):
        otls.Verdict("not_a_code", 1)
    with pytest.raises(otls.ApiMisuse, match="hyphen"):
        otls.Ledger(alphabet="0123456789-")


def test_a_number_is_no_code_because_leading_zeros_count() -> None:
    ledger = otls.Ledger()
    issued = ledger.issue("asha", PAYMENT, now=NOW)
    number: object = 12345
    calls: list[Callable[[Any], object]] = [
        lambda code: ledger.verify(issued.id, "asha", PAYMENT, code, now=NOW),
        lambda code: otls.Hotp(PEPPER).verify(code, 0),
        lambda code: otls.Hotp(PEPPER).resynchronise("123456", code, 0),
        lambda code: otls.Totp(PEPPER).verify(code, otls.TotpState()),
        lambda code: otls.Ocra(PEPPER, "OCRA-1:HOTP-SHA1-6:QN08").verify(code, "1"),
        lambda code: otls.Answer(issued.id, code),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="leading zeros count, so pass it as str"):
            call(number)


def test_a_ledger_has_limits_and_names_them() -> None:
    ledger = otls.Ledger(issues=2, alphabet="ABCDEFGHJKLMNPQRSTUVWXYZ", length=8)
    first = ledger.issue("asha", PAYMENT, now=NOW)
    assert len(first.code) == 8
    assert first.code.expose().isalpha()
    wrong = "A" * 8 if first.code.expose() != "A" * 8 else "B" * 8
    assert ledger.verify(first.id, "asha", PAYMENT, wrong, now=NOW).attempts_left == 2
    second = ledger.resend(first.id, "asha", PAYMENT, now=NOW)
    assert ledger.verify(first.id, "asha", PAYMENT, first.code, now=NOW).kind == "cancelled"
    assert ledger.verify(second.id, "asha", PAYMENT, wrong * 2, now=NOW).kind == "not_a_code"
    assert ledger.verify(second.id, "asha", PAYMENT, "Z" * 8, now=NOW).attempts_left == 1
    with pytest.raises(otls.OtpThrottled):
        ledger.issue("asha", PAYMENT, now=NOW)
    with pytest.raises(otls.OtpNotOpen):
        ledger.resend(first.id, "asha", PAYMENT, now=NOW)
    ledger.lock("asha", now=NOW)
    assert ledger.verify(second.id, "asha", PAYMENT, second.code, now=NOW).kind == "locked"
    with pytest.raises(otls.OtpSubjectLocked):
        ledger.issue("asha", PAYMENT, now=NOW + timedelta(hours=1))
    ledger.unlock("asha", now=NOW)
    assert ledger.cancel(second.id, "ravi", now=NOW).kind == "unknown"
    cancelled = ledger.cancel(second.id, "asha", now=NOW)
    assert cancelled.kind == "cancelled"
    assert not cancelled.accepted
    assert ledger.cancel(otls.OtpId("00" * 16), "asha", now=NOW).kind == "unknown"


def test_what_happened_is_recorded_and_changes_are_found(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = otls.Ledger(audit_log=log, audit_key=key)
    issued = ledger.issue("asha", PAYMENT, now=NOW)
    assert ledger.verify(issued.id, "asha", PAYMENT, issued.code, now=NOW).accepted
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["event"] for event in events] == ["issue", "issued", "verify", "verified:accepted"]
    assert {event["id"] for event in events} == {str(issued.id)}
    count, mac = otls.verify_audit_log(log, key)
    assert (count, mac.hex()) == (4, events[-1]["mac"])
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


def test_another_subjects_tries_count_against_nobody() -> None:
    ledger = otls.Ledger(subject_attempts=3)
    issued = ledger.issue("asha", PAYMENT, attempts=3, now=NOW)
    for _ in range(10):
        assert ledger.verify(issued.id, "mallory", PAYMENT, "000000", now=NOW).kind == "unknown"
        assert ledger.cancel(issued.id, "mallory", now=NOW).kind == "unknown"
    with pytest.raises(otls.OtpNotOpen, match="unknown"):
        ledger.resend(issued.id, "mallory", PAYMENT, now=NOW)
    ledger.issue("mallory", PAYMENT, now=NOW)
    assert ledger.verify(issued.id, "asha", PAYMENT, issued.code, now=NOW).accepted


@pytest.mark.parametrize("bad", ["", "x" * 256, "x" * 5000, "a\0b", "a\nb", "a\u2028b", "a\x85b"])
def test_a_subject_that_is_none_is_refused_by_every_call_and_harms_no_log(tmp_path: Path, bad: str) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = otls.Ledger(audit_log=log, audit_key=key)
    issued = ledger.issue("asha", PAYMENT, now=NOW)
    for call in (
        lambda: ledger.issue(bad, PAYMENT, now=NOW),
        lambda: ledger.resend(issued.id, bad, PAYMENT, now=NOW),
        lambda: ledger.verify(issued.id, bad, PAYMENT, issued.code, now=NOW),
        lambda: ledger.cancel(issued.id, bad, now=NOW),
        lambda: ledger.receipt(issued.id, bad),
        lambda: ledger.lock(bad, now=NOW),
        lambda: ledger.unlock(bad, now=NOW),
    ):
        with pytest.raises(otls.ApiMisuse):
            call()
    assert otls.verify_audit_log(log, key)[0] == 2
    otls.Ledger(audit_log=log, audit_key=key)


def test_nothing_is_done_that_cannot_be_recorded_first(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    address = f"sqlite:{tmp_path / 'otp.sqlite'}"
    ledger = otls.Ledger(address, pepper=PEPPER, audit_log=log, audit_key=key)
    issued = ledger.issue("asha", PAYMENT, now=NOW)
    ledger.lock("asha", now=NOW)
    before = ledger.statistics(now=NOW)
    head = log.with_name("audit.log.head")
    head.rename(tmp_path / "elsewhere")
    for call in (
        lambda: ledger.unlock("asha", now=NOW),
        lambda: ledger.lock("ravi", now=NOW),
        lambda: ledger.cancel(issued.id, "asha", now=NOW),
        lambda: ledger.issue("ravi", PAYMENT, now=NOW),
        lambda: ledger.expire(now=NOW + timedelta(days=1)),
    ):
        with pytest.raises(otls.OtpAuditError):
            call()
    assert ledger.statistics(now=NOW) == before
    (tmp_path / "elsewhere").rename(head)
    ledger.unlock("asha", now=NOW)
    assert ledger.verify(issued.id, "asha", PAYMENT, issued.code, now=NOW).accepted


FULL_DISK = """
import resource, sys, otls
log, context = sys.argv[1], otls.Context({"amount": "1"})
ledger = otls.Ledger(audit_log=log, audit_key=b"k" * 32)
codes = [ledger.issue(f"customer {n}", context) for n in range(20)]
def size():
    return len(open(log, "rb").read())
# An intent still fits, and its outcome does not.
before = size()
assert ledger.verify(codes[0].id, "customer 0", context, codes[0].code).accepted
pair = size() - before
resource.setrlimit(resource.RLIMIT_FSIZE, (size() + pair * 2 // 3, resource.RLIM_INFINITY))
try:
    print("accepted", ledger.verify(codes[1].id, "customer 1", context, codes[1].code))
except otls.OtpAuditError:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (size(), resource.RLIM_INFINITY))
try:
    print("accepted", ledger.verify(codes[2].id, "customer 2", context, codes[2].code))
except otls.OtpAuditError:
    print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(ledger.verify(codes[1].id, "customer 1", context, codes[1].code))
print(ledger.verify(codes[2].id, "customer 2", context, codes[2].code))
"""


def test_on_a_full_disk_nothing_is_accepted_and_the_log_stays_whole(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, log], capture_output=True, text=True, check=True, timeout=60
    )
    # The code whose outcome did not fit is used up; the one whose intent did not fit was not touched.
    assert done.stdout.split() == ["refused", "refused", "used", "accepted"]
    count, _ = otls.verify_audit_log(log, b"k" * 32)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert count == len(events)
    open_calls = [e for e in events if "of" not in e]
    answered = {e["of"] for e in events if "of" in e}
    assert [e["subject"] for e in open_calls if str(e["seq"]) not in answered] == ["customer 1"]


def test_a_log_that_was_damaged_is_repaired_by_name_and_kept(tmp_path: Path) -> None:
    log, key = tmp_path / "audit.log", b"the audit log's key of 32 octets"
    ledger = otls.Ledger(audit_log=log, audit_key=key)
    for subject in ("asha", "ravi"):
        ledger.issue(subject, PAYMENT, now=NOW)
    assert otls.repair_audit_log(log, key) is None
    lines = log.read_bytes().splitlines(keepends=True)
    damaged = lines[0] + b"x" * 5000 + b"\n" + b"".join(lines[2:])
    log.write_bytes(damaged)
    with pytest.raises(otls.OtpAuditError, match="line 2"):
        otls.Ledger(audit_log=log, audit_key=key)
    (tmp_path / "audit.log.head").rename(tmp_path / "head")
    with pytest.raises(otls.OtpAuditError, match="this key"):
        otls.repair_audit_log(log, b"not that key, but as many octets")
    (tmp_path / "head").rename(tmp_path / "audit.log.head")
    repaired = otls.repair_audit_log(log, key, now=NOW)
    assert repaired is not None
    assert "line 2" in repaired.reason
    assert (repaired.count, repaired.missing) == (2, 3)
    assert repaired.dropped == len(damaged) - len(lines[0])
    assert Path(repaired.old).read_bytes() == damaged
    event = json.loads(log.read_text().splitlines()[-1])
    assert (event["event"], event["dropped"], event["missing"]) == ("repaired", str(repaired.dropped), "3")
    otls.Ledger(audit_log=log, audit_key=key).issue("asha", PAYMENT, now=NOW)
    assert otls.verify_audit_log(log, key)[0] == 4
