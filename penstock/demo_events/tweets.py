"""Short texts for demos, trials and tests, drawn from a table; ``models/sentences.py`` made it. Pure.

The same recipe gives the same events, byte for byte, and each text is one that the sample model's golden answers have.
"""

from __future__ import annotations

import json
import random
import time
from itertools import count
from typing import TYPE_CHECKING

from penstock.demo_events.table import lines
from penstock.iris import SEEDED_START_MS, Event, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["TOPIC", "TYPE", "events", "texts"]

TOPIC = "tweets"
TYPE = "tweet"

_Fields = dict[str, object]


def texts() -> tuple[str, ...]:
    """Return all texts."""
    return tuple(str(line["text"]) for line in lines("tweets"))


def events(recipe: Recipe) -> Iterator[Event]:
    """The events of a recipe, lazily. Poison is drawn apart: asking for some leaves the good events as they were."""
    draw = random.Random(recipe.seed)  # noqa: S311  demo data, nothing secret
    spoil = random.Random(None if recipe.seed is None else f"poison/{recipe.seed}")  # noqa: S311
    table, kinds = texts(), tuple(_POISONS.items())
    for number in count(1) if recipe.count == 0 else range(1, recipe.count + 1):
        user = f"u{draw.randint(1, recipe.keys)}"
        ts = int(time.time() * 1000) if recipe.seed is None else SEEDED_START_MS + number
        fields: _Fields = {"id": number, "text": draw.choice(table), "user": user, "ts": ts}
        if spoil.random() * 100 < recipe.poison_percent:
            kind, make = spoil.choice(kinds)
            yield Event(key=user.encode(), value=make(fields), poison=kind)
        else:
            yield Event(key=user.encode(), value=_dump(fields))


def _dump(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


_POISONS: Mapping[str, Callable[[_Fields], bytes | None]] = {
    "tombstone": lambda _: None,
    "not-utf8": lambda _: b"\xff\xfe\x00tweet",
    "broken-json": lambda fields: _dump(fields)[:-1],
    "missing-feature": lambda fields: _dump({name: value for name, value in fields.items() if name != "text"}),
    "wrong-feature": lambda fields: _dump({**fields, "text": 5}),
}
