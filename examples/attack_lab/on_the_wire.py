"""Attacks on what passes: changed, repeated, left out, in another order, cut off, invented."""

from __future__ import annotations

import functools
from collections.abc import Callable

from otls import SUITES

from . import channel, model
from .relay import BANK, CUSTOMER, Cut, Meddle, Piece, Relay
from .verdict import Seen

#: Where the amount stands in the text, and what is made of it.
AMOUNT, MORE = "1,00,000", "9,99,999"
OTHER_CODE = "111111"
#: The first block of the text, and what is made of it.
START, OTHER_START = "The OTP for tran", "To cancel a tran"


def difference(before: str, after: str) -> bytes:
    """What turns one text into the other by XOR."""
    return bytes(a ^ b for a, b in zip(before.encode(), after.encode(), strict=True))


def flipped(data: bytes, at: int, by: bytes) -> bytes:
    """The octets from ``at`` on, XORed."""
    changed = bytes(a ^ b for a, b in zip(data[at : at + len(by)], by, strict=True))
    return data[:at] + changed + data[at + len(by) :]


class Messages:
    """Meddles with the bank's messages alone, which are counted from 0."""

    def __init__(self, change: Callable[[Relay, int, bytes], list[bytes]]) -> None:
        self._change = change
        self.count = 0

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        if not piece.is_message:
            return [piece.data]
        self.count += 1
        return self._change(relay, self.count - 1, piece.data)


def only_first(change: Callable[[bytes], list[bytes]]) -> Meddle:
    """Meddles with the first message alone."""
    return Messages(lambda _, number, data: change(data) if number == 0 else [data])


def observe(done: channel.Play) -> Seen:
    """What an attack on the wire has brought against otls."""
    error = done.customer_error or done.bank_error
    gain = done.gain()
    if gain:
        return Seen(True, gain, channel.check(error), channel.text(error))
    shown = "nothing" if not done.shown else f"{len(done.shown)} of {len(done.sent)} messages, unchanged,"
    return Seen(
        False,
        f"The connection ended at once; the customer was shown {shown} and the error.",
        channel.check(error),
        channel.text(error),
    )


def control_original() -> Seen:
    """Nobody meddles."""
    done = model.play()
    arrived = done.messages == done.sent and not done.complained()
    return Seen(arrived, f"The message arrives: {first(done)}")


def control_otls() -> Seen:
    """Nobody meddles."""
    return whole(channel.play())


def whole(done: channel.Play) -> Seen:
    """Whether all has arrived as it was sent, and the bank has accepted the code."""
    error = done.customer_error or done.bank_error
    kinds = [verdict.kind for verdict in done.verdicts]
    if error is None and done.shown == done.sent and kinds == ["accepted"]:
        return Seen(False, "The message arrives as it was sent, and its code is accepted.", kinds[0])
    return Seen(True, f"shown {done.shown}, verdicts {kinds}", channel.check(error), channel.text(error))


def flip_original() -> Seen:
    """The amount, and the code, which the man in the middle knows here (``guesses`` finds it).

    In CBC what is flipped of the IV flips in the first block.
    """
    sent = model.messages()
    text = sent[0]
    code = text[-7:-1]

    def change(data: bytes) -> list[bytes]:
        data = flipped(data, 8 + text.index(AMOUNT), difference(AMOUNT, MORE))
        return [flipped(data, 8 + text.index(code), difference(code, OTHER_CODE))]

    done = model.play(only_first(change), sent)
    chained = model.play(
        only_first(lambda data: [flipped(data, 0, difference(START, OTHER_START))]), suites=("AES-CBC",)
    )
    fell = done.messages == [model.TEXT.replace(AMOUNT, MORE).format(OTHER_CODE)]
    fell = fell and chained.messages == [chained.sent[0].replace(START, OTHER_START)]
    fell = fell and not done.complained() and not chained.complained()
    return Seen(fell, f"With CHACHA20 the customer was shown {first(done)}, with AES-CBC {first(chained)}")


