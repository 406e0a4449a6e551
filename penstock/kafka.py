"""The only place that makes Kafka clients; a broker that is not there is one error with one line."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.clusters import ClusterSettings

__all__ = ["admin", "available", "consumer", "producer", "reaching"]


@contextmanager
def reaching(cluster: ClusterSettings) -> Iterator[None]:
    """Turn what the client library raises inside the block into ``KafkaUnavailableError``."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise KafkaUnavailableError(cluster.bootstrap_servers, _said(error)) from error


def admin(cluster: ClusterSettings, **options: object) -> KafkaAdminClient:
    """Return a connected admin client; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaAdminClient(**{**cluster.python_client(), **options})


def producer(cluster: ClusterSettings, **options: object) -> KafkaProducer:
    """Return a connected producer that waits for all in-sync copies; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaProducer(**{"acks": "all", "allow_auto_create_topics": False, **cluster.python_client(), **options})


def consumer(cluster: ClusterSettings, *topics: str, **options: object) -> KafkaConsumer:
    """Return a connected consumer, of ``topics`` if any are named; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaConsumer(*topics, **{"allow_auto_create_topics": False, **cluster.python_client(), **options})


def available(cluster: ClusterSettings, **options: object) -> bool:
    """Say whether a broker of the cluster answers."""
    try:
        admin(cluster, **options).close()
    except KafkaUnavailableError:
        return False
    return True


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
