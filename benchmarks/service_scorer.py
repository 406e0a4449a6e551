"""The service job's scorer alone, with the embedded model server beside it: ``python -m benchmarks.service_scorer``.

One call for each event against calls of many, in one run: images of the sample model, from the bytes of the request to
the JSON of the result, without Kafka and Flink.
"""

from __future__ import annotations

import base64
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jobs.service_job.loader import ServiceLoader
from penstock.deadletter import Stage
from penstock.engine_sections import ServerSettings, ServiceSettings
from penstock.local.waiting import wait_until
from penstock.models.descriptor import ModelDescriptor
from penstock.models.pack import unpacked
from penstock.scoring import Requests, Scorer, ScorerConfig
from penstock.settings import Settings
from penstock.testing.ports import free_port
from penstock.testing.serving import FakeModels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SAMPLE = Path(__file__).parents[1] / "models" / "image-classifier" / "1"
#: Events in a batch, as the engine gives them: at low rates few, in a backlog many.
BATCHES = (1, 10, 64, 256, 1024, 4096)
_MOST_UNPACKED = 1 << 30
_START_S = 60
_POLL_S = 0.1


@contextmanager
def model_server(folder: Path) -> Iterator[str]:
    """Serve a folder by the embedded model server, and give its address."""
    port = free_port()
    command = [sys.executable, "-m", "penstock.local.model_server", "--dir", str(folder), "--port", str(port)]
    with (folder.parent / "server.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:

        def answers() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        if not wait_until(answers, _START_S, _POLL_S):
            raise SystemExit(f"the model server did not start; see {log.name}")
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def batch(images: Sequence[bytes], size: int) -> Requests:
    """Requests of now."""
    text = ("penstock.service.image-classifier", "image-classifier", "image/png", None, None)
    return Requests(
        values=[images[at % len(images)] for at in range(size)],
        unseen_bytes=[200] * size,
        timestamps_ms=[int(time.time() * 1000)] * size,
        texts=[text] * size,
    )


def measured(scorer: Scorer, requests: Requests, seconds: float) -> tuple[float, float]:
    """Events in a second, and the median time of a batch in milliseconds."""
    times = []
    until = time.perf_counter() + seconds
    while (begin := time.perf_counter()) < until:
        deliveries = scorer.score(requests)
        times.append(time.perf_counter() - begin)
        if set(deliveries.topics) != {"penstock.results"}:
            raise SystemExit("not everything was scored; is the server up?")
    return len(requests.values) * len(times) / sum(times), statistics.median(times) * 1000


@click.command()
@click.option("--seconds", default=3.0, show_default=True, help="How long each size is measured.")
def main(seconds: float) -> None:
    """Measure the scorer with batches of several sizes."""
    images = [
        base64.b64decode(json.loads(line)["input"]["image_bytes"]["b64"])
        for line in (SAMPLE / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as name:
        folder = Path(name) / "served"
        unpacked(SAMPLE / "model.zip", folder / "image-classifier" / "1", _MOST_UNPACKED)
        with model_server(folder) as address:
            servers = {"default": ServerSettings(endpoints=(address,))}
            settings = Settings(service=ServiceSettings(servers=servers))
            loader = ServiceLoader(settings)
            try:
                models: dict[str, Any] = {
                    "image-classifier": loader.load(ModelDescriptor.load(SAMPLE / "descriptor.yaml"), None)
                }
                scorer = Scorer(ScorerConfig.of(settings, Stage.SERVICE_JOB, "service"), FakeModels(models))
                first = 0.0
                print("| Events in a batch | Events in a second | Times one by one | Median of a batch, ms |")
                print("|---|---|---|---|")
                for size in BATCHES:
                    rate, median = measured(scorer, batch(images, size), seconds)
                    first = first or rate
                    print(f"| {size:,} | {rate:,.0f} | {rate / first:.1f} | {median:.1f} |")
            finally:
                loader.close()


if __name__ == "__main__":
    main()
