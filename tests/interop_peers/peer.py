"""A TLS 1.3 peer over Python's ssl; scripts/interop.py says what it is given and what it prints."""

from __future__ import annotations

import socket
import ssl
import sys


def main() -> None:
    role, port, cert, key, ca, auth, steps = sys.argv[1:]
    server = role == "server"
    context = ssl.create_default_context(
        ssl.Purpose.CLIENT_AUTH if server else ssl.Purpose.SERVER_AUTH, cafile=ca
    )
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if server or auth == "1":
        context.load_cert_chain(cert, key)
    if server:
        context.verify_mode = ssl.CERT_REQUIRED if auth == "1" else ssl.CERT_NONE
        serve(context, int(port))
    session = None
    for _ in range(steps.count("c")):
        session = connect(context, int(port), session)


def serve(context: ssl.SSLContext, port: int) -> None:
    listener = socket.create_server(("127.0.0.1", port))
    print("ready", flush=True)
    while True:
        plain, _ = listener.accept()
        try:
            with context.wrap_socket(plain, server_side=True) as connection:
                while line := connection.recv(65536):
                    connection.sendall(line)
                report(connection)
                connection.unwrap()
        except OSError as error:
            print("error", error, flush=True)


def connect(context: ssl.SSLContext, port: int, session: ssl.SSLSession | None) -> ssl.SSLSession | None:
    plain = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(plain, server_hostname="localhost", session=session) as connection:
        lines = connection.makefile("rb")
        for _ in range(2):
            connection.sendall(b"hello\n")
            print("got", lines.readline().decode().strip())
        report(connection)
        session = connection.session
        connection.unwrap()
        return session


def report(connection: ssl.SSLSocket) -> None:
    certificates = int(bool(connection.getpeercert()))
    print(f"done resumed={connection.session_reused} certificates={certificates}", flush=True)


main()
