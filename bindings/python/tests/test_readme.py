"""README.md shows examples/readme.py, and that does what README.md says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "examples" / "readme.py"


def test_the_readme_shows_the_program_word_for_word() -> None:
    (shown,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    _docstring, _, program = PROGRAM.read_text("utf-8").partition('"""\n\n')
    assert shown == program


def test_the_python_of_the_document_about_keys_runs() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "keys.md").read_text("utf-8"), re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    vouched, refused, opened = run.stdout.splitlines()
    assert vouched == "vouched for by CN=Root"
    assert opened == "Rs 1,00,000"
    assert refused == "at depth 0: name: is for bank.example; expected other.example"


def test_the_python_of_the_document_about_passwords_runs(tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "otp.md").read_text("utf-8"), re.DOTALL)
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    *verdicts, statistics, events = run.stdout.splitlines()
    assert verdicts == ["wrong (2 attempts left)", "not a code", "cancelled", "accepted", "used"]
    assert "'used': 1, 'cancelled': 1" in statistics
    assert events.startswith("18 events")


def test_the_program_prints_the_message_and_the_verdict() -> None:
    run = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    message = r"The OTP for transferring Rs 1,00,000 to your friend's account is \d{6}\.\n"
    assert re.fullmatch(message + "asha approved Rs 1,00,000\naccepted\n", run.stdout), run.stderr
    assert run.returncode == 0
    assert run.stderr == ""
