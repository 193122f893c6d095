"""Signals become a wish to stop, once."""

from __future__ import annotations

import signal
import threading

import pytest

from mtkit.signals import TERMINATING, StopRequest, heeded, stop_request

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, *TERMINATING])


@pytest.fixture(autouse=True)
def handlers() -> object:
    """Whatever a test does to the handlers of this process is undone."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *TERMINATING)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@SIGNALS
def test_the_first_signal_is_noted(number: signal.Signals) -> None:
    with stop_request() as stop:
        assert stop.signal_number is None
        signal.raise_signal(number)
        assert stop.signal_number == number


@SIGNALS
def test_the_second_signal_acts_as_it_always_does(number: signal.Signals) -> None:
    seen: list[int] = []
    signal.signal(number, lambda number, frame: seen.append(number))
    with stop_request():
        signal.raise_signal(number)
        assert seen == []
        signal.raise_signal(number)
        assert seen == [number]


def test_a_second_ctrl_c_interrupts_python() -> None:
    with stop_request():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


@SIGNALS
def test_afterwards_signals_act_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_request():
        assert signal.getsignal(number) != before
    assert signal.getsignal(number) == before


def test_outside_the_main_thread_nothing_is_noted_and_nothing_breaks() -> None:
    before = signal.getsignal(signal.SIGINT)
    found: list[StopRequest] = []

    def work() -> None:
        with stop_request() as stop:
            assert signal.getsignal(signal.SIGINT) == before
            found.append(stop)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found[0].signal_number is None


def test_hangup_and_what_slurm_sends_end_as_sigterm_does() -> None:
    assert {signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1} <= set(TERMINATING)


@SIGNALS
def test_what_is_ignored_stays_ignored(number: signal.Signals) -> None:
    signal.signal(number, signal.SIG_IGN)
    assert number not in heeded((signal.SIGINT, *TERMINATING))
    with stop_request() as stop:
        signal.raise_signal(number)
        assert stop.signal_number is None
    assert signal.getsignal(number) == signal.SIG_IGN
