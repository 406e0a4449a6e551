"""A routing document compiled to look-ups: what can be computed once per document is not computed per event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.errors import ExpressionError
from penstock.event import CONFIG_VERSION, CONTENT_TYPE, JSON, TEXT, added_size, pack_headers
from penstock.garbage import uncollected
from penstock.routing.document import DEFAULT_SEPARATORS, Output, OutputFormat, RoutingDocument, Source
from penstock.routing.lanes import Lane, as_they_are, bound, codec_of, lane
from penstock.routing.match import Index, Seen, asked
from penstock.routing.ramp import current_weights
from penstock.routing.registry import Side, Step, pipeline
from penstock.routing.ways import LanesByKey, Memory, Way, WayOfSource, splits_by_field
from penstock.writers import Writer, tagged_writer, write_json, write_text, write_value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.routing.document import Route

__all__ = ["OutputPlan", "Routing", "SourcePlan", "Taken", "outputs", "sources", "unmatched_lane"]

_OUTPUT_TYPES: Mapping[OutputFormat, str] = {"json": JSON, "text": TEXT, "tagged": TEXT, "value": JSON}


class Taken(NamedTuple):
    """A route that takes an event; or that would not let it pass, because its expression fails on it."""

    way: WayOfSource
    fault: ExpressionError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """How the events of one source are read, and who takes them."""

    topic: str
    content_type: str
    """Of its events, as they are."""
    read: Callable[[bytes | None], tuple[str, Any]]
    """`Codec.read`."""
    data: Callable[[Any], object]
    """The whole event, from what was read."""
    fields: Callable[[Any], Mapping[str, object]]
    """Those of an event's fields that routes ask for."""
    header: str | None
    """The record's header that says the type, if one does."""
    constant: str | None
    lanes: Mapping[str, Lane]
    """By type, where the type alone decides: most events need no closer look."""
    keyed: Mapping[str, LanesByKey]
    """By type and key, where these alone decide."""
    memory: Memory
    """What is remembered by keys."""
    decided: Mapping[str, list[Taken]]
    """By type, where the type alone decides who takes the event, if not which variant it gets."""
    ways: Sequence[Taken]
    """All routes that take events of this source, in the document's order."""
    index: Index
    """Of these routes."""

    def taken(self, seen: Seen, failed: Callable[[str], None]) -> list[Taken]:
        """Return the routes that take an event; ``failed`` is told the name of each whose expression failed on it."""
        decided = self.decided.get(seen.event_type)
        if decided is not None:
            return decided
        found = []
        for number, checks in self.index.tried(seen):
            for check in checks:
                if not check(seen):
                    break
            else:
                taken = self.ways[number]
                if taken.way.way.when is not None:
                    asked = _if_it_holds(taken, seen, failed)
                    if asked is None:
                        continue
                    taken = asked
                found.append(taken)
                if not taken.way.way.continues:
                    break
        return found


def _if_it_holds(taken: Taken, seen: Seen, failed: Callable[[str], None]) -> Taken | None:
    """Ask a route's expression; where that fails on the event, the route says what follows."""
    way = taken.way.way
    try:
        return taken if way.when is None or way.when.holds(seen) else None
    except ExpressionError as error:
        failed(way.route.name)
        return None if way.route.on_error == "no-match" else Taken(taken.way, error)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputPlan:
    """What becomes of the results of one route."""

    topic: str
    headers: str
    """Those that are added, packed; the result's own stay beside them."""
    added_bytes: int
    """What these headers add to a record's size, at most."""
    step: Step | None
    """The output's transforms; None where there are none."""
    write: Writer | None
    """None where the result's own bytes go out."""
    deadline_ms: int | None = None
    """How old an event may be when its score is written."""


