#!/usr/bin/env python3
"""crates.py LIBRARY: the ten largest crates of a shared library, by the symbols of a build that has them.

A symbol is of the first crate that it names. `nm` says of a symbol how long it is; what has none (tables for
unwinding, relocations) is of no crate.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter

LARGEST = 10
# Of Rust: a path, or an implementation as `<aes::Aes128 as ...>`, of a reference perhaps.
PATH = re.compile(r"^(?:[<&*(\[]|mut |dyn |const )*([a-z_][a-z0-9_]*)(?:\[[0-9a-f]+\])?::")
# AWS-LC's symbols have its version in front of them.
AWS_LC = re.compile(r"^aws_lc_[0-9_]+")


def main() -> int:
    (library,) = sys.argv[1:]
    command = ["nm", "--size-sort", "--print-size", "--demangle", library]
    symbols = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    sizes = by_crate(symbols)
    if not sizes:
        print(f"crates: {library} has no symbols: CARGO_PROFILE_RELEASE_STRIP=none", file=sys.stderr)
        return 1
    print("| crate | octets of its symbols |\n| --- | ---: |")
    for crate, octets in sizes.most_common(LARGEST):
        print(f"| {crate} | {octets} |")
    print(f"| all | {sizes.total()} |")
    return 0


def by_crate(symbols: str) -> Counter[str]:
    sizes: Counter[str] = Counter()
    for line in symbols.splitlines():
        _, size, kind, name = line.split(" ", 3)
        if kind not in "bB":  # no octets of the file
            sizes[crate_of(name)] += int(size, 16)
    return sizes


def crate_of(name: str) -> str:
    if AWS_LC.match(name):
        return "aws_lc_sys"
    path = PATH.match(name)
    return path[1] if path else "(C, assembly and data without a crate's name)"


if __name__ == "__main__":
    sys.exit(main())
