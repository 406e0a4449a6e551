"""Channels to servers that go and come back."""

from __future__ import annotations

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
        channel.ask(STATUS, STATUS.request(), 5.0)
    with FakeTensorFlowServing({}, port=port):  # on a busy machine one attempt to connect may not do
        codes = [probed(channel)]
        while codes[-1] == "UNAVAILABLE" and len(codes) < 5:
            codes.append(probed(channel))

    assert codes[-1] == "NOT_FOUND"


def probed(channel: Channel) -> str:
    """What it says of a model that no server has."""
    with pytest.raises(CallError) as told:
        channel.probe(STATUS, STATUS.request(), 5.0)
    return told.value.code


def test_probe_tells_why_there_is_no_connection(channel: Channel) -> None:
    """Not that its own time was over."""
    with pytest.raises(CallError, match=r"UNAVAILABLE: it cannot be connected to: .*refused"):
        channel.probe(STATUS, STATUS.request(), 5.0)
