"""Codes, ledger, messages."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

import otls
from conftest import World, connected, pump

PAYMENT = otls.Context({"amount": "100000.00", "currency": "INR", "payee": "friend"})


def envelope(issued: otls.Issued) -> otls.Envelope:
    """With a text of the bank's own: the context has no template."""
    return otls.Envelope(
        id=issued.id,
        text=f"your code is {issued.code.expose()}",
        code=issued.code,
        context=PAYMENT,
        expires_at=issued.expires_at,
    )


def test_a_code_travels_and_is_accepted_once(world: World) -> None:
    client, server = connected(world)
    bank, customer = otls.Channel(server), otls.Channel(client, accept_free_text=True)
    ledger = otls.Ledger()
    issued = ledger.issue("asha", PAYMENT)
    bank.send(envelope(issued))
    pump(client, server)
    received = customer.receive()
    assert isinstance(received, otls.Envelope)
    assert received.expose_text() == f"your code is {issued.code.expose()}"
    assert received.context == PAYMENT
    assert received.id == issued.id
    assert received.expires_at == issued.expires_at
    customer.send(otls.Answer(received.id, received.code))
    pump(client, server)
    answer = bank.receive()
    assert isinstance(answer, otls.Answer)
    assert answer.code is not None
    verdict = ledger.verify(answer.id, "asha", PAYMENT, answer.code)
    assert verdict.accepted
    bank.send(otls.VerdictNotice(answer.id, verdict))
    pump(client, server)
    notice = customer.receive()
    assert isinstance(notice, otls.VerdictNotice)
    assert notice.verdict == verdict
    assert ledger.verify(answer.id, "asha", PAYMENT, answer.code).kind == "used"
    assert customer.receive() is None


def test_a_ledger_refuses_wrong_late_and_foreign_codes() -> None:
    ledger = otls.Ledger(pepper=bytes(range(32)))
    now = datetime(2026, 11, 23, tzinfo=UTC)
    issued = ledger.issue("asha", PAYMENT, lifetime=timedelta(seconds=60), attempts=2, now=now)
    code = issued.code.expose()
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert issued.expires_at == now + timedelta(seconds=60)
    first = ledger.verify(issued.id, "asha", PAYMENT, wrong, now=now)
    assert (first.kind, first.attempts_left) == ("wrong", 1)
    changed = otls.Context(PAYMENT.fields | {"amount": "100000.01"})
    second = ledger.verify(issued.id, "asha", changed, code, now=now)
    assert (second.kind, second.attempts_left) == ("wrong", 0)
    assert ledger.verify(issued.id, "asha", PAYMENT, code, now=now).kind == "locked"
    late = ledger.issue("asha", PAYMENT, lifetime=timedelta(seconds=60), now=now)
    assert ledger.verify(late.id, "asha", PAYMENT, late.code, now=late.expires_at).kind == "expired"
    assert ledger.verify(otls.OtpId("00" * 16), "asha", PAYMENT, code, now=now).kind == "unknown"


def test_of_many_threads_one_has_its_code_accepted() -> None:
    ledger = otls.Ledger()
    issued = ledger.issue("asha", PAYMENT)
    kinds: list[str] = []
    barrier = threading.Barrier(16)

    def present() -> None:
        barrier.wait()
        kinds.append(ledger.verify(issued.id, "asha", PAYMENT, issued.code).kind)

    threads = [threading.Thread(target=present) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kinds) == ["accepted"] + ["used"] * 15


def test_a_code_does_not_show_itself() -> None:
    issued = otls.Ledger().issue("asha", PAYMENT)
    digits = issued.code.expose()
    assert len(issued.code) == 6
    assert digits.isdigit()
    message, answer = envelope(issued), otls.Answer(issued.id, issued.code)
    for thing in (issued, issued.code, message, message.code, answer, answer.code):
        assert digits not in f"{thing!r} {thing!s}"


def test_codes_differ() -> None:
    ledger = otls.Ledger(issues=50)
    assert len({ledger.issue("asha", PAYMENT).code.expose() for _ in range(50)}) > 40


