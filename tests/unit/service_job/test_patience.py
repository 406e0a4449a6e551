"""Patience is what requests were held back for, in one outage."""

from __future__ import annotations

from jobs.service_job.patience import Patience


def left(patience: Patience, now: float) -> float:
    """Tell what is left of it."""
    return patience.until(now) - now


def test_waits_of_one_outage_add_up() -> None:
    """With the vain attempts in between."""
    patience = Patience(100, between_s=10)
    patience.waited(1_000, 1_030)
    patience.waited(1_035, 1_055)

    assert left(patience, 1_060) == 100 - 60
    assert left(patience, 1_066) == 100 - 55


def test_outage_without_requests_costs_nothing() -> None:
    """The first request after an hour is waited for as the first of all was."""
    patience = Patience(100, between_s=10)
    patience.waited(1_000, 1_001)

    assert left(patience, 5_000) == 99


def test_answer_restores_it() -> None:
    """The next outage is another one."""
    patience = Patience(100, between_s=10)
    patience.waited(1_000, 1_099)
    patience.restore()

    assert left(patience, 1_100) == 100


def test_it_can_be_over() -> None:
    """Then nothing is waited for."""
    patience = Patience(100, between_s=10)
    patience.waited(1_000, 1_100)

    assert left(patience, 1_101) < 0
