import os
import signal

import pytest

from cardwatch_local.demo.signals import StopSignals


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_later_ones_do_not(number: int) -> None:
    with StopSignals() as signals:
        with pytest.raises(KeyboardInterrupt):
            send(number)
        send(number)
        assert signals.received == number


def test_what_must_not_be_cut_short_is_not() -> None:
    with StopSignals() as signals:
        signals.disarm()
        send(signal.SIGINT)
        assert signals.received == signal.SIGINT


def test_after_a_signal_that_was_used_the_next_counts_again() -> None:
    with StopSignals() as signals:
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
        signals.rearm()
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)


def test_the_handlers_from_before_are_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before
