"""Iris events for demos, trials and tests, drawn from the 150 measurements of Fisher (1936) with seeded noise.

Pure: the same recipe gives the same events, byte for byte. The table is package data, so nothing is downloaded.
"""

import csv
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from itertools import count
from types import MappingProxyType

__all__ = [
    "COLUMNS",
    "DEMO_TOPICS",
    "POISON_HEADER",
    "SEEDED_START_MS",
    "Event",
    "Form",
    "Recipe",
    "events",
    "measurements",
]

COLUMNS = ("sepal_length", "sepal_width", "petal_length", "petal_width")

POISON_HEADER = "poison"
"""Header of a record that was spoilt on purpose; its value names the kind, which a dead letter then shows."""

_NOISE_CM = 0.1  # about the precision of the measurements: rows vary, their species stays plain
SEEDED_START_MS = 1_700_000_000_000
"""`ts` of a seeded run counts from here, so that the bytes do not depend on the clock."""


class Form(StrEnum):
    """How the value of an event is written."""

    JSON = "json"
    CSV = "csv"
    TAGGED = "tagged"


DEMO_TOPICS: Mapping[Form, str] = MappingProxyType(
    {Form.JSON: "events", Form.CSV: "csv-events", Form.TAGGED: "legacy-events"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What to make: ``keys`` distinct keys, ``poison_percent`` of the events spoilt, no end when ``count`` is 0."""

    form: Form = Form.JSON
    type: str = "iris"
    count: int = 0
    keys: int = 100
    seed: int | None = None
    poison_percent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One record to send; ``poison`` is the kind of fault it carries, or None for a good one."""

    key: bytes
    value: bytes | None
    poison: str | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A good event before it is written."""

    type: str
    id: int
    row: tuple[float, ...]
    user: str
    ts: int

    def fields(self) -> dict[str, object]:
        return {
            "type": self.type,
            "id": self.id,
            **dict(zip(COLUMNS, self.row, strict=True)),
            "user": self.user,
            "ts": self.ts,
        }


@cache
def measurements() -> tuple[tuple[float, ...], ...]:
    """The 150 rows of the table, in centimetres, in the order of ``COLUMNS``."""
    lines = files("penstock").joinpath("iris.csv").read_text("utf-8").splitlines()
    return tuple(tuple(float(row[column]) for column in COLUMNS) for row in csv.DictReader(lines))


def events(recipe: Recipe) -> Iterator[Event]:
    """The events of a recipe, lazily. Poison is drawn apart: asking for some leaves the good events as they were."""
    draw = random.Random(recipe.seed)  # noqa: S311  demo data, nothing secret
    spoil = random.Random(None if recipe.seed is None else f"poison/{recipe.seed}")  # noqa: S311
    kinds = tuple(_POISONS[recipe.form].items())
    table = measurements()
    for number in count(1) if recipe.count == 0 else range(1, recipe.count + 1):
        row = tuple(max(0.1, round(x + draw.gauss(0, _NOISE_CM), 1)) for x in draw.choice(table))
        user = f"u{draw.randint(1, recipe.keys)}"
        ts = int(time.time() * 1000) if recipe.seed is None else SEEDED_START_MS + number
        draft = _Draft(type=recipe.type, id=number, row=row, user=user, ts=ts)
        if spoil.random() * 100 < recipe.poison_percent:
            kind, make = spoil.choice(kinds)
            yield Event(key=user.encode(), value=make(draft), poison=kind)
        else:
            yield Event(key=user.encode(), value=_WRITERS[recipe.form](draft))


def _as_json(draft: _Draft) -> bytes:
    return _dump(draft.fields())


def _as_csv(draft: _Draft) -> bytes:
    return ",".join(map(str, draft.row)).encode()


def _as_tagged(draft: _Draft) -> bytes:
    return draft.type.encode() + b"###" + _as_csv(draft)


def _dump(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def _without(draft: _Draft, name: str) -> bytes:
    return _dump({key: value for key, value in draft.fields().items() if key != name})


def _short_row(draft: _Draft) -> bytes:
    return ",".join(map(str, draft.row[:-1])).encode()


def _word_in_row(draft: _Draft) -> bytes:
    return ",".join([str(draft.row[0]), "wide", *map(str, draft.row[2:])]).encode()


_Writer = Callable[[_Draft], bytes]
_WRITERS: Mapping[Form, _Writer] = {Form.JSON: _as_json, Form.CSV: _as_csv, Form.TAGGED: _as_tagged}

_NOT_UTF8 = b"\xff\xfe\x00iris"
_POISONS: Mapping[Form, Mapping[str, Callable[[_Draft], bytes | None]]] = {
    Form.JSON: {
        "tombstone": lambda _: None,
        "not-utf8": lambda _: _NOT_UTF8,
        "broken-json": lambda draft: _as_json(draft)[:-1],
        "no-type": lambda draft: _without(draft, "type"),
        "unknown-type": lambda draft: _dump({**draft.fields(), "type": "no-such-type"}),
        "missing-feature": lambda draft: _without(draft, "petal_width"),
        "wrong-feature": lambda draft: _dump({**draft.fields(), "sepal_width": "wide"}),
    },
    Form.CSV: {
        "tombstone": lambda _: None,
        "not-utf8": lambda _: _NOT_UTF8,
        "missing-feature": _short_row,
        "wrong-feature": _word_in_row,
    },
    Form.TAGGED: {
        "tombstone": lambda _: None,
        "not-utf8": lambda draft: draft.type.encode() + b"###" + _NOT_UTF8,
        "no-type": _as_csv,
        "unknown-type": lambda draft: b"no-such-type###" + _as_csv(draft),
        "missing-feature": lambda draft: draft.type.encode() + b"###" + _short_row(draft),
        "wrong-feature": lambda draft: draft.type.encode() + b"###" + _word_in_row(draft),
    },
}
