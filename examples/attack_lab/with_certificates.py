"""Attacks on who is who: other certificates, other authorities, other keys."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from Crypto.Cipher import PKCS1_OAEP
from Crypto.PublicKey import RSA
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

import otls

from . import channel, model
from .original import cipher
from .original.ttp import ROOT, Ttp, ask, certify, name, request
from .relay import BANK, PATIENCE, Piece, Relay
from .verdict import Seen


class Impostor:
    """Stands between the model's two sides: to the customer as the bank, and reads on.

    The bank's answer is sent on with her own public key and the path of a certificate of her choice.
    """

    def __init__(self, certificate: str) -> None:
        self._certificate = certificate
        self._bank_key: RSA.RsaKey | None = None
        self._key: bytes | None = None
        self._suite = ""
        self.read: list[str] = []

    def __call__(self, relay: Relay, piece: Piece) -> list[bytes]:
        mallory = model.world().mallory
        if piece.is_message:
            if self._key:
                self.read.append(cipher.unseal(self._suite, self._key, piece.data).decode("latin-1"))
            return [piece.data]
        if piece.sender == BANK:
            answer = json.loads(piece.data)
            self._bank_key, self._suite = RSA.import_key(answer["public_key"]), answer["suite"]
            answer |= {
                "public_key": mallory.public_key().export_key().decode(),
                "certificate": self._certificate,
            }
            return [json.dumps(answer).encode()]
        if self._bank_key and not self._key:
            exchange = json.loads(piece.data)
            premaster = PKCS1_OAEP.new(mallory).decrypt(bytes.fromhex(exchange["premaster"]))
            self._key = cipher.session_key(premaster)
            exchange["premaster"] = PKCS1_OAEP.new(self._bank_key).encrypt(premaster).hex()
            return [json.dumps(exchange).encode()]
        return [piece.data]


def fool(path: str, whose: str) -> Seen:
    """An impostor with the certificate at a path: whether she has read what the customer was shown."""
    impostor = Impostor(path)
    done = model.play(impostor)
    fell = (
        bool(done.shown)
        and impostor.read == done.shown
        and done.messages == done.sent
        and not done.complained()
    )
    said = done.customer.terminal[0] if done.customer.terminal else done.complained()
    return Seen(fell, f"The customer took {whose} (“{said}”); the man in the middle read the message.")


def refuse(identity: otls.Identity, **settings: object) -> Seen:
    """An impostor with an identity: whether a customer of otls talks to her."""
    done = channel.play(server=channel.server_config(identity, **settings))
    error = done.customer_error
    fell = bool(done.shown) or error is None
    what = "The customer ended the handshake; the man in the middle read nothing."
    return Seen(
        fell,
        f"the customer was shown {done.shown}" if fell else what,
        channel.check(error),
        channel.text(error),
    )


def mallory_key() -> rsa.RSAPrivateKey:
    """Her key, for ``cryptography``."""
    key = serialization.load_der_private_key(model.world().mallory.export_key("DER"), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(type(key))
    return key


def pem(certificate: x509.Certificate) -> bytes:
    """A certificate as a file."""
    return certificate.public_bytes(Encoding.PEM)


def swap_original() -> Seen:
    """Her own certificate, of the same TTP."""
    with Ttp("ttp.example", model.world().ttp_key) as ttp:
        model.write_certificate("Mallory/swap.pem", pem(ask(ttp.address, request(mallory_key(), "mallory"))))
    return fool("Mallory/swap.pem", "a certificate of CN=mallory")


def swap_otls() -> Seen:
    mallory = channel.certify(channel.world().authority, "server", "mallory", ["mallory.example"])
    return refuse(mallory.identity)


def other_ca_original() -> Seen:
    certificate = certify(mallory_key(), name("ttp.example"), name("bank"))
    model.write_certificate("Mallory/other-ca.pem", pem(certificate))
    return fool("Mallory/other-ca.pem", "a certificate that the attacker has signed in the TTP's name")


def other_ca_otls() -> Seen:
    """In both directions: to the customer as the bank, and to the bank as the customer."""
    authority = channel.new_authority("ttp.example")
    seen = refuse(channel.certify(authority, "server", "bank", channel.NAMES).identity)
    if seen.fell:
        return seen
    customer = channel.certify(authority, "client", "asha").identity
    done = channel.play(client=channel.Client(channel.client_config(customer)))
    if done.sent or channel.check(done.bank_error) != seen.check:
        return Seen(
            True, f"the bank served a stranger's customer: {done.sent}", channel.check(done.bank_error)
        )
    return Seen(
        False, "The customer refused such a bank, and the bank such a customer.", seen.check, seen.error
    )


def self_issued_original() -> Seen:
    certificate = certify(mallory_key(), name("asha"), name("bank"))
    model.write_certificate("Mallory/self-issued.pem", pem(certificate))
    return fool("Mallory/self-issued.pem", "a certificate that another customer's has signed")


def self_issued_otls() -> Seen:
    """A server's certificate that was good for one name signs one for the bank's."""
    world = channel.world()
    leaf = channel.certify(world.authority, "server", "mallory", ["mallory.example"])
    signer = serialization.load_pem_private_key(leaf.key.to_pem(), None)
    key = otls.PrivateKey.generate("ecdsa", curve="P-256")
    public = serialization.load_der_public_key(key.public_key.to_der())
    issuer = x509.load_der_x509_certificate(leaf.identity.certificate.to_der())
    now = datetime.now(UTC)
    forged = (
        x509.CertificateBuilder()
        .subject_name(name("bank"))
        .issuer_name(issuer.subject)
        .public_key(public)  # type: ignore[arg-type]
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
    )
    chain = [
        otls.Certificate.load(forged.public_bytes(Encoding.DER)),
        leaf.identity.certificate,
        world.authority.certificate,
    ]
    return refuse(otls.Identity(chain, key))


def expired_original() -> Seen:
    """A certificate of years ago, whose key was thrown away and found."""
    key, then = model.world().ttp_key, datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name("bank"))
        .issuer_name(name("ttp.example"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(then)
        .not_valid_after(then + timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    model.write_certificate("Mallory/expired.pem", pem(certificate))
    return fool("Mallory/expired.pem", "a certificate of 2020")


def expired_otls() -> Seen:
    """An authority of ten years, a certificate of the bank's from its first weeks."""
    then = datetime.now(UTC) - timedelta(days=400)
    key = otls.PrivateKey.generate("ecdsa", curve="P-384")
    subject = otls.DistinguishedName(common_name="old.example")
    authority = otls.Authority.create(key, subject, now=then)
    bank = otls.PrivateKey.generate("ecdsa", curve="P-256")
    wanted = otls.CertificateRequest.create(
        bank, otls.DistinguishedName(common_name="bank"), names=channel.NAMES
    )
    certificate = authority.issue(wanted, "server", now=then, lifetime=timedelta(days=90))
    trust = otls.TrustStore(authority.certificate)
    server = otls.ServerConfig(otls.Identity([certificate, authority.certificate], bank), trust=trust)
    client = otls.ClientConfig(trust, identity=channel.world().customer.identity)
    done = channel.play(server=server, client=channel.Client(client))
    error = done.customer_error
    fell = bool(done.shown) or error is None
    what = "The customer ended the handshake; the man in the middle read nothing."
    return Seen(fell, "it was accepted" if fell else what, channel.check(error), channel.text(error))


