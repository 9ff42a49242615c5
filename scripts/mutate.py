"""Copies of the tree in which one fault at a time is put into the code, to see which test notices.

`make mutants` and `make guards` share this: a copy with a build folder of its own, in which cargo only has to
build what a change of one line touches, without debug information.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "target" / "mutants"

# What a test program may take with a fault in it, and at least gets: ten times what it takes without one.
MAX_SECONDS = 90.0
MIN_SECONDS = 20.0

FAILED = re.compile(r"^test (?P<name>\S+)(?: - should panic)? \.\.\. FAILED")


class BuildFailed(Exception):
    """The code does not compile."""


@dataclass(frozen=True)
class Outcome:
    """What the tests said: `caught` by a test, `timeout`, or `missed`."""

    kind: str
    by: str = ""


class Tree:
    """A copy of the working tree, kept from run to run."""

    def __init__(self, number: int, jobs: int) -> None:
        self.path = BUILD / f"tree-{number}"
        self.target = BUILD / f"build-{number}"
        self.jobs = max(1, (os.cpu_count() or 2) // jobs)
        BUILD.mkdir(parents=True, exist_ok=True)
        self.lock = (BUILD / f"lock-{number}").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RuntimeError(f"another run has {self.path}: wait for it, or stop it") from None
        self._sync()
        self._warm()

    def _sync(self) -> None:
        """Takes over what changed; files that did not keep their time, so that cargo leaves them alone."""
        listed = output("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
        self.path.mkdir(parents=True, exist_ok=True)
        for old in [path for path in self.path.rglob("*") if path.is_file()]:
            if str(old.relative_to(self.path)) not in names:
                old.unlink()
        for name in names:
            content = (ROOT / name).read_bytes()
            copy = self.path / name
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
                copy.chmod((ROOT / name).stat().st_mode)

    def _warm(self) -> None:
        """Begins with the dependencies that are built already."""
        done = ROOT / "target" / "debug"
        if self.target.exists() or not done.is_dir():
            return
        for folder in ("deps", "build", ".fingerprint"):
            ours = shutil.ignore_patterns("otls*", "libotls*", "*.d")
            shutil.copytree(done / folder, self.target / "debug" / folder, ignore=ours, symlinks=True)
        # Tests look for the vectors of the Python packages beside them.
        (self.target / "venv").symlink_to(ROOT / "target" / "venv")

    def read(self, file: str) -> str:
        return (self.path / file).read_text(encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        (self.path / file).write_text(text, encoding="utf-8")

    def build(self, targets: list[str], features: str) -> dict[str, Path]:
        """Builds test programs ("--lib" is the library's own) and returns where each is."""
        arguments = [part for name in targets for part in ((name,) if name == "--lib" else ("--test", name))]
        command = ["cargo", "test", "--quiet", "--locked", "--no-run", "--message-format=json"]
        command += ["--jobs", str(self.jobs), "--target-dir", str(self.target), *arguments]
        command += ["--features", features] if features else []
        environment = os.environ | {
            "CARGO_INCREMENTAL": "1",
            "CARGO_PROFILE_DEV_DEBUG": "0",
            "CARGO_PROFILE_TEST_DEBUG": "0",
        }
        run = subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, text=True, check=False
        )
        if run.returncode:
            raise BuildFailed(errors(run.stdout) or run.stderr)
        programs = {}
        for line in run.stdout.splitlines():
            message = json.loads(line)
            if message.get("executable") and message["profile"]["test"]:
                name = message["target"]["name"] if message["target"]["kind"] == ["test"] else "--lib"
                programs[name] = Path(message["executable"])
        return programs

    def run(
        self,
        program: Path,
        arguments: list[str],
        *,
        to_the_end: bool = False,
        limit: float = MAX_SECONDS,
        environment: dict[str, str] | None = None,
    ) -> Outcome:
        """Runs a test program until the first test fails."""
        process = subprocess.Popen(
            [program, *arguments],
            cwd=self.path,
            env=os.environ | (environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        late = threading.Event()

        def stop() -> None:
            late.set()
            kill(process)

        timer = threading.Timer(limit, stop)
        timer.start()
        failed: list[str] = []
        try:
            for line in process.stdout or ():
                if found := FAILED.match(line):
                    failed.append(found["name"])
                    if not to_the_end:
                        break
        finally:
            timer.cancel()
            if not failed or to_the_end:
                process.wait()
            kill(process)
            process.wait()
        if failed:
            return Outcome("caught", " ".join(sorted(failed)))
        if late.is_set():
            return Outcome("timeout")
        return Outcome("missed") if process.returncode == 0 else Outcome("caught", "the test program died")


def kill(process: subprocess.Popen[str]) -> None:
    """The program and what it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def errors(messages: str) -> str:
    """The first errors of the compiler."""
    found = []
    for line in messages.splitlines():
        message = json.loads(line).get("message") or {}
        if isinstance(message, dict) and message.get("level") == "error":
            found.append(message["rendered"])
    return "\n".join(found[:3])


def output(*command: str, cwd: Path = ROOT) -> str:
    return subprocess.run(command, check=True, cwd=cwd, capture_output=True, text=True).stdout