def flip_otls() -> Seen:
    """The same bits, with every suite."""
    for suite in SUITES:
        change = only_first(lambda data: [flipped(data, len(data) // 2, difference(AMOUNT, MORE))])
        seen = observe(channel.play(change, server=channel.server_config(suites=[suite])))
        if seen.fell or seen.check != "bad_record_mac":
            return seen
    return Seen(
        False,
        f"With each of the {len(SUITES)} suites the customer was shown nothing but the error.",
        seen.check,
        seen.error,
    )


class Again:
    """Sends the first message once more when the customer has said OK to it."""

    def __init__(self) -> None:
        self._kept = b""

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message:
            self._kept = piece.data
        elif piece.sender == CUSTOMER and self._kept:
            kept, self._kept = self._kept, b""
            relay.say(CUSTOMER, kept)
            return []
        return [piece.data]


def replay_original() -> Seen:
    """The customer's first OK goes to the man in the middle, the second to the bank."""
    done = model.play(Again())
    fell = done.messages == done.sent * 2 and not done.complained()
    return Seen(
        fell, f"The customer was shown {len(done.messages)} messages; the bank had sent {len(done.sent)}."
    )


def replay_otls() -> Seen:
    return observe(channel.play(only_first(lambda data: [data, data])))


def drop_original() -> Seen:
    """The man in the middle says OK in the customer's place."""

    def change(relay: Relay, number: int, data: bytes) -> list[bytes]:
        if number:
            return [data]
        relay.say(BANK, b"OK")
        return []

    done = model.play(Messages(change), model.messages(2))
    fell = done.messages == done.sent[1:] and not done.complained()
    return Seen(
        fell, f"Of two messages the customer was shown {len(done.messages)}; both sides were content."
    )


def drop_otls() -> Seen:
    return observe(channel.play(only_first(lambda _: []), bank=channel.send_two))


class Reorder:
    """Holds the first message back until the second has passed."""

    def __init__(self) -> None:
        self.held: bytes | None = None
        self.swallow = False

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message and self.held is None:
            self.held = piece.data
            relay.say(BANK, b"OK")
            return []
        if piece.is_message:
            self.swallow = True
            return [piece.data]
        if self.swallow and piece.sender == CUSTOMER and self.held is not None:
            self.swallow = False
            relay.say(CUSTOMER, self.held)
            return []
        return [piece.data]


def reorder_original() -> Seen:
    done = model.play(Reorder(), model.messages(2))
    fell = done.messages == done.sent[::-1] and not done.complained()
    return Seen(fell, "The customer was shown the second message before the first; both sides were content.")


def reorder_otls() -> Seen:
    held: list[bytes] = []

    def change(_: Relay, number: int, data: bytes) -> list[bytes]:
        if number == 0:
            held.append(data)
            return []
        return [data, *held] if number == 1 else [data]

    return observe(channel.play(Messages(change), bank=channel.send_two))


def truncate_original() -> Seen:
    """The first words pass, the rest does not."""
    end = model.TEXT.index(" to your friend")
    done = model.play(only_first(lambda data: [data[: 8 + end]]))
    fell = done.messages == [model.TEXT[:end]] and not done.complained()
    return Seen(fell, f"The customer was shown {first(done)} as the whole message.")


def truncate_otls() -> Seen:
    def change(data: bytes) -> list[bytes]:
        raise Cut(data[: len(data) // 2])

    return observe(channel.play(only_first(change)))


def cut(_: Relay, number: int, data: bytes) -> list[bytes]:
    """Ends both connections behind the first message."""
    raise Cut(data)


def cut_original() -> Seen:
    done = model.play(Messages(cut), model.messages(2))
    fell = done.messages == done.sent[:1] and done.customer_error is None
    return Seen(fell, "The customer was shown one message of two, and took that for all.")


def cut_otls() -> Seen:
    return observe(channel.play(Messages(cut), bank=channel.send_two))


class Halves:
    """Sends the first message in two halves, as a network may do by itself."""

    def __init__(self) -> None:
        self._rest = b""

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message:
            half = len(piece.data) // 2
            self._rest = piece.data[half:]
            return [piece.data[:half]]
        if piece.sender == CUSTOMER and self._rest:
            rest, self._rest = self._rest, b""
            relay.say(CUSTOMER, rest)
            return []
        return [piece.data]


def split_original() -> Seen:
    """Each half is taken for a message."""
    done = model.play(Halves())
    fell = len(done.messages) == 2 and done.sent[0] not in done.messages
    return Seen(
        fell, f"One message was shown as {len(done.messages)}: {first(done)} and octets without sense."
    )


def split_otls() -> Seen:
    """Octet by octet, and everything else in pieces of seven."""

    def change(_: Relay, piece: Piece) -> list[bytes]:
        step = 1 if piece.is_message else 7
        return [piece.data[start : start + step] for start in range(0, len(piece.data), step)]

    return whole(channel.play(change))


def first(done: model.Play) -> str:
    """What the model's customer was shown first."""
    return f"“{done.messages[0]}”" if done.messages else f"nothing ({done.complained()})"


def pad_original() -> Seen:
    """The padding stays on the message, and nobody looks at it: eight octets of the attacker's choice."""
    word = " CALL 00"

    def change(data: bytes) -> list[bytes]:
        return [flipped(data, len(data) - 8, bytes(8 ^ octet for octet in word.encode()))]

    plain = model.play()
    done = model.play(only_first(change))
    stays = plain.shown == [plain.sent[0] + "\x08" * 8]
    fell = stays and done.messages == [done.sent[0] + word]
    return Seen(
        fell, f"Unchanged it ends in {plain.shown[0][-8:]!r}; changed the customer was shown {first(done)}."
    )


def _one_bit(back: int, data: bytes) -> list[bytes]:
    return [flipped(data, len(data) - back, b"\x01")]


def pad_otls() -> Seen:
    """Each of the last 16 octets before the tag, one connection each: the answers must not differ."""
    answers = set()
    for back in range(17, 33):
        change = only_first(functools.partial(_one_bit, back))
        seen = observe(channel.play(change))
        answers.add((seen.fell, seen.check, seen.error))
    if len(answers) > 1:
        return Seen(True, f"the answers differ, which tells about the padding: {answers}")
    return Seen(
        False,
        "16 changes of the padded block, 16 times the same answer, which tells nothing.",
        seen.check,
        seen.error,
    )


def inject_original() -> Seen:
    """A yes from nobody: the customer's own does not get through."""

    def change(relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message:
            relay.say(BANK, b"OK")
            return []
        return [piece.data]

    done = model.play(change)
    fell = done.bank.transfers == done.sent and not done.shown
    return Seen(fell, f"The bank made {len(done.bank.transfers)} transfer; the customer was shown nothing.")


def inject_otls() -> Seen:
    """A record that looks like one of the customer's comes to the bank while it waits for the code."""

    def change(relay: Relay, piece: Piece) -> list[bytes]:
        if piece.is_message:
            forged = bytes(64)
            relay.say(BANK, b"\x17\x03\x03" + len(forged).to_bytes(2, "big") + forged)
            return []
        return [piece.data]

    done = channel.play(change)
    error = done.bank_error
    fell = any(verdict.accepted for verdict in done.verdicts)
    what = "The bank ended the connection; no code was accepted, no transfer made."
    return Seen(
        fell, f"verdicts {done.verdicts}" if fell else what, channel.check(error), channel.text(error)
    )
