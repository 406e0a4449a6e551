"""Ways: what a route does with the events that it takes: which variant they get, and which shadows get a copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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

__all__ = ["Arms", "Splitter", "Way", "WayOfSource", "splits_by_field"]

KeyOf = Callable[["Seen"], bytes]

# Types of events are made up by producers: whoever makes up a new one for each event only gets slower.
_MOST_TYPES = 1024


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
    splitter: Splitter | None
    key: KeyOf | None
    """What is hashed of an event; None where nothing is."""
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
            splitter=Splitter(route, route.split) if route.split else None,
            key=_key_of(route.split) if route.split or copies else None,
            topics=[request_topic(prefix, *job(model)) for model in route.models],
            copies=copies,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """The lanes of one way for events of one source and type."""

    primaries: Sequence[Lane]
    """By the number of the variant; one where there is no split."""
    shadows: Sequence[tuple[Callable[[bytes], bool], Lane]]
    """Each with what says which keys it takes."""


@dataclass(frozen=True, slots=True)
class WayOfSource:
    """A way, as it is for one source."""

    way: Way
    source: str
    content_type: str
    make: Make
    _kept: dict[str, Arms] = field(default_factory=dict)

    @classmethod
    def of(cls, way: Way, source: Source, codec: Codec[object]) -> WayOfSource:
        """Fit a way to a source."""
        make, content_type = making(source, codec, way.steps)
        return cls(way, source.topic, content_type, make)

    def arms(self, event_type: str) -> Arms:
        """Return the lanes of a type, made at its first event."""
        found = self._kept.get(event_type)
        if found is None:
            if len(self._kept) >= _MOST_TYPES:
                self._kept.clear()
            found = self._kept[event_type] = self._arms(event_type)
        return found

    def lanes(self, seen: Seen) -> tuple[Lane, list[Lane]]:
        """Return the lane of an event, and those of its copies."""
        arms = self._kept.get(seen.event_type) or self.arms(seen.event_type)
        way = self.way
        if way.key is None:
            return arms.primaries[0], []
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
