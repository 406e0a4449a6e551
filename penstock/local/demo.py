"""The demo: which of its events have a place, and whose topics they would go to.

Run as a program of the stack (``python -m penstock.local.demo SETTINGS``) it writes those that were chosen.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from penstock import settings as settings_file
from penstock.demo_events import images, tweets
from penstock.demo_events.mix import Kind, topic_of
from penstock.deployables import SCORING
from penstock.iris import Recipe
from penstock.local.layout import Layout
from penstock.models.ref import ModelRef
from penstock.routing.match import by_type

if TYPE_CHECKING:
    from collections.abc import Collection

    from penstock.deployables import Deployable
    from penstock.routing.document import RoutingDocument, Source
    from penstock.settings import Settings

__all__ = ["choose", "chosen", "main", "misfit", "on_own_cluster"]

#: What `penstock generate` writes when it is not told otherwise.
_EVENTS = Recipe()
_TYPES = {Kind.IRIS: _EVENTS.type, Kind.TWEETS: tweets.TYPE, Kind.IMAGES: images.TYPE}
_FORMATS = {Kind.IRIS: "json", Kind.TWEETS: "json", Kind.IMAGES: "bytes"}


def on_own_cluster(settings: Settings) -> bool:
    """Say whether users' topics are on a cluster of the user's own, where nobody expects events of ours."""
    local = settings.local
    embedded = settings.kafka.embedded and f"{local.host}:{local.kafka_port}"
    return settings.kafka.external.bootstrap_servers != embedded


def misfit(kind: Kind, document: RoutingDocument, running: Collection[Deployable]) -> str | None:
    """Say why a routing document has no place for the demo's events of a kind, as jobs run; None where it has."""
    topic, event_type = topic_of(kind, _EVENTS), _TYPES[kind]
    if not any(_takes(source, topic, kind) for source in document.sources):
        form = {"json": "JSON", "bytes": "bytes"}[_FORMATS[kind]]
        return f"the routing document has no source {topic!r} in {form} that takes type {event_type!r}"
    route = by_type(document.routes).get(event_type)
    if route is None:
        return f"the routing document has no route for type {event_type!r}"
    jobs = {document.models[ModelRef.parse(model).name].job for model in route.models}
    idle = sorted(job for job in jobs if SCORING.get(job) not in running)
    return f"job {idle[0]!r}, which scores type {event_type!r}, does not run" if idle else None


def _takes(source: Source, topic: str, kind: Kind) -> bool:
    rule = source.type
    typed = rule is not None and (
        (rule.field == "type" and kind is Kind.IRIS) or rule.constant == _TYPES[kind]
    )  # texts and images do not say what they are
    return source.topic == topic and source.format == _FORMATS[kind] and typed


def choose(layout: Layout, kinds: Collection[Kind]) -> bool:
    """Keep which kinds the demo writes from its next start on; returns whether they are others than before."""
    text = json.dumps(list(kinds))
    changed = [*kinds] != chosen(layout)
    _file(layout).write_text(text, encoding="utf-8")
    return changed


def chosen(layout: Layout) -> list[Kind]:
    """Return the kinds that the demo writes."""
    try:
        return [Kind(word) for word in json.loads(_file(layout).read_text(encoding="utf-8"))]
    except FileNotFoundError:
        return []


def _file(layout: Layout) -> Path:
    return layout.conf / "demo.json"


def main(file: Path) -> None:
    """Turn into the command that writes events."""
    settings = settings_file.read(file)
    kinds, rate = ",".join(chosen(Layout.of(settings))), f"{settings.local.demo_rate:g}"
    generate = ["generate", "--kind", kinds, "--rate", rate, "--settings", str(file)]
    os.execv(sys.executable, [sys.executable, "-P", "-m", "penstock.cli", *generate])  # noqa: S606 - our own command


if __name__ == "__main__":
    main(Path(sys.argv[1]))
