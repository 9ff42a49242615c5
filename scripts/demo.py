"""`make demo`: the TTP, the bank and the customer with default answers, in a folder of its own.

    demo.py FOLDER

Prints the customer's message alone on standard output. On standard error it prints what the programs say,
and at the end where the page is that shows what happened, and what to do next. The folder has what the
programs have written; that of an earlier demo is replaced. When anything goes wrong it exits with 1.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import otls

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MESSAGE = re.compile(r"The OTP for transferring Rs 1,00,000 to your friend's account is \d{6}\.\n")
# Generating RSA keys on a busy machine takes a while; a hang takes longer.
PATIENCE = 180.0
#: A file that says that a folder is a demo's.
MARK = "demo.txt"


def main() -> int:
    folder = new_folder(Path(sys.argv[1]).resolve())
    ttp, bank = free_ports(2)
    say("the TTP, the bank and the customer talk to each other; this takes a few seconds")
    with contextlib.ExitStack() as stack:
        at = ("--ttp", f"127.0.0.1:{ttp}")
        programs = [
            start(stack, folder, "my_ttp", "--port", str(ttp)),
            start(stack, folder, "my_server", "--port", str(bank), *at),
            start(stack, folder, "my_client", "--bank", f"127.0.0.1:{bank}", *at),
        ]
        failure = watch(programs)
        message = programs[-1].output.read_text(encoding="utf-8")
        if failure is None and not MESSAGE.fullmatch(message):
            failure = f"the customer's standard output is not the message alone: {message!r}"
        # The TTP writes its part while it runs; now it has said all that there is.
    if failure is not None:
        say(failure)
        return 1
    traces = [program.trace.read_text(encoding="utf-8") for program in programs]
    page = folder / "page.html"
    otls.write_file(page, otls.Trace.page(traces).encode(), mode=0o600)
    sys.stdout.write(message)
    sys.stdout.flush()
    show_next(folder, page)
    return 0


def new_folder(folder: Path) -> Path:
    """The folder, empty: what is in it is of an earlier demo, or it is not ours."""
    if folder.exists() and not (folder / MARK).exists():
        raise SystemExit(f"demo: {folder} is there and not of a demo: move it away")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).write_text("made by make demo, and replaced by the next one\n", encoding="utf-8")
    return folder


def show_next(folder: Path, page: Path) -> None:
    """What somebody may want to do now."""
    (receipt,) = (folder / "Server" / "receipts").iterdir()
    otls_command, audit = "cargo run --quiet -p otls-cli --", f"{folder}/Server/audit"
    say(f"see it: open {page} in a browser (it has the keys of these connections)")
    say("next:")
    for what, command in (
        ("run it yourself, in three terminals", "see README.md, What happens"),
        ("attack it", "make lab"),
        ("who approved what", f"{otls_command} receipt verify --root {folder}/CA/cert.pem {receipt}"),
        ("what the bank's ledger did", f"{otls_command} audit verify --key-file {audit}.key {audit}.log"),
    ):
        print(f"  {what}: {command}", file=sys.stderr)


def say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


@dataclass
class Program:
    """One of the three, with what it writes."""

    name: str
    process: subprocess.Popen[bytes]
    output: Path
    log: Path
    #: What it writes of its connections.
    trace: Path
    read_to: int = 0

    def end(self) -> None:
        """As `kill` does, and then as `kill -9` does: a shell's background jobs ignore Ctrl-C."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def pass_on(self) -> None:
        """Puts what it has said since the last call on standard error, whole lines of it."""
        with self.log.open("rb") as log:
            log.seek(self.read_to)
            data = log.read()
        data = data[: data.rfind(b"\n") + 1]
        self.read_to += len(data)
        sys.stderr.write(data.decode(errors="replace"))
        sys.stderr.flush()


def start(stack: contextlib.ExitStack, folder: Path, name: str, *flags: str) -> Program:
    output, log, trace = (folder / f"{name}.{kind}" for kind in ("out", "err", "json"))
    with output.open("wb") as out, log.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, EXAMPLES / f"{name}.py", "--no-input", "--explain", trace, *flags],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    program = Program(name, process, output, log, trace)
    stack.callback(program.end)
    return program


def watch(programs: list[Program]) -> str | None:
    """Waits for the customer and the bank, and passes on what all say; what went wrong, if anything."""
    ttp, *others = programs
    end = time.monotonic() + PATIENCE
    while any(program.process.poll() is None for program in others):
        for program in programs:
            program.pass_on()
        if time.monotonic() > end:
            late = [program.name for program in others if program.process.poll() is None]
            return f"{' and '.join(late)} did not end within {PATIENCE:.0f} s"
        if any(program.process.poll() for program in others):
            break
        time.sleep(0.05)
    for program in programs:
        program.pass_on()
    for program in others:
        if status := program.process.poll():
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
