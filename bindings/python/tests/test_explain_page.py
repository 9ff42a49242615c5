"""The page of `otls explain`, in a browser: what it shows, how it is worked, and what it does not do."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser import Browser, browser
from built import ROOT, example
from explained import CODE, MESSAGE, Parties, ins_and_outs, long_data, one_password, refused

import otls
from conftest import World, bank, customer, pump

PHONE, DESK = 360, 1280


@pytest.fixture(scope="session")
def make_page(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[str]], Path]:
    """Writes the page of these traces."""
    folder = tmp_path_factory.mktemp("pages")
    program = example("page")

    def make(name: str, traces: list[str]) -> Path:
        paths = [folder / f"{name}.{number}.jsonl" for number in range(len(traces))]
        for path, trace in zip(paths, traces, strict=True):
            path.write_text(trace, encoding="utf-8")
        page = folder / f"{name}.html"
        page.write_bytes(subprocess.run([program, *paths], check=True, stdout=subprocess.PIPE).stdout)
        return page

    return make


@pytest.fixture(scope="session")
def story(world: World, make_page: Callable[[str, list[str]], Path]) -> Path:
    """The page of a one-time password."""
    return make_page("story", one_password(world))


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as one:
        yield one


@pytest.fixture
def page(window: Browser, story: Path) -> Browser:
    """That page, as it opens at a desk."""
    return show(window, story)


def show(
    window: Browser, path: Path, *, width: int = DESK, scheme: str = "light", media: str = ""
) -> Browser:
    window.resize(width, 900)
    window.prefer(scheme, media)
    window.log("browser")
    window.requests()
    window.open(path)
    return window


def texts(page: Browser, selector: str) -> list[str]:
    found: list[str] = page.run(
        "return Array.from(document.querySelectorAll(arguments[0]), (one) => one.textContent.trim())",
        selector,
    )
    return found


ROW = """
const row = Array.from(document.querySelectorAll("#messages .row"))
  .find((one) => one.querySelector(".name").textContent.startsWith(arguments[0]));
