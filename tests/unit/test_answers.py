"""What workers answered to a document, and what it changes, for people and programs."""

from __future__ import annotations

from penstock.cli.publishing import Change, answers, answers_as_objects
from penstock.control.documents import LiveDocument
from penstock.control.status import Sign, SignKind, WorkerState
from penstock.testing import builders


def state(worker: str, offset: int, *reasons: str) -> WorkerState:
    """A worker that has rejected the message at an offset."""
    sign = Sign(
        worker=worker,
        deployable="input_adapter",
        host="h",
        pid=1,
        started_at="",
        state=SignKind.REJECTED,
        at="",
        version=3,
        offset=offset,
        heartbeat_ms=1_000,
        verdict="rejected",
        reasons=reasons,
    )
    return WorkerState(sign=sign, seen_ms=0)


def test_reasons_are_those_of_the_document_that_was_asked_about() -> None:
    """A worker that has not answered it has last spoken of an earlier one."""
    lines = answers([state("a", 7, "too late"), state("b", 6, "no YAML")], 7).splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["a", "3", "rejected", "too", "late"],
        ["b", "3", "no", "answer", "-"],
    ]


def test_answers_for_programs_are_null_where_there_is_none() -> None:
    """A worker that has not answered has an earlier version, and no reasons."""
    found = answers_as_objects([state("a", 7, "too late"), state("b", 6, "no YAML")], 7)

    assert found == [
        {"worker": "a", "version": 3, "answer": "rejected", "reasons": ["too late"]},
        {"worker": "b", "version": 3, "answer": None, "reasons": []},
    ]


def test_change_is_told_from_the_document_in_force() -> None:
    """The first document has none before it."""
    old, new = builders.document(version=1), builders.document(version=2)
    live = LiveDocument(document=old, text="", published_ms=0, offset=0)

    first, second = Change.of("", new, None, "json").as_object(), Change.of("", new, live, "json").as_object()

    assert first == {"version": 2, "from": None, "changes": None, "moves": None}
    assert (second["version"], second["from"], second["moves"]) == (2, 1, [])
    assert second["changes"] == [{"kind": "changed", "path": "version", "old": 1, "new": 2}]
