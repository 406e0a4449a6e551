"""The input adapter's core: events in; requests, dead letters and what nobody asked for out."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NoReturn

from penstock import topics as names
from penstock.deadletter import DeadLetters, Origin, Stage
from penstock.errors import TypeMissingError, UnknownSourceError, UnmatchedError
from penstock.event import (
    CE_TIME,
    CONTENT_TYPE,
    ENTRY_SEPARATOR,
    KEY_SEPARATOR,
    MILLISECONDS,
    OCTETS,
    OWN_PREFIX,
    SOURCE,
    Deliveries,
    Record,
    TimeTexts,
    coordinates,
    own_headers,
    pack_headers,
    refuse_oversize,
    size_bound,
)
from penstock.routing.compile import Lane, SourcePlan, sources, unmatched_lane
from penstock.routing.document import RoutingDocument, UnmatchedTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from penstock.event import Delivery

__all__ = ["Router"]

_SOURCE_FOLLOWS = f"{ENTRY_SEPARATOR}{SOURCE}{KEY_SEPARATOR}"
_TIME_FOLLOWS = f"{ENTRY_SEPARATOR}{CE_TIME}{KEY_SEPARATOR}"
_OCTETS = f"{ENTRY_SEPARATOR}{CONTENT_TYPE}{KEY_SEPARATOR}{OCTETS}{ENTRY_SEPARATOR}"
_DISPUTED = ('"ce_', f'"{OWN_PREFIX}', f'"{CONTENT_TYPE}"')  # as they begin in the text of a JSON object
_Row = tuple[bytes | None, bytes | None, str, int, int, int, str | None]  # the fields of a `Record`
_DROPPED: Delivery = (None, None, "")


class Router:
    """Routes batches of events by one routing document."""

    def __init__(
        self, document: RoutingDocument, *, prefix: str, max_request_bytes: int, max_dead_letter_bytes: int
    ) -> None:
        self._version = document.version
        self._unmatched = document.unmatched
        self._limit = max_request_bytes
        self._sources = sources(document, prefix)
        self._times = TimeTexts()
        self._letters = DeadLetters(
            topic=names.dead_letters(prefix),
            stage=Stage.INPUT_ADAPTER,
            component="router",
            max_bytes=max_dead_letter_bytes,
        )

    def route(  # noqa: PLR0913, PLR0917 the columns of a batch, as the engine has them
        self,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None,
        topics: Sequence[str],
        partitions: Sequence[int],
        offsets: Sequence[int],
        timestamps_ms: Sequence[int],
        headers: Sequence[str | None],
    ) -> Deliveries:
        """Route a batch, given as columns of one length; row by row, one delivery for each event.

        Args:
            values: the events' bytes.
            keys: their keys, which only count for their size; None where the engine keeps them to itself.
            topics: the source topics.
            partitions: with the offsets, the events' places.
            offsets: see partitions.
            timestamps_ms: the records' own, milliseconds since 1970.
            headers: the records' own, each the text of a JSON object; None where there are none.
        """
        known_keys = repeat(None, len(values)) if keys is None else keys
        rows = zip(values, known_keys, topics, partitions, offsets, timestamps_ms, headers, strict=True)
        return self._deliveries(rows)

    def _deliveries(self, rows: Iterable[_Row]) -> Deliveries:
        """Route row by row. Every event passes here: calls are spelt out where they would cost as much as they do."""
        deliveries = Deliveries()
        to_topic, to_value, to_headers = deliveries.topics.append, deliveries.values.append, deliveries.headers.append
        for row in rows:
            value, key, topic, partition, offset, timestamp_ms, own = row
            lane = None
            try:
                source = self._sources.get(topic) or self._no_source(topic)
                event_type, body = source.read(value)
                if not event_type:
                    event_type = source.constant or _type_in(own, source)
                lane = source.lanes.get(event_type) or self._lane_of_unmatched(source, event_type)
                made = lane.make(body)
                where = f"{topic}/{partition}/{offset}"
                second = timestamp_ms // 1000
                time = f"{self._times[second]}{MILLISECONDS[timestamp_ms - second * 1000]}"
                added = f"{lane.head}{where}{_SOURCE_FOLLOWS}{where}{_TIME_FOLLOWS}{time}"
                if own is not None:
                    added = _beside(own, added)
                if size_bound(key, made or value, added, own) > self._limit:
                    refuse_oversize(key, made or value, added, own, self._limit)
                to_topic(lane.topic)
                to_value(made)
                to_headers(added)
            except Exception as error:  # noqa: BLE001 the record boundary: an event's fault stays with the event
                deliveries.add(self._failed(error, Record(*row), lane))
        return deliveries

    def _no_source(self, topic: str) -> NoReturn:
        raise UnknownSourceError(topic, self._version)

    def _lane_of_unmatched(self, source: SourcePlan, event_type: str) -> Lane:
        if isinstance(self._unmatched, UnmatchedTopic):
            return unmatched_lane(self._unmatched.topic, source, event_type, self._version)
        raise UnmatchedError(event_type, self._version)

    def _failed(self, error: Exception, record: Record, lane: Lane | None) -> Delivery:
        if self._unmatched == "drop" and isinstance(error, UnmatchedError):
            return _DROPPED
        origin = Origin(
            source=coordinates(record.topic, record.partition, record.offset),
            route=lane.route if lane else None,
            model=lane.model if lane else None,
            config_version=self._version,
        )
        return self._letters.deliver(error, record, origin)


def _type_in(own: str | None, source: SourcePlan) -> str:
    found = own_headers(own).get(source.header or "")
    if not found:
        raise TypeMissingError(f"the event has no header {source.header!r} that says its type")
    return found


def _beside(own: str, added: str) -> str:
    """Settle the added headers with the event's own, which they would replace.

    Attributes of the event (``ce_*``) are the producer's to say; so is the content type of bytes, which only they know.
    Penstock's own are not: what this record does not set is emptied, so that nobody can pass an event off as a shadow.
    """
    if not any(text in own for text in _DISPUTED):
        return added
    theirs = own_headers(own)
    kept = [f"{name}{KEY_SEPARATOR}" for name, text in theirs.items() if text and name.startswith("ce_")]
    if theirs.get(CONTENT_TYPE) and _OCTETS in added:
        kept.append(f"{CONTENT_TYPE}{KEY_SEPARATOR}")
    beginnings = tuple(kept)
    entries = [entry for entry in added.split(ENTRY_SEPARATOR) if not entry.startswith(beginnings)]
    foreign = (name for name in theirs if name.startswith(OWN_PREFIX) and f"{name}{KEY_SEPARATOR}" not in added)
    entries += [pack_headers({name: ""}) for name in foreign]
    return ENTRY_SEPARATOR.join(entries)
