"""Channels to servers that go and come back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from penstock.remote.calls import CallError
from penstock.remote.channels import Channel
from penstock.remote.messages import MODEL_SERVICE, methods
from penstock.testing.ports import free_port
from penstock.testing.tensorflow_serving import FakeTensorFlowServing

if TYPE_CHECKING:
    from collections.abc import Iterator

STATUS = methods(MODEL_SERVICE)["GetModelStatus"]
PATIENCE_S = 60.0


@pytest.fixture
def port() -> int:
    """One at which nobody listens."""
    return free_port()


@pytest.fixture
def channel(port: int) -> Iterator[Channel]:
    """A channel to it."""
    found = Channel(f"127.0.0.1:{port}", None, {})
    yield found
    found.close()


def test_probe_finds_a_server_that_is_back(channel: Channel, port: int) -> None:
    """The connection is broken and in a pause, in which calls fail at once: the probe waits for the next attempt."""
    with pytest.raises(CallError, match="UNAVAILABLE"):
        channel.ask(STATUS, STATUS.request(), PATIENCE_S)
    with FakeTensorFlowServing({}, port=port):
        assert "NOT_FOUND" in probed(channel, "NOT_FOUND")


def probed(channel: Channel, wanted: str) -> str:
    """What a probe is told; on a busy machine one attempt to connect may not do, and ends by its own time."""
    said = ""
    for _ in range(5):
        with pytest.raises(CallError) as told:
            channel.probe(STATUS, STATUS.request(), PATIENCE_S)
        said = str(told.value)
        if wanted in said:
            break
    return said


def test_probe_tells_why_there_is_no_connection(channel: Channel) -> None:
    """Not that its own time was over."""
    assert re.search(r"UNAVAILABLE: it cannot be connected to: .*refused", probed(channel, "refused"))
