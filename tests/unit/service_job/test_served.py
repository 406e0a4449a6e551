"""A model that its server scores: in batches, some at a time, in order, and each error with the row that it is of."""

from __future__ import annotations

import json
import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.service_job.client import ModelSpec, Signature, TensorSpec
from jobs.service_job.matching import match
from jobs.service_job.patience import Patience
from jobs.service_job.served import Door, Served, ServedModel
from penstock.errors import (
    FetchError,
    InputError,
    InternalError,
    ModelFailedError,
    RecordError,
    ScoringError,
    ServerUnavailableError,
)
from penstock.event import JSON, OCTETS, unpack_headers
from penstock.models.descriptor import ModelDescriptor
from penstock.remote.calls import CallError
from tests.fake_model_client import BAD, FakeModelClient

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TEXTS = Signature(inputs={"t": TensorSpec("string", (-1,))}, outputs={"n": TensorSpec("int64", (-1,))})


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    """The calls that may be made at a time."""
    with ThreadPoolExecutor(4) as found:
        yield found


def no_fetch(uri: str) -> bytes:
    """Nothing is to be fetched."""
    raise FetchError(uri, "told to")


@pytest.fixture(scope="module")
def serve(pool: ThreadPoolExecutor) -> Callable[..., ServedModel]:
    """Make a model of a client."""

    def make(client: FakeModelClient, batch_rows: int = 64, fetch: Callable[[str], bytes] = no_fetch) -> ServedModel:
        tree = {"name": "a", "version": 1, "job": "service", "format": "tensorflow-serving"}
        matched = match(ModelDescriptor.parse(tree, "test"), client.signature, 100)
        outage, absence = Patience(100, 10), Patience(10, 10)
        door = Door(
            name="default",
            client=client,
            pool=pool,
            fetching=pool,
            fetch=fetch,
            outage=outage,
            batch_rows=batch_rows,
            begun_until=0.0,
        )
        model = Served("a:1", ModelSpec(name="a"), matched.reader, matched.answers, matched.primary, absence)
        return ServedModel(model, door)

    return make


def asked(model: ServedModel, values: Sequence[float]) -> list[Any]:
    """Score numbers; return answers, or errors' classes."""
    requests = [model.read(json.dumps({"x": value}).encode(), JSON) for value in values]
    found = model.score(requests)
    return [type(each) if isinstance(each, RecordError) else each[0] for each in found]


def test_rows_go_in_batches_and_come_in_order(serve: Callable[..., ServedModel]) -> None:
    """However many batches there are, and whichever answers first."""
    client = FakeModelClient()
    model = serve(client, batch_rows=10)

    assert asked(model, range(95)) == [2.0 * value for value in range(95)]
    assert sorted(len(call["x"]) for call in client.calls) == [5] + [10] * 9


def test_several_calls_are_in_flight(serve: Callable[..., ServedModel]) -> None:
    """As many as the pool has threads: each waits here for the other three."""
    together = threading.Barrier(4, timeout=60)

    def answer(inputs: Any) -> Any:
        together.wait()
        return {"y": inputs["x"]}

    assert asked(serve(FakeModelClient(answer=answer), batch_rows=1), [1, 2, 3, 4]) == [1, 2, 3, 4]


@given(bad=st.sets(st.integers(0, 99)))
def test_bad_rows_cost_no_others_their_answers(serve: Callable[..., ServedModel], bad: set[int]) -> None:
    """Whichever they are."""
    values = [BAD if at in bad else float(at) for at in range(100)]
    expected = [ScoringError if at in bad else 2.0 * at for at in range(100)]

    assert asked(serve(FakeModelClient(), batch_rows=32), values) == expected


def test_call_that_meets_a_bug_costs_no_other_calls_rows_their_answers(serve: Callable[..., ServedModel]) -> None:
    """Nobody foresaw it: its own rows are told so, and the batch goes on."""

    def answer(inputs: Any) -> Any:
        if BAD in inputs["x"]:
            raise KeyError("y")
        return {"y": inputs["x"]}

    model = serve(FakeModelClient(answer=answer), batch_rows=2)

    assert asked(model, [1, 2, 3, BAD, 5]) == [1, 2, InternalError, InternalError, 5]
    assert asked(model, [BAD]) == [InternalError]


