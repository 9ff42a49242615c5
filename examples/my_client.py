"""The customer: connects to the bank, enrols with the TTP, shows the OTP and returns it, signed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import otls
from _enrolment import KINDS, Party, add_party_flags, load_authority, party_questions
from _terminal import Exit, Operator, Stop, address, blame, make_parser, run

PROGRAM = "my_client"
DECLINE = "no"
NAME, DETAILS = party_questions("customer", "Example Customer")


def main() -> int:
    """Fetches one OTP."""
    args = parse()
    operator = Operator(PROGRAM, args, [NAME, *DETAILS])
    operator.key_password()
    if args.confirm and not operator.is_interactive:
        raise Stop(Exit.USAGE, "--confirm asks at a terminal, and there is none", "leave --confirm out")
    name = operator.ask(NAME)
    with connect(operator, name) as stream:
        code = exchange(operator, stream)
    operator.say("next: run this again for another code; with --explain it shows each message")
    return code


def parse() -> argparse.Namespace:
    """The flags."""
    example = "my_client.py --name asha --country IN --confirm"
    parser = make_parser(__doc__ or "", example, [NAME, *DETAILS])
    add = parser.add_argument
    where = "127.0.0.1:5000"
    add("--bank", type=address, default=where, metavar="HOST:PORT", help=f"default: {where}")
    text = "that the bank's certificate must have (default: the host of --bank)"
    add("--server-name", metavar="NAME", help=text)
    add("--confirm", action="store_true", help="ask for the code instead of returning it unasked")
    add_party_flags(parser)
    return parser.parse_args()


def connect(operator: Operator, name: str) -> otls.Stream:
    """A connection on which the bank has accepted us."""
    args, authority = operator.args, load_authority(operator)
    config = otls.ClientConfig(otls.TrustStore(authority), key_log=args.key_log is not None)
    bank = "the bank at {}:{}".format(*args.bank)

    def provide_identity(request: otls.RequestedCertificate) -> otls.Identity:
        auth, hash_name = wanted_key(request)
        operator.say(f"{bank} asks for a certificate: {auth} with {hash_name}")
        party = Party(operator, Path("Client"), "client", name, DETAILS, authority)
        return party.identity(auth, hash_name)

    def attempt() -> otls.Stream:
        return otls.connect(
            args.bank,
            config,
            server_name=args.server_name,
            timeout=args.timeout,
            provide_identity=provide_identity,
            key_log=args.key_log,
            trace=operator.trace,
        )

    operator.say(f"connecting to {bank}, which chooses the suite")
    stream = operator.wait_for(bank, attempt, Exit.NETWORK)
    try:
        stream.confirm()
    except BaseException:
        stream.close()
        raise
    return stream


def wanted_key(request: otls.RequestedCertificate) -> tuple[str, str]:
    """The kind of key that the bank accepts and that we can make."""
    for answers, (_, _, scheme) in KINDS.items():
        if scheme in request.schemes:
            return answers
    raise Stop(Exit.PROTOCOL, f"the bank accepts no key that we can make: {', '.join(request.schemes)}")


def exchange(operator: Operator, stream: otls.Stream) -> Exit:
    """Shows the message, returns the code with a signed receipt and reports what the bank says of it."""
    bank = stream.peer
    operator.say(f"verified the bank {bank.subject if bank else ''}")
    operator.say(f"connection: {stream.suite}, {stream.group}, {stream.peer_scheme}")
    envelope = stream.receive_message()
    if not isinstance(envelope, otls.Envelope):
        text = "the bank closed the connection before it sent a code"
        raise Stop(Exit.NETWORK, text, "see the bank's terminal")
    # The library refuses a text that is not the transaction's, or that has what a terminal obeys.
    show(envelope.expose_text())
    otp = {"id": str(envelope.id), "transaction": what(envelope)}
    operator.tell("otp_shown", "the message was shown, with the code in it", **otp)
    is_asked = operator.args.confirm
    while True:
        code: str | otls.Code = envelope.code
        if is_asked:
            code = operator.read(f"type the code to approve the payment, or {DECLINE}", "no --confirm")
        if code == DECLINE:
            stream.decline(envelope)
            operator.say("told the bank, signed, that you decline")
            return Exit.OK
        try:
            stream.approve(envelope, code)
            operator.tell("otp_returned", "the code went back to the bank, with a signed receipt", **otp)
        except otls.ApiMisuse as error:
            # An empty line, or a whole message: nothing was sent.
            if not is_asked:
                raise
            operator.say(str(error))
            continue
        notice = stream.receive_message()
        if not isinstance(notice, otls.VerdictNotice):
            text = "the bank closed the connection before it judged the code"
            raise Stop(Exit.NETWORK, text, "see its terminal")
        verdict = notice.verdict
        if verdict.accepted:
            operator.say("the bank verified the code: accepted")
            operator.tell("otp_accepted", "the bank says that it accepted the code", **otp)
            return Exit.OK
        # What is no code at all is no attempt.
        if not is_asked or not (verdict.attempts_left or verdict.kind == "not_a_code"):
            raise Stop(Exit.OTP, f"the bank refused the code: {verdict}", "start both again for a new code")
        operator.say(f"the bank refused the code: {verdict}")


def what(envelope: otls.Envelope) -> str:
    """What is to be approved, for who reads what happened."""
    transaction = otls.Transaction.from_context(envelope.context)
    return f"{transaction.purpose}, {transaction.amount} to {transaction.payee}"


def show(text: str) -> None:
    """The message, alone on standard output."""
    with blame(Exit.FILES, "cannot show the message", "keep standard output open"):
        print(text, flush=True)
    if sys.stdout is None:
        raise Stop(Exit.FILES, "there is no standard output to show the message on")


if __name__ == "__main__":
    run(PROGRAM, main)
