"""The input adapter's core: events in; requests, dead letters and what nobody asked for out."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from penstock import topics as names
from penstock.deadletter import DeadLetters, Origin, Stage
from penstock.errors import OversizeError, TypeMissingError, UnknownSourceError, UnmatchedError
from penstock.event import (
    CE_ID,
    CONTENT_TYPE,
    ENTRY_SEPARATOR,
    KEY_SEPARATOR,
    OCTETS,
    OWN_PREFIX,
    SOURCE,
    Blank,
    Deliveries,
    own_headers,
    pack_headers,
    pack_more,
    refuse_oversize,
    unpack_headers,
)
from penstock.routing.compile import Routing, unmatched_lane
from penstock.routing.document import RoutingDocument, UnmatchedTopic
from penstock.routing.match import Seen
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.event import Delivery
    from penstock.routing.compile import SourcePlan
    from penstock.routing.lanes import Lane

__all__ = ["Router"]

_OCTETS = f"{ENTRY_SEPARATOR}{CONTENT_TYPE}{KEY_SEPARATOR}{OCTETS}{ENTRY_SEPARATOR}"
_DISPUTED = ('"ce_', f'"{OWN_PREFIX}', f'"{CONTENT_TYPE}"')  # as they begin in the text of a JSON object
_DROPPED: Delivery = (None, None, "")


class Router:
    """Routes batches of events by one routing document."""

    def __init__(
        self,
        document: RoutingDocument,
        *,
        prefix: str,
        max_request_bytes: int,
        max_dead_letter_bytes: int,
        clock: Callable[[], int] = now_ms,
        published_ms: int | None = None,
    ) -> None:
        """Compile the document.

        Args:
            document: what to route by.
            prefix: of internal topics.
            max_request_bytes: largest request.
            max_dead_letter_bytes: largest dead letter.
            clock: tells the time in milliseconds since 1970; asked only where weights change by time.
            published_ms: when the document was published, from which ramps count; now, where it never was.
        """
        self._version = document.version
        self._unmatched = document.unmatched
        self._limit = max_request_bytes
        self._clock = clock
        now = clock()
        self._routing = Routing(
            document, prefix, published_ms=now if published_ms is None else published_ms, now_ms=now
        )
        self._sources = self._routing.sources
        self._letters = DeadLetters(
            topic=names.dead_letters(prefix),
            stage=Stage.INPUT_ADAPTER,
            component="router",
            max_bytes=max_dead_letter_bytes,
        )
        self.failed_expressions: Counter[str] = Counter()
        """How often a route's expression could not be computed, by the route's name."""
        self.skipped_shadows: Counter[str] = Counter()
        """How often a shadow's copy would have been too large, by the route's name."""

    def weights(self) -> dict[str, dict[str, float]]:
        """Return the weights of this moment, by route, by variant, where they change by themselves."""
        return self._routing.weights(self._clock())

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
        """Route a batch, given as columns of one length; row by row, one delivery for each event.

        Args:
            values: the events' bytes.
            unseen_bytes: what key, own headers and Kafka's bookkeeping add to each value.
            topics: the source topics.
            headers: the events' own, each the text of a JSON object; None where there are none.
            keys: the records' keys.
            partitions: where the events stand.
            offsets: where in their partitions.
        """
        _check_lengths(values, keys, partitions, offsets)
        self._weigh()
        deliveries = Deliveries(more=[None] * len(values))
        to_topic, to_value, to_headers = deliveries.topics.append, deliveries.values.append, deliveries.headers.append
        for value, unseen, topic, own, key in zip(values, unseen_bytes, topics, headers, keys, strict=True):
            lane = None
            try:
                source = self._sources.get(topic) or self._no_source(topic)
                event_type, body = source.read(value)
                if not event_type:
                    event_type = source.constant or _type_in(own, source)
                lane = source.lanes.get(event_type)
                if lane is None and event_type in source.keyed:
                    lane = source.keyed[event_type][key]
                if lane is None:
                    row = len(deliveries.topics)
                    seen = Seen(source, event_type, body, own, key, partitions[row], offsets[row])
                    (to, made, added), deliveries.more[row] = self._closer_look(source, seen, value, unseen)
                else:  # as in _request, without the call: most events come by here
                    to, made = lane.topic, lane.make(body)
                    size = unseen + lane.added_bytes + len((made or value) or b"")
                    if size > self._limit:
                        refuse_oversize(size, self._limit)
                    added = lane.headers if own is None else _beside(own, lane.headers)
            except Exception as error:  # noqa: BLE001 the record boundary: an event's fault stays with the event
                to, made, added = self._failed(error, value, unseen, lane)
            to_topic(to)
            to_value(made)
            to_headers(added)
        return deliveries

    def _weigh(self) -> None:
        """Take the next step of ramps that is due, if one is: never in the midst of a batch."""
        if self._routing.due_ms is not None:
            now = self._clock()
            if now >= self._routing.due_ms:
                self._routing.weigh(now)

    def _no_source(self, topic: str) -> NoReturn:
        raise UnknownSourceError(topic, self._version)

    def _closer_look(
        self, source: SourcePlan, seen: Seen, value: bytes | None, unseen_bytes: int
    ) -> tuple[Delivery, bytes | None]:
        """Return what becomes of an event whose type alone does not decide, and further records, packed, if any.

        Each route that takes it stands for itself: what fails on one way does not keep the event from the others.
        """
        taken = source.taken(seen, self._count_failure)
        if not taken:
            nobody = self._lane_of_unmatched(source, seen.event_type)
            return self._request(nobody, None, value, unseen_bytes, seen.own), None
        found: list[Delivery] = []
        for way, fault in taken:
            lane = None
            try:
                if fault is not None:
                    raise fault  # noqa: TRY301 it ends as all faults do
                lane, copies = way.lanes(seen)
                made = lane.make(seen.body)
                found.append(self._request(lane, made, value, unseen_bytes, seen.own))
                for copy in copies:
                    found.extend(self._copy(copy, made, value, unseen_bytes, seen.own))
            except Exception as error:  # noqa: BLE001 the boundary between the ways of one event
                found.append(self._failed(error, value, unseen_bytes, lane, way.way.route.name))
        if len(found) == 1:
            return found[0], None
        first, *more = [delivery for delivery in found if delivery[0] is not None] or found[:1]
        return first, pack_more(more) if more else None

    def _copy(
        self, lane: Lane, made: bytes | None, value: bytes | None, unseen_bytes: int, own: str | None
    ) -> tuple[Delivery, ...]:
        """Return the copy for a shadow; none where only the copy would be too large, for the event itself is well."""
        try:
            return (self._request(lane, made, value, unseen_bytes, own),)
        except OversizeError:
            self.skipped_shadows[lane.route or ""] += 1
            return ()

    def _request(
        self, lane: Lane, made: bytes | None, value: bytes | None, unseen_bytes: int, own: str | None
    ) -> Delivery:
        size = unseen_bytes + lane.added_bytes + len((made or value) or b"")
        if size > self._limit:
            refuse_oversize(size, self._limit)
        return lane.topic, made, lane.headers if own is None else _beside(own, lane.headers)

    def _count_failure(self, route: str) -> None:
        self.failed_expressions[route] += 1

    def _lane_of_unmatched(self, source: SourcePlan, event_type: str) -> Lane:
        if isinstance(self._unmatched, UnmatchedTopic):
            return unmatched_lane(self._unmatched.topic, source, event_type, self._version)
        raise UnmatchedError(event_type, self._version)

    def _failed(
        self,
        error: Exception,
        value: bytes | None,
        unseen_bytes: int,
        lane: Lane | None,
        route: str | None = None,
    ) -> Delivery:
        if self._unmatched == "drop" and isinstance(error, UnmatchedError):
            return _DROPPED
        origin = Origin(
            source=Blank.PLACE,
            route=lane.route if lane else route,
            model=lane.model if lane else None,
            config_version=self._version,
        )
        return self._letters.deliver(error, value, unseen_bytes, origin)


def _check_lengths(*columns: Sequence[object]) -> None:
    if len({len(column) for column in columns}) > 1:
        raise ValueError("a column is longer or shorter than the others")


def _type_in(own: str | None, source: SourcePlan) -> str:
    found = own_headers(own).get(source.header or "")
    if not found:
        raise TypeMissingError(f"the event has no header {source.header!r} that says its type")
    return found


def _beside(own: str, added: str) -> str:
    """Settle the added headers with the event's own, which they would replace.

    Attributes of the event (``ce_*``) are the producer's to say; so is the content type of bytes, which only they know.
    Where the id is the producer's, ``penstock-source`` says where the event stood; else the id says that itself.
    Penstock's own are not: what this record does not set is emptied, so that nobody can pass an event off as a shadow.
    """
    if not any(text in own for text in _DISPUTED):
        return added
    theirs = own_headers(own)
    kept = [name for name, text in theirs.items() if text and name.startswith("ce_")]
    if theirs.get(CONTENT_TYPE) and _OCTETS in added:
        kept.append(CONTENT_TYPE)
    ours = tuple(name for name in theirs if name.startswith(OWN_PREFIX))
    settle = _remembered if len(added) + sum(map(len, (*kept, *ours))) <= _MOST_REMEMBERED else _settled
    return settle(added, tuple(kept), ours)


def _settled(added: str, kept: tuple[str, ...], ours: tuple[str, ...]) -> str:
    settled = {name: text for name, text in unpack_headers(added).items() if name not in kept}
    if CE_ID in kept:
        settled[SOURCE] = Blank.PLACE
    emptied = pack_headers({name: "" for name in ours if name not in settled})
    entries = [f"{name}{KEY_SEPARATOR}{text}" for name, text in settled.items()]
    return ENTRY_SEPARATOR.join([*entries, emptied] if emptied else entries)


# Events of one producer have the same headers, so that this is a look-up; whoever makes up a name for each event only
# gets slower. A name may be as long as a record: such are not kept.
_remembered = lru_cache(maxsize=1024)(_settled)
_MOST_REMEMBERED = 4096
