"""Models on their topic, for tests: descriptors, an installation to put them in, and messages of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import kafka, topics
from penstock.control.publisher import publish
from penstock.models.descriptor import ModelDescriptor
from penstock.testing import builders

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.settings import Settings

#: Three beats are longer than a busy machine keeps a thread waiting: who misses them counts as gone.
QUICK = {"control.heartbeat_ms": 1_000}
_SOON_S = 20
ONE, OTHER = "1" * 64, "2" * 64


def descriptor(name: str = "iris", version: int = 1, sha256: str = ONE, **changes: Any) -> ModelDescriptor:
    """A version of a model."""
    plain = {"name": name, "version": version, "job": "pmml", "format": "pmml", "uri": "/m", "sha256": sha256}
    return ModelDescriptor.parse(plain | changes, "a test")


def write(found: Settings, *records: tuple[bytes | None, bytes | None]) -> int:
    """Write to the topic of models as any other program would, every message taken; return the last offset."""
    producer = kafka.producer(found.kafka.internal_cluster)
    sent = [producer.send(topics.control_models(found.topics.prefix), value, key=key) for key, value in records]
    offsets = [future.get(timeout=_SOON_S).offset for future in sent]
    producer.close()
    return int(offsets[-1])


def installed(make_installation: Callable[..., Any], **changes: object) -> Settings:
    """An installation whose topics are there, with a document in force."""
    found: Settings = make_installation(**QUICK, **changes).settings
    topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
    publish(found, builders.document(version=1).model_dump_json(exclude_none=True))
    return found
