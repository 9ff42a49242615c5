"""Puts one fault at a time into the code and asks the tests: `make mutants`.

    mutants.py run [--jobs N] [--only TEXT] [--again KIND] [--seconds N]
    mutants.py report

cargo-mutants says which faults there are; tests/mutants/plan.toml which of them are tried, and by which
tests. The outcomes are in tests/mutants/results.tsv, one line for a mutant, under a name that does not move
when other code does, and with a hash of its function: a run tries only those that are missing or whose
function has changed, and can be stopped at any time. `report` writes docs/mutants.md from them, with the
reasons of tests/mutants/reasons.toml.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import queue
import shutil
import subprocess
import sys
import threading
import time
import tomllib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from mutate import MAX_SECONDS, MIN_SECONDS, ROOT, BuildFailed, Outcome, Tree, output

FOLDER = ROOT / "tests" / "mutants"
PLAN = FOLDER / "plan.toml"
REASONS = FOLDER / "reasons.toml"
RESULTS = FOLDER / "results.tsv"
DOCUMENT = ROOT / "docs" / "mutants.md"

CAUGHT = ("caught", "timeout")
# Of the mutants that compile, so many have to be caught (in per cent).
REQUIRED = 95

INTRODUCTION = """# Mutants: faults that the tests have to notice

