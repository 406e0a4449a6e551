"""The tables at both ends of every pipeline: records from topics, and records to the topics that each row names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.clusters import FLINK_SHADED_KAFKA
from penstock.settings import DeliveryGuarantee

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

__all__ = ["Sink", "Source", "identifier", "literal", "sink_ddl", "source_ddl"]

#: Key and value as bytes, untouched.
_RAW = {
    "key.format": "raw",
    "key.fields": "key",
    "value.format": "raw",
    "value.fields-include": "EXCEPT_KEY",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Topics to read, by name or by pattern, as a consumer group that remembers how far it is."""

    name: str
    cluster: ClusterSettings
    group: str
    topics: Sequence[str] = ()
    pattern: str = ""
    """Regular expression over topic names, instead of `topics`."""
    bounded: bool = False
    """End at the topics' present end; for tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """Any topic of a cluster; each row says which."""

    name: str
    cluster: ClusterSettings
    group: str
    """What its transactions begin with, which must differ from job to job."""
    compression: str


def source_ddl(source: Source, settings: Settings) -> str:
    """Return the statement that declares a source table.

    Columns: ``key`` and ``value`` (BYTES, null where the record has none), ``topic``, ``partition``, ``offset``,
    ``timestamp`` and ``headers`` (MAP of STRING to BYTES; of headers with one name the last counts).
    """
    options = {
        "connector": "penstock-kafka",  # Flink's own, which opens the functions behind it at once (WakeUp in java/)
        **_RAW,
        **({"topic-pattern": source.pattern} if source.pattern else {"topic": ";".join(source.topics)}),
        "properties.bootstrap.servers": source.cluster.bootstrap_servers,
        "properties.group.id": source.group,
        "scan.startup.mode": "group-offsets",
        "properties.auto.offset.reset": "earliest",
        "scan.topic-partition-discovery.interval": f"{settings.flink.topic_discovery_interval_ms}ms",
        "properties.partition.discovery.interval.ms": str(settings.flink.topic_discovery_interval_ms),
        **({"scan.bounded.mode": "latest-offset"} if source.bounded else {}),
        # What the stage before wrote counts once its checkpoint is through, else exactly-once would be in name only.
        **({"properties.isolation.level": "read_committed"} if _exactly_once(settings) else {}),
        **_properties(source.cluster.java_properties(FLINK_SHADED_KAFKA)),
    }
    return f"""CREATE TEMPORARY TABLE {identifier(source.name)} (
        `key` BYTES,
        `value` BYTES,
        `topic` STRING NOT NULL METADATA VIRTUAL,
        `partition` INT NOT NULL METADATA VIRTUAL,
        `offset` BIGINT NOT NULL METADATA VIRTUAL,
        `timestamp` TIMESTAMP_LTZ(3) NOT NULL METADATA,
        `headers` MAP<STRING, BYTES> NOT NULL METADATA
    ) WITH ({_with(options)})"""


def sink_ddl(sink: Sink, settings: Settings) -> str:
    """Return the statement that declares a sink table; columns: key, value, topic, headers, timestamp."""
    flink, limits = settings.flink, settings.limits
    options = {
        "connector": "kafka",
        **_RAW,
        "topic-pattern": ".*",
        "properties.bootstrap.servers": sink.cluster.bootstrap_servers,
        "properties.acks": "all",
        "properties.compression.type": sink.compression,
        "properties.linger.ms": str(flink.linger_ms),
        "properties.batch.size": str(flink.producer_batch_bytes),
        # Sizes were checked against each topic's own limit; this is only the largest of them.
        "properties.max.request.size": str(limits.max_dead_letter_bytes + limits.batch_overhead_bytes),
        "properties.delivery.timeout.ms": str(flink.delivery_timeout_ms),
        "sink.delivery-guarantee": flink.delivery_guarantee.value,
        **_properties(sink.cluster.java_properties(FLINK_SHADED_KAFKA)),
    }
    if _exactly_once(settings):
        options["sink.transactional-id-prefix"] = f"{sink.group}.{sink.name}"
        options["properties.transaction.timeout.ms"] = str(flink.transaction_timeout_ms)
    return f"""CREATE TEMPORARY TABLE {identifier(sink.name)} (
        `key` BYTES,
        `value` BYTES,
        `topic` STRING METADATA,
        `headers` MAP<STRING, BYTES> METADATA,
        `timestamp` TIMESTAMP_LTZ(3) METADATA
    ) WITH ({_with(options)})"""


def identifier(name: str) -> str:
    """Quote a name for SQL."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Quote a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def _exactly_once(settings: Settings) -> bool:
    return settings.flink.delivery_guarantee is DeliveryGuarantee.EXACTLY_ONCE


def _properties(properties: Mapping[str, str]) -> dict[str, str]:
    return {f"properties.{name}": value for name, value in properties.items()}


def _with(options: Mapping[str, str]) -> str:
    return ", ".join(f"{literal(name)} = {literal(value)}" for name, value in options.items())
