"""What a catalogue of models is told (events), what it wants done (effects), and what it knows of a version."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from penstock.models.records import Registered, Removed

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.ref import ModelRef

__all__ = [
    "Asked",
    "Awaited",
    "Cancel",
    "Changed",
    "Effect",
    "Entry",
    "Event",
    "Failed",
    "Held",
    "Load",
    "Loaded",
    "Meant",
    "Registered",
    "Released",
    "Removed",
    "Serve",
    "State",
    "Taken",
    "Tick",
    "Unload",
    "Wanted",
]


class State(StrEnum):
    """Where a version is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    EVICTED = "evicted"
    """Registered and not in memory; it is loaded when somebody asks for it."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One version. Only the catalogue changes it: whoever gets one reads it, under the lock."""

    ref: ModelRef
    descriptor: ModelDescriptor
    state: State
    since_ms: int
    """When it came into this state."""
    reason: str = ""
    """Why it is failed or evicted."""
    refs: int = 0
    """How many batches hold it."""
    used_ms: int = 0
    """When it was held for the last time."""
    bytes: int = 0
    """Memory: estimated while it is loading, as told when it is ready, else 0."""
    generation: int = 0
    """Of its latest loading, also called an episode; 0: never loaded."""
    retry_at_ms: int | None = None
    """Failed: when it is tried again; None: never."""
    passing: bool = False
    """Failed: whether it may go well soon."""
    failures: int = 0
    """How often it failed since it was ready."""
    ever_ready: bool = False
    awaited: bool = False
    """Whether its latest loading has not been answered yet."""


class Held(NamedTuple):
    """One loading of a version: the same version, deleted and added anew, is another."""

    ref: ModelRef
    generation: int


class Meant(NamedTuple):
    """Which versions serve a bare name (`Registry.serving`): the live one first, then the one before it."""

    name: str
    refs: tuple[ModelRef, ...]


class Wanted(NamedTuple):
    """Which versions routes name; others go first where room is short."""

    refs: frozenset[ModelRef]


class Asked(NamedTuple):
    """A request wants a version that `Catalog.find` gave and that is not ready."""

    ref: ModelRef


class Awaited(NamedTuple):
    """A batch wants these, and no others: what is loaded of them stays until the batch has had it."""

    refs: frozenset[ModelRef]


class Taken(NamedTuple):
    """A batch holds these; all of them are ready."""

    held: tuple[Held, ...]


class Released(NamedTuple):
    """A batch holds these no longer."""

    held: tuple[Held, ...]


class Loaded(NamedTuple):
    """A `Load` went well."""

    ref: ModelRef
    generation: int
    bytes: int


class Failed(NamedTuple):
    """A `Load` went wrong."""

    ref: ModelRef
    generation: int
    reason: str
    passing: bool
    """It may go well soon: it is tried again, at first after a second, and whoever starts waits for it."""
    mendable: bool = False
    """It may go well when somebody has changed something: it is tried again now and then, and nobody waits for it."""


class Tick(NamedTuple):
    """Time has passed."""


Event = Registered | Removed | Meant | Wanted | Asked | Awaited | Taken | Released | Loaded | Failed | Tick
"""`Registered` and `Removed` of `penstock.models.records`; `Registry.events` makes these two and `Meant`."""


class Load(NamedTuple):
    """Load a version and answer with `Loaded` or `Failed`, once, with this generation; but see `Cancel`."""

    ref: ModelRef
    generation: int
    first: bool
    """Whether it was never ready in this worker."""


class Cancel(NamedTuple):
    """A `Load` is of no use any more: if it has not begun, it need not be, nor be answered; else its answer is late."""

    ref: ModelRef
    generation: int


class Unload(NamedTuple):
    """Give up what this loading of a version brought; nobody holds it."""

    ref: ModelRef
    generation: int


class Serve(NamedTuple):
    """From now on a bare name means this version here; None: none that is ready or can be loaded."""

    name: str
    ref: ModelRef | None


class Changed(NamedTuple):
    """The state of these versions is another now; the last effect of an event."""

    refs: tuple[ModelRef, ...]


Effect = Load | Cancel | Unload | Serve | Changed
