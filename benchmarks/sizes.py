"""What the number of a document's routes costs: until the document is in force, and for each event from then on.

    python -m benchmarks.sizes

The core alone is measured, in a process of its own: no engine, no broker. Seconds are CPU time, best of some.
"""

from __future__ import annotations

import json
import random
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import yaml

from benchmarks import documents
from input_adapter.router import Router
from penstock.routing.document import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.routing.document import RoutingDocument

__all__ = ["FEW", "MANY", "main", "measured"]

FEW, MANY = 10, 10_000
_SOURCE = "bench-sizes"
_EVENTS = 20_000
_TURNS = 5
_LIMIT = 2**20
# libyaml, where the package has it: ten thousand routes take a minute without.
_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def measured(
    counts: Sequence[int] = (FEW, MANY), turns: int = _TURNS, events: int = _EVENTS
) -> dict[str, dict[str, float]]:
    """Return figures by the number of routes; sizes take turns, so that what disturbs one disturbs the other."""
    columns = {count: _columns(count, events) for count in counts}
    texts = {
        count: {"json": json.dumps(plain), "yaml": yaml.dump(plain, Dumper=_Dumper, sort_keys=False)}
        for count, plain in ((count, documents.many(_SOURCE, count)) for count in columns)
    }
    found: dict[str, dict[str, float]] = {str(count): {} for count in columns}
    for _ in range(turns):
        for count, batch in columns.items():
            figures = _turn(texts[count], batch)
            best = found[str(count)]
            best.update({name: min(figure, best.get(name, figure)) for name, figure in figures.items()})
    return found


def _turn(texts: dict[str, str], columns: tuple[Any, ...]) -> dict[str, float]:
    figures = {}
    for form, text in texts.items():
        figures[f"{form}_load_s"], document = _timed(partial(load, text))
        seconds, router = _timed(partial(_router, document))
        figures[f"{form}_ready_s"] = figures[f"{form}_load_s"] + seconds
    router.route(*columns)  # what is remembered of types and keys is, as it is in a worker soon after a change
    seconds, routed = _timed(partial(router.route, *columns))
    if any(topic is None or topic.endswith(".dead-letters") for topic in routed.topics):
        raise ValueError("the router refused events that were made for its document")
    return {**figures, "router_us": seconds / len(routed.topics) * 1e6}


def _timed(run: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = run()
    return time.process_time() - began, result


def _router(document: RoutingDocument) -> Router:
    return Router(document, prefix="bench", max_request_bytes=_LIMIT, max_dead_letter_bytes=_LIMIT)


def _columns(count: int, size: int) -> tuple[Any, ...]:
    """Make events that meet all routes evenly, as columns."""
    draw = random.Random(1)  # noqa: S311  the same every time, nothing secret
    values, keys = [], []
    for number in range(size):
        kind, tenant = documents.of_many(draw.randrange(count))
        fields = {"type": kind, "id": number, "tenant": tenant, "features": [5.1, 3.5, 1.4, 0.2]}
        values.append(json.dumps(fields, separators=(",", ":")).encode())
        keys.append(f"u{draw.randrange(1000)}".encode())
    return values, [80] * size, [_SOURCE] * size, [None] * size, keys, [0] * size, range(size)


def main() -> None:
    """Measure, and say what was found in a line of JSON."""
    click.echo(json.dumps(measured()))


if __name__ == "__main__":
    main()
