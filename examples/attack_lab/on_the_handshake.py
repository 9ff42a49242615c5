"""Attacks on how a connection begins: weaker choices, changed octets, old connections, no key."""

from __future__ import annotations

import functools
import json
import os
import socket

from cryptography.hazmat.primitives.asymmetric import x25519

import otls

from . import channel, model, tls13
from .original import cipher
from .relay import BANK, CUSTOMER, PATIENCE, Piece, Relay, tls_records
from .verdict import Seen
from .with_certificates import fool

#: Handshake records: in the clear, and protected.
HANDSHAKE_RECORDS = (tls13.HANDSHAKE, tls13.APPLICATION_DATA)
#: Of a record and of a message.
HEADERS = 5 + 4
#: In each record that is changed, one at a time.
PLACES = 8
#: A suite that nobody has (RFC 8701 reserves it).
NO_SUITE = b"\x0a\x0a"
STANDARD, STRONGER = b"\x13\x01", b"\x13\x02"


def downgrade_original() -> Seen:
    """Of what the customer can do only the worst is left; equal blocks then look equal."""

    def change(_: Relay, piece: Piece) -> list[bytes]:
        if piece.sender == CUSTOMER and piece.data.startswith(b'{"suites"'):
            return [json.dumps(json.loads(piece.data) | {"suites": ["AES-ECB"]}).encode()]
        return [piece.data]

    done = model.play(change, model.messages(2))
    sealed = done.sealed()
    fell = (
        done.messages == done.sent
        and not done.complained()
        and sealed[0][: cipher.BLOCK] == sealed[1][: cipher.BLOCK]
    )
    return Seen(
        fell,
        f"Both used {done.customer.suite}, and a listener saw that two messages begin with the same words.",
    )


def weaker_offer(_: Relay, piece: Piece) -> list[bytes]:
    """The stronger suites of the ClientHello become unknown ones."""
    if piece.sender != CUSTOMER or piece.data[0] != tls13.HANDSHAKE:
        return [piece.data]
    hello = tls13.Hello.parse(piece.data[5:])
    at, length = hello.suites
    offered = [hello.raw[i : i + 2] for i in range(at, at + length, 2)]
    left = b"".join(suite if suite == STANDARD else NO_SUITE for suite in offered)
    return [piece.data[:5] + hello.raw[:at] + left + hello.raw[at + length :]]


def weaker_choice(_: Relay, piece: Piece) -> list[bytes]:
    """The suite of the ServerHello becomes a weaker one that the customer has offered, too."""
    if piece.sender != BANK or piece.data[0] != tls13.HANDSHAKE:
        return [piece.data]
    hello = tls13.Hello.parse(piece.data[5:])
    at, length = hello.suites
    return [piece.data[:5] + hello.raw[:at] + STANDARD + hello.raw[at + length :]]


def downgrade_otls() -> Seen:
    """What the customer offers is changed, and then what the bank chooses."""
    server = channel.server_config(suites=["TLS_AES_256_GCM_SHA384", channel.STANDARD_SUITE])
    chosen = []
    for change in (weaker_offer, weaker_choice):
        done = channel.play(change, server=server)
        error = done.customer_error
        if done.sent or done.shown or error is None:
            return Seen(True, f"the connection went on, and {done.shown} was shown", channel.check(error))
        if channel.check(error) != "bad_record_mac":
            return Seen(False, f"{change.__name__} ended early", channel.check(error), channel.text(error))
        hello = tls13.Hello.parse(next(p.data for p in done.recorded if p.sender == BANK)[5:])
        at, length = hello.suites
        chosen.append(hello.raw[at : at + length])
    if chosen != [STANDARD, STRONGER]:
        return Seen(False, f"the bank chose {chosen}")
    what = (
        "The bank took the weaker suite, and then its choice was changed to it; the customer found out "
        "with the first protected record, both times."
    )
    return Seen(False, what, channel.check(error), channel.text(error))


def transcript_original() -> Seen:
    """The randoms that both send."""
    changed: list[str] = []

    def change(_: Relay, piece: Piece) -> list[bytes]:
        content = json.loads(piece.data) if not piece.is_message and piece.data[:1] == b"{" else {}
        if "random" in content:
            changed.append(piece.sender)
            return [json.dumps(content | {"random": "00" * 16}).encode()]
        return [piece.data]

    done = model.play(change)
    fell = changed == [CUSTOMER, BANK] and done.messages == done.sent and not done.complained()
    return Seen(fell, f"The randoms of {len(changed)} messages were changed, and nobody noticed.")


class OneOctet:
    """Changes one octet of one record of the handshake, both counted from 0, and the header not."""

    def __init__(self, record: int, at: int) -> None:
        self._left, self._at = record, at
        self.is_done = False

    def __call__(self, _: Relay, piece: Piece) -> list[bytes]:
        if self.is_done or piece.data[0] not in HANDSHAKE_RECORDS or piece.is_message:
            return [piece.data]
        self._left -= 1
        if self._left >= 0:
            return [piece.data]
        self.is_done = True
        at = HEADERS + self._at % (len(piece.data) - HEADERS)
        return [piece.data[:at] + bytes([piece.data[at] ^ 1]) + piece.data[at + 1 :]]


