"""Images of handwritten digits as PNG bytes, for demos, trials and tests, drawn from a table. Pure.

They are scikit-learn's digits that the sample model was not trained with; ``models/digits.py`` made the table.
"""

from __future__ import annotations

import base64
import random
from functools import cache
from itertools import count
from typing import TYPE_CHECKING

from penstock.demo_events.table import lines
from penstock.event import CONTENT_TYPE
from penstock.iris import Event, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["TOPIC", "TYPE", "events", "pictures"]

TOPIC = "images"
TYPE = "image"

_HEADERS = ((CONTENT_TYPE, b"image/png"),)


@cache
def pictures() -> tuple[bytes, ...]:
    """Return all images."""
    return tuple(base64.b64decode(str(line["png"])) for line in lines("images"))


def events(recipe: Recipe) -> Iterator[Event]:
    """The events of a recipe, lazily. Poison is drawn apart: asking for some leaves the good events as they were."""
    draw = random.Random(recipe.seed)  # noqa: S311  demo data, nothing secret
    spoil = random.Random(None if recipe.seed is None else f"poison/{recipe.seed}")  # noqa: S311
    table, kinds = pictures(), tuple(_POISONS.items())
    for _ in count(1) if recipe.count == 0 else range(recipe.count):
        key, picture = f"u{draw.randint(1, recipe.keys)}".encode(), draw.choice(table)
        if spoil.random() * 100 < recipe.poison_percent:
            kind, make = spoil.choice(kinds)
            yield Event(key=key, value=make(picture), poison=kind, headers=_HEADERS)
        else:
            yield Event(key=key, value=picture, headers=_HEADERS)


_POISONS: Mapping[str, Callable[[bytes], bytes | None]] = {
    "tombstone": lambda _: None,
    "no-image": lambda _: b"this is no image",
    "half-an-image": lambda picture: picture[: len(picture) // 2],
}
