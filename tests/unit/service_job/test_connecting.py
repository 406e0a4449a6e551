"""From the settings of a model server to a client of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.service_job.connecting import ServerConfig, connected
from jobs.service_job.oip_grpc import OipGrpcClient
from jobs.service_job.oip_rest import OipRestClient
from jobs.service_job.tensorflow import TensorFlowClient
from penstock.settings import Settings

CASES = [
    ("tensorflow", "grpc", TensorFlowClient),
    ("open-inference", "grpc", OipGrpcClient),
    ("open-inference", "rest", OipRestClient),
]


def test_settings_say_all_of_it() -> None:
    """Servers, how they are spoken to, how long and how often, and when they are left alone."""
    service = {
        "servers": {
            "ours": {
                "endpoints": ["a:1", "b:2"],
                "protocol": "open-inference",
                "transport": "rest",
                "tls": {"ca": "/ca.pem"},
                "metadata": {"authorization": "Bearer secret"},
            }
        },
        "deadline_ms": 1500,
        "attempts": 7,
        "breaker_failures": 3,
        "breaker_most_ms": 100,
    }
    found = ServerConfig.of(Settings.model_validate({"service": service}).service, "ours")

    assert (found.endpoints, found.protocol, found.transport) == (("a:1", "b:2"), "open-inference", "rest")
    assert found.tls is not None
    assert (found.tls.ca, found.tls.key) == (Path("/ca.pem"), None)
    assert found.metadata == {"authorization": "Bearer secret"}
    assert (found.retry.timeout_s, found.retry.attempts) == (1.5, 7)
    assert (found.breaker.failures, found.breaker.least_s, found.breaker.most_s) == (3, 0.1, 0.1)
    assert "secret" not in repr(found)


@pytest.mark.parametrize(("protocol", "transport", "kind"), CASES)
def test_each_way_has_its_client(protocol: str, transport: str, kind: type[object]) -> None:
    """No server need be there yet."""
    client = connected(ServerConfig(endpoints=("localhost:1",), protocol=protocol, transport=transport))
    client.close()

    assert isinstance(client, kind)
    assert [state.server for state in client.states()] == ["localhost:1"]


def test_unknown_ways_are_refused() -> None:
    """TensorFlow's is gRPC."""
    with pytest.raises(ValueError, match="no client speaks protocol 'tensorflow' by 'rest'"):
        connected(ServerConfig(endpoints=("localhost:1",), transport="rest"))
