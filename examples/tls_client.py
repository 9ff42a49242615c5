"""An HTTPS client over TLS 1.3: shows what was agreed on and whom it met, and gets a page.

The authorities come from a folder of certificates under their hashes, as `openssl rehash` and c_rehash
make it and as Debian keeps it in /etc/ssl/certs. What is said of the connection goes to standard error,
the page to standard output.
"""

from __future__ import annotations

import argparse
import http.client
import re
import sys
from dataclasses import replace
from pathlib import Path

import otls
from _terminal import Exit, Stop, blame, make_parser, port, printable, read_file, run, seconds
from _terminal import say as tell

PROGRAM = "tls_client"


def main() -> int:
    """Gets one page."""
    args = parse()
    trust = load_folder(args.root_dir)
    config = otls.ClientConfig(
        trust,
        no_identity=True,
        any_server_name=not args.check_hostname,
        alpn=["http/1.1"],
        key_log=args.key_log is not None,
    )
    try:
        # The head of the answer has to be there in time, however slowly it comes.
        bounds = otls.Timeouts(args.timeout, args.timeout, args.timeout, lifetime=2 * args.timeout)
        stream = otls.connect((args.host, args.port), config, timeout=bounds, key_log=args.key_log)
    except otls.CertificateError as error:
        show_report(error)
        raise
    except OSError as error:
        text = f"cannot connect to {args.host} port {args.port}: {error.strerror or error}"
        raise Stop(Exit.NETWORK, text, "check the name and --port") from error
    with stream:
        show(stream, trust, args)
        return get(stream, args.host, args.get)


def parse() -> argparse.Namespace:
    """The flags."""
    parser = make_parser(__doc__ or "", "tls_client.py example.com --get /index.html")
    add = parser.add_argument
    add("host", metavar="HOST", help="a DNS name or an IP address")
    add("--port", type=port, default=443, help="default: 443")
    folder, text = Path("/etc/ssl/certs"), "authorities and revocation lists under their hashes"
    add("--root-dir", type=Path, default=folder, metavar="FOLDER", help=f"{text} (default: {folder})")
    text = "accept a certificate for any name: whoever has one of the same authorities can answer"
    add("--no-check-hostname", dest="check_hostname", action="store_false", help=text)
    add("--get", default="/", metavar="PATH", help="the page (default: /)")
    add("--key-log", metavar="FILE", help="append the connection's secrets to this file")
    add("--timeout", type=seconds, default=30.0, metavar="S", help="for the server to answer (default: 30)")
    args = parser.parse_args()
    if not re.fullmatch(r"/[!-~]*", args.get):
        parser.error(f"--get {args.get!r} is not a path: it begins with / and has no spaces")
    return args


def load_folder(folder: Path) -> otls.TrustStore:
    """The certificates (01234567.0) and revocation lists (01234567.r0) of a folder."""
    with blame(Exit.FILES, f"cannot read {folder}", "see --root-dir"):
        names = sorted(entry.name for entry in folder.iterdir())
    authorities, lists, unusable = [], [], []
    for name in names:
        kind = re.fullmatch(r"[0-9a-f]{8}\.(r?)[0-9]+", name)
        if kind is None:
            continue
        try:
            if kind[1]:
                lists += otls.Crl.load_all(read_file(folder / name))
            else:
                certificate = otls.Certificate.load(read_file(folder / name))
                otls.TrustStore(certificate)
                authorities.append(certificate)
        except otls.Error as error:
            if kind[1]:
                # Without an authority more is refused; without a list more would be accepted.
                text = f"{folder / name} is no revocation list that can be used: {error}"
                raise Stop(Exit.FILES, text, "replace it, or remove it if it counts no more") from error
            unusable.append(f"{name}: {error}")
    if not authorities:
        why = f": {unusable[0]}" if unusable else ""
        raise Stop(
            Exit.FILES, f"{folder} has no authority under its hash{why}", f"run: openssl rehash {folder}"
        )
    if unusable:
        say(f"{len(unusable)} files of {folder} are not used, the first of them {unusable[0]}")
    return otls.TrustStore(authorities, crls=lists)


def show(stream: otls.Stream, trust: otls.TrustStore, args: argparse.Namespace) -> None:
    """The connection, the server's chain, and what it was verified by."""
    say(
        f"connected to {args.host} port {args.port}: "
        f"TLS 1.3, {stream.suite}, {stream.group}, {stream.peer_scheme}"
    )
    chain = stream.connection.peer_chain
    for depth, certificate in enumerate(chain):
        say(f"  {depth}  subject      {certificate.subject}")
        say(f"     issuer       {certificate.issuer}")
        say(f"     valid        {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}")
        say(f"     fingerprint  {certificate.fingerprint}")
    name = args.host if args.check_hostname else None
    authority = trust.verify(chain, server_name=name, role=None if name else "any")
    say(f"verified by {authority.subject}")
    if args.check_hostname:
        say(f"the certificate is for {args.host}")
    else:
        say("the name was not checked (--no-check-hostname)")


def show_report(error: otls.CertificateError) -> None:
    """Each candidate chain and what was wrong with it."""
    for finding in error.report:
        say(f"chain {finding.candidate}, certificate {finding.depth} ({finding.subject or 'none'})")
        say(f"     {finding.check}: {finding.reason}")
        if finding.hint:
            say(f"     {finding.hint}")


def get(stream: otls.Stream, host: str, path: str) -> Exit:
    """Asks for a page and prints it; the exit code says whether there was one."""
    name = f"[{host}]" if ":" in host else host
    request = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nUser-Agent: {PROGRAM}\r\nConnection: close\r\n\r\n"
    stream.send(request.encode("ascii"))
    # HTTPResponse wants of a socket only makefile.
    response = http.client.HTTPResponse(stream)  # type: ignore[arg-type]
    try:
        response.begin()
        # The page may take as long as it comes.
        stream.timeout = replace(stream.timeouts, lifetime=None)
        say(f"HTTP {response.status} {response.reason}")
        while data := response.read(65536):
            sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except http.client.HTTPException as error:
        raise Stop(Exit.PROTOCOL, f"the server does not speak HTTP: {error!r}") from error
    return Exit.OK if response.status < 400 else Exit.PROTOCOL


def say(text: str) -> None:
    """A line on standard error."""
    tell(printable(text))


if __name__ == "__main__":
    run(PROGRAM, main)
