"""What stands on the routing topic: the document in force, and all that were offered before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock import topics
from penstock.control.documents import Documents, LiveDocument
from penstock.control.reading import ControlLog
from penstock.errors import NoRoutingDocumentError, UnknownDocumentError

if TYPE_CHECKING:
    from penstock.control.messages import Message, Verdict
    from penstock.settings import Settings

__all__ = ["Entry", "current", "history", "needed", "source_topics", "version"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A message of the topic, and what every worker that was there made of it."""

    message: Message
    verdict: Verdict
    live: LiveDocument | None
    """The document, where the message holds a good one that was in force for a while."""


def history(settings: Settings) -> list[Entry]:
    """Return all that stands on the topic, oldest first.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there is no such topic.
    """
    documents = Documents(prefix=settings.topics.prefix)
    entries = []
    for message in _messages(settings):
        before = documents.current
        verdict = documents.offer(message.value, message.published_ms, message.offset)
        after = documents.current
        entries.append(Entry(message=message, verdict=verdict, live=None if after is before else after))
    return entries


def current(settings: Settings) -> LiveDocument | None:
    """Return the newest good document, if the topic holds one; raises as `history` does."""
    documents = Documents(prefix=settings.topics.prefix)
    documents.recover(_messages(settings))
    return documents.current


def needed(settings: Settings) -> LiveDocument:
    """Return the newest good document; raises as `history` does.

    Raises:
        NoRoutingDocumentError: the topic holds none.
    """
    found = current(settings)
    if found is None:
        raise NoRoutingDocumentError(topics.control_routing(settings.topics.prefix), ())
    return found


def version(settings: Settings, number: int) -> LiveDocument:
    """Return the document of a version that is or was in force; raises as `history` does.

    Raises:
        UnknownDocumentError: the topic does not hold it (any more).
    """
    found = {entry.live.version: entry.live for entry in history(settings) if entry.live is not None}
    if number not in found:
        raise UnknownDocumentError(number, tuple(found))
    return found[number]


def source_topics(settings: Settings) -> tuple[str, ...]:
    """Return the topics that the newest good document reads events from; raises as `needed` does."""
    return tuple(source.topic for source in needed(settings).document.sources)


def _messages(settings: Settings) -> list[Message]:
    cluster = settings.kafka.internal_cluster
    with ControlLog(cluster, topics.control_routing(settings.topics.prefix)) as log:
        return log.to_end(settings.control.startup_deadline_ms / 1000)
