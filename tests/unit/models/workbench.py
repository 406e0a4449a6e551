"""What tests of the host share: models that nothing needs to be known of, a loader that does as told, and a clock."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING, Any

from penstock.control.messages import Message
from penstock.local.waiting import wait_until
from penstock.models.descriptor import ModelDescriptor
from penstock.models.host import ModelHost
from penstock.models.records import descriptor_record, pointer_record, removed_record
from penstock.models.ref import ModelRef
from penstock.sections import ModelsSettings
from penstock.testing.builders import document, route

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.routing.document import RoutingDocument

PATIENCE_S = 60
MIB = 1 << 20
#: By the clock that a test moves: no test moves it so far by little steps, however long it waits for something.
_LOADS_S = 3_600
_LITTLE_STEP_S = 0.05


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


class Thing:
    """A model in memory."""

    def __init__(self, ref: str, size: int) -> None:
        self.ref = ref
        self.bytes = size
        self.closed = 0
        self.users = 0
        self.broken = False
        self.said = ""

    def remark(self) -> str:
        """What there is to be said of it."""
        return self.said

    def close(self) -> None:
        """Give it up: once, and while nobody uses it."""
        self.closed += 1
        self.broken = self.broken or self.users > 0 or self.closed > 1


class FakeLoader:
    """Makes a thing of each model, or does what a test says for its ref."""

    def __init__(self, size: int = 1_000) -> None:
        self.size = size
        self.made: list[Thing] = []
        self.begun: list[str] = []
        self.errors: dict[str, list[Exception]] = {}
        self.gates: dict[str, threading.Event] = {}

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> Thing:
        """Make a thing of it."""
        ref = str(descriptor.ref)
        found = None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
        assert found == (descriptor.sha256 if descriptor.in_worker else None)
        gate = self.gates.get(ref)  # before it is told: whoever waits for that may set up another for the next load
        self.begun.append(ref)
        if gate is not None:
            assert gate.wait(PATIENCE_S)
        if self.errors.get(ref):
            raise self.errors[ref].pop(0)
        self.made.append(Thing(ref, self.size))
        return self.made[-1]

    @property
    def open(self) -> list[str]:
        """What is in memory now."""
        return sorted(thing.ref for thing in self.made if not thing.closed)

    def stop_at(self, ref: str) -> threading.Event:
        """Let the loading of a version wait for the event that is returned."""
        self.gates[ref] = threading.Event()
        return self.gates[ref]


class Workbench:
    """A host with a folder of model files, and a topic that exists only here."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        patient = {"wait_ms": 200, "load_timeout_ms": 1000 * _LOADS_S}
        self.settings = ModelsSettings(**{"cache_dir": folder / "cache", **patient, **settings})
        self.loader = FakeLoader()
        self.clock = Clock()
        self.changes = 0
        self.hosts: list[ModelHost] = []
        self._offset = -1

    def host(self, *, eager: bool | Callable[[str], bool] = True, job: str = "pmml") -> ModelHost:
        """Make a host."""
        found = ModelHost(self.settings, job, self.loader, eager=eager, on_change=self._count, clock=self.clock)
        self.hosts.append(found)
        return found

    def _count(self) -> None:
        self.changes += 1

    def close(self) -> None:
        """End what tests left open."""
        for gate in self.loader.gates.values():
            gate.set()
        for host in self.hosts:
            host.close()

    def file(self, ref: str) -> Path:
        """Write a model's file."""
        path = self.folder / ref.replace(":", "-")
        path.write_text(ref, encoding="utf-8")
        return path

    def model(self, ref: str, **changes: Any) -> Message:
        """Return the message that registers a version, whose file is there; keywords replace the descriptor's keys."""
        meant = ModelRef.parse(ref)
        path = self.file(ref)
        tree = {
            "name": meant.name,
            "version": meant.version,
            "job": "pmml",
            "format": "pmml",
            "uri": str(path),
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "bytes": path.stat().st_size,
        }
        return self.message(*descriptor_record(ModelDescriptor.parse(tree | changes, "test")))

    def live(self, name: str, version: int, previous: int | None = None) -> Message:
        """Return the message that says which version a bare name means."""
        return self.message(*pointer_record(name, version, previous, ""))

    def removal(self, ref: str) -> Message:
        """Return the message that deletes a version."""
        return self.message(*removed_record(ModelRef.parse(ref)))

    def message(self, key: bytes, value: bytes | None) -> Message:
        """Return the topic's next message."""
        self._offset += 1
        return Message(key=key, value=value, published_ms=0, offset=self._offset)

    def routes(self, *models: str, shadows: tuple[str, ...] = ()) -> RoutingDocument:
        """Return a document whose routes name the models."""
        given = [route(f"r{number}", model=model) for number, model in enumerate(models)]
        if shadows:
            given[0]["shadow"] = [{"model": model, "name": f"s{at}"} for at, model in enumerate(shadows)]
        names = {ModelRef.parse(model).name for model in (*models, *shadows)}
        return document(routes=given, models={name: {"job": "pmml"} for name in names})

    def advance(self, seconds: float) -> None:
        """Let time pass, and the keepers see it."""
        self.clock.now += seconds
        for host in self.hosts:
            host._shelf.wake()

    def pass_until(self, told: Callable[[], object], last: object) -> None:
        """Wait until something is as it has to be, while time passes: pauses end, but no load takes too long."""

        def later() -> object:
            self.advance(_LITTLE_STEP_S)
            return told()

        settled(later, last)


def state(host: ModelHost, ref: str) -> str:
    """Return the state of a version, or "gone"."""
    found = host.states().get(ref)
    return "gone" if found is None else found.state.value


def settled(told: Callable[[], object], last: object) -> None:
    """Wait until something is as it has to be."""
    assert wait_until(lambda: told() == last, PATIENCE_S, 0.001), f"expected {last!r}, last seen {told()!r}"


def given(host: ModelHost, *texts: str) -> dict[str, str]:
    """Lease models, and return their refs by the texts."""
    with host.leased(texts) as models:
        return {text: model.ref for text, model in models.items()}


def started(bench: Workbench, *refs: str) -> ModelHost:
    """Return a host that has these models, each of them wanted by a route and loaded."""
    host = bench.host()
    host.begin([bench.model(ref) for ref in refs])
    host.want(bench.routes(*refs))
    assert host.await_wanted(PATIENCE_S) == frozenset()
    return host
