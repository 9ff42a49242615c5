"""What the bank and the customer share: keys, requests and certificates in a folder, and the TTP."""

from __future__ import annotations

import argparse
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import otls
from _terminal import (
    Exit,
    Operator,
    Question,
    Stop,
    address,
    key_password,
    read_file,
    seconds,
    wait_for,
)

#: The key that an answer to "RSA or ECDSA" and "SHA256 or SHA384" stands for, and its scheme.
KEYS: dict[tuple[str, str], Callable[[], otls.PrivateKey]] = {
    ("RSA", "SHA256"): partial(otls.PrivateKey.generate, "rsa", bits=2048),
    ("RSA", "SHA384"): partial(otls.PrivateKey.generate, "rsa", bits=3072),
    ("ECDSA", "SHA256"): partial(otls.PrivateKey.generate, "ecdsa", curve="P-256"),
    ("ECDSA", "SHA384"): partial(otls.PrivateKey.generate, "ecdsa", curve="P-384"),
}
SCHEMES = {
    ("RSA", "SHA256"): "rsa_pss_rsae_sha256",
    ("RSA", "SHA384"): "rsa_pss_rsae_sha384",
    ("ECDSA", "SHA256"): "ecdsa_secp256r1_sha256",
    ("ECDSA", "SHA384"): "ecdsa_secp384r1_sha384",
}
_SHAPES = {
    ("RSA", "SHA256"): ("rsa", 2048),
    ("RSA", "SHA384"): ("rsa", 3072),
    ("ECDSA", "SHA256"): ("ecdsa", 256),
    ("ECDSA", "SHA384"): ("ecdsa", 384),
}

#: Files of a folder that a user's certificate must not take the place of.
_RESERVED = {"private_key", "public_key", "csr"}

#: A certificate is used again only if it lasts this long.
_REUSE_MARGIN = timedelta(minutes=10)


def user_name(answer: str) -> str:
    """Checks a user name, which is a certificate's common name and the name of a file."""
    if not answer or len(answer) > 64:
        raise ValueError("a name has 1 to 64 characters")
    if not all(character.isalnum() or character in " ._-" for character in answer):
        raise ValueError("a name has letters, digits, spaces and . _ - alone")
    if answer.startswith(".") or answer.endswith("."):
        raise ValueError("a name neither starts nor ends with a dot")
    if answer.casefold() in _RESERVED:
        raise ValueError(f"a file {answer}.pem is written for something else")
    return attribute("CN")(answer)


def attribute(kind: str) -> Callable[[str], str]:
    """A check of one attribute of a subject."""

    def check(answer: str) -> str:
        if not answer:
            raise ValueError("an answer is needed")
        otls.DistinguishedName(attributes=[(kind, answer)])
        return answer

    return check


def country(answer: str) -> str:
    """Checks a country code."""
    return attribute("C")(answer.upper())


def dns_name(answer: str) -> str:
    """Checks a DNS name."""
    if ":" in answer or "@" in answer:
        raise ValueError(f"{answer!r} is not a DNS name")
    return otls.check_name(answer)


def common_dns_name(answer: str) -> str:
    """Checks a DNS name that is to be a common name as well."""
    return attribute("CN")(dns_name(answer))


def optional_dns_name(answer: str) -> str:
    """Checks a DNS name, or that there is none."""
    return dns_name(answer) if answer else ""


def default_domain(name: str) -> str:
    """A domain name for a user name: a name belongs to one key at a time, so each has its own."""
    label = "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-")
    return f"{label or 'somebody'}.example"


def details(
    organisation: str, domain: str, *, domain_check: Callable[[str], str] = dns_name
) -> list[Question]:
    """The certification details that all three programs ask for."""
    return [
        Question("country", "country code", "IN", country),
        Question("state", "state or province", "Goa", attribute("ST")),
        Question("locality", "locality", "Panaji", attribute("L")),
        Question("organisation", "organisation", organisation, attribute("O")),
        Question("domain", "domain name", domain, domain_check),
    ]


def party_details(organisation: str, domain: str) -> list[Question]:
    """Those that the bank and the customer are asked."""
    extra = Question("san", "an extra DNS name", "", optional_dns_name)
    return [*details(organisation, domain), extra]


def name_question(default: str) -> Question:
    """Who somebody is, for the TTP and in the folder."""
    return Question("name", "user name for the certificate", default, user_name)


