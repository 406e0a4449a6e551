"""Asking servers whether they are well: those that answer, those that refuse, and those that hang."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from penstock.remote.probes import ailment
from penstock.testing.ports import free_port
from penstock.testing.tensorflow_serving import FakeTensorFlowServing
from tests.oip_servers import GrpcServer, OipServer, RestServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.testing.model_servers import FakeModelServer

TENSORFLOW, GRPC, REST = ("tensorflow", "grpc"), ("open-inference", "grpc"), ("open-inference", "rest")
LONG_S = 60.0
SHORT_S = 0.3


@pytest.mark.parametrize(
    ("way", "make"), [(TENSORFLOW, lambda: FakeTensorFlowServing({})), (GRPC, GrpcServer), (REST, RestServer)]
)
def test_server_that_answers_is_well(way: tuple[str, str], make: Callable[[], FakeModelServer]) -> None:
    """It need not have a model."""
    with make() as server:
        assert ailment(server.address, way, None, {}, LONG_S) is None


@pytest.mark.parametrize(("way", "make"), [(GRPC, GrpcServer), (REST, RestServer)])
def test_server_that_is_not_ready_is_told_of(way: tuple[str, str], make: Callable[[], OipServer]) -> None:
    """It answers, and says so itself."""
    with make() as server:
        server.ready = False
        found = ailment(server.address, way, None, {}, LONG_S)

    assert found is not None
    assert found.code == "UNAVAILABLE"


def test_server_that_refuses_the_call_answers() -> None:
    """Here a service that it does not have: whoever asks for a model will be told more."""
    with GrpcServer() as server:
        assert ailment(server.address, TENSORFLOW, None, {}, LONG_S) is None


@pytest.mark.parametrize("way", [TENSORFLOW, GRPC, REST])
def test_server_that_hangs_is_told_of_in_time(way: tuple[str, str]) -> None:
    """The kernel takes connections of a process that has stopped; nobody ever answers them."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        found = ailment(f"127.0.0.1:{hanging.getsockname()[1]}", way, None, {}, SHORT_S)

    assert found is not None
    assert found.code in {"DEADLINE_EXCEEDED", "UNAVAILABLE"}


@pytest.mark.parametrize("way", [TENSORFLOW, GRPC, REST])
def test_server_that_is_away_is_told_of(way: tuple[str, str]) -> None:
    """Why there is no connection is said, where that is known: on a busy machine an attempt may end by its own time."""
    address = f"127.0.0.1:{free_port()}"
    found = [ailment(address, way, None, {}, LONG_S)]
    while len(found) < 5 and "refused" not in getattr(found[-1], "details", ""):
        found.append(ailment(address, way, None, {}, LONG_S))

    assert all(each is not None and each.code == "UNAVAILABLE" for each in found)
    assert "refused" in getattr(found[-1], "details", "")
