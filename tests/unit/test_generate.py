"""How ``penstock generate`` ends; what it writes is tested against a real broker."""

from __future__ import annotations

import signal

import pytest

from penstock.cli.exits import Exit
from penstock.cli.generate import ends_on_signal, outcome
from penstock.cli.pace import Stop

INT, TERM = signal.SIGINT, signal.SIGTERM


@pytest.mark.parametrize("number", [INT, TERM])
def test_signals_ask_for_the_end_and_are_told(number: signal.Signals) -> None:
    """Nothing is broken off, and afterwards they mean again what they meant before."""
    stop, before = Stop(), signal.getsignal(number)

    with ends_on_signal(stop) as signals:
        signal.raise_signal(number)

    assert (bool(stop), signals, signal.getsignal(number)) == (True, [number], before)


@pytest.mark.parametrize(
    ("signals", "sent", "count", "status"),
    [
        ([], 9, 9, Exit.OK),
        ([INT], 3, 0, Exit.OK),
        ([INT], 3, 9, Exit.INTERRUPTED),
        ([TERM], 3, 0, Exit.TERMINATED),
        ([TERM], 3, 9, Exit.TERMINATED),
        ([TERM, INT], 3, 9, Exit.TERMINATED),
        ([INT, TERM], 3, 9, Exit.INTERRUPTED),
        ([TERM], 9, 9, Exit.OK),
    ],
)
def test_exit_status_tells_which_signal_ended_it(signals: list[int], sent: int, count: int, status: Exit) -> None:
    """As for all commands, SIGTERM is 143; a signal after the last event changes nothing."""
    assert outcome(signals, sent, count) is status