def add_party_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of somebody who enrols with the TTP."""
    group = parser.add_argument_group("TTP, keys and waiting")
    group.add_argument(
        "--ttp",
        type=address,
        default=("127.0.0.1", 15000),
        metavar="HOST:PORT",
        help="default: 127.0.0.1:15000",
    )
    group.add_argument(
        "--root", metavar="FILE", default="CA/cert.pem", help="the TTP's certificate (default: CA/cert.pem)"
    )
    group.add_argument(
        "--root-fingerprint",
        type=fingerprint,
        metavar="HEX",
        help="SHA-256 of the TTP's certificate: instead of the file, or to check it",
    )
    group.add_argument(
        "--key-password-file",
        metavar="FILE",
        help="password of the private key, on the first line (or OTLS_KEY_PASSWORD in the environment)",
    )
    group.add_argument(
        "--reuse", action="store_true", help="use a certificate that is there and valid; enrol if none"
    )
    group.add_argument(
        "--key-log",
        metavar="FILE",
        help="append the secrets of our connections to this file: for debugging with Wireshark alone",
    )
    group.add_argument(
        "--wait", type=seconds, default=30.0, metavar="S", help="for others to start (default: 30)"
    )
    group.add_argument(
        "--timeout", type=seconds, default=300.0, metavar="S", help="for others to answer (default: 300)"
    )


def load_authority(operator: Operator, args: argparse.Namespace) -> otls.Certificate:
    """The TTP's certificate: from a file, or by a fingerprint that the person was told; never on trust."""
    path = Path(args.root)
    if args.root_fingerprint is not None and not path.exists():
        return _fetch_authority(operator, args)
    with _Presence(args.ttp) as ttp:
        data = wait_for(
            operator,
            f"the TTP to write {path}",
            lambda: _read_if_there(path),
            wait=args.wait,
            failure=Exit.TTP,
            is_starting=ttp.is_there,
            longest=args.timeout,
        )
    try:
        certificate = otls.Certificate.load(data)
        otls.TrustStore(certificate)
    except otls.Error as error:
        raise Stop(Exit.FILES, f"{path}: {error}", "pass the TTP's certificate with --root") from error
    if args.root_fingerprint not in (None, certificate.fingerprint):
        raise Stop(
            Exit.CERTIFICATE,
            f"{path} has the fingerprint {certificate.fingerprint}, not the one of --root-fingerprint",
            "get the certificate from the TTP again",
        )
    return certificate


def _fetch_authority(operator: Operator, args: argparse.Namespace) -> otls.Certificate:
    host, number = args.ttp
    config = otls.ClientConfig(otls.TrustStore(fingerprints=[args.root_fingerprint]), no_identity=True)
    operator.say(f"asking the TTP at {host}:{number} for the certificate with the fingerprint")
    try:
        fetched = wait_for(
            operator,
            f"the TTP at {host}:{number}",
            lambda: otls.fetch_authorities(args.ttp, config, timeout=args.timeout),
            wait=args.wait,
            failure=Exit.TTP,
        )
    except otls.CertificateError as error:
        text = f"the TTP at {host}:{number} is not the one with the fingerprint of --root-fingerprint"
        raise Stop(Exit.CERTIFICATE, text, "compare it with what the TTP's terminal says") from error
    except (otls.Error, OSError) as error:
        raise Stop(
            Exit.TTP, f"the TTP at {host}:{number}: {error}", "check --ttp, and the TTP's terminal"
        ) from error
    for certificate in fetched:
        if certificate.fingerprint == args.root_fingerprint:
            return certificate
    raise Stop(Exit.CERTIFICATE, f"the TTP at {host}:{number} sent no certificate with that fingerprint")


def fingerprint(text: str) -> str:
    """A SHA-256 fingerprint, for argparse: without the colons that openssl writes, in lower case."""
    digits = text.replace(":", "").lower()
    if len(digits) != 64 or not set(digits) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a SHA-256 fingerprint: 64 hexadecimal digits")
    return digits


