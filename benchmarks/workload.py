"""The records that programs are measured with: pools of a few thousand, written over and over.

    python -m benchmarks.workload --work results --out FILE --settings FILE

Requests and results are made by Penstock's own router and scorer, so they are what its stages would get.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import documents, zoo
from benchmarks.records import Record, write
from penstock import iris, settings, topics
from penstock.deadletter import Stage
from penstock.demo_events import images, tweets
from penstock.event import MODEL, Blank, ce_time, coordinates, unpack_headers
from penstock.routing.document import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.settings import Settings

__all__ = ["MADE_AT_US", "MIXED", "Work", "pool"]

POOL_SIZE = 5000
MADE_AT_US = 1_767_323_045_678_000
_SCORED_AT_S = 1_767_323_045.7
_KEYS = 1000
_FIRST_ID = 10_000_000
_UNSEEN_BYTES = 80  # about what key and bookkeeping take; only limits of a megabyte are checked with it


class Work(StrEnum):
    """Kinds of records."""

    ROUTING = "routing"
    """`{"type":"a"|"b","id":..,"features":[..],"user":..,"ts":..}`, about 100 bytes."""
    SPLIT = "split"
    """The same, of eight types, for a document with ten routes."""
    EVENTS = "events"
    """Iris events with the four features by name, about 130 bytes."""
    TREE_REQUESTS = "tree-requests"
    """What the input adapter makes of iris events for the decision tree."""
    FOREST_REQUESTS = "forest-requests"
    """The same for the random forest."""
    TEXT_REQUESTS = "text-requests"
    """The same of short texts for the sentiment model."""
    IMAGE_REQUESTS = "image-requests"
    """The same of images in JSON for the image classifier."""
    MIXED_10 = "mixed-10"
    """Requests for ten models, each event for any of them."""
    MIXED_100 = "mixed-100"
    """The same for a hundred."""
    RESULTS = "results"
    """What the PMML job makes of requests to the decision tree."""


MIXED = {Work.MIXED_10: 10, Work.MIXED_100: 100}
"""How many models requests are for."""


def pool(work: Work, loaded: Settings) -> list[Record]:
    """Make the records of a kind; always the same ones."""
    if work is Work.ROUTING:
        return [Record.of(key, value, {}) for key, value in _routing_events("ab")]
    if work is Work.SPLIT:
        return [Record.of(key, value, {}) for key, value in _routing_events(documents.SPLIT_TYPES)]
    if work in _OF_JOBS:
        model, job, made = _OF_JOBS[work]
        events = made()
        headers = _requested([value for _, value in events], model, job)
        return [Record.of(key, value, own) for (key, value), own in zip(events, headers, strict=True)]
    events = _iris_events()
    if work is Work.EVENTS:
        return [Record.of(key, value, {}) for key, value in events]
    model = {Work.FOREST_REQUESTS: "iris-forest"}.get(work, "iris-tree")
    headers = _requested([value for _, value in events], model, "pmml")
    if work in MIXED:
        draw = random.Random(1)  # noqa: S311  the same every time, nothing secret
        headers = [{**own, MODEL: f"{zoo.name_of(draw.randrange(MIXED[work]))}:1"} for own in headers]
    if work is not Work.RESULTS:
        return [Record.of(key, value, own) for (key, value), own in zip(events, headers, strict=True)]
    results = _scored([value for _, value in events], headers, loaded)
    return [
        Record.of(key, value, {**own, **added})
        for (key, _), own, (value, added) in zip(events, headers, results, strict=True)
    ]


def _routing_events(kinds: str) -> list[tuple[bytes, bytes]]:
    draw = random.Random(1)  # noqa: S311  the same every time, nothing secret
    events = []
    for number in range(POOL_SIZE):
        user = f"u{draw.randrange(_KEYS)}"
        features = [round(draw.uniform(low, high), 2) for low, high in ((4, 8), (2, 4), (1, 6), (0.1, 2.5))]
        kind = kinds[draw.randrange(len(kinds))]
        fields = {"type": kind, "id": _FIRST_ID + number, "features": features, "user": user, "ts": MADE_AT_US}
        events.append((user.encode(), json.dumps(fields, separators=(",", ":")).encode()))
    return events


def _iris_events() -> list[tuple[bytes, bytes]]:
    made = iris.events(iris.Recipe(count=POOL_SIZE, keys=_KEYS, seed=1))
    return [(event.key, re.sub(rb'"ts":\d+', b'"ts":%d' % MADE_AT_US, event.value or b"")) for event in made]


def _texts() -> list[tuple[bytes, bytes]]:
    made = tweets.events(iris.Recipe(count=POOL_SIZE, keys=_KEYS, seed=1))
    return [(event.key, re.sub(rb'"ts":\d+', b'"ts":%d' % MADE_AT_US, event.value or b"")) for event in made]


def _images() -> list[tuple[bytes, bytes]]:
    made = images.events(iris.Recipe(count=POOL_SIZE, keys=_KEYS, seed=1))
    return [(event.key, _image(event.value or b"")) for event in made]


def _image(picture: bytes) -> bytes:
    fields = {"image_bytes": {"b64": base64.b64encode(picture).decode()}, "ts": MADE_AT_US}
    return json.dumps(fields, separators=(",", ":")).encode()


_OF_JOBS = {
    Work.TEXT_REQUESTS: ("sentiment", "spark", _texts),
    Work.IMAGE_REQUESTS: ("image-classifier", "service", _images),
}


def _requested(values: Sequence[bytes], model: str, job: str) -> list[dict[str, str]]:
    """Return the headers that the input adapter gives to events; their values stay as they are."""
    from input_adapter.router import Router

    source = "bench-events"
    limit = 2**20
    router = Router(
        parse(documents.of_job(source, model, job, "bench-scores")),
        prefix="bench",
        max_request_bytes=limit,
        max_dead_letter_bytes=limit,
    )
    size = len(values)
    keys: list[bytes | None] = [None] * size
    routed = router.route(
        values, [_UNSEEN_BYTES] * size, [source] * size, [None] * size, keys, [0] * size, list(range(size))
    )
    expected = topics.request_topic("bench", job, model)
    found = set(map(str, routed.topics))
    if found != {expected}:
        raise ValueError(f"the router sent events to {sorted(found)}, expected {expected!r} only")
    time = ce_time(MADE_AT_US // 1000)
    fills: dict[str, str] = {Blank.TIME: time}
    return [
        {name: {**fills, Blank.PLACE: coordinates(source, 0, offset)}.get(text, text) for name, text in own.items()}
        for offset, own in enumerate(map(unpack_headers, routed.headers))
    ]


def _scored(
    values: Sequence[bytes], headers: Sequence[dict[str, str]], loaded: Settings
) -> list[tuple[bytes, dict[str, str]]]:
    """Return values and added headers of the results; starts Java in this process."""
    from jobs.pmml_job import engine
    from jobs.pmml_job.served import serve
    from penstock.models.repository import read_folder
    from penstock.scoring import HEADERS, Requests, Scorer, ScorerConfig
    from penstock.testing.serving import FakeModels

    size, limit = len(values), 2**20
    config = ScorerConfig(
        stage=Stage.PMML_JOB,
        request_topic_prefix=topics.request_topic("bench", "pmml", ""),
        results="results",
        shadow_results="shadow-results",
        dead_letters="dead-letters",
        max_request_bytes=limit,
        max_dead_letter_bytes=limit,
    )
    load = engine.start(loaded.pmml.heap_mb)
    known = {
        descriptor.name: serve(descriptor, Path(descriptor.file.uri), load)
        for descriptor in read_folder(loaded.models_dir)
        if descriptor.job == "pmml"
    }
    scorer = Scorer(config, FakeModels(known), clock=lambda: _SCORED_AT_S)
    topic = topics.request_topic("bench", "pmml", "iris-tree")
    scored = scorer.score(
        Requests(
            values=values,
            unseen_bytes=[_UNSEEN_BYTES] * size,
            timestamps_ms=[MADE_AT_US // 1000] * size,
            texts=[(topic, *(own.get(name) for name in HEADERS)) for own in headers],
        )
    )
    if set(scored.topics) != {"results"}:
        raise ValueError(f"the scorer refused events: {next(map(repr, scored.headers))}")
    return [(value or b"", unpack_headers(packed)) for value, packed in zip(scored.values, scored.headers, strict=True)]


def main() -> None:
    """Write a pool to a file, for the programs that write its records to topics."""
    parser = argparse.ArgumentParser(description="Make the records of a kind.")
    parser.add_argument("--work", type=Work, choices=list(Work), required=True)
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--settings", type=Path, required=True, help="settings file: where the models are")
    told = parser.parse_args()
    write(told.out, pool(told.work, settings.read(told.settings)))


if __name__ == "__main__":
    main()
