"""Sending at an exact rate."""

import threading
import time

import pytest

from penstock.cli.pace import Stop, paced


class FakeTime(Stop):
    """A clock that only moves when somebody waits or works."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self.now += seconds


def moments(rate: float, count: int, work: float) -> list[float]:
    """When each of ``count`` items came, each taking ``work`` seconds to handle."""
    fake = FakeTime()
    came = []
    for _ in paced(range(count), rate, fake, clock=fake):
        came.append(round(fake.now - 100.0, 6))
        fake.now += work
    return came


def test_items_come_at_their_due_moments() -> None:
    """At 10 a second items come every 100 ms, however long the handling of each takes within that."""
    assert moments(10, 5, work=0.03) == [0.0, 0.1, 0.2, 0.3, 0.4]


def test_no_drift_over_many_items() -> None:
    """The 3,000th item at 3 a second comes after 999.667 s, to within the shortest nap."""
    assert moments(3, 3000, work=0.0001)[-1] == pytest.approx(2999 / 3, abs=0.0011)


def test_late_items_catch_up() -> None:
    """After a stall the items that are late follow at once and the schedule is kept."""
    fake = FakeTime()
    came = []
    for number in paced(range(6), 10, fake, clock=fake):
        came.append(round(fake.now - 100.0, 6))
        if number == 1:
            fake.now += 0.25

    assert came == [0.0, 0.1, 0.35, 0.35, 0.4, 0.5]


def test_rate_zero_never_waits() -> None:
    """Rate 0 hands items on as they come."""
    assert moments(0, 5, work=0.0) == [0.0] * 5


def test_stop_ends_the_wait_at_once() -> None:
    """A stop asked for during a long wait ends it, and no further item comes."""
    stop = Stop()
    came = []
    begun = time.monotonic()
    for item in paced(range(10), 0.01, stop):
        came.append(item)
        threading.Timer(0.05, stop.set).start()

    assert came == [0]
    assert time.monotonic() - begun < 50  # 100 s, if the wait went on