def path_original() -> Seen:
    """The customer is told to look at its own certificate."""
    return fool("Client/asha.pem", "its own certificate for the bank's, at the path that it was told")


def path_otls() -> Seen:
    """There is no path; what can be tried is a certificate that was meant for a customer."""
    return refuse(channel.certify(channel.world().authority, "client", "asha", channel.NAMES).identity)


def no_certificate_original() -> Seen:
    """Mallory is a customer who names asha's certificate. The customer's program has no key at all."""
    done = model.play()
    has_key = any(isinstance(value, RSA.RsaKey) for value in vars(done.customer).values())
    fell = done.bank.transfers == done.sent and done.customer.certificate == "Client/asha.pem" and not has_key
    return Seen(
        fell, "The bank served somebody who named the path of asha's certificate and has no key at all."
    )


def no_certificate_otls() -> Seen:
    """To have asha's certificate is not to have her key; without it there is none to show."""
    done = channel.play(client=channel.Client(channel.client_config(no_identity=True)))
    error = done.bank_error
    fell = bool(done.sent)
    what = "The bank ended the handshake and issued no code."
    return Seen(
        fell, f"the bank sent {done.sent}" if fell else what, channel.check(error), channel.text(error)
    )


def root_original() -> Seen:
    """The TTP's certificate comes from the network, here from the man in the middle."""
    with Ttp("ttp.example", model.world().ttp_key) as real, Ttp("ttp.example", mallory_key()) as false:
        wanted, got = ask(real.address, ROOT), ask(false.address, ROOT)
    fell = got.subject == wanted.subject and got.public_key() != wanted.public_key()
    return Seen(
        fell, "The customer kept the attacker's certificate as the authority that it trusts from now on."
    )


