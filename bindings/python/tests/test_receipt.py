"""Payments, the text that customers read of them, and what they sign."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import otls
import otls.aio
from conftest import World, connected, pump

TEMPLATE = "The OTP for transferring {amount} to {payee} is {code}."
PAYMENT = otls.Transaction(
    "transfer", TEMPLATE, amount=otls.Amount(10_000_000, "INR"), payee="your friend's account"
)


def received(client: otls.Connection, server: otls.Connection) -> otls.Envelope:
    """A bank's message for a new code."""
    issued = otls.Ledger().issue("customer", PAYMENT.context)
    otls.Channel(server).send(otls.Envelope.for_transaction(issued, PAYMENT))
    pump(client, server)
    envelope = otls.Channel(client).receive()
    assert isinstance(envelope, otls.Envelope)
    assert envelope.expose_text() == TEMPLATE.format(
        amount="Rs 1,00,000", payee="your friend's account", code=issued.code.expose()
    )
    return envelope


def answered(client: otls.Connection, server: otls.Connection, asked: otls.Envelope) -> otls.Answer:
    """The answer that the client has sent, about a code that was sent here."""
    pump(client, server)
    bank = otls.Channel(server)
    bank.expect(asked.id, asked.expires_at)
    answer = bank.receive()
    assert isinstance(answer, otls.Answer)
    return answer


def test_amounts_are_written_as_people_write_them() -> None:
    for minor, currency, text in (
        (10_000_000, "INR", "Rs 1,00,000"),
        (10_000_050, "INR", "Rs 1,00,000.50"),
        (100_050, "USD", "$1,000.50"),
        (1_000, "JPY", "¥1,000"),
        (100_050, "CHF", "CHF 1'000.50"),
        (1_000_500, "KWD", "KWD 1,000.500"),
    ):
        amount = otls.Amount(minor, currency)
        assert str(amount) == text
        assert amount == otls.Amount(minor, currency) != otls.Amount(minor + 1, currency)
        assert (amount.minor, amount.currency) == (minor, currency)
    assert repr(otls.Amount(1, "KWD")) == 'Amount(1, "KWD")'
    assert otls.Amount(1, "KWD").exponent == 3
    for currency in ("XAU", "inr", "rupees", ""):
        with pytest.raises(otls.OtpTransactionError) as error:
            otls.Amount(1, currency)
        assert error.value.code == 109
    with pytest.raises(OverflowError):
        otls.Amount(-1, "INR")


def test_a_transaction_is_its_context_and_comes_back_from_it() -> None:
    assert PAYMENT.context.fields == {
        "amount": "10000000",
        "currency": "INR",
        "payee": "your friend's account",
        "purpose": "transfer",
        "template": TEMPLATE,
    }
    assert otls.Transaction.from_context(PAYMENT.context) == PAYMENT
    assert (PAYMENT.purpose, PAYMENT.payee, PAYMENT.template) == (
        "transfer",
        "your friend's account",
        TEMPLATE,
    )
    assert PAYMENT.amount == otls.Amount(10_000_000, "INR")
    assert str(PAYMENT).endswith("account is ••••••.")
    login = otls.Transaction("sign in", "{code} signs you in at {place}.", fields={"place": "Panaji"})
    assert (login.amount, login.payee, login.fields) == (None, None, {"place": "Panaji"})
    for template in ("no code", "{code} {nobody}", "{code", "{code}\n", "{code}\u202e"):
        with pytest.raises(otls.OtpTransactionError):
            otls.Transaction("sign in", template)
    with pytest.raises(otls.OtpTransactionError):
        otls.Transaction.from_context(otls.Context({"amount": "1"}))


def test_a_text_that_is_not_the_templates_is_not_sent(world: World) -> None:
    _, server = connected(world)
    issued = otls.Ledger().issue("customer", PAYMENT.context)
    other = otls.Envelope(
        id=issued.id,
        text=f"Pay Rs 1 with {issued.code.expose()}",
        code=issued.code,
        context=PAYMENT.context,
        expires_at=issued.expires_at,
    )
    with pytest.raises(otls.ApiMisuse, match="template"):
        otls.Channel(server).send(other)


