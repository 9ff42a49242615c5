"""Drivers in Python beside ``ssl`` and asyncio's own TLS, and in C beside OpenSSL. Run by `make bench`.

Both sides are processes of this machine, joined by a socket pair; what counts is the CPU time of both. The
libraries of a row are measured in turns, and the median turn counts.

    stream.py [DOCUMENT]        writes the rows into the document; prints them
    ROWS=echo,import stream.py  these rows alone
    OTLS_BENCH_DRIVE=PROGRAM    what benches/drive.c was compiled to: the rows of C
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

import otls
import otls.aio

TURNS = int(os.environ.get("TURNS", "5"))
HANDSHAKES = 100
BULK = 128 * 1024 * 1024
CHUNK = 256 * 1024
READ = 64 * 1024
ECHOES = 3000
RECORD = 16 * 1024
NAMES = ("bank.example", "customer.example")
SUITE, GROUP = "TLS_AES_256_GCM_SHA384", "x25519"
START, END = "<!-- streams -->\n", "<!-- end of streams -->\n"

Holder: TypeAlias = tuple[otls.Certificate, otls.PrivateKey]


class Ours:
    """Configurations of otls."""

    def __init__(self, trust: otls.TrustStore, server: Holder, client: Holder) -> None:
        suites, groups = [SUITE], [GROUP]
        self.of_server = otls.ServerConfig(otls.Identity(*server), trust=trust, suites=suites, groups=groups)
        self.of_client = otls.ClientConfig(
            trust, identity=otls.Identity(*client), suites=suites, groups=groups
        )

    def connection(self, is_server: bool) -> otls.Connection:
        if is_server:
            return otls.Connection.server(self.of_server)
        return otls.Connection.client(self.of_client, NAMES[0])

    def blocking(self, sock: socket.socket, is_server: bool) -> otls.Stream:
        stream = otls.Stream(sock, self.connection(is_server))
        stream.handshake()
        return stream

    async def loop(self, sock: socket.socket, is_server: bool) -> Ours.Loop:
        stream = otls.aio.AsyncStream(sock, self.connection(is_server))
        await stream.handshake()
        return Ours.Loop(stream)

    class Loop:
        def __init__(self, stream: otls.aio.AsyncStream) -> None:
            self.recv, self.send, self.abort = stream.recv, stream.send, stream.abort


class Theirs:
    """Contexts of ``ssl`` with the same certificates."""

    def __init__(self, root: bytes, server: Holder, client: Holder) -> None:
        self.contexts = {}
        for is_server, (certificate, key) in ((True, server), (False, client)):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if is_server else ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=root.decode())
            if is_server:
                context.num_tickets = 0
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "identity.pem"
                file.touch(0o600)
                file.write_bytes(key.to_pem() + certificate.to_pem())
                context.load_cert_chain(file)
            self.contexts[is_server] = context

    def blocking(self, sock: socket.socket, is_server: bool) -> ssl.SSLSocket:
        sock.settimeout(30)
        name = None if is_server else NAMES[0]
        return self.contexts[is_server].wrap_socket(sock, server_side=is_server, server_hostname=name)

    async def loop(self, sock: socket.socket, is_server: bool) -> Theirs.Loop:
        loop = asyncio.get_running_loop()
        context = self.contexts[is_server]
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        if is_server:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, sock, ssl=context)
        else:
            transport, _ = await loop.create_connection(
                lambda: protocol, sock=sock, ssl=context, server_hostname=NAMES[0]
            )
        return Theirs.Loop(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    class Loop:
        def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.recv, self.abort = reader.read, writer.transport.abort
            self._writer = writer

        async def send(self, data: bytes) -> None:
            self._writer.write(data)
            await self._writer.drain()


# The work of one side. Blocking.


def shake_hands(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    for sock in pairs:
        stream = library.blocking(sock, is_server)
        # Only the server's word says that the client's certificate was good.
        if is_server:
            stream.send(b"!")
        elif stream.recv(READ) != b"!":
            raise SystemExit("no handshake")
        sock.close()


def move(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    stream = library.blocking(pairs[0], is_server)
    if is_server:
        receive(stream, BULK)
        stream.send(b"!")
    else:
        data = bytes(CHUNK)
        for _ in range(BULK // CHUNK):
            stream.sendall(data)
        stream.recv(1)


def echo(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    stream = library.blocking(pairs[0], is_server)
    data = bytes(RECORD)
    for _ in range(ECHOES):
        if not is_server:
            stream.sendall(data)
        receive(stream, RECORD)
        if is_server:
            stream.sendall(data)


def receive(stream: otls.Stream | ssl.SSLSocket, length: int) -> None:
    while length:
        count = len(stream.recv(READ))
        if not count:
            raise SystemExit("cut off")
        length -= count


# The same on asyncio.


async def shake_hands_aio(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    for sock in pairs:
        stream = await library.loop(sock, is_server)
        if is_server:
            await stream.send(b"!")
            await stream.recv(1)
        elif await stream.recv(1) != b"!":
            raise SystemExit("no handshake")
        else:
            await stream.send(b"!")
        stream.abort()


async def move_aio(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    stream = await library.loop(pairs[0], is_server)
    if is_server:
        await receive_aio(stream, BULK)
        await stream.send(b"!")
        await stream.recv(1)
    else:
        data = bytes(CHUNK)
        for _ in range(BULK // CHUNK):
            await stream.send(data)
        await stream.recv(1)
        await stream.send(b"!")
    stream.abort()


async def echo_aio(library: Ours | Theirs, pairs: list[socket.socket], is_server: bool) -> None:
    stream = await library.loop(pairs[0], is_server)
    data = bytes(RECORD)
    for _ in range(ECHOES):
        if not is_server:
            await stream.send(data)
        await receive_aio(stream, RECORD)
        if is_server:
            await stream.send(data)
    if is_server:
        await stream.recv(1)
    else:
        await stream.send(b"!")
    stream.abort()


async def receive_aio(stream: Ours.Loop | Theirs.Loop, length: int) -> None:
    while length:
        count = len(await stream.recv(READ))
        if not count:
            raise SystemExit("cut off")
        length -= count


def seconds(work: Callable[..., object], library: Ours | Theirs, connections: int) -> float:
    """CPU seconds of both sides."""
    pairs = [socket.socketpair() for _ in range(connections)]

    def play(is_server: bool) -> None:
        running = work(library, [pair[is_server] for pair in pairs], is_server)
        if asyncio.iscoroutine(running):
            asyncio.run(quietly(running))

    begin = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if child == 0:
        signal.alarm(120)
        try:
            play(True)
            os._exit(0)
        finally:
            os._exit(1)
    play(False)
    for pair in pairs:
        for sock in pair:
            sock.close()
    if os.waitpid(child, 0)[1]:
        raise SystemExit("the server's side failed")
    end = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        for before, after in zip(begin, end, strict=True)
    )


async def quietly(running: object) -> None:
    """asyncio's transports complain of a peer that leaves; here both do."""
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
    await running  # type: ignore[misc]


