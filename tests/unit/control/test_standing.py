"""How the routing document stands: versions, ages, lags and weights."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.cli import standing as layout
from penstock.control.documents import LiveDocument
from penstock.control.standing import Standing, standing
from penstock.control.status import Sign, SignKind, WorkerState
from penstock.testing import builders

NOW_MS = 7_200_000
HEARTBEAT_MS = 5_000


def live(**changes: Any) -> LiveDocument:
    """A document that was published at 0 as the message 3."""
    return LiveDocument(document=builders.document(**changes), text="", published_ms=0, offset=3)


def worker(name: str = "input_adapter-a-1-0", seen_ms: int = NOW_MS - 1_500, **changes: Any) -> WorkerState:
    """A worker that has version 7 in force and has answered message 3."""
    said: dict[str, Any] = {
        "worker": name,
        "deployable": "input_adapter",
        "host": "a",
        "pid": 1,
        "started_at": "",
        "state": SignKind.ALIVE,
        "at": "",
        "version": 7,
        "offset": 3,
        "heartbeat_ms": HEARTBEAT_MS,
        "verdict": "applied",
    }
    return WorkerState(sign=Sign(**{**said, **changes}), seen_ms=seen_ms)


def of(*states: WorkerState, end: int = 4, document: LiveDocument | None = None) -> Standing:
    """How a document stands with workers."""
    return standing(document or live(), end, states, NOW_MS)


def test_worker_has_version_age_and_lag() -> None:
    """The lag is in messages that it has not answered."""
    (found,) = of(worker(), end=6).workers

    assert (found.version, found.age_ms, found.lag) == (7, 1_500, 2)


def test_only_live_workers_count() -> None:
    """Not those that stopped or fell silent."""
    gone = worker("b", seen_ms=NOW_MS - 4 * HEARTBEAT_MS)
    stopped = worker("c", state=SignKind.STOPPED)

    assert [each.worker for each in of(worker("a"), gone, stopped).workers] == ["a"]


def test_worker_that_rejected_the_document_is_a_fault() -> None:
    """One that is about to take it is none, nor one that rejected something else."""
    rejected = worker("a", version=6, verdict="rejected", reasons=("no such topic",))
    behind = worker("b", version=6)
    stale = worker("c", verdict="rejected")

    assert of(rejected, behind, stale).faults == ["the worker 'a' has version 6 in force, not 7: no such topic"]


def test_weights_are_those_of_this_moment() -> None:
    """Half way up a ramp, with the time of the next step."""
    ramp = {"from": 0, "to": 20, "over": "4h", "steps": 4}
    variants = [
        {"name": "a", "weight": 30, "model": "iris-tree:1"},
        {"name": "b", "ramp": ramp, "model": "iris-tree:2"},
    ]
    first, second = of(document=live(routes=[builders.route(model=None, split={"variants": variants})])).weights

    assert (first.weight, first.share, first.next_change_ms) == (30, 0.75, None)
    assert (second.weight, second.share, second.next_change_ms) == (10, 0.25, 3 * 3_600_000)


def test_text_has_a_line_for_each() -> None:
    """Version, workers, weights."""
    variants = [{"name": "a", "weight": 30, "model": "iris-tree:1"}]
    document = live(routes=[builders.route(model=None, split={"variants": variants})])
    lines = layout.as_text(of(worker(), document=document)).splitlines()

    assert lines[0] == "routing       version 7, published 1970-01-01T00:00:00.000Z"
    assert lines[4].split() == ["input_adapter-a-1-0", "7", "1.5", "0", "applied", "-", "-"]
    assert lines[8].split() == ["iris", "a", "iris-tree:1", "30", "100", "%", "-"]


def test_workers_models_are_counted() -> None:
    """By state, in the text and for whoever reads JSON; 'penstock models status' tells of each."""
    found = of(worker("pmml_job-a-1-0", models={"failed": 1, "ready": 12}))

    assert found.workers[0].models == {"failed": 1, "ready": 12}
    assert "1 failed, 12 ready" in layout.as_text(found).splitlines()[4]


@pytest.mark.parametrize("states", [(), (worker(),)])
def test_no_document_says_what_to_do(states: tuple[WorkerState, ...]) -> None:
    """Whoever is at work."""
    found = standing(None, 0, states, NOW_MS)

    assert found.version is None
    assert "'penstock apply' publishes one" in layout.as_text(found)
