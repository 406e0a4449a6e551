"""Which of two versions a bare name goes to."""

from __future__ import annotations

import pytest

from penstock.models.catalog_events import Entry, State
from penstock.models.choice import chosen
from penstock.models.ref import ModelRef
from penstock.testing.models import described


def entry(version: int, state: str, *, ever_ready: bool = False) -> Entry:
    """Return a version in a state."""
    return Entry(
        ref=ModelRef("a", version),
        descriptor=described(f"a:{version}"),
        state=State(state),
        since_ms=0,
        ever_ready=ever_ready,
    )


@pytest.mark.parametrize(
    ("live", "ever_ready", "previous", "found"),
    [
        ("ready", True, "ready", "live"),
        ("evicted", True, "ready", "live"),
        ("loading", False, "ready", "previous"),
        ("loading", True, "ready", "live"),  # again, for want of room
        ("loading", False, "loading", "live"),
        ("loading", False, "evicted", "live"),
        ("loading", False, "failed", "live"),
        ("failed", False, "ready", "previous"),
        ("failed", True, "ready", "previous"),
        ("failed", False, "loading", "previous"),
        ("failed", False, "evicted", "previous"),
        ("failed", False, "failed", "live"),  # whose reason is told
    ],
)
def test_version_before_stands_in(live: str, ever_ready: bool, previous: str, found: str) -> None:  # noqa: FBT001
    """Until the live one is ready for the first time, and where it cannot be loaded; not while it comes again."""
    both = {"live": entry(2, live, ever_ready=ever_ready), "previous": entry(1, previous, ever_ready=True)}

    assert chosen(both["live"], both["previous"]) is both[found]
    assert chosen(both["live"]) is both["live"]
