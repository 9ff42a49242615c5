"""The rows as text for a terminal, and as JSON."""

from __future__ import annotations

import json
import shutil
import textwrap

from .verdict import Row, Seen

HEADINGS = ("attack", "the original", "otls")
#: Where the output is no terminal.
WIDTH = 110
#: What a column may shrink to.
NARROWEST = 24


def as_text(rows: list[Row], width: int | None = None) -> str:
    """A table of three columns, each row with its observations, and what is not as it should be below."""
    width = width or shutil.get_terminal_size((WIDTH, 24)).columns
    column = max(NARROWEST, (width - 4) // 3)
    widths = (column, column, max(NARROWEST, width - 4 - 2 * column))
    lines = [_line(HEADINGS, widths), "  ".join("-" * wide for wide in widths)]
    for row in rows:
        cells = [_wrap(text, wide) for text, wide in zip(_cells(row), widths, strict=True)]
        for number in range(max(map(len, cells))):
            lines.append(_line([cell[number] if number < len(cell) else "" for cell in cells], widths))
        lines.append("")
    return "\n".join([*lines, *summary(rows)])


def _line(cells: list[str] | tuple[str, ...], widths: tuple[int, ...]) -> str:
    return "  ".join(cell.ljust(wide) for cell, wide in zip(cells, widths, strict=True)).rstrip()


def _wrap(text: str, width: int) -> list[str]:
    return [line for part in text.split("\n") for line in textwrap.wrap(part, width)]


def _cells(row: Row) -> tuple[str, str, str]:
    attack = f"{row.attack.id}\n{row.attack.title}"
    if row.skipped:
        return attack, "not run", f"not run: {row.skipped}"
    return attack, original_word(row) + what(row.original), otls_word(row) + what(row.otls) + check(row)


def what(seen: Seen | None) -> str:
    """What was observed."""
    return seen.what if seen else "It did not come to an end."


def original_word(row: Row) -> str:
    """``fell`` or ``held``; nothing where nobody attacks."""
    if row.attack.id == "nobody" or not row.original:
        return ""
    return "FELL. " if row.original.fell else "HELD. "


def otls_word(row: Row) -> str:
    """``held`` or ``fell``; nothing where nobody attacks."""
    if row.attack.id == "nobody" or not row.otls:
        return ""
    return "FELL. " if row.otls.fell else "HELD. "


def check(row: Row) -> str:
    """Which check held, and where it is written."""
    if not row.otls or not row.otls.check:
        return ""
    return f"\n{row.otls.check}: {row.attack.rule} ({row.attack.source})."


def summary(rows: list[Row]) -> list[str]:
    """How many rows are as they should be; what is not, and what was not run, by name."""
    bad = [f"{row.attack.id}: {problem}" for row in rows for problem in row.problems]
    skipped = [f"{row.attack.id}: NOT RUN: {row.skipped}" for row in rows if row.skipped]
    good = sum(row.status == "ok" for row in rows)
    return [f"{good} of {len(rows)} rows are as they should be.", *skipped, *bad]


def as_json(rows: list[Row]) -> str:
    """The rows for a program."""
    return json.dumps(
        {
            "ok": bool(rows) and all(row.status != "failed" for row in rows),
            "rows": [
                {
                    "id": row.attack.id,
                    "title": row.attack.title,
                    "status": row.status,
                    "problems": row.problems,
                    "skipped": row.skipped or None,
                    "original": row.original and {"fell": row.original.fell, "what": row.original.what},
                    "otls": row.otls
                    and {
                        "held": not row.otls.fell,
                        "what": row.otls.what,
                        "check": row.otls.check,
                        "error": row.otls.error or None,
                    },
                    "rule": row.attack.rule,
                    "lesson": row.attack.lesson,
                    "source": row.attack.source,
                }
                for row in rows
            ],
        },
        ensure_ascii=False,
        indent=2,
    )
