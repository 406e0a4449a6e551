"""A worker of the service job as its engine has it: a real registry, the embedded model server, and its outage."""

from __future__ import annotations

import base64
import json
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from jobs.service_job.loader import ServiceLoader
from penstock.control import portable
from penstock.control.watching import ModelWatch
from penstock.deadletter import Stage
from penstock.deployables import SERVICE_JOB
from penstock.event import Deliveries, unpack_headers
from penstock.local.waiting import wait_until
from penstock.models.pack import unpacked
from penstock.scoring import Requests
from penstock.serving.worker import Serving
from tests import brokers
from tests.contract.servers import Embedded
from tests.patience import SOON_S
from tests.servers import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from conftest import Installation

    from penstock.control.model_signs import ModelSign
    from penstock.settings import Settings

SAMPLE = Path(__file__).parents[2] / "models" / "image-classifier" / "1"
GOLDEN = [json.loads(line) for line in (SAMPLE / "golden.jsonl").read_text(encoding="utf-8").splitlines()]
IMAGES = [base64.b64decode(row["input"]["image_bytes"]["b64"]) for row in GOLDEN]
REF = "image-classifier:1"
POLL_S = 0.05


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """The embedded model server, in a process of its own, with the sample model."""
    folder = tmp_path_factory.mktemp("served")
    unpacked(SAMPLE / "model.zip", folder / "image-classifier" / "1", 1 << 30)
    with running(Embedded(folder, folder.parent / "model-server.log")) as found:
        yield found


@pytest.fixture
def found(make_installation: Callable[..., Installation], server: Embedded, tmp_path: Path) -> Settings:
    """An installation with the sample models, whose service job asks that server."""
    installation = make_installation(
        **{
            "service.servers": {"default": {"endpoints": [server.address]}},
            # However busy the machine is.
            "flink.checkpoint_timeout_ms": 600_000,
            "models.startup_wait_ms": 1000 * SOON_S,
            "service.deadline_ms": 30_000,
            "service.patience_ms": 500_000,
            "models.cache_dir": str(tmp_path / "cache"),
            # What the worker says of a server comes with its next beat.
            "control.heartbeat_ms": 5_000,
        },
    )
    return brokers.with_models(brokers.with_document(installation.settings))


@pytest.fixture
def serving(found: Settings) -> Iterator[Serving]:
    """A worker that has begun."""
    worker = Serving(portable.pack(found), SERVICE_JOB, Stage.SERVICE_JOB, "service", ServiceLoader)
    try:
        worker.open()
        yield worker
    finally:
        worker.close()


def batch(images: Sequence[bytes], prefix: str) -> Requests:
    """Requests of now, as a source of bytes makes them."""
    text = (f"{prefix}.service.image-classifier", "image-classifier", "image/png", None, None)
    return Requests(
        values=images,
        unseen_bytes=[200] * len(images),
        timestamps_ms=[int(time.time() * 1000)] * len(images),
        texts=[text] * len(images),
    )


def results(deliveries: Deliveries, prefix: str) -> list[dict[str, Any]]:
    """What each result says; all are results."""
    assert set(deliveries.topics) == {f"{prefix}.results"}
    return [json.loads(value or b"") for value in deliveries.values]


def standing(found: Settings) -> ModelSign | None:
    """What the worker says of the model on the status topic."""
    with ModelWatch(found) as watch:
        signs = [sign.models[REF] for sign in watch.states.values() if REF in sign.models]
    return signs[0] if signs else None


def test_answers_are_the_makers(found: Settings, serving: Serving) -> None:
    """Of every image: the label, and each score. Poison is found among them, and costs no other its answer."""
    prefix = found.topics.prefix
    images = [*IMAGES]
    images[100:100] = [b"no image"]
    deliveries = serving.scorer.score(batch(images, prefix))

    assert unpack_headers(deliveries.headers[100])["penstock-error-code"] == "SCORING"
    assert deliveries.topics[100] == f"{prefix}.dead-letters"
    for column in (deliveries.topics, deliveries.values, deliveries.headers):
        del column[100]
    for result, row, headers in zip(results(deliveries, prefix), GOLDEN, deliveries.headers, strict=True):
        assert "input" not in result
        assert result["prediction"] == result["outputs"]["label"] == row["outputs"]["label"]
        assert result["outputs"]["scores"] == pytest.approx(row["outputs"]["scores"], abs=1e-5)
        assert unpack_headers(headers)["penstock-model"] == REF


def test_server_that_is_killed_is_waited_for_and_told_of(found: Settings, serving: Serving, server: Embedded) -> None:
    """The batch waits for as long as the server is away; everybody can see which one it is, and since when."""
    prefix = found.topics.prefix
    score = serving.scorer.score
    server.kill()
    came: list[Deliveries] = []
    waiting = threading.Thread(target=lambda: came.append(score(batch(IMAGES, prefix))), daemon=True)
    waiting.start()
    try:

        def told() -> bool:
            sign = standing(found)
            said = f"server {server.address}: breaker open since"
            return sign is not None and sign.state.value == "ready" and said in sign.reason

        assert wait_until(told, SOON_S, POLL_S), standing(found)
        assert not came
    finally:
        server.start()
    waiting.join(SOON_S)

    found_labels = [each["prediction"] for each in results(came[0], prefix)]
    assert found_labels == [row["outputs"]["label"] for row in GOLDEN]
    assert wait_until(lambda: (sign := standing(found)) is not None and not sign.reason, SOON_S, POLL_S)
