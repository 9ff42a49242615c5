"""Attacks by those who keep what they hear: guessed keys, stolen keys, captures, terminals, old sessions."""

from __future__ import annotations

import ast
import functools
import json
import logging
import re
import tempfile
from pathlib import Path

from Crypto.Cipher import PKCS1_OAEP
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import otls

from . import capture, channel, model, tls13
from .original import cipher
from .relay import BANK, CUSTOMER
from .verdict import Seen

#: Connections for which a listener of the original waits until a key is one of the 512 (two of three are).
SESSIONS = 25


@functools.cache
def record_with_key_log() -> tuple[channel.Play, str]:
    """A recorded connection, and the secrets that its owner has logged.

    Its suite and group are those that the attacker's tools know.
    """
    with tempfile.TemporaryDirectory(prefix="attack-lab-") as folder:
        log = Path(folder) / "keys.log"
        server = channel.server_config(suites=[channel.STANDARD_SUITE], groups=["secp256r1"])
        client = channel.client_config(groups=["secp256r1"], key_log=True)
        done = channel.play(server=server, client=channel.Client(client, key_log=log))
        for error in (done.customer_error, done.bank_error):
            if error:
                raise error
        return done, log.read_text()


def later_original() -> Seen:
    """RSA key transport: the bank's key opens what was recorded, however long ago."""
    done = model.play()
    exchange = json.loads(
        next(piece.data for piece in list(done.relay.recorded)[2:] if piece.sender == CUSTOMER)
    )
    stolen = model.crypto(model.world().bank_key)
    try:
        premaster = PKCS1_OAEP.new(stolen).decrypt(bytes.fromhex(exchange["premaster"]))
    except ValueError as error:
        return Seen(False, f"the bank's key does not open the recorded key exchange: {error}")
    read = cipher.unseal(done.customer.suite, cipher.session_key(premaster), done.sealed()[0])
    fell = read == done.customer.shown[0] and done.sent[0].encode() in read
    return Seen(fell, "With the bank's key, stolen afterwards, the recorded message was read.")


def later_otls() -> Seen:
    """All that both keys on the disk can do with the key shares of the recording, and what it would take."""
    done, key_log = record_with_key_log()
    hellos, record = handshake(done)
    transcript = b"".join(hello.raw for hello in hellos)
    # It is a question of the key alone: with the connection's own secret the same tool opens the record.
    log = dict(re.findall(r"^(\w+) [0-9a-f]+ ([0-9a-f]+)$", key_log, re.MULTILINE))
    tls13.Protection(bytes.fromhex(log["SERVER_HANDSHAKE_TRAFFIC_SECRET"])).open(record)
    tried = 0
    for person in (channel.world().bank, channel.world().customer):
        key = serialization.load_pem_private_key(person.key.to_pem(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101
        for hello in hellos:
            share = hello.share(tls13.SECP256R1)
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), share or b"")
            secret = tls13.server_handshake_traffic(key.exchange(ec.ECDH(), point), transcript)
            tried += 1
            try:
                tls13.Protection(secret).open(record)
            except InvalidTag as error:
                check = type(error).__name__
            else:
                return Seen(True, "a key of the disk opened the recording")
    what = f"{tried} combinations of both keys with the recorded key shares opened nothing."
    return Seen(False, what, check, "the tag of the recorded record is not right under any of the keys")


def handshake(done: channel.Play) -> tuple[list[tls13.Hello], bytes]:
    """The two hellos of a recording, and the first protected record of the bank."""
    hellos = [
        tls13.Hello.parse(next(p.data for p in done.recorded if p.sender == sender)[5:])
        for sender in (CUSTOMER, BANK)
    ]
    protected = (p.data for p in done.recorded if p.sender == BANK and p.data[0] == tls13.APPLICATION_DATA)
    return hellos, next(protected)


def guesses_original() -> Seen:
    """A listener tries the 512 keys that begin with an octet that does not show as itself."""
    for number in range(1, SESSIONS + 1):
        done = model.play()
        found = model.crack(done.customer.suite, done.sealed()[0])
        if found:
            return Seen(
                done.sent[0] in found[2],
                f"In recorded connection {number} guess {found[0]} of {len(model.guesses())} was the key: "
                f"{found[1].decode()}",
            )
    return Seen(False, f"none of {SESSIONS} recorded connections was opened")