@dataclass
class Party:
    """Somebody with a folder of keys and certificates, who enrols with the TTP."""

    operator: Operator
    args: argparse.Namespace
    folder: Path
    profile: str
    name: str
    authority: otls.Certificate
    questions: list[Question]
    #: Names that a server's certificate has besides those that were asked for: of the host that it is at.
    own_names: tuple[str, ...] = ()
    #: Called between two questions: raises if the peer that waits has gone.
    between: Callable[[], None] = lambda: None

    def identity(self, auth: str, hash_name: str) -> otls.Identity:
        """A certificate for a key of this kind: the one that is there, if asked, or a new one."""
        password = key_password(self.args)
        if self.args.reuse and (there := self._reusable(auth, hash_name, password)) is not None:
            self.operator.say(
                f"using {self.certificate_path} again, valid until {there.certificate.not_after:%c} UTC"
            )
            return there
        answers = self._ask_details()
        _make_folder(self.folder)
        former = self._former_identity(password)
        key = self._key(auth, hash_name, password)
        request = self._request(key, hash_name, answers)
        certificate = self._enrol(request, former)
        identity = self._accept(certificate, key)
        otls.write_file(self.certificate_path, certificate.to_pem())
        self.operator.say(f"certificate in {self.certificate_path}, serial {certificate.serial:x}")
        return identity

    @property
    def certificate_path(self) -> Path:
        """Where the certificate is kept."""
        return self.folder / f"{self.name}.pem"

    @property
    def key_path(self) -> Path:
        """Where the private key is kept."""
        return self.folder / "private_key.pem"

    def _ask_details(self) -> dict[str, str]:
        answers = {}
        for question in self.questions:
            self.between()
            answers[question.key] = self.operator.ask(question)
        self.between()
        return answers

    def _reusable(self, auth: str, hash_name: str, password: bytes | None) -> otls.Identity | None:
        if not self.certificate_path.exists() or not self.key_path.exists():
            return None
        key = self._load_key(password)
        certificate = _load_certificate(self.certificate_path)
        if key.public_key != certificate.public_key or (key.kind, key.bits) != _SHAPES[auth, hash_name]:
            return None
        try:
            self._judge(certificate, datetime.now(UTC) + _REUSE_MARGIN)
        except otls.CertificateError as error:
            self.operator.say(f"not using {self.certificate_path} again: {error}")
            return None
        return otls.Identity([certificate, self.authority], key)

    def _former_identity(self, password: bytes | None) -> otls.Identity | None:
        """A certificate of this folder that is still good, with its key.

        The TTP lets a name move to another key only when the request comes from who has it. That of this
        user name is asked first, but of a bank the newest: its host's names have moved to that one's key.
        """
        keys = []
        for path in (self.key_path, *sorted(self.folder.glob(f"{self.key_path.name}.old-*"))):
            with contextlib.suppress(otls.Error, OSError):
                keys.append(otls.load_key(path.read_bytes(), password=password))
        candidates = sorted(
            self.folder.glob("*.pem"),
            key=lambda path: (not self.own_names and path != self.certificate_path, -path.stat().st_mtime),
        )
        if self.certificate_path.exists():
            _load_certificate(self.certificate_path)  # Stops, rather than write over what is damaged.
        for path in candidates:
            if path.stem in _RESERVED:
                continue
            with contextlib.suppress(otls.Error, OSError):
                certificate = otls.Certificate.load(path.read_bytes())
                otls.TrustStore(self.authority).verify(certificate, role="any")
                for key in keys:
                    if key.public_key == certificate.public_key:
                        return otls.Identity([certificate, self.authority], key)
        return None

    def _key(self, auth: str, hash_name: str, password: bytes | None) -> otls.PrivateKey:
        if self.key_path.exists():
            key = self._load_key(password)
            if (key.kind, key.bits) == _SHAPES[auth, hash_name]:
                self.operator.say(f"using the private key in {self.key_path}")
                otls.write_file(self.folder / "public_key.pem", key.public_key.to_pem())
                return key
            kept = _set_aside(self.key_path)
            self.operator.say(f"the private key of another kind is kept as {kept}")
        self.operator.say(f"generating a private key: {auth}, for {hash_name}")
        key = KEYS[auth, hash_name]()
        otls.save_key(self.key_path, key, password=password)
        otls.write_file(self.folder / "public_key.pem", key.public_key.to_pem())
        return key

    def _load_key(self, password: bytes | None) -> otls.PrivateKey:
        data = read_file(self.key_path)
        try:
            return otls.load_key(data, password=password)
        except otls.KeyMaterialError as error:
            raise Stop(Exit.FILES, f"{self.key_path}: {error}", error.hint) from error

    def _request(
        self, key: otls.PrivateKey, hash_name: str, answers: dict[str, str]
    ) -> otls.CertificateRequest:
        subject = otls.DistinguishedName(
            country=answers["country"],
            state=answers["state"],
            locality=answers["locality"],
            organization=answers["organisation"],
            common_name=self.name,
        )
        wanted = [answers["domain"], answers["san"], *self.own_names]
        names = list(dict.fromkeys(filter(None, wanted)))
        request = otls.CertificateRequest.create(key, subject, names=names, hash=hash_name)
        otls.write_file(self.folder / "csr.pem", request.to_pem())
        return request

    def _enrol(self, request: otls.CertificateRequest, former: otls.Identity | None) -> otls.Certificate:
        host, number = self.args.ttp
        config = otls.ClientConfig(
            otls.TrustStore(self.authority),
            identity=former,
            no_identity=former is None,
            key_log=self.args.key_log is not None,
        )
        self.operator.say(f"asking the TTP at {host}:{number} for a certificate for {self.name}")
        try:
            return wait_for(
                self.operator,
                f"the TTP at {host}:{number}",
                lambda: otls.enroll(
                    self.args.ttp,
                    config,
                    self.profile,
                    request,
                    timeout=self.args.timeout,
                    key_log=self.args.key_log,
                ),
                wait=self.args.wait,
                failure=Exit.TTP,
            )
        except otls.CertificateError as error:
            text = f"the TTP at {host}:{number} is not the one whose certificate is {self.args.root}: {error}"
            raise Stop(Exit.CERTIFICATE, text, error.hint) from error
        except otls.EnrolmentError as error:
            hint = (
                f"use the folder that has the key ({self.folder}), or free the name where the TTP runs: "
                f"my_ttp.py --revoke NAME, for example {self.name!r}"
            )
            mine = isinstance(error, otls.EnrolmentRefused)
            raise Stop(Exit.TTP, f"the TTP: {error}", hint if mine else error.hint) from error
        except (otls.Error, OSError) as error:
            raise Stop(
                Exit.TTP, f"the TTP at {host}:{number}: {error}", "check --ttp, and the TTP's terminal"
            ) from error

    def _accept(self, certificate: otls.Certificate, key: otls.PrivateKey) -> otls.Identity:
        # The TTP answers for what it signs, but its answer is checked like anybody else's.
        try:
            self._judge(certificate, datetime.now(UTC))
            return otls.Identity([certificate, self.authority], key)
        except otls.Error as error:
            raise Stop(
                Exit.TTP, f"the TTP issued a certificate that is not good: {error}", error.hint
            ) from error

    def _judge(self, certificate: otls.Certificate, now: datetime) -> None:
        """Raises unless the certificate is good for what it is wanted for, each of our own names included."""
        trust = otls.TrustStore(self.authority)
        for name in self.own_names or (None,):
            trust.verify(certificate, server_name=name, now=now)


