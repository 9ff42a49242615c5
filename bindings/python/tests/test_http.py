"""Python's own libraries for sockets over a stream: http.client, http.server, socketserver."""

from __future__ import annotations

import http.client
import http.server
import io
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import otls
from conftest import World, bank, customer, streams

BODY = bytes(index % 251 for index in range(1_000_000))


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends the body of a request back, or what the path asks for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A page, or half of one."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[: len(BODY) // 2] if self.path == "/half" else BODY)
        if self.path == "/half":
            raise LookupError("the disk is gone")

    def do_POST(self) -> None:
        """What came, in chunks or until the connection ends."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        if self.path == "/until-the-end":
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for start in range(0, len(body), 10_000):
            piece = body[start : start + 10_000]
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class HttpServer(http.server.ThreadingHTTPServer):
    """As bindings/python/README.md shows it."""

    daemon_threads = True
    config: otls.ServerConfig

    def get_request(self) -> tuple[Any, Any]:
        """The next client; the handshake is done by its handler."""
        sock, address = super().get_request()
        return otls.Stream(sock, otls.Connection.server(self.config)), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """What was sent is not all."""
        request.abort()


class HttpConnection(http.client.HTTPConnection):
    """A connection whose socket is a stream."""

    def __init__(self, address: otls.Address, config: otls.ClientConfig) -> None:
        super().__init__("localhost", address[1])
        self._config = config

    def connect(self) -> None:
        """With the customer's certificate."""
        self.sock: Any = otls.connect(("127.0.0.1", self.port), self._config, timeout=10)


@pytest.fixture
def server(world: World) -> Iterator[HttpServer]:
    """An HTTP server that asks for certificates."""
    with HttpServer(("127.0.0.1", 0), Handler) as server:
        server.config = bank(world)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_several_requests_on_one_connection(world: World, server: HttpServer) -> None:
    connection = HttpConnection(server.server_address, customer(world))  # type: ignore[arg-type]
    for _ in range(3):
        connection.request("POST", "/", BODY)
        stream = connection.sock
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, BODY)
        connection.request("GET", "/")
        assert connection.getresponse().read() == BODY
        assert connection.sock is stream
    connection.close()
    assert stream.fileno() == -1


def test_a_page_that_ends_with_the_connection(world: World, server: HttpServer) -> None:
    connection = HttpConnection(server.server_address, customer(world))  # type: ignore[arg-type]
    connection.request("POST", "/until-the-end", BODY)
    stream = connection.sock
    response = connection.getresponse()
    # http.client has closed its socket by now, and reads from the file that it made of it.
    assert connection.sock is None
    assert stream.fileno() != -1
    assert response.read() == BODY
    response.close()
    assert stream.fileno() == -1


def test_half_a_page_is_not_taken_for_a_whole_one(world: World, server: HttpServer) -> None:
    connection = HttpConnection(server.server_address, customer(world))  # type: ignore[arg-type]
    connection.request("GET", "/half")
    response = connection.getresponse()
    with pytest.raises(otls.TruncatedError):
        response.read()
    response.close()
    connection.close()


def test_a_client_that_is_refused_is_nobody_elses_trouble(
    world: World, other_world: World, server: HttpServer
) -> None:
    stranger = otls.ClientConfig(world.trust, identity=other_world.identity("client"))
    refused = HttpConnection(server.server_address, stranger)  # type: ignore[arg-type]
    refused.request("GET", "/")
    with pytest.raises(otls.AlertReceived):
        refused.getresponse()
    connection = HttpConnection(server.server_address, customer(world))  # type: ignore[arg-type]
    connection.request("GET", "/")
    assert connection.getresponse().read() == BODY
    connection.close()


def test_a_handler_of_socketserver_reads_lines(world: World) -> None:
    class Shout(socketserver.StreamRequestHandler):
        timeout = 10
        disable_nagle_algorithm = True

        def handle(self) -> None:
            for line in self.rfile:
                self.wfile.write(line.upper())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            sock, address = super().get_request()
            return otls.Stream(sock, otls.Connection.server(config)), address

    config = bank(world)
    with Server(("127.0.0.1", 0), Shout) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        with otls.connect(server.server_address, customer(world), timeout=10) as stream:  # type: ignore[arg-type]
            with stream.makefile("rw", encoding="utf-8", newline="\n") as file:
                for word in ("one", "two"):
                    file.write(word + "\n")
                    file.flush()
                    assert file.readline() == word.upper() + "\n"
            stream.shutdown(socket.SHUT_WR)
            assert stream.recv() == b""
        server.shutdown()


def test_a_file_of_a_stream_is_as_one_of_a_socket(world: World) -> None:
    with streams(world) as (ours, theirs):
        theirs.sendall(b"one\ntwo\nthree")
        lines = ours.makefile("rb")
        raw = ours.makefile("wb", buffering=0)
        assert (lines.readline(), lines.readline(), lines.read(5)) == (b"one\n", b"two\n", b"three")
        assert isinstance(raw, io.RawIOBase)
        assert (raw.readable(), raw.writable(), raw.fileno()) == (False, True, ours.fileno())
        assert raw.write(b"back") == 4
        assert theirs.recv() == b"back"
        with pytest.raises(io.UnsupportedOperation):
            raw.read(1)
        for mode, buffering in (("x", None), ("r", 0)):
            with pytest.raises(ValueError, match=r"mode|binary"):
                ours.makefile(mode, buffering)
        both = ours.makefile("rwb")
        ours.close()
        both.write(b"again")
        both.flush()
        assert theirs.recv() == b"again"
        for file in (lines, raw, both):
            assert ours.fileno() != -1
            file.close()
            file.close()
        assert ours.fileno() == -1
        with pytest.raises(ValueError, match="closed file"):
            raw.write(b"x")


def test_receiving_into_a_buffer(world: World) -> None:
    with streams(world) as (ours, theirs):
        theirs.send(b"abcdef")
        buffer = bytearray(10)
        assert ours.recv_into(buffer, 2) == 2
        assert ours.recv_into(memoryview(buffer)[2:]) == 4
        assert buffer == b"abcdef\0\0\0\0"
        assert ours.recv_into(bytearray()) == 0
        with pytest.raises(otls.ApiMisuse):
            ours.recv_into(buffer, 11)
        assert ours.send(b"four") == 4
