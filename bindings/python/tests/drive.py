"""One scenario of a driver, as a client: drive.py blocking|asyncio SCENARIO HOST PORT FOLDER SIZE.

FOLDER has ca.pem, client.pem and client.key; the server is `bank.example`. After the handshake the client
says the scenario and the size in a line, and the peer plays its part. Prints one line, "ok ..." or
"wrong: ...", and exits with 0 or 1.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import otls
from otls import aio

PATIENCE = 30.0
PIECE = 128 * 1024
_CYCLES = bytes(range(251)) * (PIECE // 251 + 2)


class Wrong(Exception):
    """The scenario did not come out right."""


def pattern(offset: int, length: int) -> bytes:
    """The octets i % 251 from ``offset`` on, at most ``PIECE`` of them."""
    begin = offset % 251
    return _CYCLES[begin : begin + length]


def check(data: bytes, offset: int) -> int:
    """The offset behind ``data``, which has to be what comes at ``offset``."""
    if data != pattern(offset, len(data)):
        raise Wrong(f"other data than was sent, at {offset}")
    return offset + len(data)


def config(folder: Path) -> otls.ClientConfig:
    """The client's."""
    trust = otls.TrustStore(otls.Certificate.load((folder / "ca.pem").read_bytes()))
    chain = otls.Certificate.load_chain((folder / "client.pem").read_bytes())
    key = otls.load_key((folder / "client.key").read_bytes())
    return otls.ClientConfig(trust, identity=otls.Identity(chain, key))


def bounds(scenario: str) -> otls.Timeouts:
    """The deadlines of a scenario."""
    return otls.Timeouts(
        handshake=1.0 if scenario == "trickle" else PATIENCE,
        read=PATIENCE,
        write=1.0 if scenario == "slow" else PATIENCE,
    )


def within(what: str, begin: float, least: float, most: float) -> str:
    """How long it took, if that is right."""
    took = time.monotonic() - begin
    if not least <= took <= most:
        raise Wrong(f"{what} took {took:.2f} s, not {least:g} to {most:g}")
    return f"{what} in {took:.2f} s"


