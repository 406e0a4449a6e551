"""Changes models until its standard input ends, as a process of its own: the one that takes the time does nothing else.

It says how long each change took, in seconds, as a line of JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import click

from benchmarks import zoo
from penstock import settings as settings_file
from penstock.control.models import ModelsTopic
from penstock.control.watching import ModelWatch
from penstock.errors import StackError
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from penstock.settings import Settings

__all__: list[str] = []

_PERIOD_S = 0.5
_PATIENCE_S = 120.0


def _swap(settings: Settings, folder: Path, over: Event) -> Iterator[float]:
    """Register a version and make it live, again and again; every worker goes by it before the next."""
    described = zoo.zoo(200, folder, settings)
    name = f"swapped-{folder.name}"
    previous: int | None = None
    with ModelsTopic(settings) as registered, ModelWatch(settings) as watch:
        for version, one in enumerate(described, start=1):
            if over.is_set():
                return
            began = time.monotonic()
            registered.register(zoo.renamed(one, name, version))
            pointed = registered.point(name, version, previous)
            if not watch.served(name, version, pointed.offset, _PATIENCE_S):
                raise StackError("swap", "", f"version {version} of {name!r} did not come to serve")
            yield time.monotonic() - began
            previous = version
            over.wait(_PERIOD_S)


def _load(settings: Settings, folder: Path, over: Event) -> Iterator[float]:
    """Load a large model again and again, under a new version; each time until all workers have it ready."""
    folder.mkdir(parents=True, exist_ok=True)
    one = zoo.large(folder / "large.pmml")
    name, version = f"large-{folder.name}", 0
    with ModelsTopic(settings) as registered, ModelWatch(settings) as watch:
        while not over.is_set():
            version += 1
            descriptor = zoo.renamed(one, name, version)
            began = time.monotonic()
            published = registered.register(descriptor)
            if published is None:
                raise StackError("load", "", f"{str(descriptor.ref)!r} is registered already")
            said = watch.loaded(descriptor.ref, published.offset, "pmml", _PATIENCE_S)
            states = {None if one is None else one.state for one in said.values()}
            # The workers for copies load what is asked for only.
            if State.READY not in states or not states <= {State.READY, State.EVICTED}:
                raise StackError("load", "", f"the large model was not loaded: {said}")
            yield time.monotonic() - began
            registered.remove(descriptor.ref)
            over.wait(_PERIOD_S)


_CHANGES: Mapping[str, Callable[[Settings, Path, Event], Iterator[float]]] = {"swap": _swap, "load": _load}


@click.command()
@click.option("--settings", "file", type=click.Path(path_type=Path), required=True)
@click.option("--change", type=click.Choice(sorted(_CHANGES)), required=True)
@click.option("--folder", type=click.Path(path_type=Path), required=True)
def main(file: Path, change: str, folder: Path) -> None:
    """Change models."""
    over = Event()

    def listen() -> None:
        sys.stdin.read()
        over.set()

    Thread(target=listen, daemon=True).start()
    took = list(_CHANGES[change](settings_file.load(file), folder, over))
    click.echo(json.dumps([round(seconds, 3) for seconds in took]))


if __name__ == "__main__":
    main()
