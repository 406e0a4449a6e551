"""Which models a worker has in memory, is loading, or has given up: a state machine. No I/O, no threads, no clock.

Whoever runs it (`penstock.models.host`) holds a lock, passes the time in, and carries out the effects in their order.
"""

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
    "Catalog",
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
    ever_ready: bool = False


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
    """A `Load` went wrong; ``passing``: it may go well later."""

    ref: ModelRef
    generation: int
    reason: str
    passing: bool


class Tick(NamedTuple):
    """Time has passed."""


Event = Registered | Removed | Meant | Wanted | Asked | Taken | Released | Loaded | Failed | Tick
"""`Registered` and `Removed` of `penstock.models.records`; `Registry.events` makes these two and `Meant`."""


class Load(NamedTuple):
    """Load a version and answer with `Loaded` or `Failed`, once, with this generation."""

    ref: ModelRef
    generation: int
    first: bool
    """Whether it was never ready in this worker."""


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


Effect = Load | Unload | Serve | Changed


class Catalog:
    """All versions of one job's models in one worker."""

    def __init__(self, most_loaded: int, most_bytes: int, job: str, eager: bool) -> None:  # noqa: FBT001
        """Begin with no models.

        Args:
            most_loaded: how many may be in memory.
            most_bytes: how much memory they may take.
            job: whose models count; others' are left out.
            eager: whether versions are loaded before somebody asks for them: those that are wanted, others where there
                is room.
        """
        raise NotImplementedError

    def on(self, event: Event, now_ms: int) -> tuple[Effect, ...]:
        """Take what happened; returns what is to be done."""
        raise NotImplementedError

    def find(self, text: str) -> Entry | None:
        """Return the version that a text means: ``name:version``, ``<uuid>_<version>``, or a bare name.

        Of a bare name, the one that serves it or, where none does, the one to ask for. None: there is none here (the
        registry says why: `Registry.unknown`).
        """
        raise NotImplementedError

    def get(self, ref: ModelRef) -> Entry | None:
        """Return a version."""
        raise NotImplementedError

    def serving(self) -> dict[str, ModelRef]:
        """Return which version each bare name means here: the `Serve` effects so far, together."""
        raise NotImplementedError

    def unsettled(self) -> frozenset[ModelRef]:
        """Return the wanted versions that are loading, or failed and will be tried again."""
        raise NotImplementedError

    def next_ms(self) -> int | None:
        """Return when the next `Tick` has something to do; None: never."""
        raise NotImplementedError