def test_messages_of_the_other_side_and_identifiers_that_are_none_are_misuse(world: World) -> None:
    client, _ = connected(world)
    issued = otls.Ledger().issue("asha", PAYMENT)
    with pytest.raises(otls.ApiMisuse):
        otls.Channel(client).send(envelope(issued))
    for text in ("", "00", "g" * 32, "+" + "0" * 31):
        with pytest.raises(otls.ApiMisuse):
            otls.OtpId(text)
    assert otls.OtpId(str(issued.id)) == issued.id
    assert len(bytes(issued.id)) == 16
    with pytest.raises(otls.ApiMisuse):
        otls.Ledger(pepper=b"short")
    with pytest.raises(TypeError):
        otls.Context({"amount": 5})  # type: ignore[dict-item]


def test_an_expired_envelope_is_refused(world: World) -> None:
    client, server = connected(world)
    issued = otls.Ledger().issue("asha", PAYMENT, lifetime=timedelta(seconds=60))
    otls.Channel(server).send(envelope(issued))
    pump(client, server)
    with pytest.raises(otls.OtpExpired):
        otls.Channel(client, accept_free_text=True).receive(now=issued.expires_at)


def test_a_sender_cannot_turn_off_that_the_customer_reads_the_transaction(world: World) -> None:
    client, server = connected(world)
    ledger = otls.Ledger()
    transfer = otls.Transaction(
        "transfer", "{amount} to {payee}: {code}", amount=otls.Amount(1, "INR"), payee="friend"
    )
    issued = ledger.issue("asha", transfer.context)
    bank, customer = otls.Channel(server), otls.Channel(client)
    without = {name: value for name, value in transfer.context.fields.items() if name != "template"}
    for fields in ({"purpose": "sign in"}, without, {}):
        downgraded = otls.Envelope(
            id=issued.id,
            text=f"Your code to sign in is {issued.code.expose()}.",
            code=issued.code,
            context=otls.Context(fields),
            expires_at=issued.expires_at,
        )
        bank.send(downgraded)
        pump(client, server)
        with pytest.raises(otls.OtpFreeText) as error:
            customer.receive()
        assert (error.value.code, error.value.code_name) == (114, "OTP_FREE_TEXT")
    with pytest.raises(otls.OtpTransactionError, match="issued for another"):
        otls.Envelope.for_transaction(issued, otls.Transaction("sign in", "Your code is {code}."))
    bank.send(otls.Envelope.for_transaction(issued, transfer))
    pump(client, server)
    assert isinstance(customer.receive(), otls.Envelope)


@pytest.mark.parametrize(
    "payee",
    [
        "fri\u200bend",
        "fri\u00adend",
        "\u3164",
        "\u2800",
        "my\u00a0friend",
        " ",
        " friend",
        "\u202efriend",
        "\u2067friend",
        "fri\u200dend",
        "\u0301friend",
        "p\u0430ypal",
        "friend\u201d is 111111. \u201c",
        "e\u0301",
        "\ue000",
    ],
)
def test_values_that_mislead_are_refused(payee: str) -> None:
    template = "The OTP for transferring {amount} to {payee} is {code}."
    amount = otls.Amount(10_000_000, "INR")
    with pytest.raises(otls.OtpTransactionError):
        otls.Transaction("transfer", template, amount=amount, payee=payee)
    # And where they come from another's library.
    fields = otls.Transaction("transfer", template, amount=amount, payee="friend").context.fields
    with pytest.raises(otls.OtpTransactionError):
        otls.Transaction.from_context(otls.Context(fields | {"payee": payee}))


def test_a_value_is_set_apart_from_the_sentence() -> None:
    template = "The OTP for transferring {amount} to {payee} is {code}."

    def shown(payee: str) -> str:
        return str(otls.Transaction("transfer", template, amount=otls.Amount(10_000_000, "INR"), payee=payee))

    assert shown("your friend's account").endswith(" to your friend's account is ••••••.")
    assert shown("friend. The OTP is 111111").endswith(" to “friend. The OTP is 111111” is ••••••.")
    hebrew = "\u05de\u05e8\u05d9\u05dd"
    isolated = f"\u2066Rs 1,00,000\u2069 to “\u2068{hebrew}\u2069” is \u2066••••••\u2069."
    assert shown(hebrew).endswith(isolated)
