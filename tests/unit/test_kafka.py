"""Why a broker did not answer is heard from the client library's logger, and nobody else hears it."""

from __future__ import annotations

import logging
from contextlib import ExitStack, suppress

import pytest

from penstock import kafka
from penstock.clusters import ClusterSettings
from penstock.errors import KafkaUnavailableError

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


def test_reason_is_what_the_library_only_logs(library: logging.Logger) -> None:
    """What is raised there tells that time is up, and not why."""
    with pytest.raises(KafkaUnavailableError, match="ConnectionRefusedError"), kafka.reaching(NOWHERE):
        refused(library)


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