def root_otls() -> Seen:
    """The customer knows the fingerprint of the real one, as ``--root-fingerprint`` of the programs."""
    false = channel.new_authority("ttp.example")
    with enrolment(false) as (address, _):
        trust = otls.TrustStore(fingerprints=[channel.world().authority.certificate.fingerprint])
        try:
            got = otls.fetch_authorities(
                address, otls.ClientConfig(trust, no_identity=True), server_name="localhost", timeout=PATIENCE
            )
        except otls.Error as error:
            return Seen(
                False,
                "The customer ended the handshake and kept nothing.",
                channel.check(error),
                channel.text(error),
            )
    return Seen(True, f"the customer trusts {got}")


def key_original() -> Seen:
    """Two people, one key, and it is the TTP's."""
    with Ttp("ttp.example", model.world().ttp_key) as ttp:
        asha = ask(ttp.address, request(model.world().customer_key, "asha"))
        mallory = ask(ttp.address, request(mallory_key(), "mallory"))
    keys = {certificate.public_key().public_bytes(*SPKI) for certificate in (asha, mallory)}
    fell = keys == {model.world().ttp_key.public_key().public_bytes(*SPKI)}
    return Seen(
        fell, "asha and mallory got certificates for one and the same key, the TTP's: it can pass for both."
    )


def key_otls() -> Seen:
    """In a request of asha's another key is put, as by somebody between her and the TTP."""
    asha = otls.PrivateKey.generate("ecdsa", curve="P-256")
    other = otls.PrivateKey.generate("ecdsa", curve="P-256")
    wanted = otls.CertificateRequest.create(asha, otls.DistinguishedName(common_name="asha"))
    with enrolment(channel.world().authority) as (address, register):
        config = otls.ClientConfig(channel.world().trust, no_identity=True)
        honest = otls.enroll(address, config, "client", wanted, server_name="localhost", timeout=PATIENCE)
        if honest.public_key != asha.public_key:
            return Seen(True, "the certificate is not for the key of the request")
        client = otls.EstClient.simpleenroll("localhost", "client", wanted)
        head, _, body = client.request.partition(b"\r\n\r\n")
        der = base64.b64decode(body).replace(asha.public_key.to_der(), other.public_key.to_der())
        try:
            with otls.connect(address, config, server_name="localhost", timeout=PATIENCE) as stream:
                stream.send(head + b"\r\n\r\n" + base64.b64encode(der))
                while (reply := client.feed(stream.recv())) is None:
                    pass
        except otls.EnrolmentError as error:
            what = "The altered request was refused; an honest one got a certificate for its own key."
            is_new = len(register) == 1
            return Seen(not is_new, what, channel.check(error), channel.text(error))
    return Seen(True, f"a certificate was issued: {reply}")