def transcript_otls() -> Seen:
    """Octets all over each record in turn, from the ClientHello to the customer's Finished."""
    lengths = []
    for piece in channel.play().recorded:
        if piece.data[0] in HANDSHAKE_RECORDS:
            lengths.append(len(piece.data) - HEADERS)
        # The customer's flight is the last of the handshake; the bank's tickets come behind it.
        if piece.sender == CUSTOMER and piece.data[0] == tls13.APPLICATION_DATA:
            break
    checks: dict[str, str] = {}
    changes = [
        (record, place * length // PLACES) for record, length in enumerate(lengths) for place in range(PLACES)
    ]
    for record, at in changes:
        change = OneOctet(record, at)
        done = channel.play(change)
        errors = {
            channel.check(error): channel.text(error) for error in (done.customer_error, done.bank_error)
        }
        if not change.is_done or done.shown or "" in errors:
            return Seen(True, f"octet {at} of record {record} was changed, and the connection went on")
        # What was told by the other side, or is only the end of the connection, is not the check.
        raised = {name for name in errors if not name.startswith("alert_received") and name != "truncated"}
        checks |= {name: errors[name] for name in raised or errors}
    what = (
        f"{len(changes)} octets of {len(lengths)} records were changed, and {len(changes)} handshakes ended"
    )
    best = "bad_record_mac" if "bad_record_mac" in checks else min(checks)
    return Seen(False, f"{what}: {', '.join(sorted(checks))}.", best, checks[best])


def session_original() -> Seen:
    """What a customer once sent is sent again; the key is the same again, and was guessed long ago."""
    for _ in range(25):
        before = model.play()
        found = model.crack(before.customer.suite, before.sealed()[0])
        if found:
            break
    else:
        return Seen(False, "no recorded connection could be opened")
    first, second = (
        piece.data for piece in before.relay.recorded if piece.sender == CUSTOMER and piece.data != b"OK"
    )
    read: list[bytes] = []

    def attack(sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        sock.sendall(first)
        sock.recv(1024)
        sock.sendall(second)
        read.append(cipher.unseal(before.customer.suite, found[1], sock.recv(1024)))
        sock.sendall(b"OK")

    sent = model.messages()
    bank = model.meet(attack, sent)
    fell = bank.transfers == sent and sent[0].encode() in read[0]
    return Seen(
        fell, "The bank took the recording for the customer; the attacker read the new code and approved."
    )


def session_otls() -> Seen:
    """The recording as it was, the recording of a connection that resumed another, and its ticket alone."""
    server = channel.server_config(tickets=otls.TicketKeys.generate())
    client = channel.client_config(sessions=2)
    kept: list[otls.Session] = []

    def customer(stream: otls.Stream, done: channel.Play) -> None:
        channel.approve_codes(stream, done)
        session = stream.connection.take_session()
        if session:
            kept.append(session)

    full = channel.play(server=server, client=channel.Client(client), customer=customer)
    resumed = channel.play(server=server, client=channel.Client(client, kept[0]))
    hello = next(piece.data for piece in resumed.recorded if piece.sender == CUSTOMER)
    if resumed.customer_error or len(hello) <= len(full.recorded[0].data):
        return Seen(False, f"the customer did not resume: {channel.text(resumed.customer_error)}")
    checks = {}
    for name, records in (
        ("recording", _sent_by_customer(full)),
        ("resumption", _sent_by_customer(resumed)),
        ("ticket", [with_our_share(hello)]),
    ):
        done = channel.meet_bank(functools.partial(speak, records), server)
        if done.sent or done.bank_error is None:
            return Seen(True, f"the bank went on after the {name}: {done.sent}")
        checks[name] = channel.check(done.bank_error)
    what = "The bank ended all three connections: " + ", ".join(
        f"{name}: {check}" for name, check in checks.items()
    )
    return Seen(False, what + ".", checks["ticket"], channel.text(done.bank_error))


def _sent_by_customer(done: channel.Play) -> list[bytes]:
    return [piece.data for piece in done.recorded if piece.sender == CUSTOMER]


def speak(sent: list[bytes], sock: socket.socket) -> None:
    """Sends a ClientHello, waits for the answer and sends the rest."""
    sock.settimeout(PATIENCE)
    sock.sendall(sent[0])
    next(tls_records(sock), b"")
    sock.sendall(b"".join(sent[1:]))


def with_our_share(record: bytes) -> bytes:
    """A ClientHello whose key share of X25519 is the attacker's, who could then go on alone."""
    hello = tls13.Hello.parse(record[5:])
    share = hello.share(tls13.X25519)
    ours = x25519.X25519PrivateKey.generate().public_key().public_bytes_raw()
    return record.replace(share, ours) if share else record[:-1] + os.urandom(1)


def stolen_original() -> Seen:
    return fool("Server/bank.pem", "the bank's own certificate, with the attacker's key beside it")


def stolen_otls() -> Seen:
    """A server that shows the bank's certificate and signs with another key. With the bank's it works."""
    world = channel.world()
    chain = [certificate.to_der() for certificate in world.bank.identity.chain]
    believed = channel.meet_customer(lambda sock: tls13.play_server(sock, chain, world.bank.key))
    if believed is not None:
        return Seen(False, f"the attacker's server does not work even with the right key: {believed}")
    other = otls.PrivateKey.generate("ecdsa", curve="P-256")
    error = channel.meet_customer(lambda sock: tls13.play_server(sock, chain, other))
    if error is None:
        return Seen(True, "the customer believed a server without the key")
    what = "The customer ended the handshake; the same server with the bank's key would have been believed."
    return Seen(False, what, channel.check(error), channel.text(error))
