"""What the programs share to get a certificate: questions, keys and files in a folder, and the TTP."""

from __future__ import annotations

import argparse
import contextlib
import itertools
import re
import select
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import otls
from _terminal import Exit, Operator, Question, Stop, T, address, blame, load, seconds

#: What an answer to "RSA or ECDSA" and "SHA256 or SHA384" stands for: a key's kind and bits, and its scheme.
KINDS = {
    ("RSA", "SHA256"): ("rsa", 2048, "rsa_pss_rsae_sha256"),
    ("RSA", "SHA384"): ("rsa", 3072, "rsa_pss_rsae_sha384"),
    ("ECDSA", "SHA256"): ("ecdsa", 256, "ecdsa_secp256r1_sha256"),
    ("ECDSA", "SHA384"): ("ecdsa", 384, "ecdsa_secp384r1_sha384"),
}

#: A certificate is used again only if it lasts this long.
REUSE_MARGIN = timedelta(minutes=10)

KEY = "private_key.pem"
DAMAGED = "move the file away and run again"


def user_name(answer: str) -> str:
    """Checks a user name, which is a certificate's common name and the name of a file."""
    if not re.fullmatch(r"(?!\.)[\w .-]{1,64}(?<!\.)", answer):
        raise ValueError("a name has 1 to 64 letters, digits, spaces and . _ - alone, no dot first or last")
    if answer.casefold() in {"private_key", "public_key", "csr"}:
        raise ValueError(f"a file {answer}.pem is written for something else")
    return attribute("CN")(answer)


def attribute(kind: str) -> Callable[[str], str]:
    """A check of one attribute of a subject."""
    return lambda answer: otls.DistinguishedName(attributes=[(kind, answer)]).values(kind)[0]


def dns_name(answer: str) -> str:
    """Checks a DNS name: a certificate may have other names too, which are not asked for."""
    if ":" in answer or "@" in answer:
        raise ValueError("it is not a DNS name")
    return otls.check_name(answer)


def details(organisation: str, domain: str, check: Callable[[str], str] = dns_name) -> list[Question]:
    """The certification details that all three programs ask for."""
    return [
        Question("country", "country code", "IN", lambda answer: attribute("C")(answer.upper())),
        Question("state", "state or province", "Goa", attribute("ST")),
        Question("locality", "locality", "Panaji", attribute("L")),
        Question("organisation", "organisation", organisation, attribute("O")),
        Question("domain", "domain name", domain, check),
    ]


def party_questions(name: str, organisation: str) -> tuple[Question, list[Question]]:
    """Those that the bank and the customer are asked: who they are, and their details."""
    extra = Question("san", "an extra DNS name", "", lambda answer: answer and dns_name(answer))
    who = Question("name", "user name for the certificate", name, user_name)
    return who, [*details(organisation, "NAME.example"), extra]


