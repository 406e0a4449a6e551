"""Topics: the one declaration of every topic's name, partitions, retention, clean-up and size of records.

``ensure`` makes the missing ones and refuses those that are there but do not take what would be written to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from penstock.errors import TopicError
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kafka import KafkaAdminClient

    from penstock.clusters import ClusterSettings
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = [
    "Plan",
    "Topic",
    "control_models",
    "control_routing",
    "control_status",
    "dead_letters",
    "ensure",
    "internal_topics",
    "request_pattern",
    "request_topic",
    "results",
    "shadow_request_pattern",
    "shadow_request_topic",
    "shadow_requests",
    "shadow_results",
    "shortfall",
    "shortfalls",
    "topics_for",
]

#: What Kafka calls the largest batch that a topic takes.
_LARGEST = "max.message.bytes"
_COMPACTED = {"cleanup.policy": "compact"}
#: What Kafka says while no broker may take a topic: all have just begun, or have stood still for a while.
_FENCED = "currently fenced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it is to be: what creating it takes."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, str] = field(default_factory=dict)
    needs_bytes: int = 0
    """Largest batch that a job writes to it, which the topic's ``max.message.bytes`` must let pass; 0: none writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The topics that a routing document needs, by cluster: the users' own, and those between Penstock's parts."""

    external: tuple[Topic, ...]
    internal: tuple[Topic, ...]


def request_topic(prefix: str, job: str, model: str) -> str:
    """Name the topic that carries requests to a model; ``model`` is its name without a version."""
    return f"{prefix}.{job}.{model}"


def request_pattern(prefix: str, job: str) -> str:
    """Return the regular expression that matches the request topics of a job, and no other topic."""
    return rf"{re.escape(prefix)}\.{re.escape(job)}\..+"


def shadow_request_topic(prefix: str, job: str, model: str) -> str:
    """Name the topic that carries copies of events to a model that shadows others.

    A topic of its own, so that a slow shadow never stands in the way of what users wait for.
    """
    return request_topic(prefix, f"shadow-{job}", model)


def shadow_request_pattern(prefix: str, job: str) -> str:
    """Return the regular expression that matches the topics of copies of a job, and no other topic."""
    return request_pattern(prefix, f"shadow-{job}")


def results(prefix: str) -> str:
    """Name the topic of results."""
    return f"{prefix}.results"


def shadow_results(prefix: str) -> str:
    """Name the topic of shadows' results, which never reach a user."""
    return f"{prefix}.shadow-results"


def dead_letters(prefix: str) -> str:
    """Name the topic of dead letters."""
    return f"{prefix}.dead-letters"


def control_routing(prefix: str) -> str:
    """Name the topic that holds the current routing document."""
    return f"{prefix}.control.routing"


def control_models(prefix: str) -> str:
    """Name the topic that holds the registry of models: descriptors, and which version of each name is live."""
    return f"{prefix}.control.models"


def control_status(prefix: str) -> str:
    """Name the topic of workers' answers."""
    return f"{prefix}.control.status"


def internal_topics(settings: Settings) -> tuple[Topic, ...]:
    """Declare the topics that every installation has, whatever its routing document says."""
    prefix, retention = settings.topics.prefix, settings.topics.retention_ms
    return (
        _stream(settings, results(prefix), retention),
        _stream(settings, shadow_results(prefix), retention),
        _stream(
            settings,
            dead_letters(prefix),
            settings.topics.dead_letter_retention_ms,
            max_bytes=settings.limits.max_dead_letter_bytes,
        ),
        # Not compacted before the lag is over, so that they are histories too, as far back as that.
        _control(settings, control_routing(prefix), _COMPACTED | {"min.compaction.lag.ms": str(retention)}),
        _control(settings, control_models(prefix), _COMPACTED | {"min.compaction.lag.ms": str(retention)}),
        _control(settings, control_status(prefix), _deleting(settings.topics.status_retention_ms)),
    )


def topics_for(document: RoutingDocument, settings: Settings) -> Plan:
    """Declare all topics that a routing document needs: its sources and outputs, and the internal ones."""
    prefix, retention = settings.topics.prefix, settings.topics.retention_ms
    outputs = {route.output.topic for route in document.routes}
    if not isinstance(document.unmatched, str):
        outputs.add(document.unmatched.topic)
    sources = {source.topic for source in document.sources}
    requests = {request_topic(prefix, model.job, name) for name, model in document.models.items()}
    requests |= shadow_requests(document, prefix).keys()
    return Plan(
        external=(
            *(_source(settings, name) for name in sorted(sources)),
            *(_stream(settings, name, retention) for name in sorted(outputs - sources)),
        ),
        internal=(
            *internal_topics(settings),
            *(_stream(settings, name, retention) for name in sorted(requests)),
        ),
    )


def shadow_requests(document: RoutingDocument, prefix: str) -> dict[str, str]:
    """Return the topics of copies that a routing document needs, each with its model's name."""
    names = {ModelRef.parse(shadow.model).name: None for route in document.routes for shadow in route.shadow}
    return {shadow_request_topic(prefix, document.models[name].job, name): name for name in names}


