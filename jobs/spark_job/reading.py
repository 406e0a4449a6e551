"""What the job's queries read: patterns of topics, options of Spark's Kafka source, where progress is kept."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from penstock import kafka, topics
from penstock.deployables import SPARK_JOB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

__all__ = ["EARLIEST", "Reading", "Standing", "Topics", "beginning", "folder", "partitions"]

EARLIEST = "earliest"
#: The same, where each partition has an offset.
_FIRST = -2

#: Raised when what stands in a checkpoint changes: an old one is left alone then.
_FORMAT = 1
_SHADOWS = "shadow-"


class Standing(NamedTuple):
    """A topic as the cluster has it."""

    id: str
    """Of this very topic: one that is made anew under its name has another."""
    partitions: int


Topics = dict[str, Standing]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One query's source."""

    name: str
    pattern: str
    group: str
    """Consumer group in which it is told how far it is."""
    cluster: ClusterSettings
    checkpoint: Path

    @classmethod
    def of(cls, settings: Settings, job: str, *, copies: bool) -> Reading:
        """Return it for requests, or for the copies for shadows."""
        prefix = settings.topics.prefix
        pattern = _pattern(prefix, f"{_SHADOWS}{job}" if copies else job, settings.spark.models_pattern)
        cluster = settings.kafka.internal_cluster
        name = "copies" if copies else "requests"
        group = SPARK_JOB.shadow_group(prefix) if copies else SPARK_JOB.group(prefix)
        if settings.spark.models_pattern != _ALL:  # several drivers, each with its own progress
            group = f"{group}-{_digest(settings.spark.models_pattern)}"
        checkpoint = folder(settings) / f"{name}-{_digest(f'{_FORMAT} {cluster.bootstrap_servers} {pattern}')}"
        return cls(name=name, pattern=pattern, group=group, cluster=cluster, checkpoint=checkpoint)

    def options(self, start: str = EARLIEST) -> dict[str, str]:
        """Return the options of Spark's Kafka source; ``start`` is where it begins without a checkpoint."""
        return {
            **{f"kafka.{name}": value for name, value in self.cluster.java_properties().items()},
            "subscribePattern": self.pattern,
            "startingOffsets": start,
            # Topics are deleted, and records expire: that must not stop the others for ever.
            "failOnDataLoss": "false",
            "includeHeaders": "true",
            "groupIdPrefix": self.group,
            # A consumer for each partition, all in one heap.
            "kafka.max.partition.fetch.bytes": str(_FETCH_BYTES),
            "kafka.fetch.max.bytes": str(_FETCH_BYTES),
        }

    def topics(self) -> Topics:
        """Return the topics that there are now. Raises `KafkaUnavailableError`."""
        wanted = re.compile(self.pattern)
        client = kafka.admin(self.cluster)
        try:
            with kafka.reaching(self.cluster):
                names = [name for name in client.list_topics() if wanted.fullmatch(name)]
                found = client.describe_topics(names) if names else []
        finally:
            client.close()
        return {
            each["name"]: Standing(str(each.get("topic_id", "")), len(each["partitions"]))
            for each in found
            if not each.get("error_code")
        }


_ALL = ".*"
_FETCH_BYTES = 1 << 20


def folder(settings: Settings) -> Path:
    """Return where the job's checkpoints are."""
    return settings.local.state_dir / "data" / "spark"


def beginning(of: Topics, done: Mapping[tuple[str, int], int]) -> str:
    """Return where a query over topics starts whose checkpoint is new, in the words of Spark's Kafka source.

    What is done would be left out anyway; but to come by it takes long where a topic keeps much.

    Args:
        of: the topics, all of them, for Spark takes offsets of all partitions or of none.
        done: by topic and partition, the offset before which all rows are done.
    """
    if not any((name, number) in done for name, each in of.items() for number in range(each.partitions)):
        return EARLIEST
    offsets = {
        name: {str(number): done.get((name, number), _FIRST) for number in range(each.partitions)}
        for name, each in of.items()
    }
    return msgspec.json.encode(offsets).decode()


def partitions(of: Mapping[str, Standing]) -> dict[str, int]:
    """Return how many partitions each topic has."""
    return {name: each.partitions for name, each in of.items()}


def _pattern(prefix: str, job: str, models: str) -> str:
    return topics.request_pattern(prefix, job).removesuffix(".+") + f"(?:{models})"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