`make mutants` puts one fault at a time into the code: all that cargo-mutants knows for the record layer
and the connection, and {sample} of the other files, chosen by a committed seed. Each is put before the
test programs of its subject and the unit tests of its room (`tests/mutants/plan.toml`), at most 90 seconds
each. Outcomes are in `tests/mutants/results.tsv`, by mutant; a run goes on where the last one stopped and
tries what has changed. `make mutants AGAIN=missed` tries the survivors once more. This page is written by it.
"""


@dataclass(frozen=True)
class Mutant:
    key: str
    # Of the function's text: the outcome holds for it alone.
    digest: str
    file: str
    diff: str
    subject: int


Results = dict[str, tuple[str, str, str]]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="try the mutants that have no outcome yet")
    run.add_argument("--jobs", type=int, default=2, help="mutants at a time, each in a copy of the tree")
    run.add_argument("--only", default="", help="those with this text in their name, chosen or not")
    run.add_argument("--again", default="", help="those with this outcome once more, such as missed")
    run.add_argument("--seconds", type=int, default=0, help="begin no mutant after so long")
    commands.add_parser("report", help="write docs/mutants.md")
    arguments = parser.parse_args()
    plan = tomllib.loads(PLAN.read_text(encoding="utf-8"))
    install()
    chosen = select(plan, arguments.only if arguments.command == "run" else "")
    if arguments.command == "run":
        return try_all(plan, chosen, arguments)
    return report(plan, chosen)


def install() -> None:
    if not shutil.which("cargo-mutants"):
        subprocess.run(["cargo", "install", "--locked", "cargo-mutants"], check=True)


def select(plan: dict[str, Any], only: str) -> list[Mutant]:
    """The mutants of the plan; with `only` those of its files that have the text in their name."""
    mutants = listed(plan)
    if only:
        return [mutant for mutant in mutants if only in mutant.key]
    subjects = plan["subject"]
    rest = [mutant for mutant in mutants if not subjects[mutant.subject].get("all")]
    rest.sort(key=lambda mutant: sha256(f"{plan['seed']} {mutant.key}"))
    sampled = {mutant.key for mutant in rest[: plan["sample"]]}
    return [m for m in mutants if subjects[m.subject].get("all") or m.key in sampled]


def listed(plan: dict[str, Any]) -> list[Mutant]:
    """All faults that cargo-mutants knows for the files of the plan."""
    subjects = plan["subject"]
    files = [part for subject in subjects for part in ("-f", f"{subject['source'].removesuffix('.rs')}*")]
    files += [part for subject in subjects for part in ("-f", f"{subject['source'].removesuffix('.rs')}*/**")]
    found = json.loads(output("cargo", "mutants", "--list", "--json", "--diff", "--workspace", *files))
    mutants: list[Mutant] = []
    seen: Counter[str] = Counter()
    for one in found:
        file = one["file"]
        subject = next((i for i, s in enumerate(subjects) if file.startswith(s["source"])), None)
        if subject is None:
            continue
        # "file:line:column: what", and the same thing may be at several places of a function.
        key = f"{file}: {one['name'].split(': ', 1)[1]}"
        seen[key] += 1
        if seen[key] > 1:
            key = f"{key} ({seen[key]})"
        span = (one["function"] or one)["span"]
        lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
        text = "\n".join(lines[span["start"]["line"] - 1 : span["end"]["line"]])
        mutants.append(Mutant(key, sha256(text)[:12], file, one["diff"], subject))
    return mutants


def try_all(plan: dict[str, Any], chosen: list[Mutant], arguments: argparse.Namespace) -> int:
    results = load()
    waiting = [
        mutant
        for mutant in chosen
        if results.get(mutant.key, ("", "", ""))[1] != mutant.digest
        or results[mutant.key][0] == arguments.again
    ]
    print(f"{len(chosen)} mutants, {len(chosen) - len(waiting)} with an outcome", flush=True)
    if not waiting:
        return 0
    # Neighbours share a test program, and what was built for one is fresh for the next.
    work: queue.SimpleQueue[Mutant] = queue.SimpleQueue()
    for mutant in waiting:
        work.put(mutant)
    lock = threading.Lock()
    start = time.monotonic()
    failed = threading.Event()

    def keep(mutant: Mutant, outcome: Outcome, seconds: float) -> None:
        with lock:
            results[mutant.key] = (outcome.kind, mutant.digest, outcome.by)
            save(results)
            print(f"{outcome.kind:8} {seconds:5.1f} s  {mutant.key}  {outcome.by}", flush=True)

    def worker(number: int) -> None:
        try:
            with lock:
                tree = Tree(number, arguments.jobs)
            sound = Baseline(tree, plan)
            while not failed.is_set():
                if arguments.seconds and time.monotonic() - start > arguments.seconds:
                    return
                try:
                    mutant = work.get_nowait()
                except queue.Empty:
                    return
                subject = plan["subject"][mutant.subject]
                limit = sound.limit(subject)
                begun = time.monotonic()
                keep(mutant, judge(tree, plan, subject, mutant, limit), time.monotonic() - begun)
        except BaseException:
            failed.set()
            raise

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(arguments.jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tried = len(waiting) - work.qsize()
    seconds = time.monotonic() - start
    print(f"{tried} mutants in {seconds:.0f} s, {seconds / max(1, tried):.1f} s each; {work.qsize()} left")
    return 1 if failed.is_set() else 0


class Baseline:
    """The tests have to pass where there is no fault, and how long that takes."""

    def __init__(self, tree: Tree, plan: dict[str, Any]) -> None:
        self.tree, self.plan = tree, plan
        self.limits: dict[tuple[str, ...], float] = {}

    def limit(self, subject: dict[str, Any]) -> float:
        """Seconds that the subject's tests get with a fault."""
        wanted = (subject["unit"], *subject["programs"])
        if wanted not in self.limits:
            outcome, seconds = ask(self.tree, self.plan, subject, MAX_SECONDS, whole=True)
            if outcome.kind != "missed":
                raise RuntimeError(f"without any fault: {outcome.kind} {outcome.by} ({' '.join(wanted)})")
            self.limits[wanted] = min(MAX_SECONDS, max(MIN_SECONDS, 10 * seconds))
        return self.limits[wanted]


def judge(tree: Tree, plan: dict[str, Any], subject: dict[str, Any], mutant: Mutant, limit: float) -> Outcome:
    sound = tree.read(mutant.file)
    tree.write(mutant.file, patched(sound, mutant.diff))
    try:
        return ask(tree, plan, subject, limit)[0]
    except BuildFailed:
        return Outcome("unviable")
    finally:
        tree.write(mutant.file, sound)


def ask(
    tree: Tree, plan: dict[str, Any], subject: dict[str, Any], limit: float, *, whole: bool = False
) -> tuple[Outcome, float]:
    """The programs' modules one by one and then, where they notice nothing, the unit tests: most mutants need
    one build. What valgrind checks takes seconds, and would notice no fault of these kinds.

    Returns the outcome, and the seconds of the longest of them.
    """
    to_the_end = whole or subject.get("to_the_end", False)
    skipped = [part for name in subject.get("skip", []) for part in ("--skip", name)]
    outcome, longest = Outcome("missed"), 0.0
    for program, filters in (
        *((name.split("::")[0], [name.split("::")[1] + "::", *skipped]) for name in subject["programs"]),
        ("--lib", [subject["unit"], "--skip", "constant_time"]),
    ):
        path = tree.build([program], plan["features"])[program]
        begun = time.monotonic()
        outcome = tree.run(path, filters, to_the_end=to_the_end, limit=limit)
        longest = max(longest, time.monotonic() - begun)
        if outcome.kind != "missed":
            break
    return outcome, longest