def test_a_customer_approves_and_the_file_proves_it(world: World, other_world: World) -> None:
    client, server = connected(world)
    envelope = received(client, server)
    signed = otls.Channel(client).approve(envelope)
    answer = answered(client, server, envelope)
    assert answer.decision == "approved"
    assert answer.code is not None
    assert answer.code.expose() == envelope.code.expose()
    receipt = answer.receipt
    assert receipt is not None
    receipt.check_context(PAYMENT.context)
    assert receipt.to_pem() == signed.to_pem()

    kept = otls.Receipt.from_pem(receipt.to_pem())
    assert kept.verify(world.trust).subject.common_name == "customer"
    assert (kept.id, kept.decision, kept.context) == (envelope.id, "approved", PAYMENT.context)
    assert kept.text == str(PAYMENT)
    assert kept.scheme == "ecdsa_secp256r1_sha256"
    assert abs(kept.time - datetime.now(UTC)) < timedelta(minutes=1)
    assert kept.chain[0] == client.certificate
    assert envelope.code.expose() not in repr(kept)
    with pytest.raises(otls.CertificateUntrusted):
        kept.verify(other_world.trust)
    changed = otls.Context(PAYMENT.context.fields | {"amount": "10000001"})
    with pytest.raises(otls.OtpReceiptError, match="10000001") as error:
        kept.check_context(changed)
    assert error.value.code == 105


def test_an_edited_file_is_refused(world: World) -> None:
    client, server = connected(world)
    pem = otls.Receipt.sign(client, received(client, server), "approved").to_pem()
    for at in range(0, len(pem), 37):
        edited = bytearray(pem)
        edited[at] ^= 1
        with pytest.raises(otls.Error):
            otls.Receipt.from_pem(bytes(edited)).verify(world.trust)


def test_a_customer_declines_without_a_code(world: World) -> None:
    client, server = connected(world)
    envelope = received(client, server)
    otls.Channel(client).decline(envelope)
    answer = answered(client, server, envelope)
    assert (answer.decision, answer.code) == ("declined", None)
    assert answer.receipt is not None
    assert answer.receipt.decision == "declined"


def test_a_receipt_of_another_connection_is_refused(world: World) -> None:
    first, second = connected(world), connected(world)
    envelope = received(*first)
    receipt = otls.Receipt.sign(first[0], envelope, "approved")
    otls.Channel(second[0]).send(otls.Answer(envelope.id, envelope.code, receipt=receipt))
    pump(*second)
    bank = otls.Channel(second[1])
    bank.expect(envelope.id, envelope.expires_at)
    with pytest.raises(otls.OtpReceiptError, match="another connection"):
        bank.receive()
    with pytest.raises(otls.ApiMisuse):
        otls.Receipt.sign(first[1], envelope, "approved")
    with pytest.raises(otls.ApiMisuse):
        otls.Receipt.sign(first[0], envelope, "perhaps")


def test_answers_without_a_receipt_go_on_as_before(world: World) -> None:
    client, server = connected(world)
    envelope = received(client, server)
    otls.Channel(client).send(otls.Answer(envelope.id, envelope.code))
    assert answered(client, server, envelope).receipt is None
    otls.Channel(client).send(otls.Answer(envelope.id))
    assert answered(client, server, envelope).decision == "declined"


def test_streams_approve_and_decline(world: World) -> None:
    server = otls.ServerConfig(world.identity("server"), trust=world.trust)
    client = otls.ClientConfig(world.trust, identity=world.identity("client"))
    answers: list[object] = []

    def bank(listener: otls.Listener) -> None:
        for _ in range(2):
            with listener.accept() as stream:
                issued = otls.Ledger().issue("customer", PAYMENT.context)
                stream.send_message(otls.Envelope.for_transaction(issued, PAYMENT))
                answers.append(stream.receive_message())

    with otls.listen(("127.0.0.1", 0), server) as listener:
        thread = threading.Thread(target=bank, args=[listener])
        thread.start()
        with otls.connect(listener.address, client, server_name="localhost") as stream:
            envelope = stream.receive_message()
            assert isinstance(envelope, otls.Envelope)
            stream.approve(envelope)

        async def decline() -> None:
            host, port = listener.address
            async with await otls.aio.open_connection(host, port, client, server_name="localhost") as stream:
                envelope = await stream.receive_message()
                assert isinstance(envelope, otls.Envelope)
                await stream.decline(envelope)

        asyncio.run(decline())
        thread.join()
    decisions = [answer.decision for answer in answers if isinstance(answer, otls.Answer) and answer.receipt]
    assert decisions == ["approved", "declined"]


