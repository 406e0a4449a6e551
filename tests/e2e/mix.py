"""Events for all three engines: iris rows, texts and images, with what the libraries that made the models answer."""

from __future__ import annotations

import base64
import json
from itertools import cycle
from typing import TYPE_CHECKING, Any

from penstock import topics
from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER, PMML_JOB, SERVICE_JOB, SPARK_JOB
from tests.e2e import events as iris
from tests.e2e.events import MODELS, Event
from tests.e2e.streams import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HOPS", "MORE_OUTPUTS", "SOURCES", "STAGES", "events"]

SOURCES = ("events", "tweets", "images")
MORE_OUTPUTS = ("tweet-results", "image-results")
STAGES = {"events": "pmml_job", "tweets": "spark_job", "images": "service_job"}
"""Who scores what."""
#: Each hop's consumer group and the topics that it reads, in the order of an event's way.
HOPS = {
    INPUT_ADAPTER.group(PREFIX): SOURCES,
    PMML_JOB.group(PREFIX): tuple(topics.request_topic(PREFIX, "pmml", name) for name in iris.TYPES.values()),
    SPARK_JOB.group(PREFIX): (topics.request_topic(PREFIX, "spark", "sentiment"),),
    SERVICE_JOB.group(PREFIX): (topics.request_topic(PREFIX, "service", "image-classifier"),),
    OUTPUT_ADAPTER.group(PREFIX): (topics.results(PREFIX),),
}
_KEYS = tuple(f"k{number}".encode() for number in range(48))
#: TensorFlow computes in single precision.
_SINGLE = 1e-5


def events(run: str, count: int, poison_every: int = 50) -> Iterator[Event]:
    """Make events of the three kinds in turn, ``count`` in all; of each kind every so many-th is poison."""
    kinds = cycle(
        (
            iris.events("json", count, run, poison_every, _KEYS),
            _texts(run, count, poison_every),
            _images(run, count, poison_every),
        )
    )
    for _, kind in zip(range(count), kinds, strict=False):
        yield next(kind)


def _golden(model: str) -> list[dict[str, Any]]:
    lines = (MODELS / model / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def _facts(run: str, source: str, number: int) -> dict[str, Any]:
    key = _KEYS[number % len(_KEYS)]
    return {"id": f"{run}-{source}-{number}", "number": number, "source": source, "key": key}


def _texts(run: str, count: int, poison_every: int) -> Iterator[Event]:
    rows, poison = cycle(_golden("sentiment")), cycle(_BAD_TEXTS)
    for number in range(count):
        facts = _facts(run, "tweets", number)
        if number % poison_every == poison_every - 1:
            value, code = next(poison)
            yield Event(**facts, value=value, code=code)
            continue
        row = next(rows)
        sent = {"id": number, **row["input"], "user": "Zoë", "big": 12345678901234567890123}
        value = json.dumps(sent, ensure_ascii=False).encode()
        yield Event(**facts, value=value, kind="tweet", sent=sent, answers={"sentiment": row["outputs"]})


def _images(run: str, count: int, poison_every: int) -> Iterator[Event]:
    golden = _golden("image-classifier")
    rows, poison = cycle(golden), cycle(_BAD_IMAGES)
    for number in range(count):
        facts = _facts(run, "images", number)
        if number % poison_every == poison_every - 1:
            value, code = next(poison)
            yield Event(**facts, value=value, code=code)
            continue
        row = next(rows)
        picture = base64.b64decode(row["input"]["image_bytes"]["b64"])
        answers = {"image-classifier": row["outputs"]}
        yield Event(**facts, value=picture, kind="image", answers=answers, tolerance=_SINGLE)


_BAD_TEXTS = ((b'{"text": ', "DECODE"), (b'{"user": "u1"}', "INPUT"), (b'{"text": 5}', "INPUT"), (None, "DECODE"))
_BAD_IMAGES = ((b"this is no image", "SCORING"), (b"\x89PNG\r\n\x1a\n and then nothing", "SCORING"), (b"", "SCORING"))
