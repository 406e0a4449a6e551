"""Processes are killed while events flow: everything comes back by itself, and nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from penstock.control.status import SignKind
from tests.e2e.conftest import KILLS
from tests.e2e.kills import CHANGED, KILL_EVERY
from tests.e2e.stack import DEPLOYABLES, LIMIT_S
from tests.e2e.streams import DEAD_LETTERS
from tests.e2e.verdicts import faults, incomplete, way

if TYPE_CHECKING:
    from tests.e2e.kills import Killed

pytestmark = pytest.mark.timeout(LIMIT_S)


def test_nothing_is_lost(killed: Killed) -> None:
    """After kills of all workers, the task manager, the broker and the job manager: all have what a document asks."""
    assert len(killed.stream.sent) > KILL_EVERY * (len(CHANGED) + len(KILLS))
    assert incomplete(killed.stream, killed.explain) == []


def test_what_came_twice_is_right_each_time(killed: Killed) -> None:
    """Replays make duplicates, which are as right as the first: each follows from the document that it names."""
    found = faults(killed.stream, killed.explain)

    assert found == [], f"{len(found)} faults, the first: {found[:10]}"


def test_stack_is_well_again(recovered: dict[str, Any]) -> None:
    """As `penstock status` tells: all processes, all tasks of all jobs, all workers."""
    assert recovered["healthy"], recovered["faults"]


def test_an_event_is_never_both_scored_and_refused(killed: Killed) -> None:
    """A restart turns no good event into a dead letter, nor the other way round."""
    fates = {
        identity: {record.topic == DEAD_LETTERS for record in records}
        for identity, records in killed.stream.found.items()
    }

    assert [identity for identity, fate in fates.items() if len(fate) > 1] == []


def test_worker_that_begins_has_the_newest_good_document(killed: Killed) -> None:
    """Whichever was killed: it has read the topic to its end, where a broken message stands, before its first word."""
    for missed in killed.missed:
        begun = [(sign.state, sign.version, sign.offset, sign.verdict) for sign in missed.first_signs]

        assert set(begun) == {(SignKind.READY, missed.version, missed.newest, "rejected")}, missed.part
        assert {sign.deployable for sign in missed.first_signs} == missed.deployables
    assert {missed.part for missed in killed.missed} >= set(DEPLOYABLES)


def test_no_event_is_routed_by_a_document_that_was_replaced_meanwhile(killed: Killed) -> None:
    """What was sent when all input adapters were dead, they route by what was published while they were."""
    places = {identity: number for number, identity in enumerate(killed.stream.sent)}
    for missed in killed.missed:
        if "input_adapter" not in missed.deployables:
            continue
        older = [
            f"{identity}: {way(record)}"
            for identity, records in killed.stream.found.items()
            if places[identity] >= missed.sent
            for record in records
            if way(record).version < missed.version
        ]
        assert older == [], missed.part
