"""The command line of the lab."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .attacks import ATTACKS
from .page import as_html
from .table import as_json, as_text
from .verdict import Attack, Row, exit_code, run

USAGE = 2
DESCRIPTION = "A man in the middle attacks a model of the original design, and otls; shows what came of it."
EPILOG = """example: python examples/attack_lab --only flip --only replay

exit code: 0 if each attack works on the original and not on otls, 1 if not, 2 for a wrong command line or a
file that cannot be written. An attack that needs a program that this machine lacks is not run, and named."""


def main(arguments: list[str] | None = None, attacks: tuple[Attack, ...] = ATTACKS) -> int:
    """Runs what is asked for; returns the exit code."""
    args = _parse(arguments, attacks)
    if args.list:
        print("\n".join(f"{attack.id:20}{attack.title}" for attack in attacks))
        return 0
    rows = [run(attack) for attack in attacks if not args.only or attack.id in args.only]
    return _show(rows, args)


def _parse(arguments: list[str] | None, attacks: tuple[Attack, ...]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="attack_lab",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [attack.id for attack in attacks]
    text = "run this attack alone; may be given several times"
    parser.add_argument("--only", metavar="NAME", action="append", choices=names, help=text)
    parser.add_argument("--list", action="store_true", help="list the attacks and run none")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the rows as one page, too")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser.parse_args(arguments)


def _show(rows: list[Row], args: argparse.Namespace) -> int:
    print(as_json(rows) if args.json else as_text(rows))
    if args.html:
        try:
            args.html.write_text(as_html(rows), encoding="utf-8")
        except OSError as error:
            print(f"attack_lab: cannot write {args.html}: {error.strerror}", file=sys.stderr)
            return USAGE
    return exit_code(rows)
