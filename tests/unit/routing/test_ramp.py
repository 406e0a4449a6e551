"""Ramps: which weight is in force when."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.routing.document import Ramp, Split
from penstock.routing.parameters import duration_ms, moment_ms
from penstock.routing.ramp import change_after, weight_at, without_weight

HOUR = 3_600_000
CANARY = Ramp.model_validate({"from": 0, "to": 20, "over": "1h", "steps": 4})


def split(*ramps: dict[str, Any] | float) -> Split:
    """A split with these ramps and fixed weights."""
    variants = [
        {"name": f"v{number}", "model": "m"} | ({"ramp": each} if isinstance(each, dict) else {"weight": each})
        for number, each in enumerate(ramps)
    ]
    return Split.model_validate({"variants": variants})


@pytest.mark.parametrize(
    ("minute", "weight"),
    [(-5, 0), (0, 0), (14, 0), (15, 5), (29, 5), (30, 10), (45, 15), (59, 15), (60, 20), (999, 20)],
)
def test_a_weight_grows_in_steps(minute: int, weight: float) -> None:
    """The first after a quarter of the time, where there are four, and the last at its end."""
    assert weight_at(CANARY, 7, 7 + minute * 60_000) == weight


def test_a_start_of_its_own_wins_over_the_publication() -> None:
    """So that a document can be published in time."""
    later = Ramp.model_validate({"from": 1, "to": 3, "over": "2s", "steps": 2, "start": "1970-01-01T01:00:00+00:00"})

    assert [weight_at(later, 0, HOUR + ms) for ms in (-1, 0, 999, 1_000, 2_000)] == [1, 1, 1, 2, 3]


@given(
    steps=st.integers(1, 50),
    first=st.floats(0, 100),
    last=st.floats(0, 100),
    seconds=st.integers(1, 100),
    now=st.integers(-10_000, 200_000),
)
def test_between_two_changes_nothing_changes(steps: int, first: float, last: float, seconds: int, now: int) -> None:
    """Whoever asks again only at the next change misses nothing, and no weight leaves its bounds."""
    ramp = Ramp.model_validate({"from": first, "to": last, "over": f"{seconds}s", "steps": steps})
    change = change_after(ramp, 0, now)
    weight = weight_at(ramp, 0, now)

    assert min(first, last) - 1e-9 <= weight <= max(first, last) + 1e-9
    if change is None:
        assert weight == last
    else:
        assert change > now
        assert weight_at(ramp, 0, change - 1) == weight


@pytest.mark.parametrize(
    ("ramps", "gap"),
    [
        ([5.0], False),
        ([0.0], True),
        ([{"from": 0, "to": 5, "over": "1h", "steps": 2}], True),
        ([{"from": 0, "to": 5, "over": "1h", "steps": 2}, 1.0], False),
        ([{"from": 5, "to": 0, "over": "1h", "steps": 2}], True),
        ([{"from": 1, "to": 5, "over": "1h", "steps": 2}], False),
        ([{"from": 5, "to": 0, "over": "1h", "steps": 2}, {"from": 0, "to": 5, "over": "1h", "steps": 2}], False),
        ([{"from": 5, "to": 0, "over": "1h", "steps": 2}, {"from": 0, "to": 5, "over": "9h", "steps": 1}], True),
        (
            [
                {"from": 5, "to": 0, "over": "1h", "steps": 2, "start": "2026-01-01T00:00:00Z"},
                {"from": 0, "to": 5, "over": "1h", "steps": 2},
            ],
            True,
        ),
    ],
)
def test_times_without_any_weight_are_found(ramps: list[dict[str, Any] | float], gap: bool) -> None:  # noqa: FBT001
    """Also where one ramp has ended before the other begins, or where nobody can know."""
    assert without_weight(split(*ramps)) is gap


def test_durations_and_moments() -> None:
    """Each unit, and the two ways to give an offset."""
    assert [duration_ms(text) for text in ("90s", "30m", "2h", "7d")] == [90_000, 1_800_000, 2 * HOUR, 168 * HOUR]
    assert moment_ms("1970-01-01T01:00:00Z") == moment_ms("1970-01-01T02:00:00+01:00") == HOUR


@pytest.mark.parametrize("text", ["", "5", "0s", "1.5h", "5 m", "-5m", "5w", "1000000000s"])
def test_wrong_durations_are_refused(text: str) -> None:
    """Only whole numbers and four units."""
    with pytest.raises(ValueError, match="expected a whole number above 0 and s, m, h or d"):
        duration_ms(text)


@pytest.mark.parametrize("text", ["", "soon", "2026-01-31", "2026-01-31T18:00:00", "2026-13-01T00:00:00Z"])
def test_wrong_moments_are_refused(text: str) -> None:
    """A time without offset would be another one in each worker's zone."""
    with pytest.raises(ValueError, match="expected a time such as '2026-01-31T18:00:00Z'"):
        moment_ms(text)
