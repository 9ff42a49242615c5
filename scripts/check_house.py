"""The rules of the house that no compiler or linter knows; part of `make lint`.

Prints one line for each breach and exits with 1 if there is any.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# A reader should hold a file in the head (docs/ARCHITECTURE.md). What is generated is exempt, and the
# stub of the extension module, which is one file for one module.
MAX_LINES = 500
GENERATED = {"include/otls.h", "include/otls_oath.h", "bindings/python/python/otls/_otls.pyi"}

# Everything that is linked into the library; each is compatible with MIT OR Apache-2.0.
LICENSES = {"MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-3-Clause", "ISC", "Unicode-3.0"}
EITHER = {"Unlicense", "Zlib", "BSL-1.0", "CC0-1.0", "MIT-0"}

# rusqlite and the client of PostgreSQL are a generation of this small one apart; no version of either has the
# other's.
TWO_GENERATIONS = {"fallible-iterator"}

UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|\btodo!\(|\bunimplemented!\(|#\[ignore")
# A path of somebody's machine, or a registry's host, has no business in a tracked file.
MACHINE = re.compile(
    r"(?<![\w.$}-])/(root|home|farm)/[a-z]"
    r"|https?://[a-z0-9.-]*(index\.crates\.io|static\.crates\.io|pypi\.org/simple|registry\.npmjs\.org)"
)
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")

TEXT = (".rs", ".py", ".pyi", ".c", ".h", ".md", ".toml", ".sh", ".in", ".yml")
SOURCE = (".rs", ".py", ".pyi", ".c", ".h")


def main() -> int:
    breaches = [*files(), *dependencies()]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


def files() -> Iterator[str]:
    for name in output("git", "ls-files", "--cached", "--others", "--exclude-standard").split("\n"):
        path = Path(name)
        if name == "scripts/check_house.py" or path.suffix not in TEXT or not path.is_file():
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        if path.suffix in SOURCE and len(lines) > MAX_LINES and name not in GENERATED:
            yield f"{name}: {len(lines)} lines, the ceiling is {MAX_LINES}: which part is a room of its own?"
        for number, line in enumerate(lines, start=1):
            if path.suffix in SOURCE and UNFINISHED.search(line):
                yield f"{name}:{number}: unfinished: {line.strip()}"
            if MACHINE.search(line):
                yield f"{name}:{number}: a path of one machine or a registry's host: {line.strip()}"
            if path.suffix == ".md":
                for target in LINK.findall(line):
                    if not (path.parent / target).exists():
                        yield f"{name}:{number}: broken link: {target}"


def dependencies() -> Iterator[str]:
    """One generation of every linked crate, from the registry, under a licence that we can pass on."""
    tree = (
        "cargo",
        "tree",
        "--locked",
        "--workspace",
        "--features",
        "otls-capi/redis,otls-capi/postgres",
        "-e",
        "normal,no-proc-macro",
    )
    seen: dict[str, str] = {}
    lines = output(*tree, "--prefix", "none", "-f", "{p}|{l}").split("\n")
    for line in sorted(set(filter(None, lines))):
        package, _, licence = line.replace(" (*)", "").partition("|")
        name, version, *rest = package.split(" ")
        path_of_ours = any(part.startswith("(/") for part in rest)
        if any("git+" in part or "http" in part for part in rest):
            yield f"dependency {name}: not from the registry"
        if not path_of_ours and name not in TWO_GENERATIONS and seen.setdefault(name, version) != version:
            yield f"dependency {name}: {seen[name]} and {version} are both linked"
        if not is_compatible(licence):
            yield f"dependency {name}: licence {licence or 'unknown'} is not on the list"


def is_compatible(licence: str) -> bool:
    """Whether an SPDX expression leaves us a way: all of its ANDs, one of each OR."""
    known = LICENSES | EITHER
    parts = re.sub(r"[()]", "", licence.replace("/", " OR ")).split(" AND ")
    return all(any(choice.strip() in known for choice in part.split(" OR ")) for part in parts)


def output(*command: str) -> str:
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return run.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
