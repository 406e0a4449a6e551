"""The topics of an installation: what each is for, and the table of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock import topics
from penstock.cli.tables import table
from penstock.routing.document import UnmatchedTopic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.routing.document import RoutingDocument

__all__ = ["OTHER", "Facts", "Item", "duration", "inventory_table", "purposes"]

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"), (1, "ms"))
OTHER = "not in the routing document"
"""What a topic is for that is no topic of Penstock's and not in the document."""
_MISSING = "MISSING: 'penstock up' makes it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the broker says of a topic; ``retention_ms`` is -1 for ever."""

    partitions: int
    messages: int
    retention_ms: int
    cleanup: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A topic: on which cluster it is or should be, what it is for, and what the broker says; None: it is not there."""

    name: str
    cluster: str
    purpose: str
    facts: Facts | None = None

    def as_object(self) -> dict[str, object]:
        """The item for JSON; numbers are null where the topic is not there."""
        facts = self.facts
        return {
            "topic": self.name,
            "cluster": self.cluster,
            "exists": facts is not None,
            "partitions": facts and facts.partitions,
            "messages": facts and facts.messages,
            "retention_ms": facts and facts.retention_ms,
            "cleanup": facts and facts.cleanup,
            "purpose": self.purpose,
        }


def purposes(document: RoutingDocument | None, prefix: str) -> dict[str, str]:
    """What each topic that Penstock knows of is for, in the order of an event's way; without document, its own only."""
    own = {
        topics.results(prefix): "results, on their way to the output adapter",
        topics.shadow_results(prefix): "results of shadows; they stay here",
        topics.dead_letters(prefix): "what could not be handled, with the cause",
        topics.control_routing(prefix): "the routing document",
        topics.control_models(prefix): "the model descriptors",
        topics.control_status(prefix): "workers' answers to changes",
    }
    if document is None:
        return own
    found: dict[str, str] = {}
    for source in document.sources:
        _note(found, source.topic, f"events in ({source.format})")
    for model, entry in document.models.items():
        _note(found, topics.request_topic(prefix, entry.job, model), f"requests to model {model}")
    for topic, model in topics.shadow_requests(document, prefix).items():
        _note(found, topic, f"copies of events for model {model}")
    found |= own
    for route in document.routes:
        _note(found, route.output.topic, f"scores of route {route.name}")
    if isinstance(document.unmatched, UnmatchedTopic):
        _note(found, document.unmatched.topic, "events that no route takes")
    return found


def _note(found: dict[str, str], topic: str, purpose: str) -> None:
    found[topic] = f"{found[topic]}; {purpose}" if topic in found else purpose


def inventory_table(items: Sequence[Item]) -> str:
    """The table; a topic that is not there says so."""
    return table(
        ["topic", "cluster", "partitions", "messages", "retention", "cleanup", "purpose"],
        [_row(item) for item in items],
    )


def _row(item: Item) -> list[object]:
    facts = item.facts
    if facts is None:
        return [item.name, item.cluster, None, None, None, None, f"{item.purpose}; {_MISSING}"]
    kept = duration(facts.retention_ms) if "delete" in facts.cleanup else "-"
    return [item.name, item.cluster, facts.partitions, facts.messages, kept, facts.cleanup, item.purpose]


def duration(milliseconds: int) -> str:
    """A time span in its largest whole unit: ``7d``, ``90min``; below nothing it is for ever."""
    if milliseconds < 0:
        return "for ever"
    size, unit = next(((size, unit) for size, unit in _UNITS if milliseconds % size == 0), _UNITS[-1])
    return f"{milliseconds // size}{unit}"
