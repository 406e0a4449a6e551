"""What many models cost: requests for one, ten or a hundred in one batch, a registry of a thousand, a large one.

    python -m benchmarks.registry

The core alone is measured, in a process of its own: the engine and the job's scorer, no Flink, no broker.
"""

from __future__ import annotations

import json
import random
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchmarks import zoo
from benchmarks.delays import percentile
from penstock import iris, settings
from penstock.control.messages import Message
from penstock.deadletter import Stage
from penstock.models.records import descriptor_record, pointer_record
from penstock.models.registry import Registry
from penstock.scoring import Requests, Scorer, ScorerConfig
from penstock.testing.serving import FakeModels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jobs.pmml_job.engine import Engine
    from penstock.models.descriptor import ModelDescriptor
    from penstock.scoring import Servable
    from penstock.settings import Settings

__all__ = ["main", "measured"]

COUNTS = (1, 10, 100)
#: At 2,000 events a second a worker gets some 40 in a batch; a backlog fills them.
_BATCHES = (40, 400, 4_000)
_ROWS = 40_000
_TURNS = 5
_REGISTERED = 1_000
_LIMIT = 2**20
#: While a large model is loaded, a batch each so many seconds is scored with another one.
_EVERY_S, _BATCH = 0.005, 50
_QUIET_S = 3.0
_BIG_HEAP_MB = 512


def measured(loaded: Settings, folder: Path, rows: int = _ROWS, turns: int = _TURNS) -> dict[str, Any]:
    """Return the figures."""
    from jobs.pmml_job import engine

    started = engine.start(_BIG_HEAP_MB)
    described = zoo.zoo(max(COUNTS), folder / "zoo", loaded)
    return {
        "mixed_us": _mixed(described, started, rows, turns),
        "registry": _opened(loaded, folder / "many", turns),
        "large": _large(described[0], folder / "large.pmml", started),
    }


def _serve(descriptor: ModelDescriptor, load: Engine) -> Servable:
    from jobs.pmml_job.served import serve

    return serve(descriptor, Path(descriptor.file.uri.removeprefix("file://")), load)


def _scorer(models: dict[str, Servable]) -> Scorer:
    config = ScorerConfig(
        stage=Stage.PMML_JOB,
        request_topic_prefix="bench.pmml.",
        results="results",
        shadow_results="shadow-results",
        dead_letters="dead-letters",
        max_request_bytes=_LIMIT,
        max_dead_letter_bytes=_LIMIT,
    )
    return Scorer(config, FakeModels(models))


def _mixed(described: Sequence[ModelDescriptor], load: Engine, rows: int, turns: int) -> dict[str, dict[str, float]]:
    """CPU us of a request, by the number of models that are asked for at random, and by the size of batches."""
    models = {str(descriptor.ref): _serve(descriptor, load) for descriptor in described}
    scorer = _scorer(models)
    refs, values = list(models), _values()
    found: dict[str, dict[str, float]] = {str(count): {} for count in COUNTS}
    for _ in range(turns):
        for count in COUNTS:
            for size in _BATCHES:
                batches = [_requests(refs[:count], values, size, seed) for seed in range(max(1, rows // size // 10))]
                spent = _timed(partial(_score, scorer, batches))
                each = spent / (len(batches) * size) * 1e6
                best = found[str(count)]
                best[str(size)] = min(each, best.get(str(size), each))
    return found


def _score(scorer: Scorer, batches: Iterable[Requests]) -> None:
    for batch in batches:
        scorer.score(batch)


def _values() -> list[bytes]:
    made = iris.events(iris.Recipe(count=1000, keys=100, seed=1))
    return [event.value or b"" for event in made]


def _requests(refs: Sequence[str], values: Sequence[bytes], size: int, seed: int) -> Requests:
    draw = random.Random(seed)  # noqa: S311 the same every time, nothing secret
    return Requests(
        values=draw.choices(values, k=size),
        unseen_bytes=[80] * size,
        timestamps_ms=[1_767_323_045_678] * size,
        texts=[("bench.pmml.zoo", ref, None, None, None) for ref in draw.choices(refs, k=size)],
    )


def _timed(run: Callable[[], Any]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def _opened(loaded: Settings, folder: Path, turns: int) -> dict[str, float]:
    """CPU seconds until a worker that starts knows a topic of a thousand models, each with a pointer."""
    described = zoo.zoo(_REGISTERED, folder, loaded)
    pairs = [
        pair
        for descriptor in described
        for pair in (descriptor_record(descriptor), pointer_record(descriptor.name, 1, None, "2026-01-02T03:04:05Z"))
    ]
    messages = [Message(key=key, value=value, published_ms=0, offset=at) for at, (key, value) in enumerate(pairs)]
    best = min(_timed(lambda: Registry().recover(messages)) for _ in range(turns))
    return {"models": len(described), "bytes": sum(len(value) for _, value in pairs), "open_s": best}


def _large(small: ModelDescriptor, file: Path, load: Engine) -> dict[str, float]:
    """Load a model of 20 MB beside scoring: how long that takes, and what batches of another model meet meanwhile."""
    descriptor = zoo.large(file)
    scorer = _scorer({str(small.ref): _serve(small, load)})
    batch = _requests([str(small.ref)], _values(), _BATCH, 1)
    quiet = _delays(scorer, batch, lambda: time.sleep(_QUIET_S))
    _serve(descriptor, load)  # Java compiles what loads
    took: list[float] = []

    def again() -> None:
        began = time.monotonic()
        _serve(descriptor, load)
        took.append(time.monotonic() - began)

    busy = _delays(scorer, batch, again)
    figures = {"mb": file.stat().st_size / 1e6, "load_s": took[0]}
    for name, delays in (("quiet", quiet), ("loading", busy)):
        figures |= {f"{name}_{share:g}": percentile(delays, share / 100) / 1000 for share in (50, 99, 100)}
    return figures


def _delays(scorer: Scorer, batch: Requests, meanwhile: Callable[[], object]) -> list[int]:
    """How long each batch takes from when it was due, in us and in order, until something else is over."""
    other = threading.Thread(target=meanwhile)
    found: list[int] = []
    began = time.monotonic()
    other.start()
    while other.is_alive():
        due = began + len(found) * _EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))
        scorer.score(batch)
        found.append(round((time.monotonic() - due) * 1e6))
    return sorted(found)


def main() -> None:
    """Measure, and say what was found in a line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(measured(settings.load(), Path(folder))))


if __name__ == "__main__":
    main()
