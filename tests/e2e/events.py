"""The events of the end-to-end tests: good ones with scikit-learn's answer, and poison with the code it must get."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.event import CONFIG_VERSION, MODEL
from penstock.topics import request_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "models"
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
NAMES = ("setosa", "versicolor", "virginica")
#: Source format -> topic of the demo's routing document.
SOURCES = {"json": "events", "csv": "csv-events", "tagged": "legacy-events"}
#: Event type -> sample model; each type's results go to `<type>-results`.
TYPES = {
    "iris": "iris-tree",
    "iris-forest": "iris-forest",
    "iris-logistic": "iris-logistic",
    "iris-kmeans": "iris-kmeans",
}
#: Models that share a type's events with that one.
SHARED = {"iris": {"iris-forest"}}
#: Where requests to a model lie.
REQUESTS = request_topic("penstock", "pmml", "iris-tree")
ID = "test-id"
_OVER_SIZE = 1_200_000
#: Outputs that are the prediction as they are.
_PREDICTED = ("cluster", "sentiment", "label")
_KEYS = (*(f"k{number}".encode() for number in range(48)), b"\xff\x00", None)
#: What events bring along, to be found on whatever becomes of them.
_OWN_HEADERS = {"user": "Zoë".encode(), "traceparent": b"00-4bf92f35-00f067aa-01", "binary": b"\xff\x00", "empty": b""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event, and what must become of it."""

    id: str
    """Unique; sent in a header, which every hop keeps."""
    number: int
    """Its place among the events of its source."""
    source: str
    """Topic that it is sent to."""
    key: bytes | None
    value: bytes | None
    kind: str = ""
    """Its type; empty for poison."""
    sent: object = None
    """What its result must show as `input`."""
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """scikit-learn's own, by model."""
    code: str | None = None
    """Code of its dead letter; None for good events."""
    more_headers: tuple[tuple[str, bytes], ...] = ()
    tolerance: float = 1e-9
    """How far its answers may be from those, as a share of them."""

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """What it is sent with."""
        return [(ID, self.id.encode()), *_OWN_HEADERS.items(), *self.more_headers]

    def prediction(self, model: str, *, named: bool = True) -> object:
        """What its user must read of a model: the name of a species, the number of a cluster, a mood, a digit."""
        answers = self.answers[model]
        label = answers.get("predicted_label")
        if label is None:
            return next(answers[name] for name in _PREDICTED if name in answers)
        return NAMES[label] if named else label


def events(
    form: str, count: int, run: str, poison_every: int = 100, keys: Sequence[bytes | None] = _KEYS
) -> Iterator[Event]:
    """Make ``count`` events of one source format; every ``poison_every``-th is poison, of each sort in turn."""
    golden = _golden()
    rows = {
        kind: cycle([row for row in _rows(golden, model) if SHARED.get(kind, set()) <= row[1].keys()])
        for kind, model in TYPES.items()
    }
    kinds = cycle(["iris"] if form == "csv" else TYPES)
    poison = cycle(_POISON[form])
    for number in range(count):
        facts: dict[str, Any] = {
            "id": f"{run}-{form}-{number}",
            "number": number,
            "source": SOURCES[form],
            "key": keys[number % len(keys)],
        }
        if number % poison_every == poison_every - 1:
            value, code = next(poison)
            if value is None:
                facts["key"] = b"tombstone"  # which has no meaning without a key, and cannot be sent without one
            yield Event(**facts, value=value, code=code)
        else:
            kind = next(kinds)
            features, answers = next(rows[kind])
            value, sent = _written(form, kind, features, number)
            yield Event(**facts, value=value, kind=kind, sent=sent, answers=answers)


def known(made: Iterable[Event]) -> Iterator[Event]:
    """Leave out events of which not every model's answer is known; poison stays."""
    return (event for event in made if event.code or len(event.answers) == len(TYPES))