def add_party_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of somebody who enrols with the TTP."""
    add = parser.add_argument_group("TTP, keys and waiting").add_argument
    where = "127.0.0.1:15000"
    add("--ttp", type=address, default=where, metavar="HOST:PORT", help=f"default: {where}")
    root = "CA/cert.pem"
    add("--root", type=Path, default=root, metavar="FILE", help=f"the TTP's certificate (default: {root})")
    text = "SHA-256 of the TTP's certificate: instead of the file, or to check it"
    add("--root-fingerprint", type=fingerprint, metavar="HEX", help=text)
    add("--reuse", action="store_true", help="use a certificate that is there and valid; enrol if none")
    text = "append the secrets of our connections to this file: for debugging with Wireshark alone"
    add("--key-log", metavar="FILE", help=text)
    add("--wait", type=seconds, default=30.0, metavar="S", help="for others to start (default: 30)")
    add("--timeout", type=seconds, default=300.0, metavar="S", help="for others to answer (default: 300)")


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint, for argparse: without the colons that openssl writes, in lower case."""
    digits = text.replace(":", "").lower()
    if not re.fullmatch("[0-9a-f]{64}", digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a SHA-256 fingerprint: 64 hexadecimal digits")
    return digits


def load_authority(operator: Operator) -> otls.Certificate:
    """The TTP's certificate: from a file, or by a fingerprint that the person was told; never on trust."""
    args, path, wanted = operator.args, operator.args.root, operator.args.root_fingerprint
    if wanted and not path.exists():
        config = otls.ClientConfig(otls.TrustStore(fingerprints=[wanted]), no_identity=True)
        operator.say("asking the TTP at {}:{} for the certificate with the fingerprint".format(*args.ttp))
        sent = ask_ttp(operator, lambda: otls.fetch_authorities(args.ttp, config, timeout=args.timeout))
        return next(certificate for certificate in sent if certificate.fingerprint == wanted)
    end: float = time.monotonic() + args.timeout

    def is_starting() -> bool:
        # As long as the TTP is there, and does not answer yet, its operator is being asked.
        with contextlib.suppress(OSError), socket.create_connection(args.ttp, timeout=1) as ttp:
            for _ in range(10):
                if path.exists() or select.select([ttp], [], [], 0.1)[0]:
                    return False
            ttp.sendall(_NO_HELLO)
            is_said = False
            while not path.exists() and time.monotonic() < end:
                if select.select([ttp], [], [], 0.5)[0] and not path.exists():
                    # Either it serves, or it has ended.
                    socket.create_connection(args.ttp, timeout=1).close()
                    raise _written_elsewhere(args, path)
                if not is_said:
                    is_said = True
                    text = "the TTP is there, and its operator is being asked"
                    operator.say(f"{text}: waiting {args.timeout:g} s at most")
            return time.monotonic() < end
        return False

    operator.wait_for(f"the TTP to write {path.absolute()}", path.stat, Exit.TTP, is_starting)
    certificate = load(path, otls.Certificate.load, "pass the TTP's certificate with --root")
    if wanted not in (None, certificate.fingerprint):
        text = f"{path} has the fingerprint {certificate.fingerprint}, not the one of --root-fingerprint"
        raise Stop(Exit.CERTIFICATE, text, "get the certificate from the TTP again")
    return certificate


#: An alert instead of a ClientHello: who serves answers it by closing, who is still being asked does not.
_NO_HELLO = bytes([21, 3, 3, 0, 2, 1, 0])


def _written_elsewhere(args: argparse.Namespace, path: Path) -> Stop:
    """The TTP serves, and its certificate is not where it should be."""
    text = "the TTP at {}:{} is running, and there is no {}".format(*args.ttp, path.absolute())
    hint = (
        "run this in the TTP's folder, or pass its certificate with --root; if its folder was deleted, end it"
    )
    return Stop(Exit.TTP, text, f"{hint} and start it again")


def ask_ttp(operator: Operator, attempt: Callable[[], T], refused: str = "") -> T:
    """What the TTP answers, when it is there; ``refused`` is what to do where it will not."""
    where = "the TTP at {}:{}".format(*operator.args.ttp)
    try:
        return operator.wait_for(where, attempt, Exit.TTP)
    except otls.CertificateError as error:
        text = f"{where} does not have the certificate of {operator.args.root} or --root-fingerprint: {error}"
        raise Stop(Exit.CERTIFICATE, text, error.hint) from error
    except otls.EnrolmentRefused as error:
        raise Stop(Exit.TTP, f"the TTP: {error}", refused or error.hint) from error
    except (otls.Error, OSError) as error:
        raise Stop(Exit.TTP, f"{where}: {error}", "check --ttp, and the TTP's terminal") from error


@dataclass
class Party:
    """Somebody with a folder of keys and certificates, who enrols with the TTP."""

    operator: Operator
    folder: Path
    profile: str
    name: str
    questions: list[Question]
    authority: otls.Certificate
    #: Names that a server's certificate has besides those that were asked for: of the host that it is at.
    own_names: tuple[str, ...] = ()

    def identity(self, auth: str, hash_name: str) -> otls.Identity:
        """A certificate for a key of this kind: the one that is there, if asked, or a new one."""
        say, args = self.operator.say, self.operator.args
        path = self.folder / f"{self.name}.pem"
        kind = KINDS[auth, hash_name]
        if args.reuse and (there := self._reusable(path, kind)):
            say(f"using {path} again, valid until {there.certificate.not_after:%c} UTC")
            return there
        label = re.sub("[^a-z0-9]", "-", self.name.lower())[:63].strip("-") or "somebody"
        answers = {question.name: self.operator.ask(question, label) for question in self.questions}
        self.operator.before()
        with blame(Exit.FILES, f"cannot make the folder {self.folder}", "run it where you may write"):
            self.folder.mkdir(exist_ok=True)
        former = self._former(path)
        key = self._key(kind)
        otls.write_file(self.folder / "public_key.pem", key.public_key.to_pem())
        names = list(dict.fromkeys(filter(None, (answers["domain"], answers["san"], *self.own_names))))
        whole = subject(answers, self.name)
        request = otls.CertificateRequest.create(key, whole, names=names, hash=hash_name)
        otls.write_file(self.folder / "csr.pem", request.to_pem())

        say("asking the TTP at {}:{} for a certificate for {}".format(*args.ttp, self.name))
        is_logged = args.key_log is not None
        trust = otls.TrustStore(self.authority)
        config = otls.ClientConfig(trust, identity=former, no_identity=former is None, key_log=is_logged)
        more = {"timeout": args.timeout, "key_log": args.key_log, "trace": self.operator.trace}
        about = {"subject": str(whole), "key": auth}
        self.operator.tell("certificate_requested", f"asks the TTP for a certificate for {whole}", **about)
        attempt = partial(otls.enroll, args.ttp, config, self.profile, request, **more)
        hint = f"use the folder that has the key ({self.folder}), or free the name where the TTP runs"
        hint += f": my_ttp.py --revoke NAME, for example {self.name!r}"
        certificate = ask_ttp(self.operator, attempt, hint)
        # The TTP answers for what it signs, but its answer is checked like anybody else's.
        with blame(Exit.TTP, "the TTP issued a certificate that is not good"):
            self._judge(certificate, datetime.now(UTC))
            identity = otls.Identity([certificate, self.authority], key)
        otls.write_file(path, certificate.to_pem())
        text = f"certificate in {path}, serial {certificate.serial:x}"
        say(text)
        self.operator.tell("certificate_issued", text, **about, serial=f"{certificate.serial:x}")
        return identity

    def _reusable(self, path: Path, kind: tuple[str, int, str]) -> otls.Identity | None:
        if not path.exists() or not (self.folder / KEY).exists():
            return None
        try:
            identity = self._load(path, self.folder / KEY)
            self._judge(identity.certificate, datetime.now(UTC) + REUSE_MARGIN)
        except (otls.CertificateError, otls.KeyMismatch) as error:
            self.operator.say(f"not using {path} again: {error}")
            return None
        key = identity.certificate.public_key
        return identity if (key.kind, key.bits) == kind[:2] else None

    def _former(self, path: Path) -> otls.Identity | None:
        """A certificate of this folder that is still good, with its key.

        The TTP lets a name move to another key only when the request comes from who has it. That of this
        user name is asked first, but of a bank the newest: its host's names have moved to that one's key.
        """
        if path.exists():
            load(path, otls.Certificate.load, DAMAGED)  # Rather stop than write over it.
        paths = sorted(self.folder.glob("*.pem"), key=lambda one: -one.stat().st_mtime)
        if not self.own_names:
            paths.sort(key=lambda one: one != path)
        for pair in itertools.product(paths, sorted(self.folder.glob(f"{KEY}*"))):
            with contextlib.suppress(otls.Error, Stop):
                identity = self._load(*pair)
                otls.TrustStore(self.authority).verify(identity.certificate, role="any")
                return identity
        return None

    def _load(self, certificate: Path, key: Path) -> otls.Identity:
        chain = [load(certificate, otls.Certificate.load, DAMAGED), self.authority]
        return otls.Identity(chain, self.operator.load_key(key))

    def _key(self, kind: tuple[str, int, str]) -> otls.PrivateKey:
        path, say = self.folder / KEY, self.operator.say
        if path.exists():
            key = self.operator.load_key(path)
            if (key.kind, key.bits) == kind[:2]:
                say(f"using the private key in {path}")
                return key
            others = (path.with_name(f"{path.name}.old-{number}") for number in itertools.count(1))
            kept = path.rename(next(other for other in others if not other.exists()))
            say(f"the private key of another kind is kept as {kept}")
        say(f"generating a private key: {kind[0].upper()}, {kind[1]} bits")
        return new_key(path, kind, self.operator.key_password())

    def _judge(self, certificate: otls.Certificate, now: datetime) -> None:
        """Raises unless the certificate is good for what it is wanted for, each of our own names included."""
        trust = otls.TrustStore(self.authority)
        for name in self.own_names or (None,):
            trust.verify(certificate, server_name=name, now=now)


def subject(answers: dict[str, str], name: str) -> otls.DistinguishedName:
    """The subject that the answers stand for."""
    kinds = {"C": "country", "ST": "state", "L": "locality", "O": "organisation"}
    return otls.DistinguishedName(
        attributes=[*((kind, answers[of]) for kind, of in kinds.items()), ("CN", name)]
    )


def new_key(path: Path, kind: tuple[str, int, str], password: bytes | None) -> otls.PrivateKey:
    """Makes a key of a kind and keeps it, for its owner alone."""
    size = {"bits": kind[1]} if kind[0] == "rsa" else {"curve": f"P-{kind[1]}"}
    key = otls.PrivateKey.generate(kind[0], **size)
    otls.save_key(path, key, password=password)
    return key
