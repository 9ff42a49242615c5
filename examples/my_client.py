"""The customer: connects to the bank, enrols with the TTP, shows the OTP and returns it, signed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import otls
from _enrolment import (
    SCHEMES,
    Party,
    add_party_flags,
    default_domain,
    load_authority,
    name_question,
    party_details,
)
from _terminal import (
    Exit,
    Operator,
    Stop,
    add_question_flags,
    address,
    key_password,
    make_parser,
    run,
    wait_for,
)

PROGRAM = "my_client"
DECLINE = "no"
NAME = name_question("customer")


def main() -> int:
    """Fetches one OTP."""
    args = parse()
    operator = Operator(PROGRAM, args)
    operator.expect([NAME, *party_details("", "")])
    key_password(args)
    if args.confirm and not operator.is_interactive:
        raise Stop(Exit.USAGE, "--confirm asks at a terminal, and there is none", "leave --confirm out")
    name = operator.ask(NAME)
    with connect(operator, args, name) as stream:
        return exchange(operator, args, stream)


def parse() -> argparse.Namespace:
    """The flags."""
    parser = make_parser(PROGRAM, __doc__ or "", "my_client.py --name asha --country IN --confirm")
    parser.add_argument(
        "--bank",
        type=address,
        default=("127.0.0.1", 5000),
        metavar="HOST:PORT",
        help="default: 127.0.0.1:5000",
    )
    parser.add_argument(
        "--server-name",
        metavar="NAME",
        help="that the bank's certificate must have (default: the host of --bank)",
    )
    parser.add_argument(
        "--confirm", action="store_true", help="ask for the code instead of returning it unasked"
    )
    add_question_flags(parser, [NAME, *party_details("Example Customer", "NAME.example")])
    add_party_flags(parser)
    return parser.parse_args()


def connect(operator: Operator, args: argparse.Namespace, name: str) -> otls.Stream:
    """A connection on which the bank has accepted us."""
    authority = load_authority(operator, args)
    config = otls.ClientConfig(otls.TrustStore(authority), key_log=args.key_log is not None)
    host, number = args.bank

    def provide_identity(request: otls.RequestedCertificate) -> otls.Identity:
        auth, hash_name = wanted_key(request)
        operator.say(f"the bank {host}:{number} asks for a certificate: {auth} with {hash_name}")
        party = Party(
            operator=operator,
            args=args,
            folder=Path("Client"),
            profile="client",
            name=name,
            authority=authority,
            questions=party_details("Example Customer", default_domain(name)),
        )
        return party.identity(auth, hash_name)

    operator.say(f"connecting to the bank at {host}:{number}, which chooses the suite")
    stream = wait_for(
        operator,
        f"the bank at {host}:{number}",
        lambda: otls.connect(
            args.bank,
            config,
            server_name=args.server_name or host,
            timeout=args.timeout,
            provide_identity=provide_identity,
            key_log=args.key_log,
        ),
        wait=args.wait,
        failure=Exit.NETWORK,
    )
    try:
        stream.confirm()
    except BaseException:
        stream.close()
        raise
    return stream


def wanted_key(request: otls.RequestedCertificate) -> tuple[str, str]:
    """The kind of key that the bank accepts and that we can make."""
    for kind, scheme in SCHEMES.items():
        if scheme in request.schemes:
            return kind
    raise Stop(Exit.PROTOCOL, f"the bank accepts no key that we can make: {', '.join(request.schemes)}")


def exchange(operator: Operator, args: argparse.Namespace, stream: otls.Stream) -> Exit:
    """Shows the message, returns the code with a signed receipt and reports what the bank says of it."""
    bank = stream.peer
    operator.say(f"verified the bank {bank.subject if bank else ''}")
    operator.say(f"connection: {stream.suite}, {stream.group}, {stream.peer_scheme}")
    envelope = stream.receive_message()
    if not isinstance(envelope, otls.Envelope):
        raise Stop(
            Exit.NETWORK, "the bank closed the connection before it sent a code", "see the bank's terminal"
        )
    # The library refuses a text that is not the transaction's, or that has what a terminal obeys.
    show(envelope.expose_text())
    while True:
        code = (
            operator.read(f"type the code to approve the payment, or {DECLINE}", flag="no --confirm")
            if args.confirm
            else envelope.code
        )
        if code == DECLINE:
            stream.decline(envelope)
            operator.say("told the bank, signed, that you decline")
            return Exit.OK
        stream.approve(envelope, code)
        notice = stream.receive_message()
        if not isinstance(notice, otls.VerdictNotice):
            raise Stop(
                Exit.NETWORK, "the bank closed the connection before it judged the code", "see its terminal"
            )
        verdict = notice.verdict
        if verdict.accepted:
            operator.say("the bank verified the code: accepted")
            return Exit.OK
        if not args.confirm or not verdict.attempts_left:
            raise Stop(Exit.OTP, f"the bank refused the code: {verdict}", "start both again for a new code")
        operator.say(f"the bank refused the code: {verdict}")


def show(text: str) -> None:
    """The message, alone on standard output."""
    try:
        print(text, flush=True)
    except OSError as error:
        raise Stop(
            Exit.FILES, f"cannot show the message: {error.strerror}", "keep standard output open"
        ) from error
    if sys.stdout is None:
        raise Stop(Exit.FILES, "there is no standard output to show the message on")


if __name__ == "__main__":
    run(PROGRAM, main)
