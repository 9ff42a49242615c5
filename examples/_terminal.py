"""What the three programs share at the terminal: questions, flags, progress, exit codes."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from types import FrameType
from typing import NoReturn, TypeVar

import otls

T = TypeVar("T")


class Exit(IntEnum):
    """Exit codes, by kind of failure."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    FILES = 3
    TTP = 4
    NETWORK = 5
    CERTIFICATE = 6
    PROTOCOL = 7
    OTP = 8
    INTERRUPTED = 130


EXIT_CODES = """\
exit codes:
  0  done                           5  network: port in use, peer gone, no answer in time
  1  a bug                          6  a certificate was refused
  2  wrong flag or missing answer   7  the peer broke the protocol
  3  a key or file                  8  the one-time password was refused
  4  TTP unreachable or it refuses  130  Ctrl-C
"""


class Stop(Exception):
    """Ends the program with one line and an exit code."""

    def __init__(self, code: Exit, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.hint = hint


@dataclass(frozen=True)
class Question:
    """A question, the flag that answers it, and its default."""

    key: str
    text: str
    default: str
    check: Callable[[str], str]

    @property
    def flag(self) -> str:
        """The flag that answers it."""
        return "--" + self.key.replace("_", "-")


class Operator:
    """The person at the terminal, or the flags that stand in for one."""

    def __init__(self, program: str, args: argparse.Namespace) -> None:
        self.program = program
        self._args = args
        self._interactive = sys.stdin is not None and sys.stdin.isatty() and not args.no_input
        self._colour = is_seen() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def is_interactive(self) -> bool:
        """Whether there is somebody to ask."""
        return self._interactive

    def expect(self, questions: Iterable[Question]) -> None:
        """Checks the answers that flags gave, and that none is missing with nobody to ask."""
        missing = []
        for question in questions:
            answer = getattr(self._args, question.key)
            if answer is None:
                missing.append(question.flag)
                continue
            try:
                question.check(answer)
            except ValueError as error:
                text = f"{question.flag} {answer!r} is not accepted: {reason(error)}"
                raise Stop(Exit.USAGE, text) from error
        if missing and not self._interactive and not self._args.no_input:
            raise Stop(
                Exit.USAGE,
                f"no answer for {', '.join(missing)}, and standard input is not a terminal to ask on",
                "give the flags, or --no-input for the defaults",
            )

    def ask(self, question: Question) -> str:
        """The answer of a flag, of the person, or the default; checked."""
        answer = getattr(self._args, question.key)
        if answer is not None:
            return question.check(answer)
        if not self._interactive:
            return question.check(question.default)
        while True:
            typed = self.read(f"{question.text} [{question.default or 'none'}]", flag=question.flag)
            try:
                return question.check(typed or question.default)
            except ValueError as error:
                self.say(f"not accepted: {reason(error)}")

    def read(self, prompt: str, *, flag: str) -> str:
        """A line from the person."""
        # The prompt goes to standard error: standard output is for the message alone.
        LOG.flush()
        write_error(self._label(prompt + ": "))
        line = sys.stdin.readline()
        if not line:
            write_error("\n")
            raise Stop(Exit.USAGE, f"the input ended at the question: {prompt}", f"answer it, or give {flag}")
        return line.strip()

    def say(self, text: str) -> None:
        """A line of progress on standard error; never waits for whoever reads it."""
        LOG.say(self._label(printable(text)))

    def _label(self, text: str) -> str:
        return f"\x1b[1m{self.program}:\x1b[0m {text}" if self._colour else f"{self.program}: {text}"


class Log:
    """Lines for standard error, written by a thread of its own.

    Whoever does not read them, or has closed their end, neither stops nor slows a program that serves others:
    what does not fit is dropped and counted.
    """

    def __init__(self) -> None:
        self._lines: queue.Queue[str] = queue.Queue(MAX_WAITING_LINES)
        self._dropped = 0
        self._writer: threading.Thread | None = None
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        """A line, now or soon."""
        with self._lock:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write, name="log", daemon=True)
                self._writer.start()
            try:
                self._lines.put_nowait(line)
            except queue.Full:
                self._dropped += 1

    def flush(self) -> None:
        """Until everything was written, or nobody has read it for a second."""
        end = time.monotonic() + LAST_LINES_WAIT
        while self._lines.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.002)

    def _write(self) -> None:
        while True:
            write_error(self._lines.get() + "\n")
            self._lines.task_done()
            with self._lock:
                dropped, self._dropped = self._dropped, 0
            if dropped:
                write_error(f"{dropped} lines were not written: nobody read them in time\n")


def is_seen() -> bool:
    """Whether a person looks at standard error; it is ``None`` where it was closed before the start."""
    return sys.stderr is not None and sys.stderr.isatty()


def write_error(text: str) -> None:
    """Text on standard error, if there is one and somebody reads it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()


def choice(*options: str) -> Callable[[str], str]:
    """A check that takes one of the options, in any case."""

    def check(answer: str) -> str:
        for option in options:
            if answer.casefold() == option.casefold():
                return option
        raise ValueError(f"answer {', '.join(options[:-1])} or {options[-1]}")

    return check


def add_question_flags(parser: argparse.ArgumentParser, questions: Iterable[Question]) -> None:
    """A flag for each question, and --no-input."""
    group = parser.add_argument_group("answers (asked for at the terminal when they are not given)")
    for question in questions:
        group.add_argument(
            question.flag,
            dest=question.key,
            metavar="TEXT",
            help=f"{question.text} (default: {question.default or 'none'})",
        )
    group.add_argument(
        "--no-input", action="store_true", help="ask nothing: defaults for what no flag answers"
    )


def make_parser(program: str, description: str, example: str) -> argparse.ArgumentParser:
    """A parser whose --help ends with an example and the exit codes."""
    return argparse.ArgumentParser(
        prog=f"{program}.py",
        description=description,
        epilog=f"example:\n  {example}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def port(text: str) -> int:
    """A port number, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port number (0 to 65535)")
    return int(text)