def in_turns(*measures: Callable[[], float]) -> list[float]:
    turns = [[measure() for measure in measures] for _ in range(TURNS)]
    return [statistics.median(column) for column in zip(*turns, strict=True)]


def c_seconds(library: str, kind: str, amount: int, folder: str) -> float:
    command = [os.environ["OTLS_BENCH_DRIVE"], library, kind, str(amount), folder]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603


def import_seconds(statement: str) -> float:
    """Of a new interpreter, least of several: what a page cache or another process adds is no import."""
    times = []
    for _ in range(10):
        begin = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", statement], check=True)  # noqa: S603
        end = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(end.ru_utime + end.ru_stime - begin.ru_utime - begin.ru_stime)
    return min(times)


def holder(authority: otls.Authority, name: str, profile: str) -> Holder:
    key = otls.PrivateKey.generate("ecdsa")
    request = otls.CertificateRequest.create(key, otls.DistinguishedName(common_name=name), names=[name])
    return authority.issue(request, profile), key


def rows() -> list[str]:
    key = otls.PrivateKey.generate("ecdsa")
    authority = otls.Authority.create(key, otls.DistinguishedName(common_name="Bench Root"))
    trust = otls.TrustStore(authority.certificate)
    holders = [holder(authority, *each) for each in zip(NAMES, ("server", "client"), strict=True)]
    ours, theirs = Ours(trust, *holders), Theirs(authority.certificate.to_pem(), *holders)
    folder = tempfile.TemporaryDirectory()
    for name, (certificate, own_key) in zip(("server", "client"), holders, strict=True):
        otls.write_file(
            Path(folder.name) / f"{name}.pem", own_key.to_pem() + certificate.to_pem(), mode=0o600
        )
    otls.write_file(Path(folder.name) / "root.pem", authority.certificate.to_pem())
    chosen = os.environ.get("ROWS", "handshakes,bulk,echo,import").split(",")
    megabytes = BULK / 1e6
    kinds = [
        ("handshakes", "full mutual handshakes", HANDSHAKES, HANDSHAKES, (shake_hands, shake_hands_aio)),
        ("bulk", "MB one way", megabytes, 1, (move, move_aio)),
        ("echo", "echoes of 16 KiB", ECHOES, 1, (echo, echo_aio)),
    ]
    drivers = [("`otls.Stream` beside `ssl`", 0), ("`otls.aio` beside asyncio's TLS", 1)]
    result = ["| in a CPU second of both sides | otls | the other | ratio |", "| --- | ---: | ---: | ---: |"]
    for kind, what, amount, connections, works in kinds:
        for driver, number in drivers:
            if kind not in chosen:
                continue
            one, other = in_turns(
                partial(seconds, works[number], ours, connections),
                partial(seconds, works[number], theirs, connections),
            )
            result.append(
                f"| {what}, {driver} | {amount / one:.0f} | {amount / other:.0f} | {other / one:.2f} |"
            )
            print(result[-1], file=sys.stderr)
        if kind in chosen and "OTLS_BENCH_DRIVE" in os.environ:
            count = BULK // CHUNK if kind == "bulk" else int(amount)
            one, other = in_turns(
                *(partial(c_seconds, library, kind, count, folder.name) for library in ("otls", "openssl"))
            )
            result.append(
                f"| {what}, `epoll` in C beside OpenSSL | {amount / one:.0f} | {amount / other:.0f} "
                f"| {other / one:.2f} |"
            )
            print(result[-1], file=sys.stderr)
    folder.cleanup()
    if "import" in chosen:
        bare, full, theirs_ = map(import_seconds, ("pass", "import otls", "import ssl, asyncio"))
        result.append("")
        result.append(
            f"`import otls` takes {1e3 * (full - bare):.0f} ms of CPU time beyond bare Python, "
            f"and `import ssl, asyncio` {1e3 * (theirs_ - bare):.0f} ms."
        )
        print(result[-1], file=sys.stderr)
    return result


def main() -> None:
    heading = f"Python {sys.version.split()[0]}, {ssl.OPENSSL_VERSION}, {SUITE}, {GROUP}, ECDSA P-256."
    text = "\n".join([heading, "", *rows(), ""])
    print(text)
    for document in map(Path, sys.argv[1:]):
        before, rest = document.read_text().split(START)
        document.write_text(before + START + text + END + rest.split(END)[1])


if __name__ == "__main__":
    main()
