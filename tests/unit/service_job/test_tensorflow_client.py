"""The client of TensorFlow Serving against a server in this process that speaks its protocol."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import grpc
import numpy as np
import pytest
import trustme

from jobs.service_job.client import Method, ModelSpec, ModelState, TensorSpec
from jobs.service_job.connecting import ServerConfig, connected
from penstock.local.waiting import wait_until
from penstock.remote.breaker import BreakerConfig, BreakerState
from penstock.remote.calls import CallError, CallKind
from penstock.remote.channels import Tls
from penstock.remote.retrying import RetryConfig
from penstock.testing.model_servers import RefusalError
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from jobs.service_job.client import ModelClient
    from penstock.remote.endpoints import EndpointState
    from penstock.remote.tensors import Array

DOUBLE = ModelSpec(name="double")
RETRY = RetryConfig(attempts=3, timeout_s=60.0, first_s=0.001, most_s=0.01)
BREAKER = BreakerConfig(failures=3, least_s=0.02, most_s=0.1)
ONE = np.array([[1.0], [2.0]], dtype="f4")
PATIENCE_S = 60.0


def double(inputs: Mapping[str, Array]) -> dict[str, Array]:
    """Refuse what is negative, like a graph that cannot take it."""
    if (inputs["x"] < 0).any():
        raise RefusalError("INVALID_ARGUMENT", "Graph execution error:\n\nDetected at node Sqrt")
    return {"y": inputs["x"] * 2}


def doubling(**changes: object) -> FakeModel:
    """A model that doubles."""
    given = {"score": double, "inputs": {"x": ("float", (-1, 1))}, "outputs": {"y": ("float", (-1, 1))}, **changes}
    return FakeModel(**given)  # type: ignore[arg-type]


def config(*servers: FakeTensorFlowServing, **changes: object) -> ServerConfig:
    """Settings that lose no time."""
    given = {"endpoints": tuple(one.address for one in servers), "retry": RETRY, "breaker": BREAKER, **changes}
    return ServerConfig(**given)  # type: ignore[arg-type]


@pytest.fixture
def ends() -> Iterator[ExitStack]:
    """What ends with the test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def server(ends: ExitStack) -> FakeTensorFlowServing:
    """A server with one model."""
    return ends.enter_context(FakeTensorFlowServing({"double": doubling()}))


@pytest.fixture
def client(server: FakeTensorFlowServing, ends: ExitStack) -> ModelClient:
    """A client of it."""
    return made(config(server), ends)


def made(settings: ServerConfig, ends: ExitStack, changes: list[list[EndpointState]] | None = None) -> ModelClient:
    """A client that ends with the test; its connections are there, which on a busy machine may take several tries."""
    told = None if changes is None else lambda states: changes.append([*states])
    found = connected(settings, told)
    ends.callback(found.close)
    for _ in settings.endpoints:
        assert found.wait(DOUBLE, time.monotonic() + PATIENCE_S), found.states()
    return found


def opened(client: ModelClient) -> None:
    """Call until the breaker is open."""
    deadline = time.monotonic() + PATIENCE_S
    while all(state.state is BreakerState.CLOSED for state in client.states()):
        assert time.monotonic() < deadline, client.states()
        with pytest.raises(CallError, match=r"UNAVAILABLE|BREAKER_OPEN|CANCELLED"):
            client.predict(DOUBLE, {"x": ONE})


def test_predicts(client: ModelClient, server: FakeTensorFlowServing) -> None:
    """A batch in one call; the server says which version answered."""
    found = client.predict(DOUBLE, {"x": ONE})

    assert found.outputs["y"].tolist() == [[2.0], [4.0]]
    assert found.version == 1
    assert server.batches == [2]


