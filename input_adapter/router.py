"""The input adapter's core: events in; requests, dead letters and what nobody asked for out."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from penstock import topics as names
from penstock.deadletter import DeadLetters, Origin, Stage
from penstock.errors import TypeMissingError, UnknownSourceError, UnmatchedError
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
    refuse_oversize,
    unpack_headers,
)
from penstock.routing.compile import Lane, SourcePlan, sources, unmatched_lane
from penstock.routing.document import RoutingDocument, UnmatchedTopic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.event import Delivery

__all__ = ["Router"]

_OCTETS = f"{ENTRY_SEPARATOR}{CONTENT_TYPE}{KEY_SEPARATOR}{OCTETS}{ENTRY_SEPARATOR}"
_DISPUTED = ('"ce_', f'"{OWN_PREFIX}', f'"{CONTENT_TYPE}"')  # as they begin in the text of a JSON object
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
        self._letters = DeadLetters(
            topic=names.dead_letters(prefix),
            stage=Stage.INPUT_ADAPTER,
            component="router",
            max_bytes=max_dead_letter_bytes,
        )

    def route(
        self,
        values: Sequence[bytes | None],
        unseen_bytes: Sequence[int],
        topics: Sequence[str],
        headers: Sequence[str | None],
    ) -> Deliveries:
        """Route a batch, given as columns of one length; row by row, one delivery for each event.

        Args:
            values: the events' bytes.
            unseen_bytes: what key, own headers and Kafka's bookkeeping add to each value.
            topics: the source topics.
            headers: the events' own, each the text of a JSON object; None where there are none.
        """
        deliveries = Deliveries()
        to_topic, to_value, to_headers = deliveries.topics.append, deliveries.values.append, deliveries.headers.append
        for value, unseen, topic, own in zip(values, unseen_bytes, topics, headers, strict=True):
            lane = None
            try:
                source = self._sources.get(topic) or self._no_source(topic)
                event_type, body = source.read(value)
                if not event_type:
                    event_type = source.constant or _type_in(own, source)
                lane = source.lanes.get(event_type) or self._lane_of_unmatched(source, event_type)
                made = lane.make(body)
                size = unseen + lane.added_bytes + len((made or value) or b"")
                if size > self._limit:
                    refuse_oversize(size, self._limit)
                added = lane.headers if own is None else _beside(own, lane.headers)
                to_topic(lane.topic)
                to_value(made)
                to_headers(added)
            except Exception as error:  # noqa: BLE001 the record boundary: an event's fault stays with the event
                deliveries.add(self._failed(error, value, unseen, lane))
        return deliveries

    def _no_source(self, topic: str) -> NoReturn:
        raise UnknownSourceError(topic, self._version)

    def _lane_of_unmatched(self, source: SourcePlan, event_type: str) -> Lane:
        if isinstance(self._unmatched, UnmatchedTopic):
            return unmatched_lane(self._unmatched.topic, source, event_type, self._version)
        raise UnmatchedError(event_type, self._version)

    def _failed(self, error: Exception, value: bytes | None, unseen_bytes: int, lane: Lane | None) -> Delivery:
        if self._unmatched == "drop" and isinstance(error, UnmatchedError):
            return _DROPPED
        origin = Origin(
            source=Blank.PLACE,
            route=lane.route if lane else None,
            model=lane.model if lane else None,
            config_version=self._version,
        )
        return self._letters.deliver(error, value, unseen_bytes, origin)


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
    return _settled(added, tuple(kept), tuple(name for name in theirs if name.startswith(OWN_PREFIX)))


# Events of one producer have the same headers, so that this is a look-up; whoever makes up a name for each event only
# gets slower.
@lru_cache(maxsize=1024)
def _settled(added: str, kept: tuple[str, ...], ours: tuple[str, ...]) -> str:
    settled = {name: text for name, text in unpack_headers(added).items() if name not in kept}
    if CE_ID in kept:
        settled[SOURCE] = Blank.PLACE
    emptied = pack_headers({name: "" for name in ours if name not in settled})
    entries = [f"{name}{KEY_SEPARATOR}{text}" for name, text in settled.items()]
    return ENTRY_SEPARATOR.join([*entries, emptied] if emptied else entries)