def test_model_that_fails_on_everything_is_not_asked_row_by_row(serve: Callable[..., ServedModel]) -> None:
    """A row that it scored before tells that it is not the rows."""
    client = FakeModelClient()
    model = serve(client)
    asked(model, [1.0])
    client.calls.clear()
    client.failure = CallError("INTERNAL", "out of order")

    assert asked(model, range(64)) == [ModelFailedError] * 64
    assert len(client.calls) < 10


@pytest.mark.parametrize("code", ["FAILED_PRECONDITION", "UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"])
def test_what_no_rows_would_change_is_asked_once(serve: Callable[..., ServedModel], code: str) -> None:
    """And told with the server's words."""
    client = FakeModelClient()
    client.failure = CallError(code, "says no")
    model = serve(client)
    (found,) = model.score([model.read(b'{"x": 1}', JSON)])

    assert isinstance(found, ModelFailedError)
    assert f"{code}: says no" in str(found)
    assert asked(model, range(10)) == [ModelFailedError] * 10
    assert len(client.calls) == 2


@pytest.mark.parametrize(
    "code", ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED", "BREAKER_OPEN", "NOT_FOUND"]
)
def test_server_that_is_away_is_waited_for(serve: Callable[..., ServedModel], code: str) -> None:
    """The rows' answers say so, and that they may be asked for again."""
    client = FakeModelClient()
    client.failure = CallError(code, "gone")
    model = serve(client)

    assert asked(model, [1, 2]) == [ServerUnavailableError] * 2
    client.to_come.append(lambda: setattr(client, "failure", None))
    begin = time.monotonic()
    assert model.wait(math.inf)
    end = time.monotonic()
    assert asked(model, [1, 2]) == [2, 4]
    patience_s = 10 if code == "NOT_FOUND" else 100
    (deadline,) = client.deadlines
    assert begin + patience_s <= deadline <= end + patience_s


def test_model_that_is_there_and_is_not_found_has_failed(serve: Callable[..., ServedModel]) -> None:
    """A label that nobody knows is no reason to ask for ever."""
    client = FakeModelClient()
    client.failure = CallError("NOT_FOUND", "no such label")
    client.to_come = [lambda: None] * 2
    model = serve(client)

    (found,) = model.score([model.read(b'{"x": 1}', JSON)])
    assert isinstance(found, ServerUnavailableError)
    assert "does not have it (NOT_FOUND: no such label); the model is waited for 10000 ms at most" in str(found)
    assert "models.reload_wait_ms" in str(found)
    assert model.wait(math.inf)
    assert asked(model, [1]) == [ModelFailedError]
    client.failure = None
    assert asked(model, [1]) == [2]


def test_wait_ends_with_the_time_that_anybody_has(serve: Callable[..., ServedModel]) -> None:
    """The deadline of whoever waits longest is its end."""
    client = FakeModelClient()
    model = serve(client)
    begin = time.monotonic()

    assert not model.wait(begin + 3)
    assert client.deadlines == [begin + 3]
    assert not model.wait(begin - 1)
    assert len(client.deadlines) == 1


def test_remark_is_about_servers_that_are_away(serve: Callable[..., ServedModel]) -> None:
    """Nothing, mostly."""
    client = FakeModelClient()
    model = serve(client)

    assert model.remark() == ""
    client.failure = CallError("UNAVAILABLE", "gone")
    assert model.remark() == "server here:1: breaker open since 12 s: UNAVAILABLE: gone"


def test_rows_of_other_shapes_go_into_other_calls(serve: Callable[..., ServedModel]) -> None:
    """A tensor has one."""
    signature = Signature(inputs={"x": TensorSpec("float", (-1, -1))}, outputs={"y": TensorSpec("float", (-1,))})
    client = FakeModelClient(signature, lambda inputs: {"y": inputs["x"].sum(axis=1)})
    model = serve(client)
    requests = [model.read(json.dumps({"x": x}).encode(), JSON) for x in ([1], [1, 2], [3], [3, 4])]

    assert model.score(requests) == [(1.0,), (3.0,), (3.0,), (7.0,)]
    assert sorted(call["x"].shape for call in client.calls) == [(2, 1), (2, 2)]


