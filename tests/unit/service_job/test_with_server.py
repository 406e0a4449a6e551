"""The scorer, a model and a server that speaks the protocol over a socket: nothing is lost, and all comes in order."""

from __future__ import annotations

import json
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from jobs.service_job.loader import ServiceLoader
from penstock.deadletter import Stage
from penstock.errors import InputError
from penstock.event import OCTETS, Deliveries, unpack_headers
from penstock.local.waiting import wait_until
from penstock.models.descriptor import ModelDescriptor
from penstock.scoring import Requests, Scorer, ScorerConfig
from penstock.settings import Settings
from penstock.testing.model_servers import RefusalError
from penstock.testing.serving import FakeModels
from penstock.testing.tensorflow_serving import FakeModel, FakeTensorFlowServing
from tests.oip_servers import GrpcServer, RestServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from jobs.service_job.served import ServedModel

SOON_S = 60
POISON = b"poison"


def sizes(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """How many bytes each image has; poison makes the graph fail, as it makes TensorFlow's."""
    if POISON in inputs["image"]:
        raise RefusalError("INVALID_ARGUMENT", "Graph execution error: what is that?")
    return {"size": np.array([len(each) for each in inputs["image"]], dtype=np.int64)}


SIZES = FakeModel(score=sizes, inputs={"image": ("string", (-1,))}, outputs={"size": ("int64", (-1,))})


@pytest.fixture
def server() -> Iterator[FakeTensorFlowServing]:
    """It has a model of images."""
    with FakeTensorFlowServing({"images": SIZES}) as found:
        yield found


@pytest.fixture
def serve(server: FakeTensorFlowServing) -> Iterator[Callable[..., ServedModel]]:
    """Load the model by settings; keywords are those of the section ``service``."""
    loaders: list[ServiceLoader] = []

    def load(**service: Any) -> ServedModel:
        servers = {"default": {"endpoints": [server.address]}}
        quick = {"attempts": 2, "deadline_ms": 60_000, "breaker_most_ms": 200, "batch_rows": 16}
        patient = {"reload_wait_ms": 1000 * SOON_S}
        settings = Settings(service={"servers": servers, **quick, **service}, models=patient)  # type: ignore[arg-type]
        loaders.append(ServiceLoader(settings))
        tree = {"name": "images", "version": 1, "job": "service", "format": "tensorflow-serving"}
        return loaders[-1].load(ModelDescriptor.parse(tree, "test"), None)

    yield load
    for loader in loaders:
        loader.close()


def scorer(model: ServedModel) -> Scorer:
    """One that has this model."""
    config = ScorerConfig.of(Settings(), Stage.SERVICE_JOB, "service")
    return Scorer(config, FakeModels({"images": model}))


def batch(*values: bytes, deadlines: Mapping[int, str] | None = None) -> Requests:
    """Requests of now; some are of no use after so many milliseconds."""
    texts = [
        ("penstock.service.images", "images", OCTETS, None, (deadlines or {}).get(at)) for at in range(len(values))
    ]
    return Requests(
        values=values,
        unseen_bytes=[100] * len(values),
        timestamps_ms=[int(time.time() * 1000)] * len(values),
        texts=texts,
    )


def told(deliveries: Deliveries) -> list[Any]:
    """The prediction of each, or its dead letter's code."""
    return [
        unpack_headers(headers)["penstock-error-code"]
        if topic == "penstock.dead-letters"
        else json.loads(value or b"")["prediction"]
        for topic, value, headers in zip(deliveries.topics, deliveries.values, deliveries.headers, strict=True)
    ]


def images(count: int) -> list[bytes]:
    """Each has another size."""
    return [b"x" * size for size in range(count)]


def test_poison_among_many_is_found(server: FakeTensorFlowServing, serve: Callable[..., ServedModel]) -> None:
    """All others have their own answers, and the server is asked not much more often than it must be."""
    values = images(200)
    bad = {3, 77, 78, 199}
    for at in bad:
        values[at] = POISON
    found = scorer(serve()).score(batch(*values))

    assert told(found) == ["SCORING" if at in bad else at for at in range(200)]
    assert len(server.batches) <= 13 + 2 * len(bad) * 4
    assert "what is that?" in unpack_headers(found.headers[3])["penstock-error-reason"]


def test_outage_loses_nothing(server: FakeTensorFlowServing, serve: Callable[..., ServedModel]) -> None:
    """The batch waits, its rows that are scored already included; then each has its answer, in its place."""
    model = serve()
    score = scorer(model).score
    assert told(score(batch(*images(5)))) == [0, 1, 2, 3, 4]
    server.stop()
    found: list[Deliveries] = []
    waiting = threading.Thread(target=lambda: found.append(score(batch(*images(100)))), daemon=True)
    waiting.start()
    assert wait_until(lambda: "breaker open" in model.remark(), SOON_S, 0.01)
    assert not found
    server.start()
    waiting.join(SOON_S)

    assert told(found[0]) == list(range(100))
    assert model.remark() == ""
    assert told(score(batch(b"abc"))) == [3]


def test_outage_longer_than_patience_ends_in_dead_letters(
    server: FakeTensorFlowServing, serve: Callable[..., ServedModel]
) -> None:
    """What comes later in the same outage waits no more; after it all is as before."""
    model = serve(patience_ms=300)
    score = scorer(model).score
    server.stop()
    first = score(batch(*images(20)))
    waits = [model.wait(math.inf) for _ in range(3)]
    second = score(batch(*images(3)))

    assert told(first) == ["SERVER_UNAVAILABLE"] * 20
    assert told(second) == ["SERVER_UNAVAILABLE"] * 3
    assert waits == [False] * 3
    assert "300 ms at most (service.patience_ms)" in unpack_headers(first.headers[0])["penstock-error-reason"]
    server.start()
    assert wait_until(lambda: model.remark() == "", SOON_S, 0.01)
    assert told(score(batch(b"abc"))) == [3]


def test_nobody_waits_longer_than_his_deadline(
    server: FakeTensorFlowServing, serve: Callable[..., ServedModel]
) -> None:
    """What is too late is told so; what has no deadline is scored when the server is back."""
    model = serve()
    score = scorer(model).score
    server.stop()
    requests = batch(*images(4), deadlines={1: "100", 3: "60000"})
    timer = threading.Timer(0.4, server.start)  # by then the second one is too late, however busy the machine is
    timer.start()
    found = score(requests)
    timer.join()

    assert told(found) == [0, "DEADLINE", 2, 3]


def test_batch_of_the_impatient_waits_for_none(
    server: FakeTensorFlowServing, serve: Callable[..., ServedModel]
) -> None:
    """The last of their deadlines is the end."""
    model = serve()
    server.stop()
    begin = time.monotonic()
    found = scorer(model).score(batch(*images(2), deadlines={0: "100", 1: "300"}))

    assert set(told(found)) <= {"DEADLINE", "SERVER_UNAVAILABLE"}
    assert time.monotonic() - begin < SOON_S


def test_busy_server_is_asked_again(server: FakeTensorFlowServing, serve: Callable[..., ServedModel]) -> None:
    """It said that it had too much to do, not that anything was wrong."""
    model = serve(attempts=4)
    server.failures += [RefusalError("RESOURCE_EXHAUSTED", "queue full")] * 3

    assert told(scorer(model).score(batch(*images(10)))) == list(range(10))


def test_model_that_the_server_gave_up_is_waited_for_a_little(
    server: FakeTensorFlowServing, serve: Callable[..., ServedModel]
) -> None:
    """It may have been started again, and still be loading."""
    model = serve()
    server.models.pop("images")
    timer = threading.Timer(0.3, lambda: server.models.update(images=SIZES))
    timer.start()

    assert told(scorer(model).score(batch(*images(3)))) == [0, 1, 2]
    timer.join()


def test_what_the_server_forbids_is_no_rows_fault(
    server: FakeTensorFlowServing, serve: Callable[..., ServedModel]
) -> None:
    """One call, no halves: nothing would come of them."""
    model = serve()
    server.failures += [RefusalError("PERMISSION_DENIED", "not you")]
    before = len(server.metadata)

    assert told(scorer(model).score(batch(*images(10)))) == ["MODEL_FAILED"] * 10
    assert len(server.metadata) == before + 1


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_open_inference_servers_score_too(transport: str) -> None:
    """Whatever the protocol, requests, results and dead letters are the same."""
    with GrpcServer() if transport == "grpc" else RestServer() as found:
        servers = {
            "default": {"endpoints": [found.address], "protocol": "open-inference", "transport": transport},
        }
        loader = ServiceLoader(Settings(service={"servers": servers, "deadline_ms": 60_000}))  # type: ignore[arg-type]
        tree = {"name": "images", "version": 1, "job": "service", "format": "open-inference", "prediction": "y"}
        model = loader.load(ModelDescriptor.parse({**tree, "server": {"model": "double"}}, "test"), None)
        values = [b'{"x": [1.5], "s": "a"}', b'{"x": 1.5, "s": "b"}', b'{"x": [2], "s": {"b64": "/w=="}}']
        requests = [model.read(value, None) for value in (values[0], values[2])]
        answers = model.score(requests)
        with pytest.raises(InputError, match="field 'x'"):
            model.read(values[1], None)
        loader.close()

    results = [json.loads(model.result(*pair, "now", 1)) for pair in zip(requests, answers, strict=True)]
    assert [result["prediction"] for result in results] == [[3.0], [4.0]]
    assert results[0]["input"] == {"x": [1.5], "s": "a"}
