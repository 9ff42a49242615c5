"""What a stream does, whoever does the waiting.

The flows are coroutines that await nothing but their :class:`Waiter` and the caller's hooks. That of asyncio
suspends them; that of blocking sockets waits in the call, so that they run through in one go.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Awaitable, Callable
from itertools import starmap
from typing import Any, NoReturn, TypeVar

from ._carrier import Carrier, KeyLog, Waiter
from ._errors import ApiMisuse, Error, Rejected
from ._otls import Channel, Connection, Trace
from ._process import check_process
from ._state import State
from ._waiting import Deadline, Timeout, closed_early, has_ended, must_wait_to_confirm
from ._wire import READ_SIZE

_T = TypeVar("_T")

#: Octets that are sealed before they are written out.
PIECE = 256 * 1024

#: How long the end of a connection waits for the peer to take what was said last, in seconds.
LINGER = 1.0


class Engine(Carrier):
    """A connection on a socket, for one reader and one writer at a time: who uses it holds the locks."""

    def __init__(
        self,
        sock: socket.socket,
        connection: Connection,
        waiter: Waiter,
        *,
        timeout: Timeout,
        configure: Callable[..., Any] | None,
        provide_identity: Callable[..., Any] | None,
        accept_free_text: bool,
        key_log: KeyLog | None,
        trace: Trace | None,
    ) -> None:
        super().__init__(sock, connection, waiter, timeout=timeout, key_log=key_log)
        if trace is not None:
            connection.set_trace(trace)
        self.configure = configure
        self.provide_identity = provide_identity
        #: Why nothing can be sent any more although the connection stands; empty while something can.
        self.cut = ""
        self.ends_reading = False
        self._accept_free_text = accept_free_text
        self._is_asking = False
        #: What was read and not yet taken: ``None`` where nothing came, no octets where it was no data.
        self._ready: list[bytes | None] = []
        self._messages: list[Any] = []
        self._channel: Channel | None = None

    # What is asked and done in one step.

    @property
    def channel(self) -> Channel:
        """The messages of the connection."""
        if self._channel is None:
            self._channel = Channel(self.connection, accept_free_text=self._accept_free_text)
        return self._channel

    def pending(self) -> int:
        """Octets that can be received without waiting, or 1 for an end; what was read is fed for it."""
        check_process(self.process)
        with self.wire.lock:
            # An error is kept by the connection, for the next call that receives.
            with contextlib.suppress(Error):
                if self.is_done and self.link.kept:
                    self._take_in()
            octets = sum(map(len, filter(None, self._ready))) + self.connection.available
            is_over = has_ended(self.connection.state) or self._is_failed() or self.link.ended
            return octets or int(is_over)

    def take(self, limit: int) -> bytes:
        """What :meth:`fill` has made ready, at most ``limit`` octets.

        No call is made between the first step that changes something and the last: a signal's handler that
        raised there would lose data, and another thread that came between would get it twice.
        """
        ready = self._ready
        if not ready:
            return b""
        octets = ready[0]
        if octets is None:
            return b""
        rest = octets[limit:]
        if rest:
            octets = octets[:limit]
            self._ready = [rest, *ready[1:]]
        else:
            self._ready = ready[1:]
        return octets

    def take_message(self) -> Any:
        """What :meth:`fill_message` has made ready; as :meth:`take`."""
        messages = self._messages
        if not messages:
            return None
        self._messages = []
        return messages[0]

    def fill_now(self, limit: int) -> bool:
        """:meth:`fill` where there is nothing to wait for, to write down or to judge; whether it was so."""
        ready = self._ready
        if ready:
            if ready[0] is not None:
                return bool(ready[0])
            self._ready = ready = []
        if self.over or self.ends_reading or self.key_log is not None or self.timeouts.lifetime is not None:
            return False
        if self._turns >= self._waiter.turns:
            return False
        self._turns += 1
        with self.wire.lock:
            ready.extend(map(self.link.read, (limit if limit < READ_SIZE else READ_SIZE,)))
        return bool(ready[0])

    def is_likely_dry(self) -> bool:
        """Whether to wait before :meth:`fill_now`, which would find nothing."""
        return not self._ready and self.timeouts.lifetime is None and self.link.dry

    def is_dry(self) -> bool:
        """Whether :meth:`fill_now` has found nothing, and has to wait for nothing but something to read."""
        return bool(self._ready) and self._ready[0] is None and not self.link.stuck

    def send_now(self, data: bytes | memoryview, length: int) -> bool | None:
        """Seals one piece and sends what there is room for; the rest is for :meth:`finish_send`.

        ``None``, with nothing done, where more is to be looked at: then it is :meth:`send` that sends.
        """
        if length > PIECE or self.cut or self.over:
            return None
        if self.key_log is not None or self.timeouts.lifetime is not None:
            return None
        self._is_sending = True
        try:
            with self.wire.lock:
                is_sent = self.link.send(data)
            if not is_sent:
                self._refuse_more_data()
        except BaseException:
            if State.WANT_WRITE in self.connection.state:
                self._refuse_more_data()
            raise
        finally:
            self._is_sending = False
        return is_sent

    def stop_reading(self) -> None:
        """Whoever receives is at the end; wakes who waits for it."""
        self.ends_reading = True
        with contextlib.suppress(OSError):
            self.wire.sock.shutdown(socket.SHUT_RD)

    # Flows of a reader.

    async def handshake(self) -> None:
        """Works until our side of the handshake is done; for who reads and writes."""
        begin = self.link.received
        deadline = Deadline(
            "no handshake with the peer",
            self.timeouts.handshake,
            lambda: f" ({self.link.received - begin} octets came)",
        )
        while not self.is_done:
            self._check()
            deadline.left()
            is_flushed = self._flush()
            state = self.connection.state
            if State.NEED_CONFIG in state:
                with deadline.paused():
                    await self._answer_offer()
            elif State.NEED_CLIENT_CERT in state:
                with deadline.paused():
                    await self._answer_request()
            elif State.HANDSHAKE_DONE in state:
                if not is_flushed:
                    await self._wait(deadline, write=True)
                self.is_done = is_flushed
            elif State.CLOSED in state:
                raise closed_early("the handshake was done")
            elif not self._take_in():
                await self._wait(deadline, read=True, write=not is_flushed)

    async def confirm(self) -> None:
        """Waits until the peer has accepted our certificate."""
        deadline = Deadline("no word from the peer on our certificate", self.timeouts.read)
        while must_wait_to_confirm(self.connection.state):
            await self._take_in_or_wait(deadline)

    async def fill(self, limit: int, deadline: Deadline) -> bool:
        """Makes data ready for :meth:`take`; whether there is any before the end."""
        while not self.ends_reading:
            ready = self._ready
            if not ready:
                await self._have_turns()
                self._turns += 1
                with self.wire.lock:
                    ready.extend(map(self.link.read, (min(limit, READ_SIZE),)))
                    self._log_keys()
            if ready[0]:
                return True
            is_dry = ready[0] is None
            self._ready = []
            if is_dry:
                await self._wait_to_read(deadline)
            elif has_ended(self.connection.state):
                break
            else:
                self._flush()
        return False

    async def fill_message(self) -> bool:
        """Makes a message ready for :meth:`take_message`; whether there is any before the end."""
        deadline = self.reading()
        while not self.ends_reading:
            messages = self._messages
            if not messages:
                messages.extend(starmap(self.channel.receive, ((),)))
            if messages[0] is not None:
                return True
            self._messages = []
            if has_ended(self.connection.state):
                break
            await self._take_in_or_wait(deadline)
        return False

    # Flows of a writer.

    async def send(self, data: bytes | bytearray | memoryview) -> None:
        """Sends all of ``data``, sealing at most a piece before it is written out."""
        view = memoryview(data).cast("B")
        start = 0
        try:
            for start in range(0, len(view), PIECE):
                piece = view[start : start + PIECE]
                await self.say(
                    lambda piece=piece: self.connection.seal(piece),  # type: ignore[misc]
                    lambda start=start: f": {start} of {len(view)} octets had gone",  # type: ignore[misc]
                    is_part=start > 0,
                )
        except BaseException as error:
            # A signal's handler may have raised between two pieces; an error of the first one is before both.
            if len(view) > PIECE and (start or not isinstance(error, Error)):
                self._refuse_more_data()
            raise

    async def finish_send(self, length: int) -> None:
        """Sends the rest of the ``length`` octets of :meth:`send_now`."""
        self._is_sending = True
        try:
            progress = lambda: f": 0 of {length} octets had gone"  # noqa: E731
            await self._flush_all(Deadline("no room for more at the peer", self.timeouts.write, progress))
            self.cut = ""
        finally:
            self._is_sending = False

    async def fail(self, error: Exception) -> NoReturn:
        """Raises what a call that does not wait has raised, for :meth:`guard`."""
        raise error

    async def say(
        self, seal: Callable[[], _T], progress: Callable[[], str] = str, *, is_part: bool = False
    ) -> _T:
        """Sends what ``seal`` seals. ``is_part`` of what was begun: others have their turn before it."""
        self._check()
        if self.cut:
            raise ApiMisuse(
                f"this stream cannot be written any more: {self.cut}", hint="close it, and connect again"
            )
        self._is_sending = True
        try:
            if is_part:
                await self._waiter.pause()
                self._check()
            deadline = Deadline("no room for more at the peer", self.timeouts.write, progress)
            result = seal()
            await self._flush_all(deadline)
        except BaseException:
            if State.WANT_WRITE in self.connection.state:
                self._refuse_more_data()
            raise
        finally:
            self._is_sending = False
        return result

    def _refuse_more_data(self) -> None:
        """Data is missing from here on: the connection must not end as if it were whole."""
        self.cut = "an earlier send was cut off in the middle"

    async def close_write(self) -> None:
        """Says close_notify; the peer may go on."""
        self._check()
        await self.say(self.connection.close)
        self.wire.shut_down_write()

    # Flows of whoever ends it.

    async def finish(self) -> None:
        """Says close_notify, waits a moment for the peer's end, and closes; after :meth:`begin_end`."""
        try:
            if not self.cut and not self._is_sending and not self._is_failed():
                is_over = has_ended(self.connection.state)
                self.connection.close()
                await self._flush_all(Deadline("", LINGER), closing=True)
                if not is_over:
                    await self._linger()
        except (Error, OSError):
            pass  # The peer is gone or never got that far: there is nobody to tell.
        finally:
            self.wire.close()

    async def guard(self, flow: Callable[[], Awaitable[_T]]) -> _T:
        """Runs a flow. One that fails ends the connection as it has to: alert first, then the socket."""
        check_process(self.process)
        try:
            self._check()
            return await flow()
        except BaseException as error:
            await self._answer_failure(error)
            raise

    async def _answer_failure(self, error: BaseException) -> None:
        if self._is_asking or not isinstance(error, Error | OSError):
            # A hook raised, the task was cancelled, or Ctrl-C: in a handshake there is no way on.
            if not self.is_done:
                self._give_up()
        elif isinstance(error, Error):
            if self._is_failed():
                await self._say_why()
        elif isinstance(error, TimeoutError) and error.errno is None:
            if not self.is_done:
                self.abort("its handshake took too long")
        else:
            # Closed by somebody else, under our hands?
            self._check()
            # The peer's alert may have arrived before its reset: it says more than "broken pipe".
            await self._look_for_alert()
            if not self.is_done:
                self.abort(f"its handshake failed: {error.strerror or error}")

    def reading(self, begin: float | None = None, received: int | None = None) -> Deadline:
        """The bound of a call that receives; it began at that time, when so much had been received."""
        before = self.link.received if received is None else received
        return Deadline(
            "no answer from the peer",
            self.timeouts.read,
            lambda: f" ({self.link.received - before} octets of a record came)",
            begin=begin,
        )

    async def _answer_offer(self) -> None:
        offer = self.connection.offer
        if self.configure is None or offer is None:
            raise ApiMisuse("the client's offer waits for a configuration", hint="pass configure=")
        config = await self._ask(self.configure, offer)
        self.connection.configure(config)

    async def _answer_request(self) -> None:
        request = self.connection.certificate_request
        identity = None
        if request is not None and self.provide_identity is not None:
            identity = await self._ask(self.provide_identity, request)
        self.connection.provide_identity(identity)

    async def _ask(self, hook: Callable[..., Any], question: object) -> Any:
        self._is_asking = True
        try:
            answer = hook(question)
            if isinstance(answer, Awaitable):
                answer = await answer
        except Rejected as error:
            self._is_asking = False
            self.connection.reject(error.alert or "handshake_failure")
            raise
        self._is_asking = False
        return answer

    async def _say_why(self) -> None:
        # Once: whoever else meets the failed connection is told by it.
        if not self.begin_end("it failed"):
            return
        try:
            with contextlib.suppress(Error, OSError):
                await self._flush_all(Deadline("", LINGER), closing=True)
                await self._linger()
        finally:
            self.wire.close()

    async def _linger(self) -> None:
        """Ends our direction and waits for the peer's end, so that it gets what was said last."""
        self.wire.shut_down_write()
        deadline = Deadline("", LINGER)
        # However much it still sends.
        while deadline.left():
            has_more = self.wire.discard()
            if has_more is None:
                await self._wait(deadline, read=True, closing=True)
            elif not has_more:
                return

    async def _look_for_alert(self) -> None:
        deadline = Deadline("", LINGER)
        with contextlib.suppress(OSError):
            while deadline.left() and not self.connection.available and not has_ended(self.connection.state):
                if not self._take_in():
                    await self._wait(deadline, read=True)

    def _give_up(self) -> None:
        """In the middle of a handshake there is no way on: the peer is told, if there is room for it."""
        if self.begin_end("its handshake was given up"):
            with contextlib.suppress(Error, OSError):
                self.connection.close()
                self._flush()
            self.wire.close()
