"""Runs the lab: ``python examples/attack_lab``."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    # Run as a folder, whose modules would otherwise be found as `page` or `original`, without their package.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from attack_lab.cli import main

if __name__ == "__main__":
    sys.exit(main())
