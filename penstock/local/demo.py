"""The demo: where its events may go, and where their scores come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.iris import DEMO_TOPICS, Recipe
from penstock.routing.match import by_type

if TYPE_CHECKING:
    from penstock.routing.document import RoutingDocument, Source
    from penstock.settings import Settings

__all__ = ["misfit", "on_own_cluster", "results_topic"]

#: What `penstock generate` writes when it is not told otherwise.
_EVENTS = Recipe()
_TOPIC = DEMO_TOPICS[_EVENTS.form]


def on_own_cluster(settings: Settings) -> bool:
    """Say whether users' topics are on a cluster of the user's own, where nobody expects events of ours."""
    local = settings.local
    embedded = settings.kafka.embedded and f"{local.host}:{local.kafka_port}"
    return settings.kafka.external.bootstrap_servers != embedded


def misfit(document: RoutingDocument) -> str | None:
    """Say why a routing document has no place for the demo's events; None where it has."""
    if not any(_takes(source) for source in document.sources):
        return f"the routing document has no source {_TOPIC!r} in JSON that takes type {_EVENTS.type!r}"
    if _EVENTS.type not in by_type(document.routes):
        return f"the routing document has no route for type {_EVENTS.type!r}"
    return None


def results_topic(document: RoutingDocument) -> str:
    """Return a topic where scores come out: the demo's where it has a route, else the first route's."""
    return by_type(document.routes).get(_EVENTS.type, document.routes[0]).output.topic


def _takes(source: Source) -> bool:
    rule = source.type
    typed = rule is not None and (rule.field == "type" or rule.constant == _EVENTS.type)
    return source.topic == _TOPIC and source.format == _EVENTS.form and typed
