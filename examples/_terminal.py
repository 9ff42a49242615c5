"""What the programs share at the terminal: questions, flags, progress, exit codes."""

from __future__ import annotations

import argparse
import contextlib
import os
import queue
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import NoReturn, TypeVar

import otls

T = TypeVar("T")
Number = TypeVar("Number", int, float)

Exit = IntEnum("Exit", "OK INTERNAL USAGE FILES TTP NETWORK CERTIFICATE PROTOCOL OTP", start=0)
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

    def __init__(self, code: int, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.code, self.hint = code, hint


@contextlib.contextmanager
def blame(code: int, text: str, hint: str = "") -> Iterator[None]:
    """Ends the program when the block fails, saying what it was about."""
    try:
        yield
    except (otls.Error, OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise Stop(code, f"{text}: {why}", hint or getattr(error, "hint", "")) from error


@dataclass(frozen=True)
class Question:
    """A question, its default and its check; a flag of its name answers it too."""

    name: str
    text: str
    default: str
    check: Callable[[str], str]

    def accept(self, answer: str) -> str:
        """The answer as it is used; an error of argparse if it is not good."""
        try:
            return self.check(answer)
        except ValueError as error:
            why = str(error).removeprefix("name not acceptable: ")
            raise argparse.ArgumentTypeError(f"{answer!r} is not accepted: {why}") from error


class Operator:
    """The person at the terminal, or the flags that stand in for one."""

    #: Called before each question: raises if nobody waits for the answer any more.
    before: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, program: str, args: argparse.Namespace, questions: Sequence[Question] = ()) -> None:
        self.args = args
        #: What is shown of the connections to who wants to understand them.
        self.trace = self._trace(program)
        self.is_interactive = sys.stdin is not None and sys.stdin.isatty() and not args.no_input
        is_plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not is_seen()
        self._label = f"{program}:" if is_plain else f"\x1b[1m{program}:\x1b[0m"
        missing = [f"--{question.name}" for question in questions if getattr(args, question.name) is None]
        if missing and not self.is_interactive and not args.no_input:
            text = f"no answer for {', '.join(missing)}, and standard input is not a terminal to ask on"
            raise Stop(Exit.USAGE, text, "give the flags, or --no-input for the defaults")

    def _trace(self, program: str) -> otls.Trace | None:
        path, party = self.args.explain, PARTIES[program]
        if path is None:
            return None
        if path == TERMINAL:
            return remember(otls.Trace(party=party, title=program, echo=True))
        hint = "choose another name, or move the file away"
        with blame(Exit.FILES, f"--explain {path}", hint):
            return remember(otls.Trace(path, party=party, title=program))

    def tell(
        self,
        step: str,
        text: str,
        secret: dict[str, str | int | bool | None] | None = None,
        **members: str | int | bool | None,
    ) -> None:
        """A step of this program, for ``--explain FILE``: at the terminal it is said anyway."""
        if self.trace is not None and self.args.explain != TERMINAL:
            self.trace.story(step, text, secret=secret, **members)

    def ask(self, question: Question, label: str = "") -> str:
        """The answer of a flag, of the person, or the default, in which ``label`` stands for NAME."""
        self.before()
        answer: str | None = getattr(self.args, question.name)
        default = question.default.replace("NAME", label)
        while answer is None and self.is_interactive:
            typed = self.read(f"{question.text} [{default or 'none'}]", f"--{question.name}")
            try:
                answer = question.accept(typed or default)
            except argparse.ArgumentTypeError as error:
                self.say(str(error))
        answer = question.accept(default) if answer is None else answer
        self.tell("question", f"{question.text}: {answer}", question=question.text, answer=answer)
        return answer

    def read(self, prompt: str, flag: str) -> str:
        """A line from the person."""
        # The prompt goes to standard error: standard output is for the message alone.
        say(f"{self._label} {prompt}: ", end="")
        flush()
        line = sys.stdin.readline()
        if not line:
            say("")
            raise Stop(Exit.USAGE, f"the input ended at the question: {prompt}", f"answer it, or give {flag}")
        return line.strip()

    def say(self, text: str) -> None:
        """A line of progress, whatever a peer has put in it."""
        say(f"{self._label} {printable(text)}")

    def wait_for(
        self, whom: str, attempt: Callable[[], T], code: int, is_starting: Callable[[], bool] = lambda: False
    ) -> T:
        """What ``attempt`` returns; tried until --wait seconds have passed since somebody was starting."""
        errors = (ConnectionRefusedError, FileNotFoundError)
        with contextlib.suppress(*errors):
            return attempt()
        self.say(f"waiting up to {self.args.wait:g} s for {whom}")
        begin = last_seen = time.monotonic()
        while True:
            try:
                return attempt()
            except errors as error:
                now = time.monotonic()
                if now - last_seen > self.args.wait:
                    text = f"gave up waiting for {whom} after {now - begin:.0f} s"
                    raise Stop(code, text, "start it, or see --help") from error
            time.sleep(0.1)
            if is_starting():
                last_seen = time.monotonic()

    def key_password(self) -> bytes | None:
        """The password of private keys: from a file or the environment, never from an argument."""
        password = os.environb.get(b"OTLS_KEY_PASSWORD")
        if self.args.key_password_file is not None:
            password = read_file(self.args.key_password_file).rstrip(b"\r\n")
        if password == b"":
            text = "the password in --key-password-file, or OTLS_KEY_PASSWORD, is empty"
            raise Stop(Exit.FILES, text, "put the password there, or leave it out")
        return password

    def load_key(self, path: Path) -> otls.PrivateKey:
        """The private key in a file."""
        return load(path, partial(otls.load_key, password=self.key_password()))


def say(text: str, end: str = "\n") -> None:
    """Puts a line on standard error, soon: whoever does not read it neither stops nor slows the program."""
    global LOST
    try:
        LINES.put_nowait(text + end)
    except queue.Full:
        LOST += 1


def flush() -> None:
    """Waits until all lines are written, or nobody has read them for a second."""
    end = time.monotonic() + 1.0
    while LINES.unfinished_tasks and time.monotonic() < end:
        time.sleep(0.002)


def write_lines() -> None:
    """What a thread does for ever."""
    global LOST
    while True:
        line = LINES.get()
        if LOST:
            line += f"{LOST} lines were not written: nobody read them in time\n"
            LOST = 0
        # There may be no standard error, or nobody behind it.
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.write(line)
            sys.stderr.flush()
        LINES.task_done()


def is_seen() -> bool:
    """Whether a person looks at standard error; it is ``None`` where it was closed before the start."""
    return sys.stderr is not None and sys.stderr.isatty()


def printable(text: str) -> str:
    """``text`` without what could move a terminal's cursor or add lines."""
    return "".join(character if character.isprintable() else "?" for character in text)


def make_parser(about: str, example: str, questions: Sequence[Question] = ()) -> argparse.ArgumentParser:
    """A parser with a flag for each question, whose --help ends with an example and the exit codes."""
    parser = argparse.ArgumentParser(
        description=about,
        epilog=f"example:\n  {example}\n\n{EXIT_CODES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    text = "show what happens, one line for each message; or write it to FILE with all keys: a page if it"
    text += " is .html, otherwise what `otls explain` joins to one"
    parser.add_argument("--explain", nargs="?", const=TERMINAL, metavar="FILE", help=text)
    if questions:
        add = parser.add_argument_group("answers (asked for at the terminal if not given)").add_argument
        for one in questions:
            text = f"{one.text} (default: {one.default or 'none'})"
            add(f"--{one.name}", type=one.accept, metavar="TEXT", help=text)
        add("--no-input", action="store_true", help="ask nothing: defaults for what no flag answers")
        text = "password of the private key, on the first line (or OTLS_KEY_PASSWORD in the environment)"
        add("--key-password-file", type=Path, metavar="FILE", help=text)
    return parser


def between(least: Number, most: Number) -> Callable[[str], Number]:
    """A number, for argparse."""

    def check(text: str) -> Number:
        with contextlib.suppress(ValueError):
            if least <= (number := type(least)(text)) <= most:
                return number
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least} to {most}")

    return check


port, count, seconds = between(0, 65535), between(1, 1_000_000), between(0.001, 86400.0)


def address(text: str) -> otls.Address:
    """HOST:PORT, for argparse."""
    host, _, number = text.rpartition(":")
    if not host:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.removeprefix("[").removesuffix("]"), port(number)


def load(path: Path, loader: Callable[[bytes], T], hint: str = "") -> T:
    """What a file holds."""
    data = read_file(path)
    with blame(Exit.FILES, str(path), hint):
        return loader(data)


def read_file(path: Path) -> bytes:
    """The octets of a file; bounded, for a path that may name anything."""
    hint = "check the path and its permissions"
    with blame(Exit.FILES, f"cannot read {path}", hint), path.open("rb") as file:
        data = file.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        text = f"{path} is larger than {MAX_FILE_SIZE} octets"
        raise Stop(Exit.FILES, text, "check that it is the right file")
    return data


def run(program: str, main: Callable[[], int]) -> NoReturn:
    """Runs a program: whatever goes wrong is one line on standard error and an exit code."""
    signal.signal(signal.SIGTERM, lambda number, _: end(128 + number))
    try:
        code = main()
        print(end="", flush=True)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
        say("", end="\n" if is_seen() else "")
    except Exception as error:  # noqa: BLE001  (the one place where everything ends)
        code, text = explain(error)
        say(f"{program}: error: {printable(text)}")
    end(code)


def end(code: int) -> NoReturn:
    """Ends the program, which neither threads that serve others nor an output that nobody reads hold up."""
    for trace in TRACES:
        try:
            if path := trace.close():
                say(f"what happened is in {Path(path).resolve()}, with all keys: keep it to yourself")
        except OSError as error:
            say(f"--explain: {error.strerror or error}")
    flush()
    os._exit(code)


def remember(trace: otls.Trace) -> otls.Trace:
    """Has a trace ended when the program ends."""
    TRACES.append(trace)
    return trace


def explain(error: Exception) -> tuple[int, str]:
    """The exit code for an exception, and a line that says what happened and what to do about it."""
    code, text, hint = Exit.INTERNAL, str(error), getattr(error, "hint", "")
    match error:
        case Stop():
            return error.code, f"{text} ({hint})" if hint else text
        case otls.TruncatedError():
            code, text = Exit.NETWORK, "the peer closed the connection half way"
            hint = "see its terminal for the reason; start it again if it has ended, and then this"
        case otls.AlertReceived(alert=str(alert)) if re.search(REFUSED, alert):
            code = Exit.CERTIFICATE
        case otls.ProtocolError():
            code = Exit.PROTOCOL
        case otls.CertificateError():
            code = Exit.CERTIFICATE
        case otls.OtpError():
            code = Exit.OTP
        case TimeoutError():
            code, hint = Exit.NETWORK, "see the other terminals; --timeout changes how long to wait"
        case OSError(filename=None):
            code, text = Exit.NETWORK, f"network: {error.strerror or error}"
        case OSError():
            code, text = Exit.FILES, f"{error.filename}: {error.strerror}"
        case Exception() if not isinstance(error, otls.Error):
            text, hint = f"unexpected {type(error).__name__}: {text}", "please report this as a bug"
    return code, f"{text} ({hint})" if hint else text


#: ``--explain`` without a file.
TERMINAL = "-"

#: Whose trace a program writes.
PARTIES = {"my_ttp": "ttp", "my_server": "bank", "my_client": "customer"}

#: Traces that end with the program.
TRACES: list[otls.Trace] = []

#: Alerts that refuse our certificate (RFC 8446 §6.2).
REFUSED = "certificate|access_denied|unknown_ca"

#: No key, certificate or register that the programs read is larger.
MAX_FILE_SIZE = 16 * 1024 * 1024

#: Lines that wait to be written to standard error, and how many had no room there.
LINES: queue.Queue[str] = queue.Queue(1024)
LOST = 0
threading.Thread(target=write_lines, name="log", daemon=True).start()
