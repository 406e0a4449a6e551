"""Why a broker did not answer is heard from the client library's logger, and nobody else hears it."""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from kafka.errors import (
    KafkaConnectionError,
    KafkaTimeoutError,
    MetadataEmptyBrokerList,
    NodeNotReadyError,
    RequestTimedOutError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
)

from penstock import kafka
from penstock.clusters import ClusterSettings
from penstock.errors import KafkaUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

CONNECTING = "kafka.net.manager"
NOWHERE = ClusterSettings(bootstrap_servers="127.0.0.1:1")


@pytest.fixture
def library() -> logging.Logger:
    """The logger of the part that connects, which programs keep quiet by its parent."""
    return logging.getLogger(CONNECTING)


def refused(library: logging.Logger) -> None:
    """Say what the library says when nobody listens."""
    library.error("Connection failed: %s", ConnectionRefusedError(111, "refused"))
    raise OSError("time is up")


def failed(library: logging.Logger, causes: Iterable[Exception], end: Exception) -> None:
    """Say what the library says of each attempt, and in the end."""
    for cause in causes:
        library.error("Connection failed: %s", cause)
    raise end


def test_reason_is_what_the_library_only_logs(library: logging.Logger) -> None:
    """What is raised there tells that time is up, and not why."""
    with pytest.raises(KafkaUnavailableError, match="ConnectionRefusedError"), kafka.reaching(NOWHERE):
        refused(library)


@pytest.mark.parametrize("order", [1, -1], ids=["slow first", "slow last"])
def test_reason_is_what_says_most(library: logging.Logger, order: int) -> None:
    """A broker that refuses us is told of, however often it was slow or hung up before and after that."""
    causes = [RequestTimedOutError("after 11 ms"), KafkaConnectionError("hung up"), SaslAuthenticationFailedError("no")]

    with (
        pytest.raises(KafkaUnavailableError, match=r"\(SaslAuthenticationFailedError: .*no\)"),
        kafka.reaching(NOWHERE),
    ):
        failed(library, causes[::order], KafkaTimeoutError())


def test_reason_is_what_the_end_was_where_connections_were_only_slow(library: logging.Logger) -> None:
    """They came about after all, and then the broker refused what was asked."""
    with pytest.raises(KafkaUnavailableError, match="TopicAuthorizationFailedError"), kafka.reaching(NOWHERE):
        failed(library, [KafkaTimeoutError("after 30 s")], TopicAuthorizationFailedError("t"))


@pytest.mark.parametrize("end", [KafkaTimeoutError("time is up"), NodeNotReadyError(1)])
def test_reason_is_why_connections_failed_where_the_end_says_less(library: logging.Logger, end: Exception) -> None:
    """That time is up, or that there is no connection, is what a failed connection comes to."""
    with pytest.raises(KafkaUnavailableError, match="after 30 s"), kafka.reaching(NOWHERE):
        failed(library, [RequestTimedOutError("after 30 s")], end)


def test_connections_have_as_long_as_requests() -> None:
    """Of its own accord the library gives a broker that stands still ten seconds, and then fails what was asked."""
    cluster = ClusterSettings(bootstrap_servers="127.0.0.1:1", request_timeout_ms=25_000)
    options = kafka._common(cluster)
    made = options.pop("kafka_client")(**options)  # type: ignore[operator]  # of a library without types
    try:
        assert made._manager.socket_connection_setup_timeout_ms(node_id=1) == 25_000
    finally:
        made.close()


def test_attempts_that_overlap_leave_the_logger_as_it_was(
    library: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    """Several threads connect at a time: the first to end is not the last."""
    with caplog.at_level(logging.CRITICAL, "kafka"):
        before = (library.level, library.propagate, library.handlers[:])
        first, second = ExitStack(), ExitStack()
        first.enter_context(kafka.reaching(NOWHERE))
        second.enter_context(kafka.reaching(NOWHERE))
        first.close()
        with suppress(OSError):
            refused(library)
        second.close()

        assert (library.level, library.propagate, library.handlers) == before
        assert not library.isEnabledFor(logging.ERROR)
        assert caplog.records == []


def test_cluster_that_is_without_brokers_is_asked_again() -> None:
    """Brokers that stood still are back within seconds, or they are away."""
    left = [MetadataEmptyBrokerList(), MetadataEmptyBrokerList()]

    def question() -> str:
        if left:
            raise left.pop()
        return "there"

    def in_vain() -> None:
        raise MetadataEmptyBrokerList

    assert kafka.ask(NOWHERE, question) == "there"
    with pytest.raises(KafkaUnavailableError, match="MetadataEmptyBrokerList"):
        kafka.ask(NOWHERE.model_copy(update={"request_timeout_ms": 1}), in_vain)