"""


def opened(page: Browser, name: str) -> None:
    """Opens the first message of this name."""
    page.run(ROW + "row.querySelector('.step').click();", name)


HANDSHAKE = ["ClientHello", "ServerHello", "EncryptedExtensions", "CertificateRequest"]
HANDSHAKE += ["Certificate", "CertificateVerify", "Finished"] * 2


def test_each_party_has_a_lane_and_each_message_is_one_arrow(page: Browser) -> None:
    assert texts(page, ".lane-name") == ["TTP", "Bank", "Customer"]
    names = page.run(
        "return M.steps.filter((step) => step.kind === 'message').map((step) => [step.name, step.told])"
    )
    assert [name for name, _ in names][: len(HANDSHAKE)] == HANDSHAKE
    assert all(told == [True, True] for _, told in names)
    arrows = page.run("return document.querySelectorAll('#messages .is-arrow').length")
    assert arrows == page.run("return M.steps.filter(isOnTheWire).length")
    assert not texts(page, ".tag.bad")
    clear = page.run(
        "return M.steps.filter((s) => isOnTheWire(s) && protectionOf(s)[0] === 'clear').map(nameOf)"
    )
    assert clear == ["ClientHello", "ServerHello", "change_cipher_spec", "change_cipher_spec"]
    ways = page.run(
        "return M.steps.filter((s) => s.name === 'ClientHello').map((s) => [who(s.from), who(s.to)])"
    )
    assert ways == [["the customer", "the bank"]]


def test_a_message_is_worked_with_the_keyboard_alone(page: Browser) -> None:
    state = """return [document.activeElement.closest(".row").querySelector(".name").textContent,
      document.activeElement.getAttribute("aria-expanded")]"""
    page.run(ROW + "row.querySelector('.step').focus()", "ClientHello")
    page.press("Enter")
    assert page.run(state) == ["ClientHello, the customer to the bank", "true"]
    page.press("ArrowDown")
    assert page.run(state)[0] != "ClientHello, the customer to the bank"
    page.press("ArrowUp", "Tab")
    assert page.run("return document.activeElement.className") == "rfc"
    page.press("Escape")
    assert page.run(state) == ["ClientHello, the customer to the bank", "false"]
    page.press("Space")
    assert page.run(state)[1] == "true"


def test_a_field_marks_its_octets_and_an_octet_its_field(page: Browser) -> None:
    opened(page, "ClientHello")
    marked = """return [document.querySelectorAll(".octet.mark").length,
      Array.from(document.querySelectorAll(".field.mark .field-name"), (one) => one.textContent)]"""
    find = (
        ROW + "const tree = row.querySelector('[role=tree]'); const grid = row.querySelector('[role=grid]');"
    )
    page.run(find + "tree.children[3].focus()", "ClientHello")
    assert page.run(marked) == [32, ["random"]]
    page.press("ArrowUp")
    assert page.run(marked) == [2, ["legacy_version"]]
    page.run(find + "grid.querySelector('.octet').focus()", "ClientHello")
    assert page.run(marked) == [1, ["msg_type"]]
    page.press("ArrowDown")
    # The octet below is 16 further on, in the random.
    assert page.run(marked) == [32, ["random"]]
    hover = "grid.querySelectorAll('.octet')[2].dispatchEvent(new MouseEvent('mouseover', { bubbles: true }))"
    page.run(find + hover, "ClientHello")
    assert page.run(marked) == [3, ["length"]]
    assert page.run(find + "return grid.querySelector('[role=row]').children.length", "ClientHello") == 18


def test_secrets_are_masked_until_they_are_shown(page: Browser, story: Path) -> None:
    text = "return document.body.innerText + document.body.textContent"
    opened(page, "data")
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; one.fill && one.fill(); })"
    )
    values = page.run("return M.connections[0].secrets.map((one) => one.value)")
    assert len(values) > 20
    # The data of the page's own script element is not shown.
    seen = "document.getElementById('trace')?.remove();" + text
    masked = page.run(seen)
    assert CODE not in masked
    assert not [value for value in values if value in masked]
    page.prefer("light", "print")
    assert CODE not in page.run(text)
    page.prefer("light")
    page.run("document.getElementById('show-all').click()")
    shown = page.run(text)
    assert MESSAGE in shown
    assert all(value in shown for value in values)
    page.run("document.getElementById('show-all').click()")
    assert CODE not in page.run(text)


def test_a_key_names_its_messages_and_a_message_its_key(page: Browser) -> None:
    opened(page, "EncryptedExtensions")
    page.run(ROW + "row.querySelector('.key-link').click()", "EncryptedExtensions")
    key = page.run("return document.activeElement.closest('details').id")
    assert key == "key-0-server_handshake_traffic_secret"
    listed = texts(page, f"#{key} ul.plain li .link")
    assert listed == [
        "EncryptedExtensions",
        "CertificateRequest",
        "Certificate",
        "CertificateVerify",
        "Finished",
    ]
    assert page.run("return document.querySelectorAll('.row.under-key').length") == 5
    page.run("document.querySelectorAll('#' + arguments[0] + ' ul.plain li .link')[4].click()", key)
    assert page.run("return document.activeElement.closest('.row').querySelector('.detail').hidden") is False
    assert texts(page, "#otp-key li") == [
        "The bank sent the code under key of server_application_traffic_secret_0, in this message.",
        "The customer returned it under key of client_application_traffic_secret_0, in this message.",
    ]


QUESTIONS = {
    "clear": "ClientHello",
    "otp-key": "server_application_traffic_secret_0",
    "thrown-away": "The keys of the handshake go when it ends",
    "thief": "Of what was recorded: nothing",
    "transcript": "ClientHello to ServerHello",
    "signatures": "ecdsa_secp256r1_sha256",
    "why-believed": "it is trusted",
    "chain-0-1": "✓",
    "listener": "in encrypted records",
    "other-payment": "HMAC over the code",
    "second-try": "The bank refused it: used",
    "proof": 'customer signed "approved"',
}


@pytest.mark.parametrize("anchor", QUESTIONS)
def test_the_page_answers_what_people_ask(page: Browser, anchor: str) -> None:
    part = page.run("return document.getElementById(arguments[0])?.textContent || ''", anchor)
    expected = QUESTIONS[anchor]
    assert ("passed" if expected == "✓" else expected) in part


def test_a_private_suite_is_marked(window: Browser, world: World, make_page: Callable[..., Path]) -> None:
    suite = "OTLS_AES_128_CBC_HMAC_SHA256"
    page = show(window, make_page("private", one_password(world, suite=suite)))
    assert "Wireshark cannot read it" in texts(page, "#top")[0]


def test_what_failed_stands_at_the_top(
    window: Browser, world: World, other_world: World, make_page: Callable[..., Path]
) -> None:
    page = show(window, make_page("refused", refused(world, other_world)))
    [banner] = texts(page, ".banner.failure")
    assert "The customer: the check issuer" in banner
    assert "What to do:" in banner
    page.run("document.querySelector('.banner.failure .link').click()")
    assert "customer" in page.run("return document.activeElement.textContent").lower()
    assert page.run("return messagesOf(0, 'Certificate').length") > 0


def test_retries_resumptions_and_new_keys_are_told(
    window: Browser, world: World, make_page: Callable[..., Path]
) -> None:
    page = show(window, make_page("ins", ins_and_outs(world)))
    names = page.run("return M.steps.filter((step) => step.kind === 'message').map((step) => step.name)")
    assert names[:4] == ["ClientHello", "HelloRetryRequest", "ClientHello", "ServerHello"]
    assert names.count("KeyUpdate") == 2
    assert page.run("return document.querySelectorAll('.start').length") == 2
    assert "client_application_traffic_secret_1" in texts(page, "#keys")[0]
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; one.fill && one.fill(); })"
    )
    assert "the session is resumed" in texts(page, "#certificates")[0]


def test_one_side_without_secrets_is_told_as_far_as_it_goes(
    window: Browser, world: World, make_page: Callable[..., Path]
) -> None:
    parties = Parties(world, secrets=False)
    client, server = parties.connect(customer(world), bank(world))
    client.seal(CODE.encode())
    pump(client, server)
    page = show(window, make_page("half", parties.take()[:1]))
    assert texts(page, ".lane-name") == ["Customer", "server CN=bank"]
    assert texts(page, ".lane-note") == ["no trace"]
    assert "messages alone" in texts(page, "#top")[0]
    opened(page, "data")
    assert "The data is not in this trace" in texts(page, "#messages")[0]
    assert not texts(page, ".secret")


def test_ten_mebibytes_open_at_once(window: Browser, world: World, make_page: Callable[..., Path]) -> None:
    path = make_page("long", long_data(world))
    assert path.stat().st_size < 5_000_000
    begin = time.monotonic()
    page = show(window, path)
    elapsed = time.monotonic() - begin
    lengths = "return M.steps.filter((s) => s.kind === 'data' || s.kind === 'folded').map((s) => s.length)"
    assert sum(page.run(lengths)) == 10 << 20
    assert "10,485,760 octets" in texts(page, "#messages")[0]
    # The two sides part the data in different ways; nothing of it was changed or lost.
    assert not texts(page, ".tag.bad")
    assert page.run("return document.querySelectorAll('*').length") < 3_000
    assert elapsed < 10, f"{path.stat().st_size} octets"


def test_a_thousand_connections_are_folded(window: Browser, make_page: Callable[..., Path]) -> None:
    lines = [json.dumps({"otls_trace": 1, "party": "bank"})]
    for number in range(1_000):
        event = {"connection": f"{number:08x}", "role": "server", "time": number}
        for name, direction in (("ClientHello", "received"), ("ServerHello", "sent"), ("Finished", "sent")):
            lines.append(json.dumps({"event": "message", "name": name, "direction": direction} | event))
    path = make_page("thousand", ["\n".join(lines)])
    begin = time.monotonic()
    page = show(window, path)
    assert page.run("return document.querySelectorAll('#messages .row').length") < 1_010
    assert time.monotonic() - begin < 10
    page.run("showStep(arguments[0])", 1_001)
    assert page.run("return document.activeElement.closest('.row').steps[0].at") == 1_001


@pytest.mark.parametrize("width", [PHONE, 768, DESK])
def test_nothing_is_wider_than_the_window(page: Browser, story: Path, width: int) -> None:
    show(page, story, width=width)
    page.run(
        "document.querySelectorAll('#messages .row').forEach((one) => open(one, true)); showSecrets(true)"
    )
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; one.fill && one.fill(); })"
    )
    assert page.run("return document.documentElement.scrollWidth") == width
    # Eight octets in a row on a phone, beside their offset and their text.
    cells = page.run(ROW + "return row.querySelector('[role=row]').children.length", "ClientHello")
    assert cells == (10 if width == PHONE else 18)


AXE = """
return axe.run(document, { resultTypes: ["violations"] }).then((result) =>
  result.violations.map((one) => [one.id, one.nodes[0].html, one.nodes[0].failureSummary]));
