"""Handlers of signals that raise in the middle of a call."""

from __future__ import annotations

import contextlib
import signal
from types import FrameType

import pytest
from test_streams import receive_all

import otls
from conftest import Background, World, streams


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_signal_whose_handler_raises_in_recv_loses_nothing(world: World) -> None:
    class Alarm(Exception):
        pass

    def ring(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is otls.Stream.recv.__code__:
                raise Alarm
            frame = frame.f_back

    cycles = bytes(range(251)) * 4000
    received = alarms = 0
    before = signal.signal(signal.SIGALRM, ring)
    with streams(world) as (ours, theirs):

        def send_on() -> None:
            while True:
                theirs.send(cycles)

        sending = Background(send_on)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001, 0.0007)
            while alarms < 300:
                try:
                    data = ours.recv()
                except Alarm:
                    alarms += 1
                    continue
                begin = received % 251
                assert data == cycles[begin : begin + len(data)], f"something is missing at {received}"
                received += len(data)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        ours.abort()
        sending.join()
    assert received > 0


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_a_signal_whose_handler_raises_in_send_leaves_no_hole_that_looks_whole(world: World) -> None:
    class Alarm(Exception):
        pass

    def ring(_: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is otls.Stream.send.__code__:
                raise Alarm
            frame = frame.f_back

    size = 3 << 22
    cut = 0
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for tenths in range(30):
            with streams(world) as (ours, theirs):
                reading = Background(lambda: receive_all(theirs))
                signal.setitimer(signal.ITIMER_REAL, 0.0002 + tenths * 0.0003)
                try:
                    ours.send(bytes(size))
                except Alarm:
                    cut += 1
                signal.setitimer(signal.ITIMER_REAL, 0)
                with contextlib.suppress(otls.ApiMisuse):
                    ours.send(b"and on")
                ours.close()
                reading.join()
                if reading.error is None:
                    assert len(bytes(reading.result)) in (6, size + 6)  # type: ignore[call-overload]
                else:
                    assert isinstance(reading.error, otls.TruncatedError)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert cut > 5, "too few to show anything"
