"""What an attack is, what was seen of it, and whether that is as it should be."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


class CannotRun(Exception):
    """Something that the attack needs is not on this machine."""


@dataclass(frozen=True)
class Seen:
    """What was observed of one attack on one of the two."""

    #: Whether the attacker got what he wanted.
    fell: bool
    #: What happened, in words.
    what: str
    #: The check that stopped it: the name of an alert, of an error or of a verdict. Empty where nothing did.
    check: str = ""
    #: The text of the error that was really raised.
    error: str = ""


@dataclass(frozen=True)
class Attack:
    """One row: what the man in the middle does to each of the two."""

    #: Stable: the anchor of the row on the page, and what ``--only`` takes.
    id: str
    title: str
    original: Callable[[], Seen]
    otls: Callable[[], Seen]
    #: The checks of which one has to be what stops it. Any other is a failure of the row: it may be that the
    #: attack never got to what it is about.
    expected: tuple[str, ...]
    #: What that check is, in a few words.
    rule: str
    #: Two sentences for a beginner.
    lesson: str
    #: Where it is written: an RFC and its section.
    source: str


@dataclass(frozen=True)
class Row:
    """An attack that was run."""

    attack: Attack
    original: Seen | None = None
    otls: Seen | None = None
    #: Why it was not run: what is missing on this machine.
    skipped: str = ""
    #: Why it did not come to an end.
    broken: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def problems(self) -> list[str]:
        """All that is not as it should be; empty for a good row and for one that was skipped."""
        found = list(self.broken)
        if self.original and not self.original.fell:
            found.append(f"the attack does not work on the original: {self.original.what}")
        if self.otls and self.otls.fell:
            found.append(f"otls does not hold: {self.otls.what}")
        elif self.otls and self.otls.check not in self.attack.expected:
            wanted = " or ".join(self.attack.expected)
            found.append(
                f"otls held by {self.otls.check or 'nothing'}, and not by {wanted}: {self.otls.what}"
            )
        if not self.skipped and not found and not (self.original and self.otls):
            found.append("nothing was observed")
        return found

    @property
    def status(self) -> str:
        """``"ok"``, ``"failed"`` or ``"skipped"``."""
        if self.problems:
            return "failed"
        return "skipped" if self.skipped else "ok"


def run(attack: Attack) -> Row:
    """Runs an attack on both. What an attack raises is a problem of its row and not of the others."""
    seen: dict[str, Seen] = {}
    broken: list[str] = []
    start = time.monotonic()
    for name, work in (("the original", attack.original), ("otls", attack.otls)):
        try:
            seen[name] = work()
        except CannotRun as reason:
            return Row(attack, skipped=str(reason), seconds=time.monotonic() - start)
        except Exception as error:  # noqa: BLE001  (whatever it is, the row has failed)
            broken.append(f"the attack on {name} did not end: {type(error).__name__}: {error}")
    return Row(
        attack,
        seen.get("the original"),
        seen.get("otls"),
        broken=tuple(broken),
        seconds=time.monotonic() - start,
    )


def exit_code(rows: list[Row]) -> int:
    """0 if each row is as it should be or was skipped, else 1; a lab without rows shows nothing."""
    return 1 if not rows or any(row.problems for row in rows) else 0
