"""Moments as a person types them."""

from __future__ import annotations

import pytest

from penstock.cli.moments import parse_moment

NOW = 1_700_000_000_000


@pytest.mark.parametrize(
    ("text", "ago_ms"),
    [("250ms", 250), ("30s", 30_000), ("10m", 600_000), ("1.5h", 5_400_000), ("7d", 604_800_000), ("0s", 0)],
)
def test_durations_count_back_from_now(text: str, ago_ms: int) -> None:
    """A duration means that long ago."""
    assert parse_moment(text, NOW) == NOW - ago_ms


@pytest.mark.parametrize("text", ["2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00", "2023-11-14 22:13:20.000+00:00"])
def test_times_are_taken_with_their_zone(text: str) -> None:
    """A date and time is the moment that its zone says."""
    assert parse_moment(text, 0) == NOW


@pytest.mark.parametrize("text", ["", "10", "10 minutes", "-5m", "yesterday", "m"])
def test_anything_else_is_refused_with_both_forms(text: str) -> None:
    """What is neither form is refused, and the message shows both."""
    with pytest.raises(ValueError, match=r"is no moment: expected how long ago \(30s, .*\) or a time like 2026"):
        parse_moment(text, NOW)


def test_a_time_without_zone_is_refused() -> None:
    """A time without zone could mean two moments, so it is refused."""
    with pytest.raises(ValueError, match="has no zone: add Z for UTC"):
        parse_moment("2023-11-14T22:13:20", NOW)