def test_strings_and_whole_numbers_go_over(ends: ExitStack) -> None:
    """Each type as its own."""
    model = doubling(score=lambda inputs: {"length": np.array([len(each) for each in inputs["s"]]), "s": inputs["s"]})
    server = ends.enter_context(FakeTensorFlowServing({"double": model}))
    found = made(config(server), ends).predict(DOUBLE, {"s": np.array([b"ab", b"\xff"], dtype=object)})

    assert found.outputs["length"].tolist() == [2, 1]
    assert found.outputs["length"].dtype == np.int64
    assert found.outputs["s"].tolist() == [b"ab", b"\xff"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"version": 1}, None),
        ({"label": "stable"}, None),
        ({"version": 2}, "NOT_FOUND"),
        ({"label": "canary"}, "INVALID_ARGUMENT: Unrecognized servable version label: canary"),
        ({"name": "other"}, "NOT_FOUND"),
        ({"signature": "png"}, "INVALID_ARGUMENT"),
    ],
)
def test_versions_labels_and_signatures_are_the_servers(
    ends: ExitStack, changes: dict[str, object], told: str | None
) -> None:
    """What it has is asked for, what it does not have is told as it says."""
    server = ends.enter_context(FakeTensorFlowServing({"double": doubling(labels=("stable",))}))
    client = made(config(server), ends)
    spec = ModelSpec(**{"name": "double", **changes})  # type: ignore[arg-type]

    if told is None:
        assert client.predict(spec, {"x": ONE}).version == 1
    else:
        with pytest.raises(CallError, match=told):
            client.predict(spec, {"x": ONE})


def test_classifies(ends: ExitStack) -> None:
    """An Example of each row; labels and scores of each come back."""

    def score(inputs: Mapping[str, Array]) -> dict[str, Array]:
        assert inputs["x"].shape == (2, 2)
        return {"classes": np.array([["a", "b"]] * 2), "scores": inputs["x"]}

    server = ends.enter_context(FakeTensorFlowServing({"double": doubling(score=score)}))
    inputs = {"x": np.array([[0.25, 0.75], [1, 0]], dtype="f4"), "n": np.array([1, 2]), "s": np.array([b"a", b"b"])}
    found = made(config(server), ends).predict(ModelSpec(name="double", method=Method.CLASSIFY), inputs)

    assert found.outputs["classes"].tolist() == [[b"a", b"b"]] * 2
    assert found.outputs["scores"].tolist() == [[0.25, 0.75], [1, 0]]


def test_regresses(ends: ExitStack) -> None:
    """One value of each row."""
    model = doubling(score=lambda inputs: {"value": inputs["x"][:, 0] * 2})
    server = ends.enter_context(FakeTensorFlowServing({"double": model}))
    found = made(config(server), ends).predict(ModelSpec(name="double", method=Method.REGRESS), {"x": ONE})

    assert found.outputs["value"].tolist() == [2.0, 4.0]


def test_examples_of_unequal_inputs_are_refused(client: ModelClient, server: FakeTensorFlowServing) -> None:
    """Before anybody is asked."""
    with pytest.raises(CallError, match="as many rows as the others, got x 2, z 1"):
        client.predict(ModelSpec(name="double", method=Method.REGRESS), {"x": ONE, "z": ONE[:1]})
    assert server.batches == []


def test_tells_what_a_model_takes_and_gives(client: ModelClient) -> None:
    """By its signature."""
    found = client.metadata(DOUBLE)

    assert found.inputs == {"x": TensorSpec("float", (-1, 1))}
    assert found.outputs == {"y": TensorSpec("float", (-1, 1))}
    assert found.method == "tensorflow/serving/predict"


def test_tells_which_signatures_there_are(client: ModelClient) -> None:
    """Where the one that is meant is not among them."""
    with pytest.raises(CallError, match="has no signature 'png'; it has: serving_default") as caught:
        client.metadata(ModelSpec(name="double", signature="png"))
    assert caught.value.kind is CallKind.FATAL


@pytest.mark.parametrize(
    ("spec", "state"),
    [
        (DOUBLE, ModelState.AVAILABLE),
        (ModelSpec(name="double", version=2), ModelState.ABSENT),
        (ModelSpec(name="other"), ModelState.ABSENT),
        (ModelSpec(name="late"), ModelState.LOADING),
        (ModelSpec(name="late", label="stable"), ModelState.LOADING),
        (ModelSpec(name="late", label="canary"), ModelState.ABSENT),
    ],
)
def test_tells_how_far_a_model_is(
    client: ModelClient, server: FakeTensorFlowServing, spec: ModelSpec, state: ModelState
) -> None:
    """One that the server does not know is an answer, too."""
    server.models["late"] = doubling(state="LOADING", labels=("stable",))

    assert client.status(spec).state is state