def seconds(text: str) -> float:
    """A positive number of seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds (above 0, at most 86400)")
    return value


def count(text: str) -> int:
    """A positive number, for argparse."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def address(text: str) -> otls.Address:
    """HOST:PORT, for argparse."""
    host, separator, number = text.rpartition(":")
    if not separator or not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), port(number)


def key_password(args: argparse.Namespace) -> bytes | None:
    """The password of private keys: from a file or the environment, never from an argument."""
    if args.key_password_file is not None:
        password = read_file(Path(args.key_password_file)).removesuffix(b"\n").removesuffix(b"\r")
        where = args.key_password_file
    elif "OTLS_KEY_PASSWORD" in os.environ:
        password = os.fsencode(os.environ["OTLS_KEY_PASSWORD"])
        where = "OTLS_KEY_PASSWORD"
    else:
        return None
    if not password:
        raise Stop(
            Exit.FILES, f"the key password in {where} is empty", "put the password there, or leave it out"
        )
    return password


def read_file(path: Path) -> bytes:
    """The octets of a file; bounded, for a path that may name anything."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        raise Stop(
            Exit.FILES, f"cannot read {path}: {error.strerror}", "check the path and its permissions"
        ) from error
    if len(data) > MAX_FILE_SIZE:
        raise Stop(
            Exit.FILES, f"{path} is larger than {MAX_FILE_SIZE} octets", "check that it is the right file"
        )
    return data


def wait_for(
    operator: Operator,
    whom: str,
    attempt: Callable[[], T],
    *,
    wait: float,
    failure: Exit,
    is_starting: Callable[[], bool] = lambda: False,
    longest: float = 0.0,
) -> T:
    """Tries until ``attempt`` finds somebody, for ``wait`` seconds, and says for whom.

    While ``is_starting`` sees that the other one is there but not ready (its operator is being
    asked), it waits on, up to ``longest`` seconds.
    """
    begin = last_seen = time.monotonic()
    told = False
    while True:
        try:
            return attempt()
        except (ConnectionRefusedError, FileNotFoundError) as error:
            now = time.monotonic()
            if is_starting() and now - begin < longest:
                last_seen = now
            if now - last_seen > wait:
                raise Stop(
                    failure,
                    f"gave up waiting for {whom} after {now - begin:.0f} s",
                    "start it, or see --help",
                ) from error
            if not told:
                operator.say(f"waiting up to {wait:g} s for {whom}")
                told = True
            time.sleep(0.1)


def reason(error: ValueError) -> str:
    """Why an answer is not accepted, without the words that say that it is not."""
    return str(error).removeprefix("name not acceptable: ")


def printable(text: str) -> str:
    """``text`` without what could move a terminal's cursor or add lines."""
    return "".join(character if character.isprintable() else "?" for character in text)


def run(program: str, main: Callable[[], int]) -> NoReturn:
    """Runs a program: whatever goes wrong is one line on standard error and an exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        if is_seen():
            LOG.say("")
        code = Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001  (the one place where everything ends)
        code, text, hint = explain(error)
        line = f"{text} ({hint})" if hint else text
        LOG.say(f"{program}: error: {printable(line)}")
    # Threads that serve others, and a standard output that nobody reads, must not hold the end up.
    LOG.flush()
    os._exit(code)


def explain(error: Exception) -> tuple[Exit, str, str]:
    """Exit code, text and hint for an exception."""
    match error:
        case Stop():
            return error.code, str(error), error.hint
        case otls.AlertReceived() if error.alert in CERTIFICATE_ALERTS:
            return Exit.CERTIFICATE, str(error), error.hint
        case otls.TruncatedError():
            return Exit.NETWORK, "the peer closed the connection half way", "see its terminal for the reason"
        case otls.ProtocolError():
            return Exit.PROTOCOL, str(error), error.hint
        case otls.NameTaken() | otls.AuthorityRefused() | otls.EnrolmentError():
            return Exit.TTP, str(error), error.hint
        case otls.CertificateMalformed() | otls.KeyMaterialError():
            return Exit.FILES, str(error), error.hint
        case otls.CertificateError():
            return Exit.CERTIFICATE, str(error), error.hint
        case otls.OtpError():
            return Exit.OTP, str(error), error.hint
        case otls.Error():
            return Exit.INTERNAL, str(error), error.hint
        case TimeoutError():
            return Exit.NETWORK, str(error), "see the other terminals; --timeout changes how long to wait"
        case OSError() if error.filename is not None:
            return Exit.FILES, f"{error.filename}: {error.strerror}", ""
        case OSError():
            return Exit.NETWORK, f"network: {error.strerror or error}", ""
    return Exit.INTERNAL, f"unexpected {type(error).__name__}: {error}", "please report this as a bug"


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    # What a shell shows for a program that a signal ended; quiet, like Ctrl-C.
    os._exit(128 + number)


#: Alerts that say that our certificate was refused (RFC 8446 §6.2).
CERTIFICATE_ALERTS = {
    "access_denied",
    "bad_certificate",
    "certificate_expired",
    "certificate_required",
    "certificate_revoked",
    "certificate_unknown",
    "unknown_ca",
    "unsupported_certificate",
}

#: Lines of a log that may wait to be written, and how long the end waits for the last of them (seconds).
MAX_WAITING_LINES = 1024
LAST_LINES_WAIT = 1.0

#: What a program says of itself.
LOG = Log()

#: No key, certificate or register that the programs read is larger.
MAX_FILE_SIZE = 16 * 1024 * 1024
