"""The only place that makes Kafka clients; a broker that is not there is one error with one line."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    BrokerResponseError,
    KafkaError,
    KafkaTimeoutError,
    MetadataEmptyBrokerList,
    NodeNotReadyError,
    RequestTimedOutError,
)
from kafka.net.compat import KafkaNetClient
from tenacity import RetryCallState, Retrying, retry_if_exception_type, retry_if_result, stop_after_delay, wait_fixed

from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from kafka import TopicPartition

    from penstock.clusters import ClusterSettings

__all__ = ["admin", "ask", "available", "close", "consumer", "is_at", "producer", "reaching", "topic_configs"]

T = TypeVar("T")

#: A broker that comes back is found within about a second; the library's own longest pause is 30.
_RECONNECT = {"reconnect_backoff_max_ms": 1_000}
#: Between two questions to a cluster whose brokers are not back yet.
_AGAIN_S = 0.2
#: For the thread of a producer that is to end at once.
_FORCED_S = 10
#: The part of the library that tells why it could not connect.
_CONNECTING = "kafka.net.manager"


@contextmanager
def reaching(cluster: ClusterSettings) -> Iterator[None]:
    """Turn what the client library raises inside the block into ``KafkaUnavailableError``."""
    with _collected_causes() as causes:
        try:
            yield
        except (KafkaError, OSError) as error:
            raise KafkaUnavailableError(cluster.bootstrap_servers, _said(_telling([*causes, error]))) from error


def admin(cluster: ClusterSettings, **options: object) -> KafkaAdminClient:
    """Return a connected admin client; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaAdminClient(**{**_common(cluster), **options})


def producer(cluster: ClusterSettings, **options: object) -> KafkaProducer:
    """Return a connected producer that waits for all in-sync copies; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaProducer(**{"acks": "all", "allow_auto_create_topics": False, **_common(cluster), **options})


def consumer(cluster: ClusterSettings, *topics: str, **options: object) -> KafkaConsumer:
    """Return a connected consumer, of ``topics`` if any are named; the caller closes it.

    Raises:
        KafkaUnavailableError: no broker answered in time, or it refused the log-in.
    """
    with reaching(cluster):
        return KafkaConsumer(*topics, **{"allow_auto_create_topics": False, **_common(cluster), **options})


def available(cluster: ClusterSettings, **options: object) -> bool:
    """Say whether a broker of the cluster answers."""
    try:
        admin(cluster, **options).close()
    except KafkaUnavailableError:
        return False
    return True


def _common(cluster: ClusterSettings) -> dict[str, object]:
    """Return the options of all clients of a cluster.

    Once a client has found the cluster it connects anew, to each broker, within ten seconds for which it has no option;
    what an administrator asked for fails with that. Here a broker may stand still for as long as with any request.
    """
    patient = partial(KafkaNetClient, socket_connection_setup_timeout_ms=cluster.request_timeout_ms)
    return {"kafka_client": patient, **_RECONNECT, **cluster.python_client()}


def topic_configs(client: KafkaAdminClient, names: Collection[str], keys: Collection[str]) -> dict[str, dict[str, str]]:
    """Return configurations of topics, defaults too; a topic that is not there, or that we may not look at, has none.

    To be called within ``reaching``.
    """
    asked = [ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(keys)) for name in names]
    found = client.describe_configs(asked, config_filter="all").get("topic", {})
    return {name: {key: entry["value"] for key, entry in found.get(name, {}).items()} for name in names}


def ask(cluster: ClusterSettings, question: Callable[[], T], fenced: Callable[[T], bool] = lambda _: False) -> T:
    """Ask a client of topics, and again for a while where all brokers are fenced; the last answer counts.

    One that stood still for longer than its session, nine seconds, is fenced until its next heartbeat, within two. The
    client then finds the cluster without brokers, or the answer tells it.

    Args:
        cluster: the client's; a broker of it has as long to come back as to answer any request.
        question: asks the client.
        fenced: says of an answer whether it tells that brokers are fenced.

    Raises:
        KafkaUnavailableError: no broker answered in time.
    """
    retrying = Retrying(
        stop=stop_after_delay(cluster.request_timeout_ms / 1000),
        wait=wait_fixed(_AGAIN_S),
        retry=retry_if_exception_type(MetadataEmptyBrokerList) | retry_if_result(fenced),
        retry_error_callback=_last,
    )
    with reaching(cluster):
        return retrying(question)


def _last(state: RetryCallState) -> Any:
    """Return, or raise, what the last attempt came to."""
    return state.outcome.result()  # type: ignore[union-attr]  # there was an attempt


def is_at(client: KafkaConsumer, at: TopicPartition, end: int) -> bool:
    """Say whether a consumer has come to an offset; not while no broker has told it where the partition begins.

    To be called by `ask`.
    """
    position = client.position(at)
    return position is not None and position >= end


def close(client: KafkaProducer, wait_s: float) -> None:
    """Close a producer, whatever the broker does: records that are not acknowledged after ``wait_s`` are given up.

    The library's own way leaves such a producer open: its thread goes on, and its end raises wherever that comes.
    """
    try:
        client.close(timeout=wait_s)
    except KafkaError:
        sender = client._sender  # noqa: SLF001 (its close does the same, where it does not raise before)
        sender.force_close()
        sender.join(_FORCED_S)
        if not sender.is_alive():
            client.close(timeout=0)


class _Collector(logging.Handler):
    def __init__(self, causes: list[Exception]) -> None:
        super().__init__(logging.WARNING)
        self._causes = causes

    def emit(self, record: logging.LogRecord) -> None:
        arguments = record.args if isinstance(record.args, tuple) else ()
        self._causes.extend(argument for argument in arguments if isinstance(argument, Exception))


class _Listening:
    """The library's logger is one for all threads: the first that listens changes it, the last puts it back."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)
        self._lock = threading.Lock()
        self._listeners = 0
        self._before = (self._logger.level, self._logger.propagate)

    @contextmanager
    def by(self, collector: logging.Handler) -> Iterator[None]:
        logger = self._logger
        with self._lock:
            if not self._listeners:
                self._before = (logger.level, logger.propagate)
                logger.propagate = logger.propagate and logger.isEnabledFor(logging.WARNING)  # the quiet stay quiet
                logger.setLevel(min(logger.getEffectiveLevel(), logging.WARNING))
            self._listeners += 1
            logger.addHandler(collector)
        try:
            yield
        finally:
            with self._lock:
                logger.removeHandler(collector)
                self._listeners -= 1
                if not self._listeners:
                    level, logger.propagate = self._before
                    logger.setLevel(level)


_listening = _Listening(_CONNECTING)


@contextmanager
def _collected_causes() -> Iterator[list[Exception]]:
    """Collect why connections failed: the library only logs that, and raises that time is up."""
    causes: list[Exception] = []
    with _listening.by(_Collector(causes)):
        yield causes


def _telling(causes: Sequence[Exception]) -> Exception:
    """Return the cause that says most: what a broker refused; it may hang up, or be slow, before and after that."""
    return min(causes, key=_reticence)


def _reticence(cause: Exception) -> int:
    if isinstance(cause, (RequestTimedOutError, KafkaTimeoutError, NodeNotReadyError)):
        return 2
    return 0 if isinstance(cause, BrokerResponseError) else 1


def _said(error: Exception) -> str:
    text = " ".join(str(error).split())
    name = type(error).__name__
    return f"{name}: {text.removeprefix(f'{name}: ')}" if text else name
