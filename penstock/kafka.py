"""The only place that makes Kafka clients; a broker that is not there is one error with one line."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import BrokerResponseError, KafkaError

from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from penstock.clusters import ClusterSettings

__all__ = ["admin", "available", "consumer", "producer", "reaching", "topic_configs"]

#: A broker that comes back is found within about a second; the library's own longest pause is 30.
_RECONNECT = {"reconnect_backoff_max_ms": 1_000}
#: The part of the library that tells why it could not connect.
_CONNECTING = "kafka.net.manager"


@contextmanager
def reaching(cluster: ClusterSettings) -> Iterator[None]:
    """Turn what the client library raises inside the block into ``KafkaUnavailableError``."""
    with _collected_causes() as causes:
        try:
            yield
        except (KafkaError, OSError) as error:
            raise KafkaUnavailableError(cluster.bootstrap_servers, _said(_telling(causes) or error)) from error


def admin(cluster: ClusterSettings, **options: object) -> KafkaAdminClient:
    """Return a connected admin client; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaAdminClient(**{**_RECONNECT, **cluster.python_client(), **options})


def producer(cluster: ClusterSettings, **options: object) -> KafkaProducer:
    """Return a connected producer that waits for all in-sync copies; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaProducer(
            **{"acks": "all", "allow_auto_create_topics": False, **_RECONNECT, **cluster.python_client(), **options}
        )


def consumer(cluster: ClusterSettings, *topics: str, **options: object) -> KafkaConsumer:
    """Return a connected consumer, of ``topics`` if any are named; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaConsumer(
            *topics, **{"allow_auto_create_topics": False, **_RECONNECT, **cluster.python_client(), **options}
        )


def available(cluster: ClusterSettings, **options: object) -> bool:
    """Say whether a broker of the cluster answers."""
    try:
        admin(cluster, **options).close()
    except KafkaUnavailableError:
        return False
    return True


def topic_configs(client: KafkaAdminClient, names: Collection[str], keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Return configurations of topics, defaults too; a topic that is not there, or that we may not look at, has none.

    To be called within ``reaching``.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(keys)) for name in names]
    found = client.describe_configs(asked, config_filter="all").get("topic", {})
    return {name: {key: entry["value"] for key, entry in found.get(name, {}).items()} for name in names}


@contextmanager
def _collected_causes() -> Iterator[list[Exception]]:
    """Collect why connections failed: the library only logs that, and raises that time is up."""
    causes: list[Exception] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            arguments = record.args if isinstance(record.args, tuple) else ()
            causes.extend(argument for argument in arguments if isinstance(argument, Exception))

    logger, collector = logging.getLogger(_CONNECTING), Collector(logging.WARNING)
    level, propagate = logger.level, logger.propagate
    logger.propagate = propagate and logger.isEnabledFor(logging.WARNING)  # who is kept quiet stays quiet
    logger.setLevel(min(logger.getEffectiveLevel(), logging.WARNING))
    logger.addHandler(collector)
    try:
        yield causes
    finally:
        logger.removeHandler(collector)
        logger.setLevel(level)
        logger.propagate = propagate


def _telling(causes: Sequence[Exception]) -> Exception | None:
    """Return the cause that says most: what a broker answered; it may hang up before and after that."""
    refusals = (cause for cause in causes if isinstance(cause, BrokerResponseError))
    return next(refusals, causes[0] if causes else None)


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text.removeprefix(f'{name}: ')}" if text else name
