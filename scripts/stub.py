"""Writes the docstrings of the Python stub anew from those of the compiled module: `make stub`.

    stub.py [--check]

What `help()` says and what an editor shows is one text, that of bindings/python/src. With --check nothing is
written, and a stub that says something else is an error.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from otls import _otls

STUB = Path(__file__).resolve().parent.parent / "bindings" / "python" / "python" / "otls" / "_otls.pyi"
WIDTH = 110


def main() -> int:
    old = STUB.read_text(encoding="utf-8")
    new = rewritten(old)
    if old == new:
        return 0
    if "--check" in sys.argv[1:]:
        print(f"{STUB} does not say what help() says: run `make stub`", file=sys.stderr)
        return 1
    STUB.write_text(new, encoding="utf-8")
    return 0


def rewritten(text: str) -> str:
    """The stub with the docstrings of the compiled module."""
    lines = text.splitlines()
    # From the end, so that the numbers of earlier lines hold.
    for node, thing in sorted(described(ast.parse(text), _otls), key=lambda pair: -pair[0].lineno):
        doc = inspect.getdoc(thing)
        if not doc or not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        first = node.body[0]
        start = first.lineno - 1
        has_doc = ast.get_docstring(node) is not None
        end = (first.end_lineno or first.lineno) if has_doc else start
        if isinstance(node, ast.FunctionDef) and not has_doc:
            # `def f() -> None: ...` has its body on the line of its signature.
            last = node.end_lineno or node.lineno
            if lines[last - 1].endswith(": ..."):
                lines[last - 1] = lines[last - 1].removesuffix(" ...")
            start = end = last
        lines[start:end] = written(doc, " " * (node.col_offset + 4))
    return "\n".join(lines) + "\n"


def described(tree: ast.Module | ast.ClassDef, owner: object) -> Iterator[tuple[ast.stmt, object]]:
    """The definitions that the module has too, but for those of Python itself."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("__"):
            continue
        thing = inspect.getattr_static(owner, node.name, None)
        if isinstance(thing, staticmethod | classmethod):
            thing = thing.__func__
        if thing is not None:
            yield node, thing
        if isinstance(node, ast.ClassDef):
            yield from described(node, thing)


def written(doc: str, indent: str) -> list[str]:
    """A docstring in the words of Python's documentation: code between two backticks."""
    doc = re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", doc)
    paragraphs = [paragraph.split("\n") for paragraph in doc.split("\n\n")]
    lines: list[str] = []
    for number, paragraph in enumerate(paragraphs):
        lines += [""] if number else []
        lines += textwrap.wrap(
            " ".join(paragraph),
            WIDTH - len(indent) - (0 if number else 6),
            break_long_words=False,
            break_on_hyphens=False,
        )
    if len(lines) == 1:
        return [f'{indent}"""{lines[0]}"""']
    first, *rest = lines
    return [f'{indent}"""{first}', *(indent + line if line else "" for line in rest), f'{indent}"""']


if __name__ == "__main__":
    sys.exit(main())