def test_metadata_is_sent_with_each_call(
    server: FakeTensorFlowServing, ends: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    """In plain text with a warning, which does not repeat what is secret."""
    client = made(config(server, metadata={"Authorization": "Bearer secret"}), ends)
    client.predict(DOUBLE, {"x": ONE})

    assert server.metadata[0]["authorization"] == "Bearer secret"
    assert "plain text" in caplog.text
    assert "secret" not in caplog.text + repr(config(server, metadata={"a": "secret"}))


def test_tls_on_both_sides(ends: ExitStack, tmp_path: Path) -> None:
    """Each knows the other by its certificate; whoever has none gets nowhere."""
    authority = trustme.CA()
    ours, theirs = authority.issue_cert("client.test"), authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "client.pem")
    credentials = grpc.ssl_server_credentials(
        [(theirs.private_key_pem.bytes(), theirs.cert_chain_pems[0].bytes())],
        root_certificates=authority.cert_pem.bytes(),
        require_client_auth=True,
    )
    server = ends.enter_context(FakeTensorFlowServing({"double": doubling()}, credentials=credentials))
    address = (f"localhost:{server.port}",)
    whole = Tls(ca=tmp_path / "ca.pem", certificate=tmp_path / "client.pem", key=tmp_path / "key.pem")

    client = made(config(endpoints=address, tls=whole), ends)
    assert client.predict(DOUBLE, {"x": ONE}).version == 1
    nobody = connected(config(endpoints=address, tls=Tls(ca=tmp_path / "ca.pem")))
    ends.callback(nobody.close)
    with pytest.raises(CallError, match="UNAVAILABLE"):
        nobody.predict(DOUBLE, {"x": ONE})


@pytest.mark.parametrize("code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"])
def test_tries_again_what_passes(client: ModelClient, server: FakeTensorFlowServing, code: str) -> None:
    """Twice it fails, the third time is good."""
    server.failures = [RefusalError(code, "busy")] * 2

    assert client.predict(DOUBLE, {"x": ONE}).version == 1
    assert server.failures == []


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "INTERNAL", "NOT_FOUND", "UNAUTHENTICATED", "UNIMPLEMENTED"])
def test_tries_nothing_else_again(client: ModelClient, server: FakeTensorFlowServing, code: str) -> None:
    """The second answer would be the first one's."""
    server.failures = [RefusalError(code, "no")] * 2

    with pytest.raises(CallError, match=f"server {server.address}: {code}: no"):
        client.predict(DOUBLE, {"x": ONE})
    assert len(server.failures) == 1
    assert client.states()[0].state is BreakerState.CLOSED


def test_rows_that_a_graph_refuses_are_told_in_one_line(client: ModelClient) -> None:
    """With the node, without the stack."""
    with pytest.raises(CallError, match=r"INVALID_ARGUMENT: Graph execution error \(node Sqrt\)$") as caught:
        client.predict(DOUBLE, {"x": -ONE})
    assert caught.value.kind is CallKind.REFUSED