def ensure(cluster: ClusterSettings, topics: Iterable[Topic]) -> tuple[str, ...]:
    """Create what is missing and return its names; a topic that is there already is left as it is.

    Raises:
        KafkaUnavailableError: no broker answered, or it refused us.
        TopicError: a broker refused to make a topic, or one that is there is too small for our records.
    """
    from kafka.errors import NoError, TopicAlreadyExistsError  # the names above are used where no client is wanted

    from penstock import kafka

    wanted = {topic.name: topic for topic in topics}
    client = kafka.admin(cluster)
    try:
        with kafka.reaching(cluster):
            present = set(client.list_topics())
            faults = _shortfalls(client, [topic for topic in wanted.values() if topic.name in present])
            missing = {name: _creation(topic) for name, topic in wanted.items() if name not in present}
            answers = _created(cluster, client, missing)
            # Someone else may have made it since we looked, which is as good.
            good = {NoError.errno, TopicAlreadyExistsError.errno}
            # Not for all, as the call above could: for one that was refused it would wait in vain.
            made = [answer["name"] for answer in answers if answer["error_code"] in good]
            client.wait_for_topics(made, timeout_ms=cluster.request_timeout_ms)
    finally:
        client.close()
    faults += [
        f"the topic {answer['name']!r} was not made: {answer['error_message']};"
        " change the settings under 'topics' or make it yourself"
        for answer in answers
        if answer["error_code"] not in good
    ]
    if faults:
        raise TopicError(tuple(faults))
    return tuple(missing)


def _created(
    cluster: ClusterSettings, client: KafkaAdminClient, missing: Mapping[str, object]
) -> Collection[dict[str, Any]]:
    """Make topics and return the last answer to each; those that no broker may take yet are asked for again."""
    from penstock import kafka

    answers: dict[str, dict[str, Any]] = {}

    def answered() -> Collection[dict[str, Any]]:
        wanted = {name: made for name, made in missing.items() if name not in answers or _fenced(answers[name])}
        came = client.create_topics(wanted, raise_errors=False)["topics"]
        answers.update({answer["name"]: answer for answer in came})
        return answers.values()

    return kafka.ask(cluster, answered, lambda found: any(map(_fenced, found))) if missing else ()


def _fenced(answer: Mapping[str, Any]) -> bool:
    return _FENCED in (answer["error_message"] or "")


def shortfalls(cluster: ClusterSettings, topics: Iterable[Topic]) -> list[str]:
    """Say of each topic that is there but too small for our records what is wrong and what to do.

    Raises:
        KafkaUnavailableError: no broker answered, or it refused us.
    """
    from penstock import kafka

    client = kafka.admin(cluster)
    try:
        with kafka.reaching(cluster):
            return _shortfalls(client, topics)
    finally:
        client.close()


def _shortfalls(client: KafkaAdminClient, topics: Iterable[Topic]) -> list[str]:
    from penstock import kafka

    wanted = [topic for topic in topics if topic.needs_bytes]
    configs = kafka.topic_configs(client, [topic.name for topic in wanted], [_LARGEST])
    return [fault for topic in wanted if (fault := shortfall(topic, configs[topic.name]))]


def shortfall(topic: Topic, config: Mapping[str, str]) -> str | None:
    """Say what is wrong with a topic that has this configuration; one that it does not tell is taken to be right.

    A producer whose record the broker refuses fails its job, which then meets the same record again: for ever.
    """
    largest = int(config.get(_LARGEST, topic.needs_bytes))
    if largest >= topic.needs_bytes:
        return None
    return (
        f"the topic {topic.name!r} takes batches of {largest} bytes ({_LARGEST}), it needs {topic.needs_bytes}:"
        " raise that (docs/operations.md says how), or lower the settings under 'limits'"
    )


def _creation(topic: Topic) -> dict[str, object]:
    return {
        "num_partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "configs": dict(topic.config),
    }


def _source(settings: Settings, name: str) -> Topic:
    """Declare a topic that only users' producers write to: how large their records may be is between them and it."""
    made = _stream(settings, name, settings.topics.retention_ms, settings.limits.max_event_bytes)
    return replace(made, needs_bytes=0)


def _stream(settings: Settings, name: str, retention_ms: int, max_bytes: int | None = None) -> Topic:
    """Declare a topic of records that pass by: as many partitions as set, old records deleted."""
    needed = _needed(settings, max_bytes)
    return Topic(
        name=name,
        partitions=settings.topics.partitions,
        replication_factor=settings.topics.replication_factor,
        config={**_deleting(retention_ms), _LARGEST: str(needed)},
        needs_bytes=needed,
    )


def _control(settings: Settings, name: str, policy: Mapping[str, str]) -> Topic:
    """Declare a control topic: one partition, because every follower reads all of it, in order."""
    needed = _needed(settings)
    return Topic(
        name=name,
        partitions=1,
        replication_factor=settings.topics.replication_factor,
        config={**policy, _LARGEST: str(needed)},
        needs_bytes=needed,
    )


def _deleting(retention_ms: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(retention_ms)}


def _needed(settings: Settings, max_bytes: int | None = None) -> int:
    """Leave room above the largest record: the broker counts the batch around it too."""
    largest = settings.limits.max_request_bytes if max_bytes is None else max_bytes
    return largest + settings.limits.batch_overhead_bytes
