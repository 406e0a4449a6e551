"""The catalogue's rules, whatever happens in whichever order."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from penstock.models import catalog_events as told
from penstock.models.catalog import Catalog
from penstock.models.catalog_events import (
    Asked,
    Awaited,
    Cancel,
    Failed,
    Held,
    Load,
    Loaded,
    Meant,
    Serve,
    State,
    Unload,
    Wanted,
)
from penstock.models.ref import ModelRef
from penstock.testing.models import described

REFS = [ModelRef(name, version) for name in "abc" for version in (1, 2)]
ONE = st.sampled_from(REFS)
MOST, BYTES = 3, 100


class Life(RuleBasedStateMachine):
    """A worker's life: what its host does, at random; and the books that a plain accountant would keep."""

    eager = True

    def __init__(self) -> None:
        super().__init__()
        self.catalog = Catalog(MOST, BYTES, "pmml", self.eager)
        self.now = 0
        self.registered: dict[ModelRef, None] = {}
        self.wanted: frozenset[ModelRef] = frozenset()
        self.pending: dict[Held, None] = {}
        self.begun: set[Held] = set()
        self.awaited: frozenset[ModelRef] = frozenset()
        self.given_up: set[Held] = set()
        self.memory: dict[Held, int] = {}
        self.held: Counter[Held] = Counter()
        self.serving: dict[str, ModelRef] = {}
        self.generations: set[int] = set()

    def tell(self, event: told.Event) -> None:
        """Tell the catalogue, do what it says, and keep the books."""
        self.now += 1
        for effect in self.catalog.on(event, self.now):
            match effect:
                case Load(ref, generation):
                    assert generation not in self.generations
                    assert ref in self.registered
                    self.generations.add(generation)
                    self.pending[Held(ref, generation)] = None
                case Cancel(ref, generation):
                    assert ref not in self.registered
                    if Held(ref, generation) not in self.begun:
                        self.pending.pop(Held(ref, generation), None)
                case Unload(ref, generation):
                    held = Held(ref, generation)
                    assert not self.held[held]
                    del self.memory[held]
                case Serve(name, ref):
                    assert self.serving.get(name) != ref
                    self.serving.pop(name, None)
                    if ref is not None:
                        self.serving[name] = ref

    @rule(ref=ONE, size=st.integers(0, 40))
    def register(self, ref: ModelRef, size: int) -> None:
        """Somebody adds a version."""
        if ref not in self.registered:
            self.registered[ref] = None
            self.tell(told.Registered(described(str(ref), bytes=size)))

    @rule(ref=ONE)
    def remove(self, ref: ModelRef) -> None:
        """Somebody deletes a version."""
        self.registered.pop(ref, None)
        self.tell(told.Removed(ref))

    @rule(name=st.sampled_from("abc"), live=st.integers(1, 2), both=st.booleans())
    def mean(self, name: str, live: int, both: bool) -> None:  # noqa: FBT001 drawn
        """Somebody says which version is live."""
        versions = [live, 3 - live] if both else [live]
        refs = (ModelRef(name, version) for version in versions)
        self.tell(Meant(name, tuple(ref for ref in refs if ref in self.registered)))

    @rule(refs=st.frozensets(ONE))
    def want(self, refs: frozenset[ModelRef]) -> None:
        """A document comes."""
        self.wanted = refs
        self.tell(Wanted(refs))

    @rule(text=st.sampled_from([*map(str, REFS), "a", "b", "c"]))
    def ask(self, text: str) -> None:
        """A request comes."""
        entry = self.catalog.find(text)
        if entry is not None and entry.state is not State.READY:
            self.tell(Asked(entry.ref))

    @rule(refs=st.frozensets(ONE))
    def wait_for(self, refs: frozenset[ModelRef]) -> None:
        """A batch wants some, and no others."""
        self.awaited = refs
        self.tell(Awaited(refs))

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """A thread begins with a load: what is told of it from now on comes too late."""
        self.begun.add(data.draw(st.sampled_from(list(self.pending))))

    @precondition(lambda self: self.pending)
    @rule(
        data=st.data(),
        size=st.integers(0, 120),
        how=st.sampled_from(["good", "good", "bad", "away", "refused", "late"]),
    )
    def answer(self, data: st.DataObject, size: int, how: str) -> None:
        """A load ends; one that lasts too long is given up first, and ends later."""
        held = data.draw(st.sampled_from(list(self.pending)))
        self.begun.add(held)
        if how == "late":
            self.tell(Failed(*held, "too late", passing=True))
            return
        del self.pending[held]
        if how == "good":
            self.memory[held] = size
            self.tell(Loaded(*held, size))
        else:
            self.tell(Failed(*held, how, passing=how == "away", mendable=how == "refused"))

    @rule(text=st.sampled_from([*map(str, REFS), "a", "b", "c"]))
    def take(self, text: str) -> None:
        """A batch holds a model."""
        entry = self.catalog.find(text)
        if entry is not None and entry.state is State.READY:
            held = Held(entry.ref, entry.generation)
            assert held in self.memory
            self.held[held] += 1
            self.tell(told.Taken((held,)))

    @precondition(lambda self: self.held.total())
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """A batch ends."""
        held = data.draw(st.sampled_from(list(self.held.elements())))
        self.held[held] -= 1
        self.tell(told.Released((held,)))

    @rule(seconds=st.integers(0, 70))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds * 1000
        self.tell(told.Tick())

    @invariant()
    def versions_are_those_that_are_registered(self) -> None:
        """No more, no fewer; and each is what it says it is."""
        entries = {entry.ref: entry for entry in self.catalog.entries()}
        assert entries.keys() == self.registered.keys()
        for entry in entries.values():
            held = Held(entry.ref, entry.generation)
            assert (entry.state is State.READY) == (held in self.memory)
            assert entry.refs == self.held[held] >= 0
            assert (entry.reason == "") == (entry.state in {State.LOADING, State.READY})
            assert not entry.awaited or held in self.pending

    @invariant()
    def memory_is_bounded(self) -> None:
        """In number always; in bytes, but for what is held or wanted, and the one that was loaded last."""
        assert len(self.memory) <= MOST
        idle = [held for held in self.memory if not self.held[held] and held.ref not in self.awaited]
        assert sum(self.memory.values()) <= BYTES or len(idle) <= 1

    @invariant()
    def names_mean_what_was_said(self) -> None:
        """The effects together are what the catalogue says, and nothing that is not there serves."""
        assert self.serving == self.catalog.serving()
        for name, ref in self.serving.items():
            found = self.catalog.find(name)
            assert found is not None
            assert found.ref == ref
            assert found.state is not State.FAILED

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What is loading is being loaded, or waits for something that will go on: a batch ends, or gets its models."""
        waiting = [each for each in self.catalog.entries() if each.state is State.LOADING and not each.awaited]
        wanted = [held for held in self.memory if held.ref in self.awaited]
        assert not waiting or self.pending or self.held.total() or wanted

    @invariant()
    def nothing_that_is_of_no_use_waits_to_be_loaded(self) -> None:
        """What was deleted is loaded only where that had begun."""
        assert all(held.ref in self.registered or held in self.begun for held in self.pending)

    def teardown(self) -> None:
        """In the end all that is in memory can go."""
        self.tell(Awaited(frozenset()))
        for held in list(self.held.elements()):
            self.held[held] -= 1
            self.tell(told.Released((held,)))
        for ref in list(self.registered):
            self.remove(ref)
        for held in list(self.pending):
            self.memory[held] = 1
            self.tell(Loaded(*held, 1))
        assert self.memory == {}
        assert self.catalog.entries() == ()


class LazyLife(Life):
    """The same of a worker that loads only what it is asked for."""

    eager = False


Life.TestCase.settings = LazyLife.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
TestLazyLife = LazyLife.TestCase
