"""The attack lab: each attack works on the model of the original, none on otls, and a row can fail."""

from __future__ import annotations

import functools
import hmac
import json
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from programs import EXAMPLES

sys.path.insert(0, str(EXAMPLES))

import otls
from attack_lab import channel, cli, model, on_codes, on_secrets, tls13
from attack_lab.attacks import ATTACKS, CERTIFICATES, WIRE
from attack_lab.original import cipher, sides
from attack_lab.page import as_html
from attack_lab.relay import Relay
from attack_lab.table import as_text
from attack_lab.verdict import Attack, CannotRun, Row, Seen, exit_code, run

LAB = EXAMPLES / "attack_lab"
NAMES = [attack.id for attack in ATTACKS]
BY_NAME = {attack.id: attack for attack in ATTACKS}


@functools.cache
def row(name: str) -> Row:
    """A row as it was run, once."""
    return run(BY_NAME[name])


def complete(name: str) -> Row:
    """A row that was run; what cannot be run here is an error, and not a test that is left out."""
    found = row(name)
    assert not found.skipped, found.skipped
    assert not found.broken, found.broken
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_attack_works_on_the_original(name: str) -> None:
    found = complete(name).original
    assert found is not None
    assert found.fell, found.what


@pytest.mark.parametrize("name", NAMES)
def test_otls_holds_by_the_check_that_the_row_is_about(name: str) -> None:
    found = complete(name).otls
    assert found is not None
    assert not found.fell, found.what
    assert found.check in BY_NAME[name].expected, found.what
    assert row(name).status == "ok", row(name).problems


# What the errors say is taken from the library: the row of a check names the reason for it.
REASONS = {
    "swap": "is for mallory.example; expected localhost",
    "stolen-certificate": "the handshake signature does not verify",
    "other-ca": "its signature does not verify with the key of",
    "self-issued": "it has issued a certificate, but is not an authority",
    "expired": "expired at",
    "path": "it is for clientAuth, not serverAuth",
    "no-certificate": "the client sent no certificate",
    "root": "is not trusted",
    "ttp-key": "the request's signature does not verify",
    "name": "belongs to another key",
    "other-payment": 'its "amount" is "10000000", not "50000"',
}


@pytest.mark.parametrize("name", REASONS)
def test_the_error_of_a_row_is_the_one_that_was_raised(name: str) -> None:
    found = complete(name).otls
    assert found is not None
    assert REASONS[name] in found.error


# What the lab shows when something is not as it should be.


def attack(original: Callable[[], Seen], otls: Callable[[], Seen], name: str = "made-up") -> Attack:
    return Attack(
        name, "A title.", original, otls, ("bad_record_mac",), "a rule", "Two. Sentences.", "RFC 1 §1"
    )


FELL, HELD = Seen(True, "it fell"), Seen(False, "it held", "bad_record_mac")


def fails() -> Seen:
    raise RuntimeError("no such thing")


def cannot() -> Seen:
    raise CannotRun("a tool is not on this machine")


