"""The table of what workers answered to a document."""

from __future__ import annotations

from penstock.cli.publishing import answers
from penstock.control.status import Sign, SignKind, WorkerState


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
