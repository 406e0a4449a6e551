"""Delays: which events count, and how they are summed up."""

from __future__ import annotations

import pytest

from benchmarks.delays import Delays, percentile

_START_S = 1_767_323_045.0
_START_US = 1_767_323_045_000_000


def _value(due_us: int) -> bytes:
    return b'{"type":"a","id":1,"ts":%d}' % due_us


def test_an_event_is_late_by_the_time_since_it_was_due() -> None:
    """The moment in the value counts, not the one at which it was written."""
    delays = Delays(_START_S, _START_S + 1)
    delays.add(_value(_START_US), _START_US + 25_000)
    summary = delays.summary(expected=1, writer_delay=0.0)
    assert (summary.p50, summary.p99, summary.worst, summary.missing) == (25.0, 25.0, 25.0, 0)


@pytest.mark.parametrize("due_us", [_START_US - 1, _START_US + 1_000_000])
def test_events_due_outside_of_the_window_do_not_count(due_us: int) -> None:
    """Neither those of the warm-up nor those after the end."""
    delays = Delays(_START_S, _START_S + 1)
    delays.add(_value(due_us), due_us + 5)
    assert delays.found_us == []


def test_events_that_never_come_count_as_the_longest_wait() -> None:
    """Otherwise a program that loses the slow ones would look quick."""
    delays = Delays(_START_S, _START_S + 1)
    for _ in range(98):
        delays.add(_value(_START_US), _START_US + 10_000)
    summary = delays.summary(expected=100, writer_delay=0.0)
    assert summary.missing == 2
    assert summary.p95 == 10.0
    assert summary.p99 == 10_000.0


def test_a_value_without_a_moment_is_passed_over() -> None:
    """A foreign record does not end the measurement."""
    delays = Delays(_START_S, _START_S + 1)
    delays.add(b"{}", _START_US)
    assert delays.found_us == []


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.95, 95), (0.99, 99), (1.0, 100)])
def test_percentiles_are_values_that_occurred(share: float, expected: int) -> None:
    """Nearest rank, no interpolation."""
    assert percentile(range(1, 101), share) == expected


def test_the_percentiles_of_one_value_are_that_value() -> None:
    """Even the lowest."""
    assert percentile([7], 0.01) == 7
