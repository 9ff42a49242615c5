"""Attacks on the code itself: guessed, used for another payment, used twice."""

from __future__ import annotations

import otls

from . import channel, model
from .relay import BANK, CUSTOMER, Piece, Relay
from .verdict import Seen

#: The bank's default: wrong codes until it locks.
ATTEMPTS = 3


def wrong_original() -> Seen:
    """Somebody without the customer's terminal answers whatever comes to mind."""
    made = 0
    for number in range(1, 5):
        sent = model.messages()
        wrong = f"{(int(sent[0][-7:-1]) + number) % 1_000_000:06}"
        made += model.play(sent=sent, answer=wrong.encode()).bank.transfers == sent
    return Seen(made == 4, f"4 wrong codes, {made} transfers: the code was only displayed.")


def wrong_otls() -> Seen:
    """Four wrong codes, and then the right one."""
    kinds: list[str] = []

    def bank(stream: otls.Stream, done: channel.Play) -> None:
        ledger, context = otls.Ledger(), channel.FIRST.context
        channel.begin_messages(stream, done)
        issued = ledger.issue("asha", context, attempts=ATTEMPTS)
        stream.send_message(otls.Envelope.for_transaction(issued, channel.FIRST))
        while isinstance(answer := stream.receive_message(), otls.Answer):
            verdict = ledger.verify(answer.id, "asha", context, answer.code or "", receipt=answer.receipt)
            kinds.append(verdict.kind)
            stream.send_message(otls.VerdictNotice(answer.id, verdict))

    def customer(stream: otls.Stream, done: channel.Play) -> None:
        stream.send(b".")
        envelope = stream.receive_message()
        if isinstance(envelope, otls.Envelope):
            right = int(envelope.code.expose())
            for number in (1, 2, 3, 4, 0):
                stream.approve(envelope, f"{(right + number) % 1_000_000:06}")
                stream.receive_message()

    done = channel.play(bank=bank, customer=customer)
    for error in (done.bank_error, done.customer_error):
        if error:
            raise error
    fell = "accepted" in kinds or len(kinds) != 5
    what = (
        f"The verdicts were {', '.join(kinds)}: the last was for the right code, which is of no use any more."
    )
    return Seen(fell, what, kinds[-1] if kinds else "")


def payment_original() -> Seen:
    """The code of the first payment for the second."""
    sent = model.messages(2)
    done = model.play(sent=sent, answer=sent[0][-7:-1].encode())
    return Seen(
        done.bank.transfers == sent,
        f"One code approved {len(done.bank.transfers)} payments: it belongs to none.",
    )


def payment_otls() -> Seen:
    """The code of one payment for another; and the answer to one as if the other had been asked."""
    refused: list[otls.Error] = []

    def bank(stream: otls.Stream, done: channel.Play) -> None:
        ledger = otls.Ledger()
        channel.begin_messages(stream, done)
        for transaction in (channel.FIRST, channel.SECOND):
            issued = ledger.issue("asha", transaction.context)
            stream.send_message(otls.Envelope.for_transaction(issued, transaction))
        answer = stream.receive_message()
        if isinstance(answer, otls.Answer) and answer.code:
            # Its identifier is the second's, its code the first's.
            done.verdicts.append(ledger.verify(answer.id, "asha", channel.SECOND.context, answer.code))
        answer = stream.receive_message()
        if isinstance(answer, otls.Answer) and answer.code:
            # All of it is about the first, and the bank was told that it is about the second.
            try:
                verdict = ledger.verify(
                    answer.id, "asha", channel.SECOND.context, answer.code, receipt=answer.receipt
                )
                done.verdicts.append(verdict)
            except otls.OtpReceiptError as error:
                refused.append(error)

    def customer(stream: otls.Stream, done: channel.Play) -> None:
        stream.send(b".")
        first, second = stream.receive_message(), stream.receive_message()
        if isinstance(first, otls.Envelope) and isinstance(second, otls.Envelope):
            other = first.code.expose()
            if other == second.code.expose():
                other = f"{(int(other) + 1) % 1_000_000:06}"
            stream.approve(second, other)
            stream.approve(first)
        stream.receive_message()

    done = channel.play(bank=bank, customer=customer)
    kinds = [verdict.kind for verdict in done.verdicts]
    if kinds != ["wrong"] or not refused:
        return Seen(True, f"verdicts {kinds}, refused {refused}", channel.check(done.bank_error))
    what = "The first payment's code was wrong for the second, and its signed receipt names what differs."
    return Seen(False, what, kinds[0], channel.text(refused[0]))


class AgainForTheNext:
    """Keeps the customer's first answer and gives it for the second message, which does not pass."""

    def __init__(self) -> None:
        self._answer = b""
        self._is_asked = False

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message and self._answer:
            relay.say(BANK, self._answer)
            return []
        if piece.sender == CUSTOMER and self._is_asked:
            self._answer = piece.data
        self._is_asked = piece.is_message
        return [piece.data]


def twice_original() -> Seen:
    """The customer's yes to one payment is a yes to the next."""
    done = model.play(AgainForTheNext(), model.messages(2))
    fell = done.bank.transfers == done.sent and len(done.messages) == 1
    return Seen(fell, f"The customer answered once, and the bank made {len(done.bank.transfers)} transfers.")


def twice_otls() -> Seen:
    """The right code, and the same once more."""
    kinds: list[str] = []

    def bank(stream: otls.Stream, done: channel.Play) -> None:
        ledger, context = otls.Ledger(), channel.FIRST.context
        channel.begin_messages(stream, done)
        issued = ledger.issue("asha", context)
        stream.send_message(otls.Envelope.for_transaction(issued, channel.FIRST))
        for _ in range(2):
            answer = stream.receive_message()
            if isinstance(answer, otls.Answer) and answer.code:
                kinds.append(
                    ledger.verify(answer.id, "asha", context, answer.code, receipt=answer.receipt).kind
                )

    def customer(stream: otls.Stream, done: channel.Play) -> None:
        stream.send(b".")
        envelope = stream.receive_message()
        if isinstance(envelope, otls.Envelope):
            stream.approve(envelope)
            stream.approve(envelope)
        stream.receive_message()

    channel.play(bank=bank, customer=customer)
    fell = kinds[:1] != ["accepted"] or "accepted" in kinds[1:] or len(kinds) != 2
    return Seen(fell, f"The verdicts were {', '.join(kinds)}.", kinds[-1] if kinds else "")