@pytest.mark.parametrize(
    ("original", "otls", "problem"),
    [
        (HELD, HELD, "the attack does not work on the original: it held"),
        (FELL, FELL, "otls does not hold: it fell"),
        (FELL, Seen(False, "it held", "truncated"), "otls held by truncated, and not by bad_record_mac"),
        (FELL, Seen(False, "it held"), "otls held by nothing, and not by bad_record_mac"),
        (
            FELL,
            Seen(True, "accepted all the same", "bad_record_mac"),
            "otls does not hold: accepted all the same",
        ),
    ],
)
def test_a_row_that_is_not_as_it_should_be_fails_the_lab(
    original: Seen, otls: Seen, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = attack(lambda: FELL, lambda: HELD, "good"), attack(lambda: original, lambda: otls)
    assert cli.main([], (good, bad)) == 1
    shown = capsys.readouterr().out
    assert "1 of 2 rows are as they should be." in shown
    assert f"made-up: {problem}" in shown
    assert cli.main(["--json"], (good, bad)) == 1
    read = json.loads(capsys.readouterr().out)
    assert read["ok"] is False
    assert [row["status"] for row in read["rows"]] == ["ok", "failed"]
    assert cli.main([], (good,)) == 0


@pytest.mark.parametrize("names", [("the original",), ("otls",), ("the original", "otls")])
def test_an_attack_that_does_not_come_to_an_end_fails_the_lab(
    names: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    bad = attack(
        fails if "the original" in names else lambda: FELL, fails if "otls" in names else lambda: HELD
    )
    assert cli.main([], (bad,)) == 1
    shown = capsys.readouterr().out
    for name in names:
        assert f"made-up: the attack on {name} did not end: RuntimeError: no such thing" in shown
    assert "did not come to an end" in as_html([run(bad)])


def test_what_cannot_be_run_is_named_and_fails_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([], (attack(lambda: FELL, cannot), attack(lambda: FELL, lambda: HELD, "good"))) == 0
    shown = capsys.readouterr().out
    assert "made-up: NOT RUN: a tool is not on this machine" in shown
    assert "1 of 2 rows are as they should be." in shown


def test_a_lab_without_rows_is_no_success() -> None:
    assert exit_code([]) == 1
    assert Row(attack(lambda: FELL, lambda: HELD)).problems == ["nothing was observed"]


def test_without_tshark_its_row_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = run(BY_NAME["capture"])
    assert found.status == "skipped"
    assert "tshark is not on this machine" in found.skipped


# The rows notice when the model is mended, when otls is weakened and when nobody meddles.


def mended_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag on each message, in the way of the first attack of all."""
    seal, unseal = cipher.seal, cipher.unseal

    def tag(suite: str, key: bytes, text: bytes) -> bytes:
        sealed = seal(suite, key, text)
        return sealed + hmac.digest(key, sealed, "sha256")

    def check(suite: str, key: bytes, sealed: bytes) -> bytes:
        if not hmac.compare_digest(hmac.digest(key, sealed[:-32], "sha256"), sealed[-32:]):
            raise ValueError("the tag is wrong")
        return unseal(suite, key, sealed[:-32])

    monkeypatch.setattr(cipher, "seal", tag)
    monkeypatch.setattr(cipher, "unseal", check)


def mended_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of octets, and not of their text."""
    monkeypatch.setattr(cipher, "session_key", lambda premaster: bytes(cipher.prf(premaster)[:16]))
    monkeypatch.setattr(on_secrets, "SESSIONS", 2)


def mended_certificate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is refused where it is not the one that everybody knows."""

    def check(side: sides.Side, path: str) -> None:
        if path not in ("Server/bank.pem", "Client/asha.pem") or path == side.certificate:
            raise ValueError("not the peer's certificate")

    monkeypatch.setattr(sides.Side, "check_certificate", check)


def quiet_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is printed of the key."""
    monkeypatch.setattr(sides.Side, "derive", lambda _, premaster: cipher.session_key(premaster))


def ephemeral_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key exchange is with another key than the one on the disk."""
    serve = sides.Bank.serve

    def serve_with_another(bank: sides.Bank, *args: Any) -> None:
        bank.key = model.world().mallory
        serve(bank, *args)

    monkeypatch.setattr(sides.Bank, "serve", serve_with_another)


def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys are others in each connection, as if the randoms counted."""
    play = model.play

    def play_with_another_seed(*args: Any, **settings: Any) -> model.Play:
        monkeypatch.setattr(cipher, "SEED", b"a")
        done = play(*args, **settings)
        monkeypatch.setattr(cipher, "SEED", b"b")
        return done

    monkeypatch.setattr(model, "play", play_with_another_seed)


@pytest.mark.parametrize(
    ("mend", "name"),
    [
        (mended_cipher, "flip"),
        (mended_cipher, "truncate"),
        (mended_cipher, "padding"),
        (mended_key, "guesses"),
        (mended_key, "capture"),
        (mended_certificate, "swap"),
        (mended_certificate, "other-ca"),
        (mended_certificate, "self-issued"),
        (mended_certificate, "expired"),
        (mended_certificate, "path"),
        (quiet_terminal, "printed"),
        (ephemeral_key, "stolen-keys"),
        (fresh_keys, "session"),
    ],
)
def test_a_row_fails_where_the_model_is_mended(
    mend: Callable[[pytest.MonkeyPatch], None], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.world()
    mend(monkeypatch)
    found = run(BY_NAME[name])
    assert found.status == "failed"
    assert any("does not work on the original" in problem for problem in found.problems), found.problems
    assert not any("otls" in problem for problem in found.problems), found.problems


def weakened(monkeypatch: pytest.MonkeyPatch, which: str, **settings: Any) -> None:
    """Makes one side of otls accept more, as its own settings can."""
    make = getattr(channel, which)
    monkeypatch.setattr(channel, which, lambda *args, **more: make(*args, **{**more, **settings}))


@pytest.mark.parametrize(
    ("which", "settings", "name"),
    [
        ("client_config", {"any_server_name": True}, "swap"),
        ("server_config", {"client_auth": "server-only"}, "no-certificate"),
    ],
)
def test_a_row_fails_where_otls_accepts_more(
    which: str, settings: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    weakened(monkeypatch, which, **settings)
    found = run(BY_NAME[name])
    assert found.status == "failed"
    assert any("otls" in problem for problem in found.problems), found.problems
    assert not any("original" in problem for problem in found.problems), found.problems


def test_a_row_fails_where_the_customer_trusts_the_attacker(monkeypatch: pytest.MonkeyPatch) -> None:
    false = channel.new_authority("ttp.example")
    monkeypatch.setattr(channel, "new_authority", lambda _: false)
    make = channel.client_config

    def trusting(*args: Any, **settings: Any) -> otls.ClientConfig:
        both = otls.TrustStore([channel.world().authority.certificate, false.certificate])
        monkeypatch.setattr(channel.World, "trust", both)
        return make(*args, **settings)

    monkeypatch.setattr(channel, "client_config", trusting)
    assert any("otls does not hold" in problem for problem in run(BY_NAME["other-ca"]).problems)


MEDDLING = [attack.id for attack in WIRE if attack.id != "split"] + ["downgrade", "transcript"]
IMPOSTORS = ["swap", "stolen-certificate", "other-ca", "self-issued", "expired", "path", "twice", "split"]


@pytest.mark.parametrize("name", MEDDLING + IMPOSTORS)
def test_a_row_fails_where_nobody_meddles(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Relay.__init__

    def without_hands(relay: Relay, target: tuple[str, int], _: object, **settings: Any) -> None:
        begin(relay, target, **settings)

    monkeypatch.setattr(Relay, "__init__", without_hands)
    problems = run(BY_NAME[name]).problems
    assert any("the original" in problem for problem in problems), problems
    assert any("otls" in problem for problem in problems) == (name in MEDDLING), problems


def opens(_: object, record: bytes) -> bytes:
    return record


def signs_as_the_bank(sock: Any, chain: list[bytes], _: object) -> bytes:
    return play_server(sock, chain, channel.world().bank.key)


def logs_the_code(stream: otls.Stream, done: channel.Play) -> None:
    send_codes(stream, done)
    logging.getLogger("bank").debug("sent %s", done.sent)


play_server, send_codes = tls13.play_server, channel.send_codes


@pytest.mark.parametrize(
    ("name", "owner", "attribute", "replacement"),
    [
        ("stolen-keys", tls13.Protection, "open", opens),
        ("guesses", tls13.Protection, "open", opens),
        ("stolen-certificate", tls13, "play_server", signs_as_the_bank),
        ("printed", channel, "send_codes", logs_the_code),
        ("root", otls, "fetch_authorities", lambda *_, **__: []),
        ("name", otls, "enroll", lambda *_, **__: None),
    ],
)
def test_a_row_fails_where_the_attack_succeeds(
    name: str, owner: object, attribute: str, replacement: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, attribute, replacement)
    problems = run(BY_NAME[name]).problems
    assert any("otls does not hold" in problem for problem in problems), problems


def test_a_row_fails_where_a_ledger_goes_on_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_codes, "ATTEMPTS", 100)
    assert any("otls does not hold" in problem for problem in run(BY_NAME["wrong-code"]).problems)


# The command line and the page.


def lab(*flags: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(LAB), *flags]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)


def test_the_folder_runs_as_a_program(tmp_path: Path) -> None:
    done = lab("--only", "flip", "--only", "swap", "--json", "--html", "lab.html", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    read = json.loads(done.stdout)
    assert read["ok"] is True
    assert [row["id"] for row in read["rows"]] == ["flip", "swap"]
    assert read["rows"][0]["original"]["fell"] is True
    assert read["rows"][0]["otls"]["held"] is True
    assert read["rows"][0]["otls"]["check"] == "bad_record_mac"
    assert "<table" in (tmp_path / "lab.html").read_text("utf-8")


def test_a_module_that_is_missing_is_named(tmp_path: Path) -> None:
    program = (
        f"import runpy, sys; sys.modules['Crypto'] = None; runpy.run_path({str(LAB)!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "attack_lab: the module Crypto is missing: `make lab` installs all that is needed\n"


def test_the_lab_lists_its_attacks_and_knows_no_others(tmp_path: Path) -> None:
    done = lab("--list", folder=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()] == NAMES
    assert done.returncode == 0
    done = lab("--only", "nonsense", folder=tmp_path)
    assert done.returncode == 2
    assert "nonsense" in done.stderr
    assert "flip" in done.stderr


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    done = lab("--only", "flip", "--html", str(tmp_path / "missing" / "lab.html"), folder=tmp_path)
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "1 of 1 rows" in done.stdout


class Page(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.said += data

    def values(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]


def test_the_page_has_each_row_by_its_name_and_needs_nothing_else() -> None:
    text = as_html([row(name) for name in NAMES])
    page = Page(text)
    ids = page.values("id")
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if name in NAMES] == NAMES
    assert {link.removeprefix("#") for link in page.values("href")} <= set(ids)
    assert page.values("src") == []
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert not re.search(r"url\(|@import|https?:", text)
    assert ("html", {"lang": "en"}) in page.tags
    scopes = [found["scope"] for tag, found in page.tags if tag == "th"]
    assert scopes == ["col"] * 3 + ["row"] * len(NAMES)
    for name in NAMES:
        found = row(name)
        assert found.attack.lesson in page.said
        assert found.original is not None
        assert found.original.what in page.said


def test_what_was_observed_is_text_on_the_page_and_not_markup() -> None:
    hostile = Seen(True, "<script>alert(1)</script>")
    text = as_html([run(attack(lambda: hostile, lambda: Seen(False, "<b>", "<i>", '"<u>')))])
    assert {"script", "b", "i", "u"}.isdisjoint(tag for tag, _ in Page(text).tags)
    assert "&lt;script&gt;alert(1)" in text


def test_the_page_shows_what_failed_and_what_was_not_run() -> None:
    said = Page(as_html([run(attack(lambda: HELD, lambda: HELD)), run(attack(cannot, cannot, "other"))])).said
    assert "Not as it should be: the attack does not work on the original: it held" in said
    assert "Not run: a tool is not on this machine" in said


def test_the_table_fits_its_width() -> None:
    for width in (80, 110, 200):
        lines = as_text([row(name) for name in NAMES], width).splitlines()
        assert max(map(len, lines)) <= width


# What is said about it.


def test_each_file_of_the_model_says_that_it_is_broken() -> None:
    files = list((LAB / "original").glob("*.py"))
    assert len(files) >= 4
    for file in files:
        assert file.read_text("utf-8").startswith('"""BROKEN ON PURPOSE: never use any of this.'), file


def test_the_readme_of_the_lab_names_each_attack() -> None:
    text = (LAB / "README.md").read_text("utf-8")
    named = [line.split("  ")[0] for line in text.partition("```text")[2].splitlines()]
    assert [name for name in named if name in NAMES] == NAMES
    assert f"{len(NAMES)} of {len(NAMES)} rows are as they should be." in text


def test_each_lesson_is_two_sentences_and_each_source_is_a_section() -> None:
    for one in ATTACKS:
        assert len(re.findall(r"[.!?](?: |$)", one.lesson.replace("TLS 1.3 ", ""))) == 2, one.id
        assert re.search(r"RFC \d+ (§|appendix )|SP 800-63B-4 §|RTS Art", one.source), one.id
    assert {one.id for one in CERTIFICATES} >= {"swap", "other-ca", "self-issued", "path", "ttp-key"}
