"""A worker's models in memory, for several threads: the catalogue under a lock, and what its loads brought.

Batches take models from here and wait here for those that are being loaded. Nothing is loaded, closed or told under the
lock: that is `penstock.models.host`'s.
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol, assert_never

from penstock.errors import ModelFailedError, ModelLoadingError
from penstock.models import catalog_events as told
from penstock.models.catalog_events import Held, State
from penstock.models.loading import Failure, give_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType

    from penstock.errors import RecordError
    from penstock.models.budget import WaitBudget
    from penstock.models.catalog import Catalog
    from penstock.models.catalog_events import Effect, Entry, Event
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.loading import Served
    from penstock.models.ref import ModelRef

__all__ = ["Chores", "Lease", "Loads", "ModelState", "Shelf"]


class ModelState(NamedTuple):
    """How one version is in this worker."""

    state: State
    since_ms: int
    """Since when, in milliseconds since 1970."""
    reason: str
    """Why it failed or was evicted; of one that is ready, what is to be said of it all the same."""
    bytes: int
    """Memory that it takes, as estimated."""
    serving: bool
    """Whether its bare name means it here."""


class Chores(NamedTuple):
    """What is to be done without the lock."""

    changed: Mapping[ModelRef, ModelState | None]
    """Which versions came into another state; None: gone."""
    retired: list[Served]
    """What nobody holds any more."""
    last: bool
    """Whether there will never be others."""


class Loads(Protocol):
    """What loads models; no call waits."""

    def put(self, held: Held, descriptor: ModelDescriptor) -> None:
        """Load this."""
        ...

    def hurry(self, held: Held) -> None:
        """Load this before what else still waits."""
        ...

    def drop(self, held: Held) -> None:
        """Do not load this, if that has not begun."""
        ...


class Shelf:
    """Models by the texts that mean them, for one thread that scores: what a batch waits for is one batch's."""

    def __init__(self, catalog: Catalog, budget: WaitBudget, loads: Loads, clock: Callable[[], float]) -> None:
        """Begin with what the catalogue has.

        Args:
            catalog: nobody else uses it.
            budget: how long loadings may still be waited for.
            loads: what loads models.
            clock: seconds, as `time.monotonic`.
        """
        self._catalog = catalog
        self._budget = budget
        self._loads = loads
        self._clock = clock
        self._epoch_ms = int(time.time() * 1000) - self._now()
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._duty = threading.Condition(self._lock)
        self._served: dict[Held, Served] = {}
        self._retired: list[Served] = []
        self._changed: set[ModelRef] = set()
        self._awaited: frozenset[ModelRef] = frozenset()
        self._in_vain = False  # the last wait was: nobody waits for what is still missing
        self._leases = 0
        self._closing = False
        self._woken = False

    def feed(self, events: Iterable[Event]) -> None:
        """Take what happened, in its order."""
        with self._lock:
            for event in events:
                self._on(event)

    def answer(self, held: Held, found: Served | Failure) -> None:
        """Take what became of a load."""
        with self._lock:
            if not self._closing:
                if isinstance(found, Failure):
                    self._on(told.Failed(*held, found.reason, found.passing, found.mendable))
                    entry = self._catalog.get(held.ref)
                    if entry is None or entry.state is not State.LOADING:  # else another load of it goes on
                        self._await(self._awaited - {held.ref})  # requests of it are told why at once
                else:
                    self._served[held] = found
                    self._on(told.Loaded(*held, found.bytes))
                return
        if not isinstance(found, Failure):
            give_up(found)

    # The record path.

    def take(self, texts: Iterable[str]) -> tuple[dict[str, Served], tuple[Held, ...]]:
        """Hold those that are ready, ask for the others; what is held is to be released."""
        given: dict[str, Served] = {}
        holding: dict[Held, None] = {}
        missing: list[Entry] = []
        find, served = self._catalog.find, self._served
        with self._lock:
            self._leases += 1
            if self._closing:
                return given, ()
            for text in texts:
                entry = find(text)
                if entry is None:
                    continue
                if entry.state is State.READY:
                    held = Held(entry.ref, entry.generation)
                    given[text] = served[held]
                    holding[held] = None
                else:
                    missing.append(entry)
            taken = tuple(holding)
            if taken:
                self._on(told.Taken(taken))
            for entry in missing:
                self._ask(entry)
                if entry.state is State.LOADING:
                    self._loads.hurry(Held(entry.ref, entry.generation))
            # From now on, not from the wait on: what comes while others are scored would go for what comes next.
            coming = frozenset(entry.ref for entry in missing if entry.state is State.LOADING)
            self._await(frozenset() if self._in_vain else coming)
            self._in_vain = False
        return given, taken

    def _ask(self, entry: Entry) -> None:
        evicted = entry.state is State.EVICTED
        self._on(told.Asked(entry.ref))
        if evicted and entry.state is State.LOADING:
            self._budget.reloads(entry.ref, entry.since_ms)

    def _await(self, refs: frozenset[ModelRef]) -> None:
        """What is awaited is not let go for others that are awaited too, before it was taken once."""
        if refs != self._awaited:
            self._awaited = refs
            self._on(told.Awaited(refs))

    def release(self, held: tuple[Held, ...]) -> None:
        """Hold these no longer."""
        with self._lock:
            self._leases -= 1
            if held:
                self._on(told.Released(held))
            self._clear_up()

    def wait(self, texts: Iterable[str], deadline: float) -> None:
        """Wait until one of the models is no longer being loaded, or there is nothing left to wait."""
        with self._lock:
            found = {entry.ref: entry for text in texts if (entry := self._catalog.find(text)) is not None}
            for entry in found.values():
                if entry.state is State.EVICTED:  # since it was asked for; else this wait would be over at once
                    self._ask(entry)
            # An episode may queue for room, and only then have a generation: what tells it is when it began.
            episodes = {ref: entry.since_ms for ref, entry in found.items() if entry.state is State.LOADING}
            self._await(frozenset(found))  # what is there by now, too: it is about to be taken
            if not episodes or len(episodes) < len(found):
                return
            left_ms = max(self._budget.left_ms(*episode) for episode in episodes.items())
            begin = time.monotonic()
            until = min(deadline, begin + left_ms / 1000)
            while all(self._is_at(*episode) for episode in episodes.items()) and not self._closing:
                left = until - time.monotonic()
                if left <= 0:
                    self._await(frozenset())
                    self._in_vain = True
                    break
                self._news.wait(left)
            spent_ms = math.ceil((time.monotonic() - begin) * 1000)
            for episode in episodes.items():
                if self._is_at(*episode):
                    self._budget.spent(*episode, spent_ms)

    def _is_at(self, ref: ModelRef, since_ms: int) -> bool:
        entry = self._catalog.get(ref)
        return entry is not None and entry.state is State.LOADING and entry.since_ms == since_ms

    def absence(self, text: str) -> RecordError | None:
        """Say why a model is not to be had; None: there is none of that name here."""
        with self._lock:
            entry = self._catalog.find(text)
            if entry is None:
                return None
            if entry.state is State.FAILED:
                return ModelFailedError(text, entry.reason)
            loading_ms = self._now() - entry.since_ms if entry.state is State.LOADING else 0
            return ModelLoadingError(text, loading_ms, *self._budget.allowed(entry.ref, entry.since_ms))

    # What others are told.

    def settled(self, patience_s: float) -> frozenset[ModelRef]:
        """Wait until what is wanted is loaded, or cannot be; return what still may come when patience is over."""
        until = time.monotonic() + patience_s
        with self._lock:
            while (unsettled := self._catalog.unsettled()) and not self._closing:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._news.wait(left)
            return unsettled

    def states(self) -> dict[ModelRef, ModelState]:
        """Return how each version is."""
        with self._lock:
            serving = set(self._catalog.serving().values())
            found = {entry.ref: self._state(entry, serving) for entry in self._catalog.entries()}
            ready = {held.ref: served for held, served in self._served.items()}
        return {ref: _remarked(state, ready.get(ref)) for ref, state in found.items()}

    def serving(self) -> dict[str, int]:
        """Return which version each bare name means."""
        with self._lock:
            found = self._catalog.serving()
        return {name: ref.version for name, ref in found.items() if ref.version is not None}

    def _state(self, entry: Entry, serving: set[ModelRef]) -> ModelState:
        since_ms = self._epoch_ms + entry.since_ms
        return ModelState(entry.state, since_ms, entry.reason, entry.bytes, entry.ref in serving)

    # The keeper's side.

    def chores(self, look_at: float | None) -> Chores:
        """Wait until there is something to do, or until ``look_at`` by the clock, and return it."""
        with self._lock:
            if not (self._woken or self._changed or self._retired):
                self._duty.wait(self._pause_s(look_at))
            self._woken = False
            due_ms = self._catalog.next_ms()
            if due_ms is not None and due_ms <= self._now():
                self._on(told.Tick())
            changed, self._changed = self._changed, set()
            retired, self._retired = self._retired, []
            serving = set(self._catalog.serving().values()) if changed else set()
            entries = {ref: self._catalog.get(ref) for ref in changed}
            states = {ref: None if entry is None else self._state(entry, serving) for ref, entry in entries.items()}
            return Chores(states, retired, self._closing and not self._leases)

    def wake(self) -> None:
        """Let whoever waits for chores look at the clock again."""
        with self._lock:
            self._wake()

    def close(self) -> None:
        """Give nothing any more, and retire everything: what is held, when it is held no longer."""
        with self._lock:
            self._closing = True
            self._clear_up()
            self._news.notify_all()
            self._wake()

    def _wake(self) -> None:
        self._woken = True
        self._duty.notify()

    def _clear_up(self) -> None:
        if self._closing and not self._leases:
            self._retired += self._served.values()
            self._served.clear()
            self._wake()

    def _pause_s(self, look_at: float | None) -> float | None:
        due_ms = self._catalog.next_ms()
        times = [at for at in (look_at, None if due_ms is None else due_ms / 1000) if at is not None]
        return max(0.0, min(times) - self._clock()) if times else None

    def _on(self, event: Event) -> None:
        effects = self._catalog.on(event, self._now())
        if effects:
            self._do(effects)

    def _do(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case told.Load(ref, generation):
                    entry = self._catalog.get(ref)
                    if entry is not None:  # as it is, for what the catalogue loads it has
                        self._loads.put(Held(ref, generation), entry.descriptor)
                case told.Cancel(ref, generation):
                    self._loads.drop(Held(ref, generation))
                case told.Unload(ref, generation):
                    served = self._served.pop(Held(ref, generation), None)
                    self._retired += [] if served is None else [served]
                case told.Serve():
                    pass  # `find` says so from now on
                case told.Changed(refs):
                    self._changed.update(refs)
                    for ref in refs:
                        entry = self._catalog.get(ref)
                        if entry is None or entry.state is not State.LOADING:
                            self._budget.forget(ref)
                    self._news.notify_all()
                case _:
                    assert_never(effect)
        self._wake()

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _remarked(state: ModelState, served: Served | None) -> ModelState:
    """Let a model that is ready add a word: by ``remark()``, which must not wait. Not every job's models have it."""
    remark = getattr(served, "remark", None)
    if state.state is not State.READY or remark is None:
        return state
    return state._replace(reason=remark())


class Lease:
    """Holds models for a batch. A class, for it is quicker than a generator."""

    __slots__ = ("_held", "_shelf", "_texts")

    def __init__(self, shelf: Shelf, texts: Iterable[str]) -> None:
        """Prepare to hold the models that the texts mean."""
        self._shelf = shelf
        self._texts = texts
        self._held: tuple[Held, ...] = ()

    def __enter__(self) -> Mapping[str, Served]:
        given, self._held = self._shelf.take(self._texts)
        return given

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shelf.release(self._held)
