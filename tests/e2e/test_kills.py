"""Processes are killed while events flow: everything comes back by itself, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import KILLS
from tests.e2e.kills import KILL_EVERY
from tests.e2e.streams import DEAD_LETTERS
from tests.e2e.verdicts import faults

if TYPE_CHECKING:
    from tests.e2e.streams import Stream

pytestmark = pytest.mark.timeout(1_800)  # whichever test comes first waits for the start


def test_nothing_is_lost(killed: Stream) -> None:
    """After kills of all Python workers, of the task manager, the broker and the job manager: all have their record."""
    assert len(killed.sent) > KILL_EVERY * len(KILLS)
    assert [identity for identity in killed.sent if identity not in killed.found] == []


def test_what_came_twice_is_the_same_twice(killed: Stream) -> None:
    """Replays make duplicates, which are as right as the first: the same id, score and headers."""
    found = faults(killed)

    assert found == [], f"{len(found)} faults, the first: {found[:10]}"


def test_an_event_is_never_both_scored_and_refused(killed: Stream) -> None:
    """A restart turns no good event into a dead letter, nor the other way round."""
    fates = {
        identity: {record.topic == DEAD_LETTERS for record in records} for identity, records in killed.found.items()
    }

    assert [identity for identity, fate in fates.items() if len(fate) > 1] == []