def alarms() -> None:
    """SIGALRM each 5 ms, with a handler that returns; Python sets no SA_RESTART."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)


class Blocking:
    """The scenarios on blocking sockets."""

    def __init__(self, scenario: str, address: otls.Address, folder: Path, size: int) -> None:
        self.scenario, self.address, self.folder, self.size = scenario, address, folder, size

    def run(self) -> str:
        """Plays it; what came out."""
        begin = time.monotonic()
        try:
            stream = otls.connect(
                self.address,
                config(self.folder),
                server_name="bank.example",
                timeout=bounds(self.scenario),
            )
        except TimeoutError as error:
            if self.scenario == "trickle":
                return f"{within('the timeout', begin, 0.8, 2.0)}: {error}"
            raise
        with stream:
            stream.send(f"{self.scenario} {self.size}\n".encode())
            return self.plays()[self.scenario](stream)

    def plays(self) -> dict[str, Callable[[otls.Stream], str]]:
        """What each scenario is."""
        return {
            "echo": self.both_ways,
            "both": self.both_ways,
            "octets": self.both_ways,
            "signals": self.signals,
            "half-close": self.half_close,
            "slow": self.half_close,
            "cut": self.cut,
            "cancel": self.cancel,
            "close": self.close,
            "select": self.select,
            "trickle": self.late,
        }

    def write(self, stream: otls.Stream) -> None:
        for offset in range(0, self.size, PIECE):
            stream.send(pattern(offset, min(PIECE, self.size - offset)))
        stream.close_write()

    def read_to_the_end(self, stream: otls.Stream) -> None:
        offset = 0
        while data := stream.recv():
            offset = check(data, offset)
        if offset != self.size:
            raise Wrong(f"the end came after {offset} octets")

    def both_ways(self, stream: otls.Stream) -> str:
        failures: list[BaseException] = []

        def write() -> None:
            try:
                self.write(stream)
            except BaseException as error:  # noqa: BLE001  (raised below)
                failures.append(error)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        self.read_to_the_end(stream)
        writer.join(PATIENCE)
        if failures:
            raise failures[0]
        return f"{self.size} octets there and back"

    def signals(self, stream: otls.Stream) -> str:
        alarms()
        return self.both_ways(stream)

    def half_close(self, stream: otls.Stream) -> str:
        self.write(stream)
        answer = b""
        while data := stream.recv():
            answer += data
        if answer != f"got {self.size}\n".encode():
            raise Wrong(f"the answer was {answer!r}")
        return f"{self.size} octets, an answer and a clean end"

    def cut(self, stream: otls.Stream) -> str:
        offset = 0
        try:
            while data := stream.recv():
                offset = check(data, offset)
        except otls.TruncatedError as error:
            if offset == self.size:
                return f"{offset} octets, then: {error}"
            raise Wrong(f"{offset} octets, then: {error}") from error
        raise Wrong(f"a clean end after {offset} octets")

    def cancel(self, stream: otls.Stream) -> str:
        threading.Timer(0.5, stream.abort).start()
        begin = time.monotonic()
        try:
            self.write(stream)
        except ConnectionAbortedError as error:
            return f"{within('the abort', begin, 0.4, 3.0)}: {error}"
        raise Wrong("all was written to a peer that does not read")

    def close(self, stream: otls.Stream) -> str:
        awake: list[float] = []

        def read() -> None:
            with contextlib.suppress(otls.Error, OSError):
                stream.recv()
            awake.append(time.monotonic())

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        time.sleep(0.3)
        begin = time.monotonic()
        stream.close()
        reader.join(5)
        if not awake or awake[0] - begin >= 1:
            raise Wrong("the reader was not woken within a second")
        return f"the reader was awake after {awake[0] - begin:.3f} s"

    def select(self, stream: otls.Stream) -> str:
        poller = select.poll()
        poller.register(stream, select.POLLIN)
        offset = 0
        while True:
            if not stream.pending() and not poller.poll(5000):
                raise Wrong(f"nothing to poll for after {offset} octets")
            data = stream.recv(10)
            if not data:
                break
            offset = check(data, offset)
        if offset != self.size:
            raise Wrong(f"the end came after {offset} octets")
        return f"{offset} octets, and poll always knew"

    def late(self, stream: otls.Stream) -> str:
        raise Wrong("the handshake was done in spite of its deadline")


class Asyncio(Blocking):
    """The scenarios on asyncio."""

    def run(self) -> str:
        """Plays it; what came out."""
        return asyncio.run(self.main())

    async def main(self) -> str:
        """As of ``Blocking.run``."""
        begin = time.monotonic()
        try:
            stream = await aio.open_connection(
                *self.address, config(self.folder), server_name="bank.example", timeout=bounds(self.scenario)
            )
        except TimeoutError as error:
            if self.scenario == "trickle":
                return f"{within('the timeout', begin, 0.8, 2.0)}: {error}"
            raise
        plays = {
            "echo": self.both_ways_async,
            "both": self.both_ways_async,
            "octets": self.both_ways_async,
            "signals": self.signals_async,
            "half-close": self.half_close_async,
            "slow": self.half_close_async,
            "cut": self.cut_async,
            "cancel": self.cancel_async,
            "close": self.close_async,
            "select": self.select_async,
        }
        if self.scenario not in plays:
            raise Wrong("the handshake was done in spite of its deadline")
        async with stream:
            await stream.send(f"{self.scenario} {self.size}\n".encode())
            return await plays[self.scenario](stream)

    async def write_async(self, stream: aio.AsyncStream) -> None:
        for offset in range(0, self.size, PIECE):
            await stream.send(pattern(offset, min(PIECE, self.size - offset)))
        await stream.close_write()

    async def both_ways_async(self, stream: aio.AsyncStream) -> str:
        writing = asyncio.create_task(self.write_async(stream))
        offset = 0
        while data := await stream.recv():
            offset = check(data, offset)
        if offset != self.size:
            raise Wrong(f"the end came after {offset} octets")
        await asyncio.wait_for(writing, PATIENCE)
        return f"{self.size} octets there and back"

    async def signals_async(self, stream: aio.AsyncStream) -> str:
        alarms()
        return await self.both_ways_async(stream)

    async def half_close_async(self, stream: aio.AsyncStream) -> str:
        await self.write_async(stream)
        answer = b""
        while data := await stream.recv():
            answer += data
        if answer != f"got {self.size}\n".encode():
            raise Wrong(f"the answer was {answer!r}")
        return f"{self.size} octets, an answer and a clean end"

    async def cut_async(self, stream: aio.AsyncStream) -> str:
        offset = 0
        try:
            while data := await stream.recv():
                offset = check(data, offset)
        except otls.TruncatedError as error:
            if offset == self.size:
                return f"{offset} octets, then: {error}"
            raise Wrong(f"{offset} octets, then: {error}") from error
        raise Wrong(f"a clean end after {offset} octets")

    async def cancel_async(self, stream: aio.AsyncStream) -> str:
        begin = time.monotonic()
        writing = asyncio.create_task(self.write_async(stream))
        await asyncio.sleep(0.5)
        writing.cancel()
        done, _ = await asyncio.wait([writing], timeout=5)
        if not done or not writing.cancelled():
            raise Wrong("the write was not cancelled")
        await stream.close()  # Part of the data is missing: it says no close_notify.
        return within("the cancelled write", begin, 0.4, 3.0)

    async def close_async(self, stream: aio.AsyncStream) -> str:
        reading = asyncio.create_task(stream.recv())
        await asyncio.sleep(0.3)
        begin = time.monotonic()
        closing = asyncio.create_task(stream.close())
        done, _ = await asyncio.wait([reading], timeout=5)
        if not done or time.monotonic() - begin >= 1:
            raise Wrong("the reader was not woken within a second")
        woken = time.monotonic() - begin
        reading.exception()
        await closing
        return f"the reader was awake after {woken:.3f} s"

    async def select_async(self, stream: aio.AsyncStream) -> str:
        poller = select.poll()
        poller.register(stream, select.POLLIN)
        offset = 0
        while True:
            if not stream.pending() and not await asyncio.to_thread(poller.poll, 5000):
                raise Wrong(f"nothing to poll for after {offset} octets")
            data = await stream.recv(10)
            if not data:
                break
            offset = check(data, offset)
        if offset != self.size:
            raise Wrong(f"the end came after {offset} octets")
        return f"{offset} octets, and poll always knew"


def main() -> int:
    """Plays one scenario."""
    runtime, scenario, host, port, folder, size = sys.argv[1:]
    driver = {"blocking": Blocking, "asyncio": Asyncio}[runtime]
    try:
        print("ok", driver(scenario, (host, int(port)), Path(folder), int(size)).run())
    except Exception as error:  # noqa: BLE001  (said in one line)
        print("wrong:", f"{type(error).__name__}: {error}".replace("\n", " "))
        return 1
    finally:
        # The interpreter takes the handler away before it ends.
        signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
