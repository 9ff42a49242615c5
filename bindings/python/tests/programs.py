"""The three programs as a person or a script runs them."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import otls

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MESSAGE = re.compile(r"The OTP for transferring Rs 1,00,000 to your friend's account is (\d{6})\.\n")
PATIENCE = 60.0
QUIET = "--no-input"


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Program:
    """A running program: what it writes is collected while it runs.

    With ``terminal=True`` standard input and standard error are a pseudo-terminal, its controlling
    one; standard output is a file of its own unless ``shared=True``.
    """

    def __init__(
        self,
        name: str,
        *flags: str,
        folder: Path,
        terminal: bool = False,
        shared: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._collected = bytearray()
        self._read_to = 0
        self._changed = threading.Condition()
        self._output = folder / f".{name}-{time.monotonic_ns()}.out"
        if terminal:
            ours, theirs = pty.openpty()
        else:
            ours, theirs = os.pipe()
        self._ours = ours
        variables = {key: value for key, value in os.environ.items() if not key.startswith("OTLS_")}
        command = [sys.executable, str(EXAMPLES / f"{name}.py"), *flags]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=theirs if terminal else subprocess.DEVNULL,
                stdout=theirs if shared else output,
                stderr=theirs,
                env=variables | {"TERM": "dumb"} | dict(environment or {}),
                start_new_session=True,
                preexec_fn=_take_terminal if terminal else None,
            )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def expect(self, text: str, patience: float = PATIENCE) -> None:
        """Waits until ``text`` appears after what was expected before."""
        end = time.monotonic() + patience
        with self._changed:
            while (at := self.log.find(text, self._read_to)) < 0:
                left = end - time.monotonic()
                if left <= 0 or not self._reader.is_alive():
                    raise AssertionError(f"{self.name} did not write {text!r}; it wrote:\n{self.log}")
                self._changed.wait(min(left, 0.2))
            self._read_to = at + len(text)

    def type(self, line: str) -> None:
        """Types a line."""
        os.write(self._ours, line.encode() + b"\n")

    def answer(self, question: str, *lines: str) -> None:
        """Waits for a question and types lines: all but the last are refused and asked again."""
        for number, line in enumerate(lines):
            if number:
                self.expect("not accepted: ")
            self.expect(f"{question} [")
            self.type(line)

    def press(self, key: bytes) -> None:
        """Presses a key: b"\\x03" is Ctrl-C, b"\\x04" Ctrl-D."""
        os.write(self._ours, key)

    def end(self, patience: float = PATIENCE) -> int:
        """Waits until it ends, and returns its exit code."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} hangs; it wrote:\n{self.log}") from None
        self._reader.join(5)
        return code

    def kill(self) -> None:
        """Ends it, as kill -9 does."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    @property
    def log(self) -> str:
        """What it wrote to the terminal or to standard error so far."""
        return self._collected.decode(errors="replace").replace("\r\n", "\n")

    @property
    def output(self) -> str:
        """What it wrote to standard output."""
        return self._output.read_text(encoding="utf-8")

    def fails(self, code: int, *texts: str, patience: float = PATIENCE) -> None:
        """It ends with ``code`` and one line that says why, and that has all of ``texts``."""
        ended = self.end(patience)
        assert ended == code, f"{self.name} ended with {ended}, not {code}; it wrote:\n{self.log}"
        assert "Traceback" not in self.log
        errors = [line for line in self.log.splitlines() if ": error: " in line]
        assert len(errors) == 1, self.log
        assert self.log.splitlines()[-1] == errors[0], self.log
        for text in texts:
            assert text in errors[0], errors[0]
        assert self.output == ""

    def succeeds(self, patience: float = PATIENCE) -> None:
        """It ends with 0."""
        ended = self.end(patience)
        assert ended == 0, f"{self.name} ended with {ended}; it wrote:\n{self.log}"
        assert "Traceback" not in self.log

    def _read(self) -> None:
        while True:
            try:
                select.select([self._ours], [], [])
                data = os.read(self._ours, 4096)
            except OSError:
                data = b""  # How a terminal says that its other end is closed.
            with self._changed:
                self._collected += data
                self._changed.notify_all()
            if not data:
                return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._reader.join(5)
        os.close(self._ours)


def _take_terminal() -> None:
    import fcntl

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def openssl(folder: Path, *arguments: str) -> str:
    """What an openssl command writes; it has to succeed."""
    done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flags_for(ttp: int, *more: str | int | Sequence[str]) -> list[str]:
    """The flags of a bank or customer whose TTP is on this port."""
    return ["--ttp", f"127.0.0.1:{ttp}", *map(str, more)]


def bank(folder: Path, ports: tuple[int, int], *more: str) -> Program:
    """A bank that asks nothing; the ports are the TTP's and its own."""
    return Program("my_server", QUIET, "--port", str(ports[1]), *flags_for(ports[0]), *more, folder=folder)


def customer(folder: Path, ports: tuple[int, int], *more: str) -> Program:
    """A customer that asks nothing; the ports are the TTP's and the bank's."""
    flags = ["--bank", f"127.0.0.1:{ports[1]}", *flags_for(ports[0])]
    return Program("my_client", QUIET, *flags, *more, folder=folder)


def trust(folder: Path, authority: otls.Certificate) -> None:
    """Puts a TTP's certificate where the programs look for it."""
    (folder / "CA").mkdir()
    otls.write_file(folder / "CA" / "cert.pem", authority.to_pem())
