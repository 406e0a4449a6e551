"""Ways: what a route does with the events that it takes: which variant they get, and which shadows get a copy."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from penstock.event import CONFIG_VERSION, DEADLINE, MODEL, ROUTE, SHADOW, VARIANT
from penstock.models.ref import ModelRef
from penstock.routing.document import SplitBy
from penstock.routing.expressions import Expression, expression
from penstock.routing.lanes import Lane, bound, lane, making
from penstock.routing.ramp import change_after, current_weights
from penstock.routing.registry import Side
from penstock.routing.split import Arm, chooser, field_key, seed, shadow_seed, taker
from penstock.topics import request_topic, shadow_request_topic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.codec import Codec
    from penstock.routing.document import Route, RoutingDocument, Source, Split
    from penstock.routing.lanes import Make
    from penstock.routing.match import Seen
    from penstock.routing.registry import Bound

__all__ = ["Arms", "LanesByKey", "Memory", "Splitter", "Way", "WayOfSource", "splits_by_field"]

KeyOf = Callable[["Seen"], bytes]

# Types of events are made up by producers: whoever makes up a new one for each event only gets slower, and one that
# could fill the memory, for there is no bound but that of a record, is made anew each time.
_MOST_TYPES = 1024
_LONGEST_TYPE = 256
# Some ten megabytes for each source. Longer keys are rare.
_MOST_KEYS = 65_536
_LONGEST_KEPT = 64


class Splitter:
    """Chooses the variants of one route. Its weights are set by `weigh`, before the first event and as ramps go on."""

    def __init__(self, route: Route, split: Split) -> None:
        names = [variant.name for variant in split.variants]
        salt = split.salt or route.name
        self.names = tuple(names)
        self._route = route
        self._ramps = [variant.ramp for variant in split.variants if variant.ramp]
        self._seeds = [seed(salt, name) for name in names]
        self._pinned = {key.encode(): names.index(name) for key, name in split.overrides.items()}
        self._choose: Callable[[bytes], int] = lambda _: 0

    def weigh(self, published_ms: int, now_ms: int) -> int | None:
        """Take the weights of this time; returns when they change next, or None where they do not."""
        weights = current_weights(self._route, published_ms, now_ms).values()
        choose = chooser([Arm(seed, weight) for seed, weight in zip(self._seeds, weights, strict=True)])
        pinned = self._pinned

        def choose_unless_pinned(key: bytes) -> int:
            number = pinned.get(key)
            return choose(key) if number is None else number

        self._choose = choose_unless_pinned if pinned else choose
        changes = (change_after(ramp, published_ms, now_ms) for ramp in self._ramps)
        return min((change for change in changes if change is not None), default=None)

    def variant(self, key: bytes) -> int:
        """Return the number of the variant that a key gets."""
        return self._choose(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One shadow of a route."""

    label: str
    model: str
    topic: str
    takes: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A route, compiled; the same for all sources."""

    route: Route
    version: int
    steps: Sequence[Bound]
    when: Expression | None
    continues: bool
    splitter: Splitter | None
    key: KeyOf | None
    """What is hashed of an event; None where nothing is."""
    by_key: bool
    """Whether something is, and that is the record's key and nothing else."""
    topics: Sequence[str]
    """Of requests, by the number of the variant."""
    copies: Sequence[Copy]

    @classmethod
    def of(cls, route: Route, document: RoutingDocument, prefix: str) -> Way:
        """Compile a route."""

        def job(model: str) -> tuple[str, str]:
            name = ModelRef.parse(model).name
            return document.models[name].job, name

        salt = (route.split.salt if route.split else "") or route.name
        copies = [
            Copy(
                label=shadow.label,
                model=shadow.model,
                topic=shadow_request_topic(prefix, *job(shadow.model)),
                takes=taker(shadow_seed(salt, shadow.label), shadow.percent),
            )
            for shadow in route.shadow
        ]
        return cls(
            route=route,
            version=document.version,
            steps=bound(route.transform, Side.EVENT),
            when=expression(route.when) if route.when else None,
            continues=route.continues,
            splitter=Splitter(route, route.split) if route.split else None,
            key=_key_of(route.split) if route.split or copies else None,
            by_key=route.split.by == "key" if route.split else bool(copies),
            # One text for all routes to a model: what many events share stays in the processor's cache.
            topics=[sys.intern(request_topic(prefix, *job(model))) for model in route.models],
            copies=copies,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The lanes of one way for events of one source and type."""

    primaries: Sequence[Lane]
    """By the number of the variant; one where there is no split."""
    shadows: Sequence[tuple[Callable[[bytes], bool], Lane]]
    """Each with what says which keys it takes."""


class LanesByKey(dict[bytes | None, Lane | None]):
    """Lanes of the events of one way and type by their keys, remembered: a key is hashed once, not once per event.

    None stands for what `WayOfSource.lanes` has to tell: events without a key, and those that go to shadows too.
    """

    def __init__(self, find: Callable[[bytes], Lane | None], memory: Memory) -> None:
        super().__init__()
        self._find = find
        self._memory = memory
        memory.parts.append(self)

    def __missing__(self, key: bytes | None) -> Lane | None:
        if key is None:
            return None
        lane = self._find(key)
        if len(key) <= _LONGEST_KEPT:
            self._memory.count()
            self[key] = lane
        return lane


class Memory:
    """All that is remembered by keys for one source: bounded, and forgotten when weights change."""

    def __init__(self) -> None:
        self.parts: list[LanesByKey] = []
        self._keys = 0

    def count(self) -> None:
        """Make room for a key."""
        if self._keys >= _MOST_KEYS:
            self.forget()
        self._keys += 1

    def forget(self) -> None:
        """Begin anew."""
        for part in self.parts:
            part.clear()
        self._keys = 0


@dataclass(frozen=True, slots=True)
class WayOfSource:
    """A way, as it is for one source."""

    way: Way
    source: str
    content_type: str
    make: Make
    by_key: dict[str, LanesByKey]
    """By type, for types that the document names: others, of which there is no end, are not remembered."""
    _kept: dict[str, Arms] = field(default_factory=dict)

    @classmethod
    def of(cls, way: Way, source: Source, codec: Codec[object], memory: Memory) -> WayOfSource:
        """Fit a way to a source."""
        make, content_type = making(source, codec, way.steps)
        fitted = cls(way, source.topic, content_type, make, {})
        if way.by_key:
            for kind in way.route.match.type:
                fitted.by_key[kind] = LanesByKey(partial(fitted.only_lane, kind), memory)
        return fitted

    def arms(self, event_type: str) -> Arms:
        """Return the lanes of a type, made at its first event, unless that is a very long one."""
        found = self._kept.get(event_type)
        if found is None:
            found = self._arms(event_type)
            if len(event_type) <= _LONGEST_TYPE:
                if len(self._kept) >= _MOST_TYPES:
                    self._kept.clear()
                self._kept[event_type] = found
        return found

    def only_lane(self, event_type: str, key: bytes) -> Lane | None:
        """Return the lane of the events with a key, where by the key alone it is found; None where there are copies."""
        arms, splitter = self._kept.get(event_type) or self.arms(event_type), self.way.splitter
        if arms.shadows and any(takes(key) for takes, _ in arms.shadows):
            return None
        return arms.primaries[0 if splitter is None else splitter.variant(key)]

    def lanes(self, seen: Seen) -> tuple[Lane, Sequence[Lane]]:
        """Return the lane of an event, and those of its copies."""
        if seen.event_type in self.by_key:
            lane = self.by_key[seen.event_type][seen.key]
            if lane is not None:
                return lane, ()
        arms = self._kept.get(seen.event_type) or self.arms(seen.event_type)
        way = self.way
        if way.key is None:
            return arms.primaries[0], ()
        key = way.key(seen)
        number = 0 if way.splitter is None else way.splitter.variant(key)
        copies = [lane for takes, lane in arms.shadows if takes(key)] if arms.shadows else []
        return arms.primaries[number], copies

    def _arms(self, event_type: str) -> Arms:
        names = self.way.splitter.names if self.way.splitter else ("",)
        deadline_ms = self.way.route.deadline_ms
        deadline = {} if deadline_ms is None else {DEADLINE: str(deadline_ms)}
        primaries = [
            self._lane(event_type, topic, model, {VARIANT: name, **deadline} if name else deadline)
            for name, topic, model in zip(names, self.way.topics, self.way.route.models, strict=True)
        ]
        shadows = [
            (copy.takes, self._lane(event_type, copy.topic, copy.model, {SHADOW: copy.label}))
            for copy in self.way.copies
        ]
        return Arms(primaries=primaries, shadows=shadows)

    def _lane(self, event_type: str, topic: str, model: str, own: Mapping[str, str]) -> Lane:
        route = self.way.route.name
        headers = {ROUTE: route, **own, MODEL: model, CONFIG_VERSION: str(self.way.version)}
        return lane(topic, self.source, event_type, self.content_type, headers, self.make, route=route, model=model)


def splits_by_field(route: Route) -> str | None:
    """Name the field that a route's split hashes, if it hashes one."""
    by = route.split.by if route.split else None
    return by.field if isinstance(by, SplitBy) else None


def _key_of(split: Split | None) -> KeyOf:
    """Return what finds the bytes that are hashed; an event that lacks them is shared by its coordinates."""
    by = split.by if split else "key"
    if by == "event":
        return lambda seen: seen.place()
    if by == "key":
        return lambda seen: seen.place() if seen.key is None else seen.key
    field, header = by.field or "", by.header or ""

    def key(seen: Seen) -> bytes:
        if field:
            found = field_key(seen.fields().get(field))
        else:
            text = seen.headers().get(header)
            found = None if text is None else text.encode(errors="replace")
        return seen.place() if found is None else found

    return key