class _Presence:
    """Whether somebody listens at an address: one connection, kept open and unused."""

    def __init__(self, where: otls.Address) -> None:
        self._where = where
        self._sock: socket.socket | None = None

    def is_there(self) -> bool:
        """Whether the connection stands, or could be made now."""
        if self._sock is not None:
            try:
                self._sock.settimeout(0)
                if self._sock.recv(1):
                    return True
            except BlockingIOError:
                return True
            except OSError:
                pass
            self._sock.close()
            self._sock = None
        with contextlib.suppress(OSError):
            self._sock = socket.create_connection(self._where, timeout=1.0)
        return self._sock is not None

    def __enter__(self) -> _Presence:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sock is not None:
            self._sock.close()


def _read_if_there(path: Path) -> bytes:
    if not path.exists():
        raise FileNotFoundError(path)
    return read_file(path)


def _load_certificate(path: Path) -> otls.Certificate:
    data = read_file(path)
    try:
        return otls.Certificate.load(data)
    except otls.CertificateError as error:
        raise Stop(Exit.FILES, f"{path}: {error}", "move the file away and run again") from error


def _set_aside(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.old-{number}")).exists():
        number += 1
    path.rename(kept)
    return kept


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Stop(
            Exit.FILES, f"cannot make the folder {folder}: {error.strerror}", "run it where you may write"
        ) from error
