"""Where events would go by a routing document, and why: the input adapter's own core, asked for one event at a time."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from penstock.deadletter import ERROR_CODE, ERROR_REASON
from penstock.errors import RecordError
from penstock.event import CONTENT_TYPE, MODEL, REQUEST, ROUTE, SHADOW, VARIANT, unpack_headers, unpack_more
from penstock.routing.compile import Routing
from penstock.routing.document import SplitBy
from penstock.routing.match import Seen
from penstock.routing.tracing import Trial, trials

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping, Sequence

    from penstock.event import Deliveries, Delivery
    from penstock.routing.document import Route, RoutingDocument

__all__ = ["Event", "Outcome", "OutcomeKind", "Routes", "Simulation"]

# What Kafka writes around a record, from above.
_AROUND = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event as it would stand on a source's topic."""

    value: bytes | None
    topic: str
    key: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    partition: int = 0
    offset: int = 0


class OutcomeKind(StrEnum):
    """What would be written for an event."""

    REQUEST = "request"
    SHADOW = "shadow"
    UNMATCHED = "unmatched"
    """No route takes it, and the document gives a topic for those."""
    DEAD_LETTER = "dead letter"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One record that would be written for an event; or none, for one that is dropped."""

    kind: OutcomeKind
    topic: str | None = None
    route: str | None = None
    variant: str | None = None
    model: str | None = None
    shadow: str | None = None
    code: str | None = None
    """Of a dead letter."""
    why: str = ""
    value: bytes | None = None
    content_type: str | None = None

    def data(self) -> object:
        """Return what the model would get: what the transforms made, or else the event's own bytes."""
        if self.kind in {OutcomeKind.REQUEST, OutcomeKind.SHADOW} and self.content_type == REQUEST:
            return json.loads(self.value or b"null")["data"]
        return self.value

    @property
    def goes(self) -> tuple[object, ...]:
        """What two documents have to agree on for the event to go the same way."""
        return self.kind, self.topic, self.route, self.variant, self.model, self.shadow, self.code, self.value


class Routes(Protocol):
    """The input adapter's core, as far as it is asked."""

    @property
    def failed_expressions(self) -> Counter[str]:
        """How often a route's expression could not be computed."""
        ...

    def route(  # noqa: PLR0913, PLR0917 one for each column
        self,
        values: Sequence[bytes | None],
        unseen_bytes: Sequence[int],
        topics: Sequence[str],
        headers: Sequence[str | None],
        keys: Sequence[bytes | None],
        partitions: Sequence[int],
        offsets: Sequence[int],
    ) -> Deliveries:
        """Route a batch."""
        ...


class Simulation:
    """A document, tried out."""

    def __init__(self, document: RoutingDocument, router: Routes, prefix: str) -> None:
        """Prepare.

        Args:
            document: what to route by.
            router: compiled from it.
            prefix: of internal topics.
        """
        self._router = router
        self._routes = {route.name: route for route in document.routes}
        self._routing = Routing(document, prefix)

    def outcomes(self, event: Event) -> list[Outcome]:
        """Return what would be written for an event; at least one, those of primaries before their shadows."""
        failed = self._router.failed_expressions.copy()
        own = json.dumps(dict(event.headers)) if event.headers else None
        unseen = _AROUND + len(event.key or b"") + len(own or "")
        deliveries = self._router.route(
            [event.value], [unseen], [event.topic], [own], [event.key], [event.partition], [event.offset]
        )
        first = deliveries.topics[0], deliveries.values[0], deliveries.headers[0]
        came = [*(self._router.failed_expressions - failed)]
        return [self._outcome(event, each, came) for each in (first, *unpack_more(deliveries.more[0]))]

    def _outcome(self, event: Event, delivery: Delivery, failed: list[str]) -> Outcome:
        topic, made, packed = delivery
        headers: Mapping[str, str | None] = unpack_headers(packed)
        found = {
            "topic": topic,
            "route": headers.get(ROUTE) or None,
            "variant": headers.get(VARIANT) or None,
            "model": headers.get(MODEL) or None,
            "shadow": headers.get(SHADOW) or None,
            "code": headers.get(ERROR_CODE) or None,
        }
        lost = f"the expressions of {', '.join(failed)} could not be computed" if failed else ""
        why = lost
        kind = OutcomeKind.UNMATCHED
        if topic is None:
            kind, why = OutcomeKind.DROPPED, _joined("no route takes it", lost)
        elif found["code"]:
            kind, why = OutcomeKind.DEAD_LETTER, _joined(headers.get(ERROR_REASON) or "", lost)
        elif found["route"]:
            kind = OutcomeKind.SHADOW if found["shadow"] else OutcomeKind.REQUEST
            why = _joined(self._why(self._routes[found["route"]], event, found["shadow"]), lost)
        else:
            why = _joined("no route takes it", lost)
        value = event.value if made is None else made
        return Outcome(kind=kind, why=why, value=value, content_type=headers.get(CONTENT_TYPE), **found)

    def _why(self, route: Route, event: Event, shadow: str | None) -> str:
        """Say what a route asks for, which this event has, and what decided between its variants."""
        match = route.match
        asks = [
            *(["type"] if match.type else []),
            *(["topic"] if match.topic else []),
            *(f"header {name}" for name in match.header),
            *(f"field {name}" for name in match.field),
            *(["when"] if route.when else []),
        ]
        took = f"has its {', '.join(asks)}" if asks else "takes every event"
        if route.split is None and shadow is None:
            return took
        hashed, what = self._hashed(route, event)
        if shadow is None and route.split and hashed in route.split.overrides:
            return f"{took}; {what} is pinned by overrides"
        return f"{took}; by {what}"

    def _hashed(self, route: Route, event: Event) -> tuple[str | None, str]:
        """Return the text that is hashed of an event, and what it is."""
        seen = self._seen(event)
        ways = (each.way.way for each in self._routing.sources[event.topic].ways)
        way = next(way for way in ways if way.route.name == route.name)
        if seen is None or way.key is None:
            return None, "its coordinates"
        hashed = way.key(seen)
        text = hashed.decode(errors="replace")
        by = route.split.by if route.split else "key"
        if hashed == seen.place():
            lacking = "" if by == "event" else f", as it has no {_named(by)}"
            return text, f"its coordinates{lacking}"
        return text, f"{_named(by)} {text!r}"

    def tried(self, event: Event) -> list[Trial]:
        """Return the routes that an event meets, in the document's order, and what keeps each from taking it.

        None, where the event cannot be read or has no type: it meets no route.
        """
        seen = self._seen(event)
        return [] if seen is None else list(trials(self._routing.ways, seen))

    def _seen(self, event: Event) -> Seen | None:
        source = self._routing.sources.get(event.topic)
        if source is None:
            return None
        try:
            said, body = source.read(event.value)
        except RecordError:
            return None
        event_type = said or source.constant or event.headers.get(source.header or "")
        own = json.dumps(dict(event.headers)) if event.headers else None
        return Seen(source, event_type, body, own, event.key, event.partition, event.offset) if event_type else None


def _named(by: Any) -> str:
    if isinstance(by, SplitBy):
        return f"field {by.field}" if by.field else f"header {by.header}"
    return str(by)


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
