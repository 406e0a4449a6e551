"""200 changes of the routing document in a row while events flow, and bad documents among them."""

from __future__ import annotations

import math
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from penstock.control.messages import VerdictKind
from tests.e2e.offers import BAD as BAD_SORTS
from tests.e2e.offers import NEW_TOPICS, Sort
from tests.e2e.stack import LIMIT_S
from tests.e2e.storm import BAD, GOOD
from tests.e2e.streams import SHADOW_RESULTS, Stream
from tests.e2e.verdicts import faults, miscounted, way

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.storm import Storm

pytestmark = pytest.mark.timeout(LIMIT_S)
CLOSER_LOOK_EVERY = 7


def test_no_event_is_lost_or_doubled(storm: Storm) -> None:
    """Each event has the results, copies and dead letters that one document asks for: that of its own version."""
    found = miscounted(storm.stream, storm.explain)

    assert found == [], f"{len(found)} of {len(storm.stream.sent)} events, the first: {found[:10]}"


def test_every_record_is_explained_by_its_version(storm: Storm) -> None:
    """Route, variant, model, shadow and topic follow from the public rule; the answer is that model's.

    Looked at as closely as that are some of the events, of all sorts; which records there are is counted for each.
    """
    stream = storm.stream
    some = {identity: stream.found[identity] for identity in islice(stream.found, None, None, CLOSER_LOOK_EVERY)}
    found = faults(Stream(stream.sent, some), storm.explain)

    assert found == [], f"{len(found)} faults, the first: {found[:10]}"


def test_nothing_is_restarted(storm: Storm) -> None:
    """The jobs are the same as before, no part of them was restarted, and neither was a worker."""
    before, after = storm.restarts
    assert after == before
    assert storm.workers[1] == storm.workers[0]


def test_every_worker_answers_every_message(storm: Storm) -> None:
    """Good documents are applied, duplicates told as such, all others rejected with reasons; what is in force stays."""
    wrong = [
        f"message {number}, {offer.sort}, {worker}: {answer.sign}"
        for number, (offer, answers) in enumerate(zip(storm.offers, storm.answers, strict=True))
        for worker, answer in answers.items()
        if (answer.sign.verdict, answer.sign.version, bool(answer.sign.reasons))
        != (offer.verdict, offer.version, offer.verdict is VerdictKind.REJECTED)
    ]

    assert wrong == []
    assert {frozenset(answers) for answers in storm.answers} == {frozenset(storm.workers[0])}


def test_changes_are_in_force_in_moments(storm: Storm, figures: Callable[[str], None]) -> None:
    """From publishing to the last worker's answer; how long that takes is told in the end."""
    ordered = storm.applied_ms
    p50, p95, p99, worst = (ordered[math.ceil(len(ordered) * share) - 1] for share in (0.5, 0.95, 0.99, 1))
    figures(
        f"{len(ordered)} documents in force in all {len(storm.workers[0])} workers after: p50 {p50} ms, p95 {p95} ms, "
        f"p99 {p99} ms, at most {worst} ms; at {storm.rate:.0f} events/s"
    )

    assert worst < storm.patience_ms


def test_everything_was_tried(storm: Storm) -> None:
    """All sorts of documents, and events by most of the versions: the count would hold without them, too."""
    sorts = Counter(offer.sort for offer in storm.offers)
    ways = [way(record) for records in storm.stream.found.values() for record in records]
    topics = {each.topic for each in ways}

    assert (sorts[Sort.GOOD], sum(sorts[sort] for sort in BAD_SORTS)) == (GOOD, BAD)
    assert set(sorts) == set(Sort)
    assert len({each.version for each in ways}) > GOOD / 2
    assert {SHADOW_RESULTS, *NEW_TOPICS} <= topics
    assert {"champion", "challenger", "third", None} == {each.variant for each in ways}
    assert {None, "DECODE", "INPUT", "OVERSIZE", "SCORING", "TYPE_MISSING", "UNMATCHED"} == {each.code for each in ways}
