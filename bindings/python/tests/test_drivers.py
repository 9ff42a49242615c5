"""Each driver in each scenario, in small, with OpenSSL as the peer and partly with itself.

What the scenarios are is in ``driver_matrix.py``.

``make interop`` runs all of it in its whole size, beside Go as well.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from driver_matrix import SCENARIOS, drivers, make_keys, run

NAMES = ["Rust, blocking", "tokio", "Python, blocking", "asyncio", "C, epoll"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of both sides."""
    folder = tmp_path_factory.mktemp("drivers")
    make_keys(folder)
    return folder


@pytest.fixture(scope="module")
def programs(place: Path) -> dict[str, list[str]]:
    """The drivers' programs."""
    found = drivers(place)
    assert list(found) == NAMES
    return found


CELLS = [(scenario, "OpenSSL") for scenario in SCENARIOS]
CELLS += [(scenario, "otls") for scenario in ("echo", "both", "cut", "cancel")]


@pytest.mark.parametrize(("scenario", "peer"), CELLS)
@pytest.mark.parametrize("driver", NAMES)
def test_a_driver_comes_through(
    place: Path, programs: dict[str, list[str]], driver: str, scenario: str, peer: str
) -> None:
    small = SCENARIOS[scenario].small
    assert run(programs[driver], peer, scenario, small, place) == "ok"
