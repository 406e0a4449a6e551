"""Models on a server that refuses us, over a socket: they fail with advice, and are there when somebody mended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from jobs.service_job.loader import ServiceLoader
from penstock.models.host import ModelHost
from penstock.settings import Settings
from penstock.testing.model_servers import RefusalError
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing
from tests.unit.models.workbench import PATIENCE_S, Workbench, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = "Bearer ours"
MODEL = FakeModel(
    score=lambda inputs: {"y": np.asarray(inputs["x"])},
    inputs={"x": ("float", (-1,))},
    outputs={"y": ("float", (-1,))},
)


class GuardedServer(FakeTensorFlowServing):
    """Tells how its models are to whoever has the token, and else answers with a code."""

    token = "Bearer another"
    code = "UNAUTHENTICATED"

    def _get_status(self, request: Any, metadata: dict[str, str]) -> Any:
        if metadata.get("authorization") != self.token:
            raise RefusalError(self.code, "not you")
        return super()._get_status(request, metadata)


@pytest.fixture
def server() -> Iterator[GuardedServer]:
    """It has the model."""
    with GuardedServer({"iris": MODEL}) as found:
        yield found


@pytest.fixture
def loader(server: GuardedServer) -> Iterator[ServiceLoader]:
    """The job's own."""
    servers = {"default": {"endpoints": [server.address], "metadata": {"authorization": OURS}}}
    loader = ServiceLoader(Settings(service={"servers": servers}))  # type: ignore[arg-type]
    yield loader
    loader.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """A host's surroundings."""
    bench = Workbench(tmp_path)
    yield bench
    bench.close()


def started(bench: Workbench, loader: ServiceLoader) -> ModelHost:
    """Return a host that has met the model's server."""
    host = ModelHost(bench.settings, "service", loader, eager=True, clock=bench.clock)
    bench.hosts.append(host)
    of_server = {"job": "service", "format": "tensorflow-serving", "uri": None, "sha256": None, "bytes": None}
    host.begin([bench.model("iris:1", **of_server)])
    host.want(bench.routes("iris:1"))
    assert host.await_wanted(PATIENCE_S) == frozenset()
    return host


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("UNAUTHENTICATED", "correct our credentials (service.servers.default: metadata, tls)"),
        ("PERMISSION_DENIED", "correct our credentials (service.servers.default: metadata, tls)"),
        ("UNIMPLEMENTED", "correct service.servers.default (protocol, endpoints)"),
    ],
)
def test_refusal_is_told_and_leave_that_is_given_later_is_found(
    bench: Workbench, loader: ServiceLoader, server: GuardedServer, code: str, advice: str
) -> None:
    """No worker waits for it when it starts; the server is asked again within the minute."""
    server.code = code
    host = started(bench, loader)

    assert state(host, "iris:1") == "failed"
    reason = host.states()["iris:1"].reason
    assert f"its server 'default': it refuses to say what it has: server {server.address}: {code}: not you" in reason
    assert advice in reason

    server.token = OURS
    bench.advance(60)
    bench.pass_until(lambda: state(host, "iris:1"), "ready")