def test_calls_are_bounded_in_bytes(serve: Callable[..., ServedModel]) -> None:
    """Servers refuse large messages; what is larger by itself goes alone."""
    client = FakeModelClient(TEXTS, lambda inputs: {"n": np.array([len(each) for each in inputs["t"]])})
    model = serve(client)
    sizes = [1 << 20, 1 << 20, 1 << 20, 5 << 20, 10]
    found = model.score([model.read(b"x" * size, OCTETS) for size in sizes])

    assert found == [(size,) for size in sizes]
    assert sorted(len(call["t"]) for call in client.calls) == [1, 1, 3]


def test_references_are_fetched_several_at_a_time(serve: Callable[..., ServedModel]) -> None:
    """And what cannot be fetched is an error of its own row."""
    together = threading.Barrier(2, timeout=60)

    def fetch(uri: str) -> bytes:
        if uri == "s3://a/gone":
            raise FetchError(uri, "is gone")
        if uri == "s3://a/bug":
            raise ZeroDivisionError
        together.wait()
        return uri.encode()

    client = FakeModelClient(TEXTS, lambda inputs: {"n": np.array([len(each) for each in inputs["t"]])})
    model = serve(client, fetch=fetch)
    trees = [{"uri": "s3://a/b"}, {"t": "abc"}, {"uri": "s3://a/gone"}, {"uri": "s3://a/bug"}, {"uri": "s3://a/bc"}]
    found = model.score([model.read(json.dumps(tree).encode(), JSON) for tree in trees])

    assert [each if isinstance(each, tuple) else each.code.value for each in found] == [
        (8,),
        (3,),
        "FETCH",
        "INTERNAL",
        (9,),
    ]
    assert len(client.calls) == 1


def test_batch_of_nothing_but_errors_asks_nobody(serve: Callable[..., ServedModel]) -> None:
    """There is no row left."""
    client = FakeModelClient(TEXTS)
    model = serve(client)
    (found,) = model.score([model.read(b'{"uri": "s3://a/b"}', JSON)])

    assert isinstance(found, FetchError)
    assert client.calls == []


def test_result_looks_like_other_jobs_results(serve: Callable[..., ServedModel]) -> None:
    """Nothing downstream can tell which engine scored."""
    model = serve(FakeModelClient())
    request = model.read(b'{"x": 1.50, "user": "u1"}', JSON)
    (answer,) = model.score([request])

    assert model.result(request, answer, "2026-01-02T03:04:05.678Z", 42) == (
        b'{"input":{"x": 1.50, "user": "u1"},"prediction":3.0,"outputs":{"y":3.0},'
        b'"scored_at":"2026-01-02T03:04:05.678Z","latency_ms":42}'
    )
    assert unpack_headers(model.headers)["penstock-model"] == "a:1"


def test_result_of_bytes_has_no_input(serve: Callable[..., ServedModel]) -> None:
    """JSON cannot have it."""
    model = serve(FakeModelClient(TEXTS, lambda inputs: {"n": np.ones(len(inputs["t"]), dtype=int)}))
    request = model.read(b"\xff", OCTETS)

    assert json.loads(model.result(request, (1,), "now", 42)) == {
        "prediction": 1,
        "outputs": {"n": 1},
        "scored_at": "now",
        "latency_ms": 42,
    }


def test_no_prediction_is_an_error(serve: Callable[..., ServedModel]) -> None:
    """JSON has no NaN: users would see a null."""
    model = serve(FakeModelClient())
    request = model.read(b'{"x": 1}', JSON)

    with pytest.raises(ScoringError, match="no prediction"):
        model.result(request, (math.nan,), "now", 42)
    with pytest.raises(InputError, match="told to"):
        model.result(request, InputError("told to"), "now", 42)