@pytest.mark.parametrize("store", ["memory:", "sqlite:"])
def test_code_and_receipt_are_accepted_and_kept_together(world: World, tmp_path: Path, store: str) -> None:
    address = store if store == "memory:" else f"sqlite:{tmp_path / 'otp.sqlite'}"
    ledger = otls.Ledger(address, pepper=bytes(range(32)))
    client, server = connected(world)
    issued = ledger.issue("customer", PAYMENT.context)
    bank, customer = otls.Channel(server), otls.Channel(client)
    bank.send(otls.Envelope.for_transaction(issued, PAYMENT))
    pump(client, server)
    envelope = customer.receive()
    assert isinstance(envelope, otls.Envelope)
    customer.approve(envelope)
    pump(client, server)
    answer = bank.receive()
    assert isinstance(answer, otls.Answer)
    assert answer.code is not None
    receipt = answer.receipt
    assert receipt is not None
    otp, context = answer.id, PAYMENT.context

    dearer = otls.Context(context.fields | {"amount": "10000001"})
    with pytest.raises(otls.OtpReceiptError, match="10000001"):
        ledger.verify(otp, "customer", dearer, answer.code, receipt=receipt)
    with pytest.raises(otls.OtpReceiptError, match="another code or decision"):
        ledger.decline(otp, "customer", context, receipt)
    other = ledger.issue("customer", context)
    with pytest.raises(otls.OtpReceiptError, match="another code or decision"):
        ledger.verify(other.id, "customer", context, other.code, receipt=receipt)
    assert ledger.verify(otp, "customer", context, "no", receipt=receipt).kind == "not_a_code"
    assert answer.code
    guess = "000000" if answer.code.expose() != "000000" else "111111"
    assert ledger.verify(otp, "customer", context, guess, receipt=receipt).attempts_left == 2
    assert ledger.verify(otp, "mallory", context, answer.code, receipt=receipt).kind == "unknown"
    assert ledger.receipt(otp, "customer") is None
    assert ledger.verify(otp, "customer", context, answer.code, receipt=receipt).accepted
    assert ledger.expire(now=datetime.now(UTC) + timedelta(days=1)) == 2
    kept = ledger.receipt(otp, "customer")
    assert kept is not None
    assert kept.to_pem() == receipt.to_pem()
    assert kept.verify(world.trust).subject.common_name == "customer"
    assert ledger.receipt(otp, "mallory") is None
    assert ledger.forget_receipts(datetime.now(UTC) + timedelta(minutes=1)) == 1
    assert ledger.receipt(otp, "customer") is None


def test_what_a_customer_declines_is_kept_with_the_withdrawn_code(world: World) -> None:
    ledger = otls.Ledger()
    client, _ = connected(world)
    issued = ledger.issue("customer", PAYMENT.context)
    envelope = otls.Envelope.for_transaction(issued, PAYMENT)
    receipt = otls.Receipt.sign(client, envelope, "declined")
    with pytest.raises(otls.OtpReceiptError):
        ledger.verify(issued.id, "customer", PAYMENT.context, issued.code, receipt=receipt)
    assert ledger.decline(issued.id, "mallory", PAYMENT.context, receipt).kind == "unknown"
    assert ledger.decline(issued.id, "customer", PAYMENT.context, receipt).kind == "cancelled"
    assert ledger.verify(issued.id, "customer", PAYMENT.context, issued.code).kind == "cancelled"
    kept = ledger.receipt(issued.id, "customer")
    assert kept is not None
    assert kept.decision == "declined"


def test_an_answer_about_a_code_that_was_not_sent_here_ends_the_channel(world: World) -> None:
    client, server = connected(world)
    bank = otls.Channel(server)
    otls.Channel(client).send(otls.Answer(otls.OtpId("00" * 16), b"123456"))
    pump(client, server)
    with pytest.raises(otls.OtpWrongBinding):
        bank.receive()
