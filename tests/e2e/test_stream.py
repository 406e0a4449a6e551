"""Events in, scores out: every event becomes one score or one dead letter, and each is what it should be."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import PER_FORM, REQUESTS_TO_NOBODY
from tests.e2e.events import SOURCES, TYPES, sorts_of_poison
from tests.e2e.stack import LIMIT_S
from tests.e2e.streams import DEAD_LETTERS, OUTPUTS
from tests.e2e.verdicts import faults, out_of_order

if TYPE_CHECKING:
    from tests.e2e.conftest import Counted
    from tests.e2e.streams import Stream

pytestmark = pytest.mark.timeout(LIMIT_S)
MOST_RESIDENT_MIB = 6 * 1024
POISON = PER_FORM // 100


def test_in_equals_results_and_dead_letters(counted: Counted) -> None:
    """Of 10,000 events of each format, 9,900 become one result each, and 100 become one dead letter each."""
    stream = counted.stream
    found = Counter(
        (stream.sent[identity].event.source, record.topic == DEAD_LETTERS)
        for identity, records in stream.found.items()
        for record in records
    )

    assert stream.found.keys() == stream.sent.keys()
    assert found == {
        (source, dead): POISON if dead else PER_FORM - POISON for source in SOURCES.values() for dead in (False, True)
    }


def test_no_id_occurs_twice(counted: Counted) -> None:
    """Neither among results nor among dead letters."""
    records = [record for found in counted.stream.found.values() for record in found]
    ids = Counter(record.header("ce_id") or record.header("penstock-error-record") for record in records)

    assert [identity for identity, count in ids.most_common(10) if count > 1] == []
    assert len(ids) == PER_FORM * len(SOURCES)


def test_every_record_is_as_it_should_be(counted: Counted) -> None:
    """Scores are scikit-learn's; input, key, time and headers are the event's; dead letters have cause and original."""
    found = faults(counted.stream)

    assert found == [], f"{len(found)} faults, the first: {found[:10]}"


def test_events_of_a_key_stay_in_order(counted: Counted) -> None:
    """On every output topic."""
    assert out_of_order(counted.stream) == []


def test_everything_was_tried(counted: Counted) -> None:
    """All four models, all outputs, all sorts of poison: the count would hold without them, too."""
    sent = [sent.event for sent in counted.stream.sent.values()]
    topics = {record.topic for records in counted.stream.found.values() for record in records}

    assert topics == {*OUTPUTS, DEAD_LETTERS}
    assert {event.kind for event in sent if event.code is None} == set(TYPES)
    for form, source in SOURCES.items():
        values = {event.value for event in sent if event.source == source and event.code is not None}
        assert len(values) == sorts_of_poison(form)


def test_requests_for_a_model_that_nobody_has_become_dead_letters(refused: Stream) -> None:
    """Each one, whole, with the code that says so."""
    assert len(refused.sent) == REQUESTS_TO_NOBODY
    assert refused.found.keys() == refused.sent.keys()
    assert {len(records) for records in refused.found.values()} == {1}
    assert faults(refused) == []


def test_stack_stays_small(counted: Counted) -> None:
    """Broker, Flink and the jobs of three stages hold less than 6 GiB after the flood."""
    resident = {process["name"]: process["resident_mib"] for process in counted.status["processes"]}

    assert counted.status["healthy"], counted.status["faults"]
    assert sum(resident.values()) < MOST_RESIDENT_MIB, resident
