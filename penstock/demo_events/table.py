"""Lines of the demo's tables, which are package data: nothing is downloaded, and nothing is needed to read them."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

__all__ = ["lines"]


@cache
def lines(name: str) -> tuple[dict[str, object], ...]:
    """Return the objects of a table, in its order."""
    text = files("penstock.demo_events").joinpath(f"{name}.jsonl").read_text("utf-8")
    return tuple(json.loads(line) for line in text.splitlines())
