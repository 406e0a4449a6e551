"""The events of the end-to-end tests: good ones with scikit-learn's answer, and poison with the code it must get."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODELS = Path(__file__).parents[2] / "models"
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
NAMES = ("setosa", "versicolor", "virginica")
TOPICS = {"json": "events", "csv": "csv-events", "tagged": "legacy-events"}
#: Event type -> sample model; each type's results go to `<type>-results`.
TYPES = {
    "iris": "iris-tree",
    "iris-forest": "iris-forest",
    "iris-logistic": "iris-logistic",
    "iris-kmeans": "iris-kmeans",
}
_OVER_SIZE = 1_200_000
_KEYS = 50


@dataclass(frozen=True, slots=True)
class Event:
    """One event, and what must become of it."""

    id: str
    """Unique; sent in the header `test-id`, which every hop keeps."""
    topic: str
    key: bytes
    value: bytes | None
    output: str | None
    """Topic of its result; None for poison."""
    sent: object = None
    """What its result must show as `input`."""
    outputs: dict[str, Any] | None = None
    """scikit-learn's own answer."""
    code: str | None = None
    """Code of its dead letter."""


def _rows() -> dict[str, Iterator[dict[str, Any]]]:
    rows = {}
    for kind, model in TYPES.items():
        lines = (MODELS / model / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
        rows[kind] = cycle([json.loads(line) for line in lines])
    return rows


def events(form: str, count: int, run: str, poison_every: int = 100) -> Iterator[Event]:
    """Make ``count`` events of one source format; every ``poison_every``-th is poison, of each kind in turn."""
    rows = _rows()
    kinds = cycle(["iris"] if form == "csv" else TYPES)
    poison = cycle(_POISON[form])
    for number in range(count):
        identity, key = f"{run}-{form}-{number}", f"k{number % _KEYS}".encode()
        if number % poison_every == poison_every - 1:
            value, code = next(poison)
            yield Event(identity, TOPICS[form], key, value, None, code=code)
            continue
        kind = next(kinds)
        row = next(rows[kind])
        value, sent = _written(form, kind, row["input"], number)
        yield Event(identity, TOPICS[form], key, value, f"{kind}-results", sent, row["outputs"])


def _written(form: str, kind: str, features: dict[str, float], number: int) -> tuple[bytes, object]:
    if form == "json":
        event = {"type": kind, "id": number, **features, "note": "Zürich", "big": 12345678901234567890123}
        return json.dumps(event, ensure_ascii=False).encode(), event
    row = ",".join(repr(features[name]) for name in FEATURES)
    return (row if form == "csv" else f"{kind}###{row}").encode(), row


_GOOD = {"type": "iris", "sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


def _json(**changes: object) -> bytes:
    return json.dumps({name: value for name, value in {**_GOOD, **changes}.items() if value != "gone"}).encode()


_POISON: dict[str, list[tuple[bytes | None, str]]] = {
    "json": [
        (b"\xff\xfe\x00", "DECODE"),
        (b'{"type": "iris", ', "DECODE"),
        (b"[1, 2]", "DECODE"),
        (None, "DECODE"),
        (_json(type="gone"), "TYPE_MISSING"),
        (_json(type="rose"), "UNMATCHED"),
        (_json(petal_width="gone"), "INPUT"),
        (_json(petal_width=None), "INPUT"),
        (_json(petal_width="0.2"), "INPUT"),
        (_json(petal_width=True), "INPUT"),
        (_json(petal_width=[0.2]), "INPUT"),
        (_json(note="x" * _OVER_SIZE), "OVERSIZE"),
    ],
    "csv": [
        (b"5.1,3.5,1.4", "DECODE"),
        (b"5.1,3.5,1.4,0.2,7", "DECODE"),
        (b"5.1,3.5,1.4,wide", "DECODE"),
        (b"\xff,1,2,3", "DECODE"),
        (b"", "DECODE"),
        (None, "DECODE"),
    ],
    "tagged": [
        (b"5.1,3.5,1.4,0.2", "TYPE_MISSING"),
        (b"rose###5.1,3.5,1.4,0.2", "UNMATCHED"),
        (b"iris###5.1,3.5,1.4", "TRANSFORM"),
        (b"iris###5.1,3.5,1.4,wide", "TRANSFORM"),
        (b"iris###\xff", "DECODE"),
        (None, "DECODE"),
    ],
}
