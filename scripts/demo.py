"""`make demo`: the TTP, the bank and the customer with default answers, in a fresh folder.

Prints the customer's message alone on standard output. When anything goes wrong it prints what each
program said, on standard error, and exits with 1.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MESSAGE = re.compile(r"The OTP for transferring Rs 1,00,000 to your friend's account is \d{6}\.\n")
# Generating RSA keys on a busy machine takes a while; a hang takes longer.
PATIENCE = 180.0


def main() -> int:
    ttp, bank = free_ports(2)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otls-demo-")))
        programs = [
            start(stack, folder, "my_ttp", "--port", str(ttp)),
            start(stack, folder, "my_server", "--port", str(bank), "--ttp", f"127.0.0.1:{ttp}"),
            start(stack, folder, "my_client", "--bank", f"127.0.0.1:{bank}", "--ttp", f"127.0.0.1:{ttp}"),
        ]
        failure = watch(*programs)
        message = programs[-1].output.read_text(encoding="utf-8")
        if failure is None and not MESSAGE.fullmatch(message):
            failure = "the customer's standard output is not the message alone"
        if failure is None:
            sys.stdout.write(message)
            return 0
        for program in programs:
            program.show()
        print(f"demo: {failure}", file=sys.stderr)
        return 1


@dataclass
class Program:
    """One of the three, with what it writes."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path

    def end(self) -> None:
        """As `kill` does, and then as `kill -9` does: a shell's background jobs ignore Ctrl-C."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def show(self) -> None:
        """What it said, on standard error."""
        for title, path in (("standard output", self.output), ("standard error", self.log)):
            text = path.read_text(encoding="utf-8", errors="replace")
            print(f"--- {self.name}, {title}:\n{text}", file=sys.stderr)


def start(stack: contextlib.ExitStack, folder: Path, name: str, *flags: str) -> Program:
    output, log = folder / f"{name}.out", folder / f"{name}.err"
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, EXAMPLES / f"{name}.py", "--no-input", *flags],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    program = Program(name, process, output, log)
    stack.callback(program.end)
    return program


def watch(ttp: Program, bank: Program, customer: Program) -> str | None:
    """Waits for the customer and the bank; what went wrong, if anything."""
    for program in (customer, bank):
        try:
            status = program.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return f"{program.name} did not end within {PATIENCE:.0f} s"
        if status != 0:
            return f"{program.name} ended with {status}"
    if ttp.process.poll() is not None:
        return f"{ttp.name}, which stays up, ended with {ttp.process.returncode}"
    return None


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)]
        return [one.getsockname()[1] for one in sockets]


if __name__ == "__main__":
    sys.exit(main())
