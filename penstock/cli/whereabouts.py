"""Which cluster has a topic, and whether it is there. Commands never make a topic by the way."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from penstock import kafka
from penstock.errors import UnknownTopicError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

__all__ = ["by_cluster", "cluster_of", "is_internal", "matching", "near_names", "present_topics", "require"]

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


def by_cluster(settings: Settings, names: Sequence[str]) -> dict[ClusterSettings, list[str]]:
    """The topics that names and patterns mean, under the cluster that has them.

    Raises:
        KafkaUnavailableError: no broker answered.
        UnknownTopicError: a name or pattern means no topic.
    """
    both = (settings.kafka.external, settings.kafka.internal_cluster)
    asked = both if any(map(_is_pattern, names)) else [cluster_of(settings, name) for name in names]
    present = {
        cluster: {topic for topic in present_topics(cluster) if cluster_of(settings, topic) == cluster}
        for cluster in dict.fromkeys(asked)
    }
    everything = set().union(*present.values())
    for name in names:
        if not matching([name], everything):
            raise UnknownTopicError(name, cluster_of(settings, name).bootstrap_servers, near_names(name, everything))
    found = {cluster: matching(names, topics) for cluster, topics in present.items()}
    return {cluster: topics for cluster, topics in found.items() if topics}


def matching(names: Sequence[str], topics: Collection[str]) -> list[str]:
    """The topics that are named, or that a pattern with ``*``, ``?`` or ``[...]`` matches, sorted."""
    return sorted(topic for topic in topics if any(fnmatchcase(topic, name) for name in names))


def near_names(name: str, present: Collection[str]) -> tuple[str, ...]:
    """Up to three names that were probably meant, best first: near spellings, then names that hold this one."""
    near = difflib.get_close_matches(name, sorted(present), n=_MOST_NEAR)
    near += [candidate for candidate in sorted(present) if name and name in candidate and candidate not in near]
    return tuple(near[:_MOST_NEAR])


def _is_pattern(name: str) -> bool:
    return any(letter in name for letter in "*?[")  # none of these may be in a topic's name
