"""Which cluster has a topic, and whether it is there. Commands never make a topic by the way."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from penstock import kafka
from penstock.errors import UnknownTopicError

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

__all__ = ["cluster_of", "is_internal", "near_names", "present_topics", "require"]

_MOST_NEAR = 3


def is_internal(settings: Settings, topic: str) -> bool:
    """Whether a topic is one of Penstock's own: its name begins with the internal prefix."""
    return topic.startswith(f"{settings.topics.prefix}.")


def cluster_of(settings: Settings, topic: str) -> ClusterSettings:
    """The cluster of a topic: the internal one for Penstock's own, else the users'."""
    return settings.kafka.internal_cluster if is_internal(settings, topic) else settings.kafka.external


def present_topics(cluster: ClusterSettings) -> set[str]:
    """The names of the topics that a cluster has, without Kafka's own.

    Raises:
        KafkaUnavailableError: no broker answered.
    """
    client = kafka.admin(cluster)
    try:
        with kafka.reaching(cluster):
            return {name for name in client.list_topics() if not name.startswith("__")}
    finally:
        client.close()


def require(topic: str, cluster: ClusterSettings, present: Collection[str]) -> None:
    """Make sure that a topic is among those present.

    Raises:
        UnknownTopicError: it is not; the error suggests near names.
    """
    if topic not in present:
        raise UnknownTopicError(topic, cluster.bootstrap_servers, near_names(topic, present))


def near_names(name: str, present: Collection[str]) -> tuple[str, ...]:
    """Up to three names that were probably meant, best first: near spellings, then names that hold this one."""
    near = difflib.get_close_matches(name, sorted(present), n=_MOST_NEAR)
    near += [candidate for candidate in sorted(present) if name and name in candidate and candidate not in near]
    return tuple(near[:_MOST_NEAR])
