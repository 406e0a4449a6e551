"""What workers say of one model, and which exit status tells of it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.exits import Exit
from penstock.cli.tables import table
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.control.model_signs import ModelSign

__all__ = ["answers", "answers_as_objects", "outcome"]

_NO_ANSWER = "no answer"


def answers(states: Mapping[str, ModelSign | None], job: str) -> str:
    """Lay out how each worker stands with a model."""
    if not states:
        return f"no worker of the job {job!r} is at work; the next one begins with it"
    rows = [
        (worker, _NO_ANSWER, None) if state is None else (worker, str(state.state), _reason(state))
        for worker, state in sorted(states.items())
    ]
    return table(("worker", "state", "reason"), rows)


def answers_as_objects(states: Mapping[str, ModelSign | None]) -> list[dict[str, object]]:
    """Return the same for JSON; the state of a worker that did not answer is null."""
    return [
        {"worker": worker, "state": state and str(state.state), "reason": _reason(state) if state else None}
        for worker, state in sorted(states.items())
    ]


def outcome(states: Mapping[str, ModelSign | None]) -> Exit:
    """Return the exit status: a worker that failed counts more than one that did not answer."""
    found = {None if state is None else state.state for state in states.values()}
    if State.FAILED in found:
        return Exit.FAILED
    return Exit.TIMED_OUT if found & {None, State.LOADING} else Exit.OK


def _reason(state: ModelSign) -> str | None:
    if state.state is State.EVICTED:
        return state.reason or "loaded when it is asked for"
    return state.reason or None
