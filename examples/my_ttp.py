"""The trusted third party: a certificate authority that serves enrolment (EST) over TLS 1.3."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import otls
from _enrolment import KINDS, attribute, details, dns_name, new_key, subject
from _terminal import Exit, Operator, Stop, blame, count, explain, load, make_parser, port, run

PROGRAM = "my_ttp"
# Its domain name is a common name as well, which is shorter.
QUESTIONS = details("Example Trust", "ttp.example", lambda answer: attribute("CN")(dns_name(answer)))

#: Clients at a time; more wait in the kernel's queue.
MAX_CLIENTS = 64
#: Seconds for a handshake or one request, and for a whole connection.
TIMEOUTS = otls.Timeouts(handshake=20, read=20, write=20, lifetime=60)
#: The TTP's own TLS certificate, made anew at each start and when it has less than a third left.
TLS_LIFETIME = timedelta(days=30)


def main() -> int:
    """Serves until Ctrl-C, or revokes and ends."""
    args = parse()
    folder = Path("CA")
    if args.revoke is not None:
        return revoke(Operator(PROGRAM, args), folder, args.revoke)
    refuse_strangers(args.bind)
    operator = Operator(PROGRAM, args, [] if (folder / "cert.pem").exists() else QUESTIONS)
    operator.key_password()
    tls = TlsIdentity(args.bind)
    # The port first: who waits for the TTP sees that it is there while its operator is being asked.
    with listen(operator, tls) as listener:
        tls.authority = authority = load_or_create(operator, folder)
        book = Book(folder)
        host, number = listener.address
        operator.say("issues without a token, also to servers: to programs of this machine alone")
        operator.say(f"ready on {host}:{number}; certificate in {folder / 'cert.pem'}")
        operator.say(f"fingerprint {authority.certificate.fingerprint}")
        operator.say(f"next: start my_server.py, and then my_client.py, in {Path.cwd()}, each in a terminal")
        service = Service(operator, authority, book, args.days)
        # It says by itself what goes wrong.
        logging.getLogger("otls").addHandler(logging.NullHandler())
        server = otls.Server(service.answer, listener, max_connections=MAX_CLIENTS, on_failure=service.report)
        server.serve_forever()
    return Exit.OK


def parse() -> argparse.Namespace:
    """The flags."""
    example = 'my_ttp.py --country IN --organisation "Example Trust" --no-input'
    parser = make_parser(__doc__ or "", example, QUESTIONS)
    add = parser.add_argument
    text = "where to listen: an address of this machine alone (default: 127.0.0.1)"
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help=text)
    add("--port", type=port, default=15000, help="default: 15000; 0 takes a free one")
    add("--days", type=count, default=90, metavar="N", help="certificates are valid (default: 90)")
    kinds, hashes = ("ECDSA", "RSA"), ("SHA256", "SHA384")
    add("--ca-auth", type=str.upper, choices=kinds, default="ECDSA", help="key of a new CA (default: ECDSA)")
    text = "that it signs with (default: SHA384)"
    add("--ca-hash", type=str.upper, choices=hashes, default="SHA384", help=text)
    text = "mark the certificates with a name as revoked, so that a new key may have it; then end"
    add("--revoke", metavar="NAME", help=text)
    return parser.parse_args()


def refuse_strangers(bind: str) -> None:
    """Ends unless only this machine can reach the address: whoever comes is certified, without a token."""
    with blame(Exit.NETWORK, f"--bind {bind}", "pass an address"):
        found = socket.getaddrinfo(bind, None, type=socket.SOCK_STREAM)
    if not all(ip_address(str(address[0])).is_loopback for *_, address in found):
        raise Stop(
            Exit.USAGE,
            f"--bind {bind} lets other machines in, and this TTP issues without a token",
            "leave --bind out; otls.EstServer issues to other machines, with tokens of otls.Register",
        )


def listen(operator: Operator, tls: TlsIdentity) -> otls.Listener:
    """The listening socket."""
    args = operator.args
    hint = "another TTP may be running: end it, or choose another --port"
    with blame(Exit.NETWORK, f"cannot listen on {args.bind}:{args.port}", hint):
        return otls.listen(
            (args.bind, args.port), configure=tls.config, timeout=TIMEOUTS, trace=operator.trace
        )


def load_or_create(operator: Operator, folder: Path) -> otls.Authority:
    """The authority in the folder; asks for its name the first time."""
    args, key_path, certificate_path = operator.args, folder / "key.pem", folder / "cert.pem"
    if certificate_path.exists():
        if not key_path.exists():
            text = f"{certificate_path} is there, but not {key_path}"
            raise Stop(Exit.FILES, text, "bring the key back, or move the certificate away for a new CA")
        certificate, key = load(certificate_path, otls.Certificate.load), operator.load_key(key_path)
        with blame(Exit.FILES, f"{certificate_path}, {key_path}"):
            return otls.Authority.load(certificate, key, hash=ca_hash(args, key))
    answers = {question.name: operator.ask(question) for question in QUESTIONS}
    folder.mkdir(exist_ok=True)
    if key_path.exists():
        key = operator.load_key(key_path)
    else:
        key = new_key(key_path, KINDS[args.ca_auth, args.ca_hash], operator.key_password())
    with blame(Exit.FILES, str(key_path)):
        authority = otls.Authority.create(key, subject(answers, answers["domain"]), hash=ca_hash(args, key))
    otls.write_file(certificate_path, authority.certificate.to_pem())
    return authority


def ca_hash(args: argparse.Namespace, key: otls.PrivateKey) -> str | None:
    """The hash to sign with: an ECDSA key that is there decides for itself."""
    return str(args.ca_hash) if key.kind == "rsa" else None


class TlsIdentity:
    """The TTP's own certificate for TLS, issued by itself, its key in memory alone."""

    def __init__(self, bind: str) -> None:
        self.authority: otls.Authority | None = None
        self._bind = bind
        self._config: otls.ServerConfig | None = None
        self._renew_at = datetime.now(UTC)
        self._lock = threading.Lock()

    def config(self, offer: otls.Offer) -> otls.ServerConfig:
        """The configuration for a client; any offer is good."""
        with self._lock:
            if self._config is None or datetime.now(UTC) >= self._renew_at:
                self._config = self._issue()
                self._renew_at = datetime.now(UTC) + TLS_LIFETIME * 2 / 3
            return self._config

    def _issue(self) -> otls.ServerConfig:
        if self.authority is None:
            raise Stop(Exit.INTERNAL, "a client was served before there is an authority")
        # A name of its own: a certificate with the authority's subject would look self-signed.
        subject = otls.DistinguishedName(organization="Enrolment over EST", common_name="EST server")
        names = ["localhost", "127.0.0.1"]
        # The common name of a CA that was brought here may be anything.
        with contextlib.suppress(otls.BadName):
            names.append(otls.check_name(self.authority.certificate.subject.common_name))
        if self._bind not in (*names, "0.0.0.0", "::"):  # noqa: S104  (a comparison)
            names.append(self._bind)
        key = otls.PrivateKey.generate("ecdsa", curve="P-256")
        request = otls.CertificateRequest.create(key, subject, names=names)
        certificate = self.authority.issue(request, "server", lifetime=TLS_LIFETIME)
        identity = otls.Identity([certificate, self.authority.certificate], key)
        # A certificate is not asked for by force: who has none yet comes here to get one.
        return otls.ServerConfig(
            identity, client_auth="enrolled", trust=otls.TrustStore(self.authority.certificate)
        )