def guesses_otls() -> Seen:
    """The same keys, as the key of a record and as the secret that it comes from."""
    done, _ = record_with_key_log()
    _, record = handshake(done)
    tried = 0
    for guess in model.guesses():
        tried += 1
        try:
            AESGCM(guess).decrypt(bytes(12), record[5:], record[:5])
            return Seen(True, f"guess {tried} is the key")
        except InvalidTag:
            pass
        try:
            tls13.Protection(guess).open(record)
            return Seen(True, f"guess {tried} is the secret")
        except InvalidTag as error:
            check = type(error).__name__
    what = f"None of {tried} guesses opened the recording; there are 2^128 keys, and none is likelier."
    return Seen(False, what, check, "the tag of the recorded record is not right under any of the keys")


def capture_original() -> Seen:
    """Wireshark gives out the octets; the listener's 512 guesses do the rest."""
    for _ in range(SESSIONS):
        done = model.play()
        octets = capture.follow(done.relay.recorded, "tcp")
        sealed = done.sealed()[0]
        at = octets.find(sealed)
        found = at >= 0 and model.crack(done.customer.suite, octets[at : at + len(sealed)])
        if found:
            return Seen(done.sent[0] in found[2], f"From the capture alone a listener read “{done.sent[0]}”")
    return Seen(False, f"none of {SESSIONS} captures was readable")


def capture_otls() -> Seen:
    """Without the key log and, as the owner, with it."""
    done, key_log = record_with_key_log()
    text = done.sent[0].encode()
    without = capture.follow(done.recorded, "tls") + capture.follow(done.recorded, "tcp")
    with tempfile.TemporaryDirectory(prefix="attack-lab-") as folder:
        log = Path(folder) / "keys.log"
        log.write_text(key_log)
        owner = capture.follow(done.recorded, "tls", "-o", f"tls.keylog_file:{log}")
    code = text.split()[-1].rstrip(b".")
    if text in without or code in without:
        return Seen(True, "Wireshark shows the message without the key log")
    if code not in owner:
        return Seen(False, "the owner cannot read it with the key log either: was it this connection?")
    what = "Wireshark showed nothing of it; with the owner's key log it showed the code."
    return Seen(False, what, "only with the key log")


def printed_original() -> Seen:
    """Somebody reads the terminal, or the log that it goes to."""
    done = model.play()
    shown = next((line for line in done.bank.terminal if line.startswith("session key: ")), None)
    if shown is None:
        return Seen(False, f"no key on the bank's terminal: {done.bank.terminal}")
    key = ast.literal_eval(shown.removeprefix("session key: "))
    read = cipher.unseal(done.customer.suite, key, done.sealed()[0])
    return Seen(
        done.sent[0].encode() in read,
        "The key stood on the bank's terminal, and opened the recorded message.",
    )


class Said(logging.Handler):
    """All that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps a line."""
        self.lines.append(self.format(record))


def printed_otls() -> Seen:
    """All that both sides log, and all that their objects show of themselves."""
    said = Said()
    log = logging.getLogger()
    objects: list[str] = []
    level = log.level
    log.addHandler(said)
    log.setLevel(logging.DEBUG)
    secrets: list[bytes] = []

    def bank(stream: otls.Stream, done: channel.Play) -> None:
        channel.send_codes(stream, done)
        objects.extend(
            (repr(stream), repr(stream.connection), repr(server), repr(stream.connection.identity))
        )

    def customer(stream: otls.Stream, done: channel.Play) -> None:
        stream.send(b".")
        envelope = stream.receive_message()
        if isinstance(envelope, otls.Envelope):
            done.shown.append(envelope.expose_text())
            objects.extend(f"{thing!r} {thing}" for thing in (envelope, envelope.code, stream, client))
            secrets.append(envelope.code.expose().encode())
            stream.approve(envelope)
            objects.append(repr(stream.receive_message()))

    with tempfile.TemporaryDirectory(prefix="attack-lab-") as folder:
        path = Path(folder) / "keys.log"
        server, client = channel.server_config(), channel.client_config(key_log=True)
        try:
            done = channel.play(
                bank=bank, customer=customer, server=server, client=channel.Client(client, key_log=path)
            )
        finally:
            log.removeHandler(said)
            log.setLevel(level)
        secrets += [line.split()[2].encode() for line in path.read_text().splitlines()]
    for error in (done.customer_error, done.bank_error):
        if error:
            raise error
    everything = "\n".join(said.lines + objects).lower().encode()
    found = [secret for secret in secrets if secret in everything]
    if found or len(secrets) < 5:
        return Seen(True, f"{len(found)} of {len(secrets)} secrets are in what was shown")
    what = f"None of {len(secrets)} secrets, the code among them, is in what both sides log and show."
    return Seen(False, what, "no secret shown")