def requests_to_nobody(count: int, run: str) -> Iterator[Event]:
    """Make requests for a model that no job has; only somebody else could write them, past the input adapter."""
    headers = ((MODEL, b"nobody:1"), (CONFIG_VERSION, b"1"))
    for number in range(count):
        yield Event(
            id=f"{run}-request-{number}",
            number=number,
            source=REQUESTS,
            key=_KEYS[number % len(_KEYS)],
            value=_json(),
            code="UNKNOWN_MODEL",
            more_headers=headers,
        )


def sorts_of_poison(form: str) -> int:
    """Tell how many sorts of poison there are, so that a test can see that all were sent."""
    return len(_POISON[form])


def _golden() -> dict[str, dict[str, dict[str, Any]]]:
    """What each model answers, by features as JSON; each has rows that others have not."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for model in TYPES.values():
        lines = (MODELS / model / "1" / "golden.jsonl").read_text(encoding="utf-8").splitlines()
        found[model] = {json.dumps(row["input"]): row["outputs"] for row in map(json.loads, lines)}
    return found


def _rows(
    golden: dict[str, dict[str, dict[str, Any]]], model: str
) -> list[tuple[dict[str, float], dict[str, dict[str, Any]]]]:
    """A model's rows: features, and what every model that has them answers."""
    return [
        (json.loads(row), {name: answers[row] for name, answers in golden.items() if row in answers})
        for row in golden[model]
    ]


def _written(form: str, kind: str, features: dict[str, float], number: int) -> tuple[bytes, object]:
    if form == "json":
        event = {"type": kind, "id": number, **features, "note": "Zürich", "big": 12345678901234567890123}
        return json.dumps(event, ensure_ascii=False).encode(), event
    row = ",".join(repr(features[name]) for name in FEATURES)
    return (row if form == "csv" else f"{kind}###{row}").encode(), row


_GOOD = {"type": "iris", "sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
_GONE = object()


def _json(**changes: object) -> bytes:
    return json.dumps({name: value for name, value in {**_GOOD, **changes}.items() if value is not _GONE}).encode()


_POISON: dict[str, list[tuple[bytes | None, str]]] = {
    "json": [
        (b"\xff\xfe\x00", "DECODE"),
        (b'{"type": "iris", ', "DECODE"),
        (b"[1, 2]", "DECODE"),
        (b"", "DECODE"),
        (None, "DECODE"),
        (_json(note="\xff").replace(b"\\u00ff", b"\xff"), "DECODE"),
        (_json(type=_GONE), "TYPE_MISSING"),
        (_json(type=7), "TYPE_MISSING"),
        (_json(type="rose"), "UNMATCHED"),
        (_json(petal_width=_GONE), "INPUT"),
        (_json(petal_width=None), "INPUT"),
        (_json(petal_width="0.2"), "INPUT"),
        (_json(petal_width=True), "INPUT"),
        (_json(petal_width=[0.2]), "INPUT"),
        (_json(petal_width=float("nan")), "DECODE"),
        (_json(type="iris-kmeans", **dict.fromkeys(FEATURES, 1e200)), "SCORING"),  # as far from every cluster
        (_json(note="x" * _OVER_SIZE), "OVERSIZE"),
    ],
    "csv": [
        (b"5.1,3.5,1.4", "DECODE"),
        (b"5.1,3.5,1.4,0.2,7", "DECODE"),
        (b"5.1,3.5,1.4,wide", "DECODE"),
        (b"5.1,3.5,,0.2", "DECODE"),
        (b"\xff,1,2,3", "DECODE"),
        (b"", "DECODE"),
        (None, "DECODE"),
    ],
    "tagged": [
        (b"5.1,3.5,1.4,0.2", "TYPE_MISSING"),
        (b"###5.1,3.5,1.4,0.2", "TYPE_MISSING"),
        (b"rose###5.1,3.5,1.4,0.2", "UNMATCHED"),
        (b"iris###5.1,3.5,1.4", "TRANSFORM"),
        (b"iris###5.1,3.5,1.4,wide", "TRANSFORM"),
        (b"iris###\xff", "DECODE"),
        (b"rose###" + b"x" * _OVER_SIZE, "UNMATCHED"),
        (None, "DECODE"),
    ],
}