def test_server_that_hangs_costs_the_deadline_only(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """Of each attempt; the last one is told."""
    server.held = threading.Event()
    ends.callback(server.held.set)
    client = made(config(server, retry=RetryConfig(attempts=2, timeout_s=0.05, first_s=0.001)), ends)

    with pytest.raises(CallError, match="DEADLINE_EXCEEDED") as caught:
        client.predict(DOUBLE, {"x": ONE})
    assert caught.value.kind is CallKind.RETRY


def test_no_attempt_is_later_than_the_rows_may_be(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """Their own deadline cuts the attempt short, and there is no further one."""
    server.held = threading.Event()
    ends.callback(server.held.set)
    client = made(config(server, retry=RetryConfig(attempts=9, timeout_s=60.0, first_s=0.001)), ends)

    begin = time.monotonic()
    with pytest.raises(CallError, match="DEADLINE_EXCEEDED"):
        client.predict(DOUBLE, {"x": ONE}, until=begin + 0.1)
    assert time.monotonic() - begin < PATIENCE_S
    with pytest.raises(CallError, match="no time left"):
        client.predict(DOUBLE, {"x": ONE}, until=begin)


def test_server_goes_and_comes_back(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """Its breaker opens, callers wait for it, and its state is told each time."""
    changes: list[list[EndpointState]] = []
    client = made(config(server), ends, changes)
    client.predict(DOUBLE, {"x": ONE})
    server.stop()
    opened(client)

    assert not client.wait(DOUBLE, time.monotonic() + 0.05)
    with pytest.raises(
        CallError, match=rf"BREAKER_OPEN: server {server.address}: breaker (open|half-open) since \d+ s: "
    ):
        client.predict(DOUBLE, {"x": ONE})
    server.start()
    assert client.wait(DOUBLE, time.monotonic() + PATIENCE_S)
    assert client.predict(DOUBLE, {"x": ONE}).version == 1
    assert changes[0][0].state is BreakerState.OPEN
    # Told by another thread, after those that wait were woken.
    assert wait_until(lambda: changes[-1][0].state is BreakerState.CLOSED, PATIENCE_S, 0.01)


def test_server_that_came_back_is_waited_for_until_it_has_the_model(
    client: ModelClient, server: FakeTensorFlowServing
) -> None:
    """It answers already, but loads still."""
    server.models["double"].state = "LOADING"
    assert not client.wait(DOUBLE, time.monotonic() + 0.1)

    timer = threading.Timer(0.1, lambda: setattr(server.models["double"], "state", "AVAILABLE"))
    timer.start()
    assert client.wait(DOUBLE, time.monotonic() + PATIENCE_S)
    timer.join()


def test_two_servers_share_the_calls(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """One after the other."""
    other = ends.enter_context(FakeTensorFlowServing({"double": doubling()}))
    client = made(config(server, other), ends)
    for _ in range(10):
        client.predict(DOUBLE, {"x": ONE})

    assert (len(server.batches), len(other.batches)) == (5, 5)


def test_one_of_two_goes_away(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """No call fails: its share goes to the other one, at once when its breaker is open; it comes back by itself."""
    other = ends.enter_context(FakeTensorFlowServing({"double": doubling()}))
    client = made(config(server, other), ends)
    other.stop()
    for _ in range(10):
        assert client.predict(DOUBLE, {"x": ONE}).version == 1
    assert [state.state is BreakerState.CLOSED for state in client.states()] == [True, False]

    other.start()
    deadline = time.monotonic() + PATIENCE_S
    while not other.batches:
        assert time.monotonic() < deadline, client.states()
        client.predict(DOUBLE, {"x": ONE})


def test_one_of_two_has_the_model_only(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """The other one was started again and loads still: it is asked, and costs nothing but that."""
    other = ends.enter_context(FakeTensorFlowServing({}))
    client = made(config(server, other), ends)
    for _ in range(4):
        assert client.predict(DOUBLE, {"x": ONE}).version == 1

    assert len(server.batches) == 4


def test_close_ends_calls_at_once(server: FakeTensorFlowServing, ends: ExitStack) -> None:
    """A worker that ends waits for no server, and nobody is asked any more."""
    server.held = threading.Event()
    ends.callback(server.held.set)
    client = made(config(server, retry=RetryConfig(attempts=5, timeout_s=600.0)), ends)
    found: list[CallError] = []

    def call() -> None:
        with pytest.raises(CallError, match=r"CANCELLED|CLOSED") as caught:
            client.predict(DOUBLE, {"x": ONE})
        found.append(caught.value)

    caller = threading.Thread(target=call)
    caller.start()
    deadline = time.monotonic() + PATIENCE_S
    while not server.metadata:
        assert time.monotonic() < deadline
    client.close()
    caller.join(PATIENCE_S)

    assert [error.kind for error in found] == [CallKind.RETRY]
    assert not client.wait(DOUBLE, time.monotonic() + PATIENCE_S)
    with pytest.raises(CallError, match="CLOSED: the client is closed"):
        client.predict(DOUBLE, {"x": ONE})


def test_message_that_is_too_large_is_made_of_fewer_rows() -> None:
    """A server's limit is told as if it were busy; it is a refusal, which is halved."""
    error = CallError("RESOURCE_EXHAUSTED", "SERVER: Received message larger than max (4194331 vs. 4194304)")

    assert error.kind is CallKind.REFUSED
