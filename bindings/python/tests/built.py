"""What cargo builds for the tests: the C library and programs, of what the tests in Rust have built."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def built(*arguments: str) -> list[Path]:
    """The programs and libraries that ``cargo build`` makes with these arguments."""
    command = ["cargo", "build", *arguments, "--locked", "--quiet", "--message-format=json"]
    run = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    found = []
    for line in run.stdout.splitlines():
        message = json.loads(line)
        if message.get("reason") == "compiler-artifact" and "otls" in message["package_id"]:
            found += [Path(name) for name in message["filenames"]]
            found += [Path(message["executable"])] if message.get("executable") else []
    return found


def c_library() -> Path:
    """The C library as the tests in Rust have it, with all stores."""
    paths = built("--package", "otls-capi", "--features", "redis,postgres")
    return next(path for path in paths if path.name == "libotls.so")


def example(name: str) -> Path:
    """An example of the library, chosen with the members and features of ``make test-rust``.

    With others, cargo would build what both depend on a second time.
    """
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    members, features = (
        re.search(rf"^{variable} *:= (.+)$", makefile, re.MULTILINE)[1]  # type: ignore[index]
        for variable in ("OURS", "ALL_FEATURES")
    )
    paths = built("--example", name, *members.split(), "--features", features)
    return next(path for path in paths if path.name == name)
