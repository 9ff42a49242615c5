"""The bank: waits for a customer, enrols with the TTP, sends an OTP, checks and keeps what comes back."""

from __future__ import annotations

import argparse
import threading
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import otls
from _enrolment import KINDS, Party, add_party_flags, load_authority, party_questions
from _ledger import open_ledger
from _terminal import Exit, Operator, Question, Stop, blame, count, explain, make_parser, port, run


def choice(name: str, text: str, *options: str) -> Question:
    """A question whose answer is one of the options, in any case; the first is the default."""

    def check(answer: str) -> str:
        if answer.upper() not in options:
            raise ValueError(f"answer {', '.join(options[:-1])} or {options[-1]}")
        return answer.upper()

    return Question(name, f"{text} ({', '.join(options)})", options[0], check)


PROGRAM = "my_server"
NAME, DETAILS = party_questions("bank", "Example Bank")
SUITE = [
    choice("auth", "key exchange/authentication", "ECDSA", "RSA"),
    choice("cipher", "symmetric encryption", "AES", "CHACHA20", "AES-GCM"),
    choice("hash", "hash", "SHA256", "SHA384"),
]

#: Customers at a time; more wait in the kernel's queue.
MAX_CUSTOMERS = 64

#: What the first answer is about: in TLS 1.3 it is not the exchange of keys.
DECIDES = (
    "{auth} decides with which keys both sides sign, not how the keys that encrypt come about: they are of an"
    " exchange of its own, X25519 with ML-KEM or the like, anew for each connection"
)

#: The suite that the answers stand for (docs/PROTOCOL.md).
SUITES = {
    ("AES", "SHA256"): "OTLS_AES_128_CBC_HMAC_SHA256",
    ("AES", "SHA384"): "OTLS_AES_256_CBC_HMAC_SHA384",
    ("CHACHA20", "SHA256"): "TLS_CHACHA20_POLY1305_SHA256",
    ("CHACHA20", "SHA384"): "OTLS_CHACHA20_POLY1305_SHA384",
    ("AES-GCM", "SHA256"): "TLS_AES_128_GCM_SHA256",
    ("AES-GCM", "SHA384"): "TLS_AES_256_GCM_SHA384",
}

#: What the customer is asked to approve: the code is good for this and for nothing else.
TRANSFER = otls.Transaction(
    "transfer",
    "The OTP for transferring {amount} to {payee} is {code}.",
    amount=otls.Amount(10_000_000, "INR"),
    payee="your friend's account",
)


#: The same for who reads what happened.
WHAT = f"{TRANSFER.purpose}, {TRANSFER.amount} to {TRANSFER.payee}"


def main() -> int:
    """Serves one customer, or as many as asked."""
    args = parse()
    operator = Operator(PROGRAM, args, [NAME, *SUITE, *DETAILS])
    operator.key_password()
    name = operator.ask(NAME)
    with listen(operator) as listener:
        host, number = listener.address
        bank = Bank(operator, name)
        if args.serve_forever:
            bank.serve_forever(listener)
        for _ in range(args.count):
            operator.say(f"waiting for a customer on {host}:{number}")
            code = bank.serve(bank.accept(listener))
            if code != Exit.OK:
                return code
        operator.say(f"next: who approved what is in {Path('Server', 'receipts').absolute()}; judge one with")
        operator.say(f"otls receipt verify --root {args.root.absolute()} FILE, or run this again")
        return Exit.OK


def parse() -> argparse.Namespace:
    """The flags."""
    example = "my_server.py --name bank --auth ECDSA --cipher CHACHA20 --hash SHA384 --no-input"
    parser = make_parser(__doc__ or "", example, [NAME, *SUITE, *DETAILS])
    add = parser.add_argument
    add("--bind", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: 127.0.0.1)")
    add("--port", type=port, default=5000, help="default: 5000; 0 takes a free one")
    add("--count", type=count, default=1, metavar="N", help="serve this many customers (default: 1)")
    add("--serve-forever", action="store_true", help="serve until Ctrl-C")
    add("--ttl", type=count, default=120, metavar="S", help="a code is good for (default: 120)")
    add("--attempts", type=count, default=3, metavar="N", help="wrong codes before it locks (default: 3)")
    text = "memory:, sqlite:PATH, redis://HOST or postgresql://HOST/DATABASE (default: %(default)s)"
    add("--ledger", default="sqlite:Server/otp.sqlite", metavar="ADDRESS", help=text)
    add_party_flags(parser)
    return parser.parse_args()


