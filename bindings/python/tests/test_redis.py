"""A Redis that forgets is refused, unless that is accepted by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from servers import redis_server

import otls

PEPPER = bytes(range(32))
PAYMENT = otls.Context({"amount": "1"})
NO_CONFIG = ["--rename-command", "CONFIG", ""]
NO_INFO = ["--rename-command", "INFO", ""]
BOTH = "?accept=unknown-eviction&accept=less-persistence"


@pytest.mark.parametrize(
    ("settings", "keep", "accept", "words"),
    [
        (["--maxmemory-policy", "allkeys-lru"], True, "", "noeviction"),
        (["--maxmemory-policy", "volatile-ttl"], True, BOTH, "noeviction"),
        (["--maxmemory-policy", "allkeys-lru", *NO_CONFIG], True, BOTH, "noeviction"),
        ([], False, "", "CONFIG SET appendonly yes"),
        (["--appendfsync", "everysec"], True, "", "CONFIG SET appendfsync always"),
        (["--appendfsync", "everysec"], True, "?accept=unknown-eviction", "accept=less-persistence"),
        (NO_CONFIG, True, "", "accept=less-persistence"),
        ([*NO_CONFIG, *NO_INFO], True, "?accept=less-persistence", "accept=unknown-eviction"),
        ([], True, "?accept=anything", "less-persistence"),
    ],
)
def test_a_redis_that_forgets_is_refused_by_name(
    settings: list[str], keep: bool, accept: str, words: str, tmp_path: Path
) -> None:
    with (
        redis_server(tmp_path, *settings, keep=keep) as server,
        pytest.raises(otls.OtpStoreError, match=words),
    ):
        otls.Ledger(server + accept, pepper=PEPPER)


@pytest.mark.parametrize(
    ("settings", "keep", "accept"),
    [
        ([], True, ""),
        ([], False, "?accept=less-persistence"),
        (NO_CONFIG, True, "/0?accept=less-persistence"),
        ([*NO_CONFIG, *NO_INFO], True, f"/0{BOTH}"),
    ],
)
def test_a_redis_that_does_not_tell_is_accepted_by_name(
    settings: list[str], keep: bool, accept: str, tmp_path: Path
) -> None:
    with redis_server(tmp_path, *settings, keep=keep) as server:
        ledger = otls.Ledger(server + accept, pepper=PEPPER)
        issued = ledger.issue("asha", PAYMENT)
        assert ledger.verify(issued.id, "asha", PAYMENT, issued.code).accepted


def test_a_redis_that_is_changed_is_refused_when_a_connection_is_made_again(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        ledger = otls.Ledger(server, pepper=PEPPER)
        issued = ledger.issue("asha", PAYMENT)
        for words in ("CONFIG SET maxmemory-policy allkeys-lru", "CLIENT KILL TYPE normal"):
            subprocess.run(["redis-cli", "-u", server, *words.split()], check=True, capture_output=True)
        with pytest.raises(otls.OtpStoreError):
            ledger.verify(issued.id, "asha", PAYMENT, issued.code)
        with pytest.raises(otls.OtpStoreError, match="allkeys-lru"):
            ledger.verify(issued.id, "asha", PAYMENT, issued.code)