def patched(text: str, diff: str) -> str:
    """The text with a unified diff of one file applied."""
    old = text.splitlines()
    new: list[str] = []
    at = 0
    for line in diff.splitlines()[2:]:
        if line.startswith("@@"):
            start = int(line.split("-")[1].split(",")[0]) - 1
            new += old[at:start]
            at = start
        elif line.startswith("+"):
            new.append(line[1:])
        elif line.startswith(("-", " ")):
            if old[at] != line[1:]:
                raise ValueError(f"the diff does not fit: {line}")
            if line.startswith(" "):
                new.append(old[at])
            at += 1
    return "\n".join([*new, *old[at:]]) + "\n"


def load() -> Results:
    if not RESULTS.is_file():
        return {}
    lines = RESULTS.read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {key: (kind, digest, by) for kind, digest, key, by in rows}


def save(results: Results) -> None:
    lines = ["# outcome, hash of the function, mutant, the test that caught it: `make mutants` writes this"]
    lines += ["\t".join((kind, digest, key, by)) for key, (kind, digest, by) in sorted(results.items())]
    part = RESULTS.with_suffix(".part")
    part.write_text("\n".join(lines) + "\n", encoding="utf-8")
    part.replace(RESULTS)


def report(plan: dict[str, Any], chosen: list[Mutant]) -> int:
    results = load()
    reasons = tomllib.loads(REASONS.read_text(encoding="utf-8")) if REASONS.is_file() else {}
    # What is no mutant any more, or was tried beyond the sample, does not count.
    known = {mutant.key: mutant for mutant in chosen}
    results = {key: results[key] for key in known if key in results and results[key][1] == known[key].digest}
    areas: dict[str, Counter[str]] = {}
    for mutant in chosen:
        of_area = areas.setdefault(area_of(mutant.file), Counter())
        of_area[results.get(mutant.key, ("open", "", ""))[0]] += 1
    total = sum(areas.values(), Counter[str]())
    viable = sum(total[kind] for kind in (*CAUGHT, "missed"))
    caught = sum(total[kind] for kind in CAUGHT)
    lines = [
        INTRODUCTION.format(sample=plan["sample"]),
        f"**{caught} of {viable} viable mutants are caught: {percent(caught, viable)}.**",
        f"{total['unviable']} more do not compile, {total['open']} have no outcome yet.",
        "",
        "| code | mutants | do not compile | caught | of them by time | missed | caught of the viable |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for area, found in sorted(areas.items()):
        seen = sum(found[kind] for kind in CAUGHT)
        lines.append(
            f"| {area} | {sum(found.values())} | {found['unviable']} | {seen} | {found['timeout']} | "
            f"{found['missed']} | {percent(seen, seen + found['missed'])} |"
        )
    missed = sorted(key for key, (kind, _, _) in results.items() if kind == "missed")
    lines += ["", "## Survivors, and why", ""]
    lines += ["| mutant | why no test notices |", "| --- | --- |"] if missed else ["None."]
    lines += [f"| `{key.replace('|', chr(92) + '|')}` | {reasons.get(key, 'open')} |" for key in missed]
    DOCUMENT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    stale = sorted(set(reasons) - set(missed))
    for key in stale:
        print(f"a reason for what is no survivor: {key}")
    enough = caught * 100 >= REQUIRED * viable and not total["open"]
    print(
        f"{caught} of {viable} caught ({percent(caught, viable)}), {total['open']} open, {len(missed)} missed"
    )
    return 0 if enough and not stale and all(key in reasons for key in missed) else 1


def area_of(file: str) -> str:
    parts = file.split("/")
    depth = 3 if parts[1] in ("pki", "est") else 2
    return "/".join(parts[:depth]).removesuffix(".rs")


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