def listen(operator: Operator) -> otls.Listener:
    """The listening socket; each connection is configured when its customer is there."""
    args = operator.args
    hint = "another bank may be running: end it, or choose another --port"
    with blame(Exit.NETWORK, f"cannot listen on {args.bind}:{args.port}", hint):
        where = (args.bind, args.port)
        return otls.listen(where, configure=_unconfigured, timeout=args.timeout, trace=operator.trace)


def host_names(bind: str) -> tuple[str, ...]:
    """The names by which a customer may connect to this bank."""
    names = ("localhost", "127.0.0.1")
    return names if bind in (*names, "0.0.0.0", "::") else (*names, bind)  # noqa: S104  (a comparison)


class Bank:
    """One bank: its identity once it has one, and its ledger."""

    def __init__(self, operator: Operator, name: str) -> None:
        self._operator, self._args, self._name = operator, operator.args, name
        self._config: otls.ServerConfig | None = None
        self._asking = threading.Lock()
        self._room = threading.BoundedSemaphore(MAX_CUSTOMERS)
        self._ledger = open_ledger(self._args.ledger, Path("Server"))

    def accept(self, listener: otls.Listener) -> otls.Stream:
        """The next customer, before the handshake."""
        wait = None if self._args.serve_forever else self._args.timeout
        try:
            return listener.accept(wait=wait, handshake=False)
        except TimeoutError as error:
            text = f"no customer came: {error}"
            raise Stop(Exit.NETWORK, text, "start my_client.py, or see --timeout") from error

    def serve(self, stream: otls.Stream) -> Exit:
        """Serves a customer."""
        with stream:
            stream.configure = lambda offer: self._configure(stream, offer)
            stream.key_log = self._args.key_log
            stream.handshake()
            return self._exchange(stream)

    def serve_forever(self, listener: otls.Listener) -> NoReturn:
        """Serves every customer in a thread of his own: who says nothing is in nobody's way."""
        self._operator.say("waiting for customers on {}:{}; Ctrl-C ends it".format(*listener.address))
        while True:
            self._room.acquire()
            stream = self.accept(listener)
            threading.Thread(target=self._serve_one, args=(stream,), daemon=True).start()

    def _serve_one(self, stream: otls.Stream) -> None:
        whom = "{}:{}".format(*(stream.peer_address or ("a customer", "")))
        try:
            self.serve(stream)
        except Exception as error:  # noqa: BLE001  (what goes wrong with one is not the others' trouble)
            self._operator.say(f"{whom} was not served: {explain(error)[1]}; others are")
        finally:
            self._room.release()

    def _configure(self, stream: otls.Stream, offer: otls.Offer) -> otls.ServerConfig:
        # The operator is asked once, about the first customer; others who come meanwhile wait for that.
        with self._asking:
            return self._config or self._choose_for(stream, offer)

    def _choose_for(self, stream: otls.Stream, offer: otls.Offer) -> otls.ServerConfig:
        if self._config is None:
            self._operator.say(f"a customer is connected and offers {len(offer.suites)} suites")
            self._config = self._choose(stream)
        return self._config

    def _choose(self, stream: otls.Stream) -> otls.ServerConfig:
        def check_peer() -> None:
            if stream.peer_is_gone():
                text = "the customer closed the connection half way"
                raise Stop(Exit.NETWORK, text, "see the customer's terminal")

        self._operator.before = check_peer
        auth, cipher, hash_name = (self._operator.ask(question) for question in SUITE)
        self._operator.say(DECIDES.format(auth=auth))
        authority = load_authority(self._operator)
        names = host_names(self._args.bind)
        party = Party(self._operator, Path("Server"), "server", self._name, DETAILS, authority, names)
        identity = party.identity(auth, hash_name)
        scheme = KINDS[auth, hash_name][2]
        self._operator.say("waiting for the customer's certificate")
        return otls.ServerConfig(
            identity,
            client_auth="require",
            trust=otls.TrustStore(authority),
            suites=[SUITES[cipher, hash_name]],
            signing_schemes=[scheme],
            verify_schemes=[scheme],
            key_log=self._args.key_log is not None,
        )

    def _exchange(self, stream: otls.Stream) -> Exit:
        customer = stream.peer
        if customer is None:
            raise Stop(Exit.CERTIFICATE, "the customer has shown no certificate")
        subject = customer.subject.common_name
        if not subject:
            raise Stop(Exit.CERTIFICATE, "the customer's certificate has no common name, or several")
        self._operator.say(f"verified the customer {customer.subject}")
        self._operator.say(f"connection: {stream.suite}, {stream.group}, {stream.scheme}")
        context = TRANSFER.context
        issued = self._ledger.issue(
            subject, context, lifetime=timedelta(seconds=self._args.ttl), attempts=self._args.attempts
        )
        tell, otp = self._operator.tell, {"id": str(issued.id), "transaction": WHAT}
        text = f"the ledger issued a code for {subject} and this transfer alone"
        code = {"code": issued.code.expose()}
        bound = {"bound_to": subject, "expires": issued.expires_at.isoformat()}
        tell("otp_issued", text, otp, bound, secret=code)
        stream.send_message(otls.Envelope.for_transaction(issued, TRANSFER))
        tell("otp_sent", f"the code went to {subject}", otp)
        self._operator.say(f"sent an OTP to {subject}; waiting for it to come back")
        while True:
            answer = stream.receive_message()
            if not isinstance(answer, otls.Answer):
                text = "the customer left without returning the code"
                raise Stop(Exit.NETWORK, text, "see the customer's terminal")
            # Code and receipt count together: without a proof of what was approved nothing is accepted.
            if answer.receipt is None:
                raise Stop(Exit.OTP, f"{subject} sent no signed receipt", "see the customer's terminal")
            if answer.code is None:
                self._ledger.decline(answer.id, subject, context, answer.receipt)
                self._write(answer.id, subject)
                raise Stop(Exit.OTP, f"{subject} declined the transfer")
            tell("otp_returned", f"{subject} returned a code, with a signed receipt", otp)
            verdict = self._ledger.verify(answer.id, subject, context, answer.code, receipt=answer.receipt)
            if verdict.accepted:
                tell("otp_accepted", "the ledger accepted the code: right, in time, the first time", otp)
                self._write(answer.id, subject)
            stream.send_message(otls.VerdictNotice(answer.id, verdict))
            if verdict.accepted:
                self._operator.say(f"the code of {subject} was verified: accepted")
                again = self._ledger.verify(answer.id, subject, context, answer.code)
                self._operator.say(f"the same code a second time is refused: {again}")
                text = f"the bank tried the same code a second time itself: {again}"
                tell("otp_refused", text, otp, {"reason": again.kind})
                return Exit.OTP if again.accepted else Exit.OK
            self._operator.say(f"the code of {subject} was refused: {verdict}")
            left = verdict.attempts_left
            text = f"the ledger refused the code: {verdict}"
            tell("otp_refused", text, otp, {"reason": verdict.kind, "attempts_left": left})
            if not verdict.attempts_left and verdict.kind != "not_a_code":
                return Exit.OTP

    def _write(self, otp: otls.OtpId, subject: str) -> None:
        # The ledger keeps it; the file is for whoever wants to look at it.
        receipt = self._ledger.receipt(otp, subject)
        if receipt is None:
            return
        path = Path("Server") / "receipts" / f"{receipt.id}.pem"
        with blame(Exit.FILES, f"cannot write the receipt {path}", "check the folder"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            otls.write_file(path, receipt.to_pem(), mode=0o600, overwrite=False)
        text = f"keeps the customer's signed receipt, {receipt.decision}: {path}"
        self._operator.say(text)
        proof = {"signer": subject, "decision": receipt.decision, "file": str(path)}
        self._operator.tell("receipt", text, {"id": str(otp), "transaction": WHAT}, proof)


def _unconfigured(offer: otls.Offer) -> otls.ServerConfig:
    raise Stop(Exit.INTERNAL, f"a connection without a bank, offered {offer.suites}")


if __name__ == "__main__":
    run(PROGRAM, main)