class Book:
    """The register in its file: read and written under a lock, so that several processes may."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "register.txt"
        self._lock_path = folder / "register.lock"
        self._lock = threading.Lock()
        with self.opened():
            pass

    @contextlib.contextmanager
    def opened(self) -> Iterator[otls.Register]:
        """The register; kept when the block ends well, forgotten when it does not."""
        if not self._lock_path.parent.is_dir():
            text = f"the folder {self._lock_path.parent.absolute()} is gone, nothing can be issued"
            raise Stop(
                Exit.FILES, text, "bring it back; or end this TTP and start it again, as a new authority"
            )
        with self._lock, self._lock_path.open("a") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_EX)
            register = otls.Register()
            if self._path.exists():
                parse = otls.Register.from_text
                register = load(self._path, lambda data: parse(data.decode()), "bring it back from a copy")
            before = register.to_text()
            yield register
            after = register.to_text()
            if after != before:
                otls.write_file(self._path, after.encode(), mode=0o600)


@dataclass
class Service:
    """Serves clients, each in a thread of its own."""

    operator: Operator
    authority: otls.Authority
    book: Book
    days: int

    def answer(self, stream: otls.Stream) -> None:
        """Answers the requests of one client."""
        lifetime = timedelta(days=self.days)
        server = otls.EstServer(self.authority, lifetime=lifetime, peer=stream.peer, open_to_servers=True)
        while not server.is_done and (data := stream.recv()):
            # What was issued is on disk before the client has it.
            with self.book.opened() as register:
                response = server.feed(data, register)
            for exchange in server.take_exchanges():
                text = f"{exchange.request}: {exchange.outcome}"
                self.operator.say(f"{_name(stream.peer_address)}: {text}")
                self.operator.tell("certificate_issued", text)
            stream.send(response)

    def report(self, client: otls.Address | None, error: BaseException) -> None:
        """Says why a client was not served; it is not the others' trouble."""
        # Some clients leave without close_notify, and who waits for us only looks in.
        if isinstance(error, Exception) and not isinstance(error, otls.TruncatedError):
            self.operator.say(f"{_name(client)}: {explain(error)[1]}")


def revoke(operator: Operator, folder: Path, name: str) -> int:
    """Marks all certificates with a name as revoked."""
    if not folder.is_dir():
        raise Stop(Exit.FILES, f"there is no folder {folder} here", "run it where the TTP runs")
    revoked = 0
    with Book(folder).opened() as register:
        for entry in register.holders(name):
            revoked += register.revoke(entry.serial)
    if not revoked:
        raise Stop(Exit.USAGE, f"no certificate of {name!r} is in force", "check the name")
    operator.say(f"revoked {revoked} of {name}")
    return Exit.OK


def _name(client: otls.Address | None) -> str:
    return f"{client[0]}:{client[1]}" if client else "a client"


if __name__ == "__main__":
    run(PROGRAM, main)
