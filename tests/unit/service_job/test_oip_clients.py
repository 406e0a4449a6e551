"""The clients of the Open Inference Protocol, by gRPC and by HTTP, against small servers in this process."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest
import trustme

from jobs.service_job.client import Method, ModelSpec, ModelState, TensorSpec
from jobs.service_job.connecting import ServerConfig, connected
from penstock.remote.breaker import BreakerConfig, BreakerState
from penstock.remote.calls import CallError, CallKind
from penstock.remote.channels import Tls
from penstock.remote.retrying import RetryConfig
from penstock.remote.tensors import objects
from penstock.testing.model_servers import RefusalError
from tests.oip_servers import GrpcServer, OipServer, RestServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jobs.service_job.client import ModelClient

DOUBLE = ModelSpec(name="double")
ONE = np.array([[1.0], [2.0]], dtype="f4")
RETRY = RetryConfig(attempts=3, timeout_s=60.0, first_s=0.001, most_s=0.01)
BREAKER = BreakerConfig(failures=3, least_s=0.02, most_s=0.1)
PATIENCE_S = 60.0


@pytest.fixture(params=["grpc", "rest"])
def transport(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    return str(request.param)


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def server(transport: str, ends: ExitStack) -> OipServer:
    """A server with one model."""
    return ends.enter_context(GrpcServer() if transport == "grpc" else RestServer())


@pytest.fixture
def client(server: OipServer, transport: str, ends: ExitStack) -> ModelClient:
    """A client of it."""
    return made(transport, ends, server)


def made(transport: str, ends: ExitStack, *servers: OipServer, **changes: object) -> ModelClient:
    """A client that ends with the test, and loses no time; its connections are there, which may take several tries."""
    given = {
        "endpoints": tuple(server.address for server in servers),
        "protocol": "open-inference",
        "transport": transport,
        "retry": RETRY,
        "breaker": BREAKER,
        **changes,
    }
    found = connected(ServerConfig(**given))  # type: ignore[arg-type]
    ends.callback(found.close)
    for _ in servers:
        assert found.wait(DOUBLE, time.monotonic() + PATIENCE_S), found.states()
    return found


def test_predicts(client: ModelClient, server: OipServer) -> None:
    """A batch in one call, strings beside numbers; the version is told where it is a number."""
    found = client.predict(DOUBLE, {"x": ONE, "s": objects(["a", "ä"])})

    assert found.outputs["y"].tolist() == [[2.0], [4.0]]
    assert found.outputs["y"].dtype == np.float32
    assert found.outputs["s"].tolist() == [b"a", "ä".encode()]
    assert (found.version, server.calls) == (1, [""])


@pytest.mark.parametrize(("changes", "asked"), [({"version": 1}, "1"), ({"label": "stable"}, "stable")])
def test_versions_are_texts(client: ModelClient, server: OipServer, changes: dict[str, object], asked: str) -> None:
    """A number or a name."""
    client.predict(ModelSpec(**{"name": "double", **changes}), {"x": ONE})  # type: ignore[arg-type]

    assert server.calls == [asked]


def test_tells_what_a_model_takes_and_gives(client: ModelClient) -> None:
    """In our words."""
    found = client.metadata(DOUBLE)

    assert (found.inputs, found.outputs) == (
        {"x": TensorSpec("float", (-1, 1))},
        {"y": TensorSpec("float", (-1, 1))},
    )


def test_tells_how_far_a_model_is(client: ModelClient, server: OipServer) -> None:
    """Ready, not ready, not there."""
    assert client.status(DOUBLE).state is ModelState.AVAILABLE
    assert client.status(ModelSpec(name="other")).state is ModelState.ABSENT
    server.ready = False
    assert client.status(DOUBLE).state is ModelState.LOADING


def test_other_methods_are_tensorflows(client: ModelClient) -> None:
    """Told before anybody is asked."""
    with pytest.raises(CallError, match="UNIMPLEMENTED: the Open Inference Protocol has no method 'classify'"):
        client.predict(ModelSpec(name="double", method=Method.CLASSIFY), {"x": ONE})


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_tries_again_what_passes(client: ModelClient, server: OipServer, code: str) -> None:
    """503 and 429 are the same as what gRPC says."""
    server.failures = [RefusalError(code, "as told")] * 2

    assert client.predict(DOUBLE, {"x": ONE}).version == 1
    assert len(server.calls) == 3


@pytest.mark.parametrize(
    ("code", "kind"),
    [("INVALID_ARGUMENT", CallKind.REFUSED), ("INTERNAL", CallKind.REFUSED), ("NOT_FOUND", CallKind.ABSENT)],
)
def test_tries_nothing_else_again(client: ModelClient, server: OipServer, code: str, kind: CallKind) -> None:
    """The second answer would be the first one's."""
    server.failures = [RefusalError(code, "as told")] * 2

    with pytest.raises(CallError, match=f"server {server.address}: {code}: .*as told") as caught:
        client.predict(DOUBLE, {"x": ONE})
    assert (caught.value.kind, len(server.calls)) == (kind, 1)


