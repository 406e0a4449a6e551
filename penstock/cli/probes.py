"""Marked events for the doctor: for each route one that its source can carry and its transform takes. Pure."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from penstock.cli.records import image_format, json_line
from penstock.errors import RecordError, UnknownModelError
from penstock.event import CE_ID, CONTENT_TYPE
from penstock.iris import COLUMNS, measurements
from penstock.models.ref import ModelRef
from penstock.routing.document import Range
from penstock.routing.match import Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from penstock.models.registry import Registry
    from penstock.routing.compile import SourcePlan
    from penstock.routing.document import Condition, Route, RoutingDocument, Source
    from penstock.routing.lanes import Lane

__all__ = ["MARK", "Probe", "Probes", "Untried"]

MARK = "penstock-doctor"
"""Header of every event that the doctor sends; consumers of the output topics may leave such records out."""

_KEY = b"penstock-doctor"

Sample = dict[str, Any] | list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """An event to send, and the topics that it has to pass, in their order."""

    route: str
    job: str
    id: str
    topics: tuple[str, str, str, str]
    """Source, requests, results, output."""
    value: bytes
    headers: tuple[tuple[str, bytes], ...]
    key: bytes = _KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Untried:
    """A route for which no event could be made, and why."""

    route: str
    reason: str


class Probes:
    """Makes the events of one run, which ``run`` names."""

    def __init__(
        self, document: RoutingDocument, plans: Mapping[str, SourcePlan], registry: Registry, results: str, run: str
    ) -> None:
        """Prepare; ``plans`` are the document's sources as they are compiled now, ``results`` names their topic."""
        self._document = document
        self._plans = plans
        self._registry = registry
        self._results = results
        self._run = run

    def make(self, route: Route) -> Probe | Untried:
        """An event that takes this route, through the first source that can carry one."""
        types = route.match.type
        sample = _before(self._sample(route), route.transform)
        if isinstance(sample, dict):
            sample = {**sample, **{name: _meeting(condition) for name, condition in route.match.field.items()}}
        asked = {name: texts[0] for name, texts in route.match.header.items()}
        reason = f"no source can carry type {' or '.join(map(repr, types))}" if types else "no source can carry one"
        for source in self._document.sources:
            if route.match.topic and source.topic not in route.match.topic:
                continue
            for event_type in types or [_any_type(source)]:
                for value, headers in _candidates(source, event_type, sample):
                    found = self._lane(self._plans[source.topic], route, event_type, value, {**asked, **headers})
                    if not isinstance(found, str):
                        return self._probe(route, source.topic, found, value, {**asked, **headers})
                    reason = f"no event could be made from the model's sample: {found}"
        return Untried(route=route.name, reason=reason)

    def _sample(self, route: Route) -> Sample:
        """What the model can score: its descriptor's sample, or else an iris."""
        try:
            sample = self._registry.resolve(ModelRef.parse(route.models[0])).sample
        except UnknownModelError:
            sample = None  # the job will say so, as a dead letter
        return sample or dict(zip(COLUMNS, measurements()[0], strict=True))

    def _lane(
        self, plan: SourcePlan, route: Route, event_type: str, value: bytes, headers: Mapping[str, str]
    ) -> Lane | str:
        """The lane on which the event would become a request, or why it would not."""
        try:
            said, body = plan.read(value)
            if (said or plan.constant or event_type) != event_type:
                return f"the source gives it type {said or plan.constant!r}"
            seen = Seen(plan, event_type, body, json.dumps(headers), _KEY, 0, 0)
            for way, _ in plan.taken(seen, lambda _: None):
                if way.way.route.name == route.name:
                    lane, _ = way.lanes(seen)
                    lane.make(body)
                    return lane
        except RecordError as error:
            return str(error)
        return "the event would not take this route"

    def _probe(self, route: Route, source: str, lane: Lane, value: bytes, headers: Mapping[str, str]) -> Probe:
        name = f"{MARK}-{self._run}-{route.name}"
        marks = {**headers, CE_ID: name, MARK: self._run}
        return Probe(
            route=route.name,
            job=self._document.models[ModelRef.parse(lane.model or "").name].job,
            id=name,
            topics=(source, str(lane.topic), self._results, route.output.topic),
            value=value,
            headers=tuple((key, text.encode()) for key, text in marks.items()),
        )


def _any_type(source: Source) -> str:
    return (source.type.constant if source.type else None) or MARK


def _meeting(condition: Condition) -> object:
    """A value that meets a condition."""
    if isinstance(condition, list):
        return condition[0]
    if not isinstance(condition, Range):
        return condition
    low = condition.gt if condition.gte is None else condition.gte
    high = condition.lt if condition.lte is None else condition.lte
    if low is None or high is None:
        return low + 1 if low is not None else (high or 0) - 1
    return (low + high) / 2


def _before(sample: Sample, transforms: Iterable[Any]) -> Sample:
    """What an event has to hold for the transforms to make the sample of it: names and order undone."""
    for item in reversed(list(transforms)):
        match item:
            case {"vector": [*names]} if isinstance(sample, list):
                sample = dict(zip(names, sample, strict=False))
            case {"rename": dict(names)} if isinstance(sample, dict):
                old = {new: name for name, new in names.items()}
                sample = {old.get(name, name): value for name, value in sample.items()}
    return sample


def _candidates(source: Source, event_type: str, sample: Sample) -> Iterator[tuple[bytes, dict[str, str]]]:
    """Values that a source may carry, the likeliest first, with the headers that say their type."""
    rule = source.type
    headers = {rule.header: event_type} if rule and rule.header else {}
    if rule and rule.constant not in {None, event_type}:
        return
    if source.format == "bytes":
        yield from ((content, headers | _content_type(content)) for content in _binary(sample))
    field = rule.field if rule else None
    numbers = _row(sample.values() if isinstance(sample, dict) else sample, ",")
    match source.format:
        case "json" if isinstance(sample, dict):
            yield json_line({field: event_type, **sample} if field else sample).encode(), headers
        case "json":
            yield json_line({field: event_type, "values": sample} if field else sample).encode(), headers
        case "csv":
            cells = _cells(sample, source.columns or [], field, event_type)
            yield _row(cells, source.separator or ",").encode(), headers
        case "tagged":
            for body in (numbers, json_line(sample)):
                yield f"{event_type}{source.separator or '###'}{body}".encode(), headers
        case _:
            for body in (numbers, json_line(sample)):
                yield body.encode(), headers


def _binary(sample: Sample) -> Iterator[bytes]:
    """The bytes that a sample of one field stands for, which has them in base64."""
    match [*sample.values()] if isinstance(sample, dict) else sample:
        case [{"b64": str(text)}]:
            with suppress(ValueError):
                yield base64.b64decode(text, validate=True)


def _content_type(content: bytes) -> dict[str, str]:
    name = image_format(content)
    return {CONTENT_TYPE: f"image/{name.lower()}"} if name else {}


def _cells(sample: Sample, columns: Sequence[str], field: str | None, event_type: str) -> list[Any]:
    """The cells of a CSV row: by name where the source has names, in the sample's order where it has none."""
    if not columns:
        return list(sample.values()) if isinstance(sample, dict) else sample
    values = sample if isinstance(sample, dict) else dict(zip((c for c in columns if c != field), sample, strict=False))
    return [event_type if column == field else values.get(column, "") for column in columns]


def _row(cells: Iterable[Any], separator: str) -> str:
    return separator.join(cell if isinstance(cell, str) else json.dumps(cell) for cell in cells)