SPKI = Encoding.DER, PublicFormat.SubjectPublicKeyInfo


def name_original() -> Seen:
    """Mallory asks for a certificate in the bank's name, which the bank has."""
    with Ttp("ttp.example", model.world().ttp_key) as ttp:
        certificate = ask(ttp.address, request(mallory_key(), "bank"))
    issued = x509.load_pem_x509_certificate((model.world().home / "Server/bank.pem").read_bytes())
    fell = certificate.subject == issued.subject
    return Seen(fell, "The TTP gave the attacker a certificate in the bank's name, as an authority.")


def name_otls() -> Seen:
    """As at ``my_ttp.py``, which serves whoever reaches it."""
    with enrolment(channel.world().authority) as (address, register):
        config = otls.ClientConfig(channel.world().trust, no_identity=True)
        subject = otls.DistinguishedName(common_name="bank")
        for whose in ("bank", "mallory"):
            key = otls.PrivateKey.generate("ecdsa", curve="P-256")
            wanted = otls.CertificateRequest.create(key, subject, names=channel.NAMES)
            try:
                otls.enroll(address, config, "server", wanted, server_name="localhost", timeout=PATIENCE)
            except otls.Error as error:
                fell = whose != "mallory" or len(register) != 1
                what = "The TTP refused: the name belongs to the key that had it first, until it is revoked."
                return Seen(fell, what, channel.check(error), channel.text(error))
    return Seen(True, "a second key got the bank's name")


def ends_original() -> Seen:
    """Mallory asks twice; asha comes third."""
    with Ttp("ttp.example", model.world().ttp_key) as ttp:
        for _ in range(2):
            ask(ttp.address, request(mallory_key(), "mallory"))
        try:
            ask(ttp.address, request(model.world().customer_key, "asha"))
        except (OSError, ValueError) as error:
            return Seen(
                True, f"After two certificates for the attacker the TTP was gone: {type(error).__name__}."
            )
    return Seen(False, "a third certificate was issued")


def ends_otls() -> Seen:
    """The same, and what is no request at all between them."""
    authority = channel.new_authority("ttp.example")
    config = otls.ClientConfig(otls.TrustStore(authority.certificate), no_identity=True)
    with enrolment(authority) as (address, register):
        for name_ in ("mallory", "mallory-2", "mallory-3", "asha"):
            with socket.create_connection(address, PATIENCE) as sock:
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            key = otls.PrivateKey.generate("ecdsa", curve="P-256")
            wanted = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name=name_))
            try:
                got = otls.enroll(
                    address, config, "client", wanted, server_name="localhost", timeout=PATIENCE
                )
            except (otls.Error, OSError) as error:
                return Seen(True, f"{name_} got no certificate", channel.check(error), channel.text(error))
        last = got.subject.common_name
        what = f"The TTP issued {len(register)} certificates, the last to {last}, and goes on."
    return Seen(False, what, "issued")


@contextlib.contextmanager
def enrolment(authority: otls.Authority) -> Iterator[tuple[tuple[str, int], otls.Register]]:
    """A TTP that serves over EST as ``my_ttp.py`` does, and its register."""
    identity = channel.certify(authority, "server", "EST server", channel.NAMES).identity
    trust = otls.TrustStore(authority.certificate)
    config = otls.ServerConfig(identity, client_auth="enrolled", trust=trust)
    register, lock = otls.Register(), threading.Lock()

    def answer(stream: otls.Stream) -> None:
        server = otls.EstServer(authority, peer=stream.peer, open_to_servers=True)
        while not server.is_done and (data := stream.recv()):
            with lock:
                response = server.feed(data, register)
            stream.send(response)

    listener = otls.listen(("127.0.0.1", 0), config, timeout=PATIENCE)
    server = otls.Server(answer, listener, on_failure=lambda *_: None)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield listener.address, register
    finally:
        server.stop()
        serving.join(PATIENCE)