class Routing:
    """The way from the sources to the models."""

    @uncollected()
    def __init__(self, document: RoutingDocument, prefix: str, *, published_ms: int = 0, now_ms: int = 0) -> None:
        self._document = document
        self._published_ms = published_ms
        self.ways = [Way.of(route, document, prefix) for route in document.routes]
        """All routes, in the document's order."""
        self._splitters = [way.splitter for way in self.ways if way.splitter]
        self.sources = {source.topic: _plan(source, self.ways) for source in document.sources}
        """By source topic."""
        self.due_ms: int | None = None
        """When the weights of a split change next, in milliseconds since 1970; None where they do not."""
        self.weigh(now_ms)

    def weigh(self, now_ms: int) -> None:
        """Take the weights of this time; between two times of change it makes no difference."""
        changes = [splitter.weigh(self._published_ms, now_ms) for splitter in self._splitters]
        self.due_ms = min((change for change in changes if change is not None), default=None)
        for plan in self.sources.values():
            plan.memory.forget()

    def weights(self, now_ms: int) -> dict[str, dict[str, float]]:
        """Return the weights at a time, by route, by variant, where they change by themselves."""
        ramps = [
            route
            for route in self._document.routes
            if route.split and any(variant.ramp for variant in route.split.variants)
        ]
        return {route.name: current_weights(route, self._published_ms, now_ms) for route in ramps}


def sources(document: RoutingDocument, prefix: str) -> dict[str, SourcePlan]:
    """Compile the way from the sources to the models, by source topic, ramps as they are before they start."""
    return Routing(document, prefix).sources


def unmatched_lane(topic: str, plan: SourcePlan, event_type: str, version: int) -> Lane:
    """Compile the lane of an event that no route takes, where the document gives a topic for those."""
    return lane(topic, plan.topic, event_type, plan.content_type, {CONFIG_VERSION: str(version)}, as_they_are)


def outputs(document: RoutingDocument) -> dict[str, OutputPlan]:
    """Compile the way from the results to the users, by route."""
    return {route.name: _output(route.output, route.deadline_ms) for route in document.routes}


def _plan(source: Source, ways: Sequence[Way]) -> SourcePlan:
    codec = codec_of(source)
    rule = source.type
    own = [way for way in ways if not way.route.match.topic or source.topic in way.route.match.topic]
    memory = Memory()
    fitted = [WayOfSource.of(way, source, codec, memory) for way in own]
    decided = _decided(fitted)
    return SourcePlan(
        topic=source.topic,
        content_type=codec.content_type,
        read=codec.read,
        data=as_they_are if source.format == "bytes" else codec.data,
        fields=codec.fields(sorted(_fields(own))),
        header=rule.header if rule else None,
        constant=rule.constant if rule else None,
        lanes={kind: way.arms(kind).primaries[0] for kind, way in decided.items() if way.way.key is None},
        keyed={kind: way.by_key[kind] for kind, way in decided.items() if kind in way.by_key},
        memory=memory,
        decided={kind: [Taken(way)] for kind, way in decided.items() if way.way.key is not None},
        ways=[Taken(way) for way in fitted],
        index=Index([asked(way.route.match, when=way.when is not None, goes_on=way.route.continues) for way in own]),
    )


def _fields(ways: Sequence[Way]) -> set[str]:
    """Name the fields that routes look at, so that the others need not be decoded."""
    split = {splits_by_field(way.route) for way in ways}
    matched = {name for way in ways for name in way.route.match.field}
    expressed = {name for way in ways if way.when for name in way.when.fields or ()}
    return matched | expressed | {name for name in split if name is not None}


def _decided(ways: Sequence[WayOfSource]) -> dict[str, WayOfSource]:
    """Find the types that alone decide: nothing else is asked for by the first route that may take them."""
    first: dict[str, WayOfSource] = {}
    for way in ways:
        types = way.way.route.match.type
        if not types:  # this one may take events of any type, and so stands before all further types
            break
        for event_type in types:
            first.setdefault(event_type, way)
    return {event_type: way for event_type, way in first.items() if _asks_no_more(way.way.route)}


def _asks_no_more(route: Route) -> bool:
    return not (route.match.header or route.match.field or route.when or route.continues)


def _output(output: Output, deadline_ms: int | None) -> OutputPlan:
    steps = [step for step in bound(output.transform, Side.RESULT) if step.name != "as_is"]
    writers: Mapping[OutputFormat, Writer] = {
        "json": write_json,
        "text": write_text,
        "value": write_value,
        "tagged": tagged_writer(output.separator or DEFAULT_SEPARATORS["tagged"]),
    }
    headers = pack_headers({CONTENT_TYPE: _OUTPUT_TYPES[output.format]})
    return OutputPlan(
        topic=output.topic,
        headers=headers,
        added_bytes=added_size(headers),
        step=pipeline(steps) if steps else None,
        write=None if output.format == "json" and not steps else writers[output.format],
        deadline_ms=deadline_ms,
    )
