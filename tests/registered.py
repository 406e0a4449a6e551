"""Models on their topic, for tests: descriptors, an installation to put them in, and messages of other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock import kafka, topics
from penstock.control.publisher import publish
from penstock.control.watching import workers
from penstock.local.waiting import wait_until
from penstock.models.descriptor import ModelDescriptor
from penstock.testing import builders
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.settings import Settings

ONE, OTHER = "1" * 64, "2" * 64


def descriptor(name: str = "iris", version: int = 1, sha256: str = ONE, **changes: Any) -> ModelDescriptor:
    """A version of a model."""
    plain = {"name": name, "version": version, "job": "pmml", "format": "pmml", "uri": "/m", "sha256": sha256}
    return ModelDescriptor.parse(plain | changes, "a test")


def at_work(found: Settings, count: int = 1) -> bool:
    """Wait until so many workers have said that they are ready: they do so beside what they do.

    Who was never heard of is not waited for when something changes.
    """
    return wait_until(lambda: len(workers(found)) == count, SOON_S, 0.02)


def write(found: Settings, *records: tuple[bytes | None, bytes | None]) -> int:
    """Write to the topic of models as any other program would, every message taken; return the last offset."""
    producer = kafka.producer(found.kafka.internal_cluster)
    sent = [producer.send(topics.control_models(found.topics.prefix), value, key=key) for key, value in records]
    offsets = [future.get(timeout=SOON_S).offset for future in sent]
    producer.close()
    return int(offsets[-1])


def installed(make_installation: Callable[..., Any], **changes: object) -> Settings:
    """An installation whose topics are there, with a document in force."""
    found: Settings = make_installation(**changes).settings
    topics.ensure(found.kafka.internal_cluster, topics.internal_topics(found))
    publish(found, builders.document(version=1).model_dump_json(exclude_none=True))
    return found
