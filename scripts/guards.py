"""Takes away each check that docs/conformance.md names, one after the other: `make guards`.

    guards.py [--jobs N] [--only PATTERN]

tests/guards.json says which text of which file is the check, and what stands there without it. With each
check gone, a test of each row that names it has to fail, and every test of a row has to fail for one of the
row's checks. A run over all of them writes docs/guards.md.
"""

from __future__ import annotations

import argparse
import json
import queue
import re
import sys
import threading
from dataclasses import dataclass, field

from mutate import ROOT, BuildFailed, Tree

GUARDS = ROOT / "tests" / "guards.json"
CONFORMANCE = ROOT / "docs" / "conformance.md"
DOCUMENT = ROOT / "docs" / "guards.md"
HEADING = "| § | sentence | we are | alert | test | check |"

INTRODUCTION = """# Checks that were taken away

Each check that [conformance.md](conformance.md) names was taken out of the code by itself, as
`tests/guards.json` says, and the tests of its rows were run. `make guards` does so and writes this page.
"""


@dataclass
class Row:
    section: str
    tests: list[str]
    checks: list[str]


@dataclass
class Edit:
    file: str
    search: str
    replace: str


@dataclass
class Guard:
    """A check, and how to take it away."""

    name: str
    edits: list[Edit]
    environment: dict[str, str]
    # The tests of the rows that name it, as program::module::test.
    tests: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--jobs", type=int, default=2, help="checks at a time, each in a copy of the tree")
    parser.add_argument("--only", default="", help="those whose name fits; writes no document")
    arguments = parser.parse_args()
    rows = read_rows()
    guards = [guard for guard in read_guards(rows) if re.search(arguments.only, guard.name)]
    work: queue.SimpleQueue[Guard] = queue.SimpleQueue()
    for guard in guards:
        work.put(guard)
    lock = threading.Lock()
    broken: list[str] = []
    begun: set[int] = set()

    def worker(number: int) -> None:
        try:
            with lock:
                tree = Tree(number, arguments.jobs)
            while not work.empty():
                try:
                    guard = work.get_nowait()
                except queue.Empty:
                    return
                if number not in begun:
                    begun.add(number)
                    sound(tree, guards)
                guard.failed = failures(tree, guard)
                with lock:
                    print(f"{guard.name}: {' '.join(sorted(guard.failed)) or 'NO TEST FAILS'}", flush=True)
        except BaseException as error:
            broken.append(str(error))
            raise

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(arguments.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if not arguments.only and not broken:
        broken += gaps(rows, {guard.name: guard for guard in guards})
        write(guards)
    print("\n".join(broken), file=sys.stderr)
    return 1 if broken else 0


def read_rows() -> list[Row]:
    lines = CONFORMANCE.read_text(encoding="utf-8").splitlines()
    rows = []
    for line in lines[lines.index(HEADING) + 2 :]:
        if not line.startswith("|"):
            break
        section, _, _, _, tests, checks = (cell.strip() for cell in line.strip("|").split("|"))
        names = [[name.strip("`") for name in cell.split(", ")] for cell in (tests, checks)]
        rows.append(Row(section, *names))
    return rows


def read_guards(rows: list[Row]) -> list[Guard]:
    guards = []
    for one in json.loads(GUARDS.read_text(encoding="utf-8")):
        file = one["name"].split(": ")[0]
        edits = [Edit(file, one["search"], one["replace"]), *(Edit(**more) for more in one.get("also", []))]
        environment = {"OTLS_ENGINE": one["engine"]} if "engine" in one else {}
        guard = Guard(one["name"], edits, environment)
        guard.tests = {test for row in rows if guard.name in row.checks for test in row.tests}
        guards.append(guard)
    return guards


def sound(tree: Tree, guards: list[Guard]) -> None:
    """All tests pass while nothing is taken away, with either engine."""
    tests = set().union(*(guard.tests for guard in guards))
    for environment in ({}, {"OTLS_ENGINE": "portable"}):
        failed = run(tree, Guard("", [], environment, tests))
        if failed:
            raise RuntimeError(f"with nothing taken away, these fail: {' '.join(sorted(failed))}")


def failures(tree: Tree, guard: Guard) -> set[str]:
    """The tests that fail without the check."""
    before = {edit.file: tree.read(edit.file) for edit in guard.edits}
    try:
        for edit in guard.edits:
            text = tree.read(edit.file)
            if text.count(edit.search) != 1:
                raise RuntimeError(
                    f"{guard.name}: its text is {text.count(edit.search)} times in {edit.file}"
                )
            tree.write(edit.file, text.replace(edit.search, edit.replace))
        return run(tree, guard)
    except BuildFailed as error:
        raise RuntimeError(f"{guard.name} cannot be taken away like this:\n{error}") from error
    finally:
        for file, text in before.items():
            tree.write(file, text)


def run(tree: Tree, guard: Guard) -> set[str]:
    programs = sorted({test.split("::")[0] for test in guard.tests})
    failed = set()
    for name, path in tree.build(programs, "qr,sqlite,tokio").items():
        wanted = [
            test.removeprefix(f"{name}::") for test in sorted(guard.tests) if test.startswith(f"{name}::")
        ]
        outcome = tree.run(path, ["--exact", *wanted], to_the_end=True, environment=guard.environment)
        if outcome.kind in ("timeout", "caught"):
            failed |= {f"{name}::{test}" for test in outcome.by.split() if test in wanted}
    return failed


def gaps(rows: list[Row], guards: dict[str, Guard]) -> list[str]:
    """Rows whose tests do not fail for what they name."""
    found = []
    for row in rows:
        for check in row.checks:
            if not guards[check].failed & set(row.tests):
                found.append(f"{row.section}: no test of the row fails without {check}")
        for test in row.tests:
            if not any(test in guards[check].failed for check in row.checks):
                found.append(f"{row.section}: {test} fails for none of the row's checks")
    return found


def write(guards: list[Guard]) -> None:
    lines = [
        INTRODUCTION,
        "| check | tests that fail without it |",
        "| --- | --- |",
    ]
    for guard in guards:
        failed = ", ".join(f"`{test}`" for test in sorted(guard.failed))
        lines.append(f"| `{guard.name}` | {failed or 'none'} |")
    DOCUMENT.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
