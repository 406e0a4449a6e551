"""Which models a worker has in memory, is loading, or has given up: a state machine. No I/O, no threads, no clock.

Whoever runs it (`penstock.models.host`) holds a lock, passes the time in, and carries out the effects in their order.
An event costs microseconds, however many models there are.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from penstock.models import catalog_events as told
from penstock.models.catalog_events import Cancel, Changed, Entry, Held, Load, State, Unload
from penstock.models.choice import Names
from penstock.models.ref import read_ref
from penstock.models.retries import retry_at_ms
from penstock.models.room import ESTIMATED, Room, estimate, too_large

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.models.catalog_events import Effect, Event
    from penstock.models.ref import ModelRef

__all__ = ["Catalog"]

#: Loads of models that nobody asked for; more would stand before those that somebody needs.
_SPARE_AT_A_TIME = 2

_NOT_ASKED = "not asked for yet"
_NO_ROOM = "no room beside what routes name (models.most_loaded, models.most_mb); loaded when asked for"
_UNUSED = "was not used for the longest time when others needed room; loaded when asked for"


class Catalog:
    """All versions of one job's models in one worker."""

    def __init__(self, most_loaded: int, most_bytes: int, job: str, eager: bool | Callable[[str], bool]) -> None:  # noqa: FBT001 as planned
        """Begin with no models.

        Args:
            most_loaded: how many may be in memory.
            most_bytes: how much memory they may take.
            job: whose models count; others' are left out.
            eager: whether versions are loaded before somebody asks for them: those that are wanted, and others where
                there is room. A function says so of a model's name, where requests for some models only come here.
        """
        self._job = job
        self._eager = eager if callable(eager) else lambda _name: eager
        self._room = Room(most_loaded, most_bytes)
        self._entries: dict[ModelRef, Entry] = {}
        self._leaving: dict[Held, Entry] = {}  # deleted, but still held
        self._names = Names(self._entries)
        self._wanted: frozenset[ModelRef] = frozenset()
        # What waits for room: what requests asked for, before what routes name. And what is loaded when nothing else is
        # to be done.
        self._queue: dict[ModelRef, None] = {}
        self._ahead: dict[ModelRef, None] = {}
        self._spare: dict[ModelRef, None] = {}
        self._sparing: set[Held] = set()
        self._retries: list[tuple[int, int, ModelRef]] = []
        self._in_memory: set[ModelRef] = set()  # or on their way there
        self._generation = 0
        self._now = 0
        self._effects: list[Effect] = []
        self._changed: dict[ModelRef, None] = {}
        self._on: dict[type, Callable[..., None]] = {
            told.Registered: self._registered,
            told.Removed: self._removed,
            told.Meant: self._now_means,
            told.Wanted: self._now_wanted,
            told.Asked: self._asked,
            told.Awaited: self._now_awaited,
            told.Taken: self._taken,
            told.Released: self._released,
            told.Loaded: self._loaded,
            told.Failed: self._failed,
            told.Tick: self._tick,
        }

    def on(self, event: Event, now_ms: int) -> tuple[Effect, ...]:
        """Take what happened; returns what is to be done."""
        self._now = now_ms
        self._on[type(event)](event)
        if not self._effects and not self._changed:
            return ()
        for name in {ref.name: None for ref in self._changed}:
            self._serve(name)
        if self._changed:
            self._effects.append(Changed(tuple(self._changed)))
        effects, self._effects, self._changed = tuple(self._effects), [], {}
        return effects

    def find(self, text: str) -> Entry | None:
        """Return the version that a text means: of a bare name, the one that serves it or, if none does, to ask for.

        None: there is none here (the registry says why: `Registry.unknown`).
        """
        ref = read_ref(text)
        found = self._entries.get(ref) if ref is not None else None
        return self._names.chosen(ref.name) if ref is not None and ref.version is None else found

    def get(self, ref: ModelRef) -> Entry | None:
        """Return a version."""
        return self._entries.get(ref)

    def entries(self) -> tuple[Entry, ...]:
        """Return all versions."""
        return tuple(self._entries.values())

    def serving(self) -> dict[str, ModelRef]:
        """Return which version each bare name means here: the `Serve` effects so far, together."""
        return dict(self._names.serving)

    def unsettled(self) -> frozenset[ModelRef]:
        """Return the wanted versions that are loading, or failed and will be tried again soon."""
        found = [entry for ref in self._wanted if (entry := self._entries.get(ref)) is not None]
        soon = [each for each in found if each.state is State.LOADING or (each.retry_at_ms and each.passing)]
        return frozenset(each.ref for each in soon)

    def next_ms(self) -> int | None:
        """Return when the next `Tick` has something to do; None: never."""
        return self._retries[0][0] if self._retries else None

    # What versions there are, and which of them matter.

    def _registered(self, event: told.Registered) -> None:
        descriptor = event.descriptor
        ref = descriptor.ref
        known = self._entries.get(ref)
        if descriptor.job != self._job or (known is not None and known.descriptor == descriptor):
            return
        if known is not None:
            self._removed(told.Removed(ref))
        entry = Entry(
            ref=ref,
            descriptor=descriptor,
            state=State.EVICTED,
            since_ms=self._now,
            reason=_NOT_ASKED,
            used_ms=self._now,
        )
        self._entries[ref] = entry
        self._changed[ref] = None
        if self._eager(ref.name):
            self._begin(entry)

    def _removed(self, event: told.Removed) -> None:
        ref = event.ref
        entry = self._entries.pop(ref, None)
        if entry is None:
            return
        for line in (self._queue, self._ahead, self._spare):
            line.pop(ref, None)
        self._changed[ref] = None
        held = Held(ref, entry.generation)
        if entry.refs:
            self._leaving[held] = entry  # and its memory counts until it is let go
            self._in_memory.discard(ref)
        elif entry.state is State.READY:
            self._give_up(entry)
        elif entry.awaited:
            self._forget(entry)
            self._sparing.discard(held)
            self._effects.append(Cancel(*held))
        self._pump()

    def _now_means(self, event: told.Meant) -> None:
        name, refs = event
        before = self._names.mean(name, refs)
        if refs:
            live = self._entries.get(refs[0])
            others = map(self._entries.get, {*before, *refs} - {refs[0]})
            # A name in use here gets its new version without waiting for a request: its old one would take them all.
            if live is not None and any(each and each.state in {State.READY, State.LOADING} for each in others):
                self._ask(live)
        self._serve(name)

    def _serve(self, name: str) -> None:
        if (change := self._names.settle(name)) is not None:
            self._effects.append(change)

    def _now_wanted(self, event: told.Wanted) -> None:
        before, self._wanted = self._wanted, event.refs
        for ref in before ^ event.refs:
            if (entry := self._entries.get(ref)) is None:
                continue
            if self._room.is_idle(ref):
                self._room.idle(ref, wanted=ref in event.refs)
            elif ref in event.refs and self._eager(ref.name):
                self._begin(entry)
        self._pump()

    def _asked(self, event: told.Asked) -> None:
        if (entry := self._entries.get(event.ref)) is not None:
            self._ask(entry)

    def _now_awaited(self, event: told.Awaited) -> None:
        self._room.keep(event.refs)
        self._trim()
        self._pump()

    # Loading.

    def _begin(self, entry: Entry) -> None:
        """Load a version that nobody asked for yet: at once if it is wanted, else when there is nothing else to do."""
        ref = entry.ref
        if entry.state is State.READY or entry.awaited or ref in self._queue or ref in self._ahead:
            return
        if entry.state is State.FAILED and entry.retry_at_ms is None:
            return
        if ref in self._wanted:
            self._spare.pop(ref, None)
            self._ahead[ref] = None
        elif self._room.loaded + len(self._spare) < self._room.most_loaded and self._room.fits(
            estimate(entry.descriptor)
        ):
            self._spare[ref] = None
        else:
            return
        self._into_loading(entry)
        self._pump()

    def _ask(self, entry: Entry) -> None:
        """Load a version that requests wait for."""
        if entry.state is State.READY or entry.awaited:
            return
        if entry.state is State.FAILED and (entry.retry_at_ms is None or self._now < entry.retry_at_ms):
            return
        self._spare.pop(entry.ref, None)
        self._ahead.pop(entry.ref, None)
        self._queue[entry.ref] = None
        self._into_loading(entry)
        self._pump()

    def _into_loading(self, entry: Entry) -> None:
        """One that failed stays failed until it is ready: nobody waits for what went wrong before."""
        if entry.state is State.EVICTED:
            self._into(entry, State.LOADING, "")

    def _pump(self) -> None:
        """Start what can be started."""
        while line := self._queue or self._ahead:
            ref, asked = next(iter(line)), line is self._queue
            entry = self._entries[ref]
            if self._made_room(entry, wanted_too=asked):
                del line[ref]
                self._start(entry)
            elif estimate(entry.descriptor) > self._room.most_bytes:
                del line[ref]
                self._too_large(entry, estimate(entry.descriptor), ESTIMATED)
            elif not asked and not self._leaving and self._in_memory <= self._wanted:  # none of them will make room
                del line[ref]
                self._put_off(entry)
            else:
                return  # until something is let go
        while self._spare and len(self._sparing) < _SPARE_AT_A_TIME:
            ref = next(iter(self._spare))
            del self._spare[ref]
            entry = self._entries[ref]
            if self._room.fits(estimate(entry.descriptor)):
                self._start(entry)
                self._sparing.add(Held(ref, entry.generation))
            else:
                self._put_off(entry)

    def _made_room(self, entry: Entry, *, wanted_too: bool) -> bool:
        size = estimate(entry.descriptor)
        if size > self._room.most_bytes:
            return False
        while not self._room.fits(size):
            victim = self._room.victim(wanted_too=wanted_too)
            if victim is None:
                return False
            self._evict(victim)
        return True

    def _start(self, entry: Entry) -> None:
        self._generation += 1
        entry.generation = self._generation
        entry.awaited = True
        entry.bytes = estimate(entry.descriptor)
        self._room.add(entry.bytes)
        self._in_memory.add(entry.ref)
        self._effects.append(Load(entry.ref, entry.generation, first=not entry.ever_ready))

    def _answered(self, event: told.Loaded | told.Failed) -> Entry | None:
        """The version that this answer is for; None where it is too late: deleted, or given up before."""
        self._sparing.discard(Held(event.ref, event.generation))
        entry = self._entries.get(event.ref)
        if entry is None or not entry.awaited or entry.generation != event.generation:
            return None
        entry.awaited = False
        return entry

    def _loaded(self, event: told.Loaded) -> None:
        if (entry := self._answered(event)) is None:
            self._effects.append(Unload(event.ref, event.generation))
            self._pump()
            return
        self._room.resize(entry.bytes, event.bytes)
        entry.bytes = event.bytes
        entry.used_ms = self._now
        if event.bytes > self._room.most_bytes:
            self._give_up(entry)
            self._too_large(entry, event.bytes, "as loaded")
        else:
            entry.ever_ready = True
            entry.failures = 0
            entry.retry_at_ms = None
            self._into(entry, State.READY, "")
            self._trim()
            self._room.idle(entry.ref, wanted=entry.ref in self._wanted)
        self._pump()

    def _failed(self, event: told.Failed) -> None:
        if (entry := self._answered(event)) is not None:
            self._forget(entry)
            entry.passing, entry.retry_at_ms = event.passing, retry_at_ms(event, entry.failures, self._now)
            if entry.retry_at_ms is not None:
                heappush(self._retries, (entry.retry_at_ms, entry.generation, entry.ref))
            entry.failures += 1
            self._into(entry, State.FAILED, event.reason)
        self._pump()

    def _tick(self, _: told.Tick) -> None:
        while self._retries and self._retries[0][0] <= self._now:
            at, _generation, ref = heappop(self._retries)
            entry = self._entries.get(ref)
            if entry is not None and entry.retry_at_ms == at and self._eager(ref.name):
                self._begin(entry)

    # Holding and letting go.

    def _taken(self, event: told.Taken) -> None:
        for held in event.held:
            entry = self._entries.get(held.ref)
            if entry is None or entry.state is not State.READY or entry.generation != held.generation:
                raise ValueError(f"only what is ready can be taken: {held.ref} ({held.generation}) is not")
            entry.refs += 1
            entry.used_ms = self._now
            self._room.busy(held.ref)

    def _released(self, event: told.Released) -> None:
        for held in event.held:
            entry = self._leaving.get(held) or self._entries.get(held.ref)
            if entry is None or entry.refs == 0 or entry.generation != held.generation:
                raise ValueError(f"only what was taken can be released: {held.ref} ({held.generation}) was not")
            entry.refs -= 1
            entry.used_ms = self._now
            if entry.refs:
                continue
            if self._leaving.pop(held, None) is not None:
                self._room.remove(entry.bytes)
                self._effects.append(Unload(*held))
            else:
                self._room.idle(held.ref, wanted=held.ref in self._wanted)
        self._trim()
        if self._queue or self._ahead or self._spare:
            self._pump()

    def _trim(self) -> None:
        """Let go what is too much, where models are larger than their files promised."""
        while self._room.bytes > self._room.most_bytes:
            victim = self._room.victim(wanted_too=True)
            if victim is None:
                return
            self._evict(victim)

    def _evict(self, ref: ModelRef) -> None:
        entry = self._entries[ref]
        self._give_up(entry)
        self._into(entry, State.EVICTED, _UNUSED)

    def _give_up(self, entry: Entry) -> None:
        self._room.busy(entry.ref)
        self._forget(entry)
        self._effects.append(Unload(entry.ref, entry.generation))

    def _forget(self, entry: Entry) -> None:
        """Count its memory no longer."""
        self._room.remove(entry.bytes)
        entry.bytes = 0
        self._in_memory.discard(entry.ref)

    def _too_large(self, entry: Entry, size: int, how: str) -> None:
        entry.retry_at_ms = None
        self._into(entry, State.FAILED, too_large(size, how, self._room.most_bytes))

    def _put_off(self, entry: Entry) -> None:
        if entry.state is State.LOADING:
            self._into(entry, State.EVICTED, _NO_ROOM)

    def _into(self, entry: Entry, state: State, reason: str) -> None:
        entry.state, entry.reason, entry.since_ms = state, reason, self._now
        self._changed[entry.ref] = None