"""


@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Browser, story: Path, scheme: str, width: int) -> None:
    spec = importlib.util.find_spec("axe_playwright_python")
    assert spec is not None
    assert spec.origin is not None
    show(page, story, width=width, scheme=scheme)
    colour = page.run("return getComputedStyle(document.body).backgroundColor")
    assert colour == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(18, 22, 28)")
    for name in ("Finished", "data", "Customer checks", "Bank draws"):
        opened(page, name)
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; one.fill && one.fill(); })"
    )
    page.run(Path(spec.origin).with_name("axe.min.js").read_text(encoding="utf-8"))
    assert page.run(AXE) == []


def test_the_page_asks_for_nothing_and_runs_nothing_but_its_own(page: Browser, story: Path) -> None:
    page.run(
        "document.querySelectorAll('#messages .row').forEach((one) => open(one, true)); showSecrets(true)"
    )
    assert page.requests() == [story.as_uri()]
    assert page.log("browser") == []
    policy = "return document.querySelector('meta[http-equiv]').content"
    assert page.run(policy).startswith("default-src 'none'; script-src 'sha256-")
    # What is put in later is not fetched, and markup is not taken.
    refusals = page.run("""return new Promise((resolve) => {
      const seen = [];
      document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
      const image = new Image(); image.src = "https://example.invalid/x.png"; document.body.append(image);
      try { document.body.innerHTML = "<b>x</b>"; } catch (error) { seen.push(error.name); }
      setTimeout(() => resolve(seen), 200);
    })""")
    assert "img-src" in refusals
    assert "TypeError" in refusals


def test_a_name_from_a_peer_is_text(window: Browser, world: World, make_page: Callable[..., Path]) -> None:
    trace = otls.Trace(
        party="<img src=x onerror=window.ran=1>", title="</script><script>window.ran=1</script>"
    )
    trace.story("question", "</script><script>window.ran=1</script>", answer="{{data}}")
    page = show(window, make_page("hostile", [trace.take()]))
    assert page.run("return window.ran === undefined")
    assert texts(page, ".lane-name") == ["<img src=x onerror=window.ran=1>"]
    assert page.log("browser") == []


KINDS = ["record", "message", "data", "unreadable", "folded", "alert", "change_cipher_spec", "secret", "keys"]
KINDS += ["agreed", "signature", "check", "state", "error", "story", "what comes later"]


def test_events_without_anything_in_them_are_shown_as_such(
    window: Browser, make_page: Callable[..., Path]
) -> None:
    lines = [json.dumps({"otls_trace": 1})]
    for role in ("client", "server"):
        for kind in KINDS:
            for direction in ("sent", "received", None):
                event = {"event": kind, "connection": "00", "role": role, "direction": direction}
                lines.append(json.dumps(event))
        strange = {
            "event": "story",
            "answer": {"a": [1]},
            "key": 1,
            "id": [],
            "transaction": {"b": {}},
            "reason": 7,
        }
        lines.append(json.dumps(strange | {"step": "otp_refused", "attempts_left": "x"}))
    page = show(window, make_page("empty", ["\n".join(lines)]))
    page.run("document.querySelectorAll('#messages .row').forEach((one) => open(one, true))")
    page.run(
        "document.querySelectorAll('details').forEach((one) => { one.open = true; one.fill && one.fill(); })"
    )
    assert page.log("browser") == []
    assert page.run("return document.querySelectorAll('#messages .row').length") > len(KINDS)
    assert texts(page, "h2")[-1] == "What if an attacker …"


def test_each_attack_of_the_page_is_one_of_the_lab(page: Browser) -> None:
    names = page.run("return Object.entries(ATTACKS).map(([name, [, , , lab]]) => lab || name)")
    lab = (ROOT / "examples" / "attack_lab").glob("*.py")
    known = {name for file in lab for name in re.findall(r'Attack\(\s*"([a-z-]+)"', file.read_text("utf-8"))}
    assert len(names) == 14
    assert not known or set(names) <= known


@pytest.mark.parametrize("party", ["listener", "bank"])
def test_a_trace_of_nothing_is_a_page(window: Browser, make_page: Callable[..., Path], party: str) -> None:
    head = json.dumps({"otls_trace": 1, "party": party})
    gap = json.dumps({"event": "story", "step": "gap", "text": "octets are missing"})
    for name, lines in (("head", [head]), ("gap", [head, gap])):
        page = show(window, make_page(f"{name}-{party}", ["\n".join(lines)]))
        page.run("document.querySelectorAll('#messages .row').forEach((one) => open(one, true))")
        assert "There is no message in this trace." in texts(page, "#messages")[0]
        assert len(texts(page, "h2")) == 8
        assert page.log("browser") == []


def test_a_record_is_shown_as_a_listener_sees_it(page: Browser) -> None:
    opened(page, "EncryptedExtensions")
    page.run(ROW + "const d = row.querySelector('details'); d.open = true; d.fill();", "EncryptedExtensions")
    [seen] = page.run(
        ROW + "return Array.from(row.querySelectorAll('.record'), (one) => one.innerText)",
        "EncryptedExtensions",
    )
    assert "server_handshake_traffic_secret" in seen
    assert "Sequence number\n0" in seen.replace("\n\n", "\n")
    assert "17 03 03" in seen.replace("\n", " ") or "170303" in seen.replace("\n", "").replace(" ", "")
    assert "are not in the trace" in seen
