"""What events for one model wait for while others are swapped, and while a large one is loaded."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from benchmarks import execution, latency, zoo
from penstock.control.models import ModelsTopic
from penstock.control.watching import ModelWatch
from penstock.errors import StackError
from penstock.models.catalog_events import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from benchmarks.delays import Pace
    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program
    from penstock.settings import Settings

__all__ = ["PROGRAM", "RATE", "measured"]

PROGRAM = "pmml-tree"
"""Whose requests are looked at."""
RATE = 2_000
_PERIOD_S = 0.5
_SWAPPED = "swapped"
_PATIENCE_S = 120.0


def measured(own: OwnStack, program: Program, pool: Path, warm_up: Pace, pace: Pace) -> dict[str, Any]:
    """Measure delays at a rate: with nothing else, with a swap each half second, and with the load of 20 MB.

    Args:
        own: the stack.
        program: the PMML stage with one model.
        pool: its records.
        warm_up: before what counts.
        pace: how long each is measured, and at which rate.
    """
    settings = own.settings_of(program)
    with execution.executing(own, program, 0):
        latency.measure(own, program, pool, warm_up)
        found = {"quiet": latency.measure(own, program, pool, pace)}
        with _meanwhile(lambda over: _swap(settings, own.layout.data / "swaps", over)):
            found["swaps"] = latency.measure(own, program, pool, pace)
        loads: list[float] = []
        with _meanwhile(lambda over: loads.extend(_load(settings, own.layout.data / "large", over))):
            found["loads"] = latency.measure(own, program, pool, pace)
    return {**{name: asdict(summary) for name, summary in found.items()}, "load_s": loads, "rate": pace.rate}


@contextmanager
def _meanwhile(work: Callable[[Event], None]) -> Iterator[None]:
    """Do something during the block; it is told when the block is left, and what it raised is raised there."""
    over, failed = Event(), []

    def run() -> None:
        try:
            work(over)
        except Exception as error:  # noqa: BLE001 it is raised where somebody waits for it
            failed.append(error)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(_PATIENCE_S)
    for error in failed:
        raise error


def _swap(settings: Settings, folder: Path, over: Event) -> None:
    """Register a version and make it live, again and again; each worker has loaded it before the next."""
    described = zoo.zoo(200, folder, settings)
    previous: int | None = None
    with ModelsTopic(settings) as registered, ModelWatch(settings) as watch:
        for version, one in enumerate(described, start=1):
            if over.is_set():
                return
            registered.register(zoo.renamed(one, _SWAPPED, version))
            pointed = registered.point(_SWAPPED, version, previous)
            if not watch.served(_SWAPPED, version, pointed.offset, _PATIENCE_S):
                raise StackError("swap", "", f"version {version} of {_SWAPPED!r} did not come to serve")
            previous = version
            over.wait(_PERIOD_S)


def _load(settings: Settings, folder: Path, over: Event) -> Iterator[float]:
    """Load a large model again and again, under a new name; yields how long until all workers had it ready."""
    folder.mkdir(parents=True, exist_ok=True)
    one = zoo.large(folder / "large.pmml")
    version = 0
    with ModelsTopic(settings) as registered, ModelWatch(settings) as watch:
        while not over.is_set():
            version += 1
            descriptor = zoo.renamed(one, "large", version)
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
