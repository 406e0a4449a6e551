"""Waiting for a server that is back and still loads the model: how often it is asked, and until when."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import pytest

from jobs.service_job.client import ModelSpec, ModelState, ServerState
from jobs.service_job.waiting import waited_for
from penstock.remote.calls import CallError
from tests.fake_model_client import FakeModelClient

if TYPE_CHECKING:
    from penstock.remote.endpoints import Endpoints

SPEC = ModelSpec(name="digits")


class Servers:
    """Those that may always be asked; time passes in pauses only."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def wait(self, _deadline: float) -> bool:
        """One is there."""
        return True

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.pauses.append(seconds)
        self.now += seconds


def waited(client: FakeModelClient, servers: Servers, deadline: float) -> bool:
    """Wait by the servers' clock."""
    return waited_for(client, cast("Endpoints[Any]", servers), SPEC, deadline, lambda: servers.now)


def test_server_that_loads_is_asked_less_and_less_often() -> None:
    """It has enough to do."""
    client, servers = FakeModelClient(), Servers()
    client.before = [ServerState(ModelState.LOADING, 1, "")] * 7

    assert waited(client, servers, math.inf)
    assert servers.pauses == pytest.approx([0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0])


def test_no_pause_is_longer_than_the_wait() -> None:
    """And then it is over."""
    client, servers = FakeModelClient(), Servers()
    client.state = ServerState(ModelState.LOADING, 1, "")

    assert not waited(client, servers, 0.3)
    assert sum(servers.pauses) == pytest.approx(0.3)


@pytest.mark.parametrize(("code", "worth_it"), [("PERMISSION_DENIED", True), ("UNAVAILABLE", False)])
def test_what_is_wrong_for_good_is_told_by_asking(*, code: str, worth_it: bool) -> None:
    """What passes is waited for."""
    client, servers = FakeModelClient(), Servers()
    client.failure = CallError(code, "not now")

    assert waited(client, servers, 0.3) is worth_it
    assert bool(servers.pauses) is not worth_it
