"""What may become of an event while models change: the rules of docs/models.md once more, as plainly as can be.

Nothing of Penstock's own registry is used here. Workers take up a change one after the other, so that for a while two
states are right: from when a change was written until the last worker has said that it knows of it, or has the model.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from tests.e2e.model_files import answer
from tests.e2e.model_plan import number_of, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.cli.records import Record
    from tests.e2e.events import Event
    from tests.e2e.model_plan import Name
    from tests.e2e.model_storm import ModelStorm
    from tests.e2e.streams import Stream

__all__ = ["FAILED", "LOADING", "UNKNOWN", "Rules", "codes", "fault_of", "faults"]

LOADING, FAILED, UNKNOWN = "MODEL_LOADING", "MODEL_FAILED", "UNKNOWN_MODEL"
#: A sign is given after what it tells.
_SLACK_MS = 2_000
#: Each dead letter of a batch has a time of its own.
_APART_MS = 20
_NEVER = 1 << 62


class _State(NamedTuple):
    """What is registered of a model, from when it may be seen until the last worker has seen what came after it."""

    name: Name
    begin_ms: int
    end_ms: int


class Rules:
    """Which outcomes are right at which time."""

    def __init__(self, storm: ModelStorm) -> None:
        self._ready = storm.ready_ms
        self._states: dict[str, list[_State]] = {name: [_State(one, 0, _NEVER)] for name, one in start().items()}
        for done in storm.done:
            states = self._states[done.operation.name]
            states[-1] = states[-1]._replace(end_ms=done.seen_ms + _SLACK_MS)
            states.append(_State(done.operation.after, done.begin_ms, _NEVER))

    def allowed(self, asked: str, begun_ms: int, at_ms: int) -> set[int | str]:
        """Return the versions that may have scored a request, and the codes with which it may have been refused.

        Args:
            asked: a model, or a version of it.
            begun_ms: since when the batch may have held its models.
            at_ms: when it was scored or refused.
        """
        name, _, version = asked.partition(":")
        found: set[int | str] = set()
        for state in self._states[name]:
            if state.begin_ms <= at_ms and begun_ms <= state.end_ms:
                found |= (
                    self._pinned(state.name, int(version), begun_ms) if version else self._bare(state.name, begun_ms)
                )
        return found

    def _pinned(self, state: Name, version: int, at_ms: int) -> set[int | str]:
        if version not in state.versions:
            return {UNKNOWN}
        if version in state.bad:
            return {FAILED, LOADING}
        return {version} if self._surely_ready(state, version, at_ms) else {version, LOADING}

    def _bare(self, state: Name, at_ms: int) -> set[int | str]:
        """The live version, or until that is ready the one before it; why there is none, where neither is."""
        if not state.serving:
            return {UNKNOWN}
        live, *others = state.serving
        if live not in state.bad and self._surely_ready(state, live, at_ms):
            return {live}
        found: set[int | str] = {FAILED, LOADING} if live in state.bad else {live, LOADING}
        for other in others:
            if other not in state.bad:
                found.add(other)
                if self._surely_ready(state, other, at_ms):
                    found -= {FAILED, LOADING}
        return found

    def _surely_ready(self, state: Name, version: int, at_ms: int) -> bool:
        return at_ms > self._ready.get(f"{state.name}:{version}", _NEVER) + _SLACK_MS


def faults(storm: ModelStorm) -> list[str]:
    """List what is wrong with what came of events; empty where all is as it should be."""
    rules, begun = Rules(storm), _begun_ms(storm.stream)
    found = []
    for identity, sent in storm.stream.sent.items():
        records = storm.stream.found.get(identity, [])
        if len(records) != 1:
            found.append(f"{identity}: {len(records)} records came of it")
        found += [
            f"{identity}, {record.coordinates}: {fault}"
            for record in records
            for fault in fault_of(sent.event, record, rules, begun[record.coordinates])
        ]
    return found


def _begun_ms(stream: Stream) -> dict[str, int]:
    """Since when each record's batch may have held its models, by the record's coordinates.

    One worker scores all that asks for a model from one partition, batch after batch, and none of them overlap: this
    one began after the last one's records were made, however long the machine let it stand still since. Of the first
    one nothing is known.
    """
    lanes: dict[tuple[str, int], list[tuple[int, str]]] = defaultdict(list)
    for identity, sent in stream.sent.items():
        for record in stream.found.get(identity, ()):
            lanes[sent.event.kind, record.partition].append((_at_ms(record), record.coordinates))
    found = {}
    for rows in lanes.values():
        begun_ms = last_ms = 0
        for at_ms, coordinates in sorted(rows):
            if at_ms > last_ms + _APART_MS:
                begun_ms = last_ms
            last_ms = at_ms
            found[coordinates] = begun_ms
    return found


def fault_of(event: Event, record: Record, rules: Rules, begun_ms: int) -> Iterator[str]:
    """Tell what is wrong with what came of an event."""
    code = record.header("penstock-error-code")
    allowed = rules.allowed(event.kind, begun_ms, _at_ms(record))
    if code is not None:
        if code not in allowed:
            yield f"{event.kind} was refused ({code}, {record.header('penstock-error-reason')}) instead of {allowed}"
        if record.value != event.value:
            yield "its dead letter has another value"
        return
    value = json.loads(record.value or b"null")
    name, _, version = (record.header("penstock-model") or "").partition(":")
    if name != event.kind.partition(":")[0] or int(version or -1) not in allowed:
        yield f"{event.kind} was scored by {name}:{version} at {value['scored_at']} instead of {allowed}"
    elif value["prediction"] != answer(number_of(name), int(version)) + value["input"]["x"]:
        yield f"{name}:{version} answered {value['prediction']} to {value['input']['x']}"


def codes(storm: ModelStorm) -> Counter[str]:
    """Count what became of the events: results, and dead letters by code."""
    records = (record for records in storm.stream.found.values() for record in records)
    return Counter(record.header("penstock-error-code") or "scored" for record in records)


def _at_ms(record: Record) -> int:
    """When it was scored or refused, in milliseconds since 1970."""
    text = record.header("penstock-error-time") or json.loads(record.value or b"{}").get("scored_at", "")
    return round(datetime.fromisoformat(text).timestamp() * 1000)
