"""What commands ask Kafka for: the registry, the routing document's users, and what workers say of models."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from penstock import topics
from penstock.cli.whereabouts import present_topics
from penstock.control import history, models
from penstock.control.watching import ModelWatch
from penstock.models.usage import users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from penstock.control.model_signs import ModelsSign
    from penstock.models.ref import ModelRef
    from penstock.models.registry import Registry
    from penstock.settings import Settings

__all__ = ["Looked", "look", "used"]


class Looked(NamedTuple):
    """All of it."""

    registry: Registry
    users: Mapping[ModelRef, tuple[str, ...]]
    signs: tuple[ModelsSign, ...]
    """Of the workers at work, by their names."""


def look(settings: Settings) -> Looked:
    """Look at registry, routing document and workers.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there are no control topics.
    """
    registry = models.registry(settings)
    with ModelWatch(settings) as watch:
        signs = tuple(sign for _, sign in sorted(watch.states.items()))
    return Looked(registry, used(settings, registry), signs)


def used(settings: Settings, registry: Registry, *, live: bool = True) -> Mapping[ModelRef, tuple[str, ...]]:
    """Tell who uses each model, by the routing document in force; without one, live versions are used all the same.

    Without ``live`` only routes and shadows count.
    """
    topic = topics.control_routing(settings.topics.prefix)
    there = topic in present_topics(settings.kafka.internal_cluster)
    current = history.current(settings) if there else None
    return users(None if current is None else current.document, registry, live=live)