def test_server_that_hangs_costs_the_deadline_only(server: OipServer, transport: str, ends: ExitStack) -> None:
    """Of each attempt."""
    server.held = threading.Event()
    ends.callback(server.held.set)
    hurried = RetryConfig(attempts=2, timeout_s=0.05, first_s=0.001)

    with pytest.raises(CallError, match="DEADLINE_EXCEEDED"):
        made(transport, ends, server, retry=hurried).predict(DOUBLE, {"x": ONE})


def test_server_goes_and_comes_back(client: ModelClient, server: OipServer) -> None:
    """Its breaker opens, and callers wait until it is ready and has the model."""
    client.predict(DOUBLE, {"x": ONE})
    server.stop()
    deadline = time.monotonic() + PATIENCE_S
    while client.states()[0].state is BreakerState.CLOSED:
        assert time.monotonic() < deadline
        with pytest.raises(CallError, match=r"UNAVAILABLE|BREAKER_OPEN|CANCELLED"):
            client.predict(DOUBLE, {"x": ONE})
    assert not client.wait(DOUBLE, time.monotonic() + 0.05)

    server.ready = False
    server.start()
    assert not client.wait(DOUBLE, time.monotonic() + 0.1)
    server.ready = True
    assert client.wait(DOUBLE, time.monotonic() + PATIENCE_S)
    assert client.predict(DOUBLE, {"x": ONE}).version == 1


def test_two_servers_share_the_calls(server: OipServer, transport: str, ends: ExitStack) -> None:
    """One after the other."""
    other = ends.enter_context(GrpcServer() if transport == "grpc" else RestServer())
    client = made(transport, ends, server, other)
    for _ in range(6):
        client.predict(DOUBLE, {"x": ONE})

    assert (len(server.calls), len(other.calls)) == (3, 3)


def test_metadata_is_sent_with_each_call(server: OipServer, transport: str, ends: ExitStack) -> None:
    """By HTTP as headers."""
    made(transport, ends, server, metadata={"Authorization": "Bearer secret"}).predict(DOUBLE, {"x": ONE})

    assert server.metadata[0]["authorization"] == "Bearer secret"


def test_answers_in_lists_are_read(ends: ExitStack) -> None:
    """Not every server answers raw."""
    client = made("grpc", ends, ends.enter_context(GrpcServer(raw=False)))

    assert client.predict(DOUBLE, {"x": ONE}).outputs["y"].tolist() == [[2.0], [4.0]]


def test_https_on_both_sides(ends: ExitStack, tmp_path: Path) -> None:
    """Each knows the other by its certificate; whoever has none gets nowhere."""
    authority = trustme.CA()
    ours, theirs = authority.issue_cert("client.test"), authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    theirs.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    server = ends.enter_context(RestServer(tmp_path))
    whole = Tls(ca=tmp_path / "ca.pem", certificate=tmp_path / "client.pem", key=tmp_path / "key.pem")

    assert made("rest", ends, server, tls=whole).predict(DOUBLE, {"x": ONE}).version == 1
    nobody = made("rest", ends, endpoints=(server.address,), tls=Tls(ca=tmp_path / "ca.pem"))
    with pytest.raises(CallError, match="UNAVAILABLE"):
        nobody.predict(DOUBLE, {"x": ONE})


@pytest.mark.parametrize(
    ("value", "fault"), [(np.nan, "JSON has neither NaN nor infinity"), (np.inf, "transport: grpc")]
)
def test_json_has_not_every_number(ends: ExitStack, value: float, fault: str) -> None:
    """Such a row is refused, and found by halves as one that a server refuses."""
    client = made("rest", ends, ends.enter_context(RestServer()))
    with pytest.raises(CallError, match=fault) as caught:
        client.predict(DOUBLE, {"x": np.array([[value]], dtype="f4")})

    assert caught.value.kind is CallKind.REFUSED


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"<html>", "is no JSON"),
        (b"{}", "cannot be read: Object missing required field `outputs`"),
        (b'{"outputs":[{"name":"y","datatype":"FP32","shape":[3],"data":[1]}]}', "has 3 values, got 1"),
    ],
)
def test_answers_that_cannot_be_read_are_no_rows_fault(ends: ExitStack, body: bytes, fault: str) -> None:
    """Another server is behind the address, or another protocol."""
    server = ends.enter_context(RestServer())
    server.body = body
    with pytest.raises(CallError, match=fault) as caught:
        made("rest", ends, server).predict(DOUBLE, {"x": ONE})

    assert caught.value.kind is CallKind.FATAL
