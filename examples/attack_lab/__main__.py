"""Runs the lab: ``python examples/attack_lab``."""

from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    # Run as a folder, whose modules would otherwise be found as `page` or `original`, without their package.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

try:
    from attack_lab.cli import main
except ModuleNotFoundError as missing:
    module = (missing.name or "").partition(".")[0]
    if module not in ("Crypto", "cryptography", "otls"):
        raise
    reason = f"the module {module} is missing: `make lab` installs all that is needed"
    print(f"attack_lab: {reason}", file=sys.stderr)
    sys.exit(2)

if __name__ == "__main__":
    sys.exit(main())
