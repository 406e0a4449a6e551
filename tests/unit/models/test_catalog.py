"""The catalogue: what is loaded, served, given up and let go, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from penstock.models import catalog_events as told
from penstock.models.catalog import Catalog
from penstock.models.catalog_events import Asked, Failed, Held, Load, Loaded, Meant, Serve, State, Unload, Wanted
from penstock.models.ref import ModelRef
from penstock.testing.models import described

if TYPE_CHECKING:
    from penstock.models.catalog_events import Effect, Entry, Event

MIB = 1024 * 1024


def of(text: str) -> ModelRef:
    """Read a ref."""
    return ModelRef.parse(text)


class Worker:
    """A catalogue with the loads that it asked for and that are not answered yet."""

    def __init__(self, most_loaded: int = 3, most_bytes: int = 100 * MIB, *, eager: bool = True) -> None:
        self.catalog = Catalog(most_loaded, most_bytes, "pmml", eager)
        self.now = 0
        self.loading: dict[str, Load] = {}
        self.unloaded: list[str] = []

    def on(self, event: Event) -> tuple[Effect, ...]:
        """Tell the catalogue, and note what it wants."""
        effects = self.catalog.on(event, self.now)
        for effect in effects:
            if isinstance(effect, Load):
                self.loading[str(effect.ref)] = effect
            elif isinstance(effect, Unload):
                self.unloaded.append(str(effect.ref))
        return effects

    def register(self, *texts: str, size: int = 1000) -> None:
        """Register versions; each name means its newest."""
        for text in texts:
            ref = of(text)
            self.on(told.Registered(described(text, bytes=size)))
            self.on(Meant(ref.name, (ref,)))

    def loaded(self, *texts: str, size: int = 3000) -> tuple[Effect, ...]:
        """Answer loads; without texts, all that there are and those that follow."""
        effects: tuple[Effect, ...] = ()
        while wanted := [text for text in self.loading if not texts or text in texts]:
            load = self.loading.pop(wanted[0])
            effects += self.on(Loaded(load.ref, load.generation, size))
        return effects

    def failed(self, text: str, reason: str = "broken", *, passing: bool = False) -> None:
        """Answer a load."""
        load = self.loading.pop(text)
        self.on(Failed(load.ref, load.generation, reason, passing))

    def want(self, *texts: str) -> None:
        """Routes name these."""
        self.on(Wanted(frozenset(map(of, texts))))

    def ask(self, text: str) -> None:
        """Let a request ask."""
        self.on(Asked(self.entry(text).ref))

    def use(self, text: str) -> None:
        """Hold and release, a moment later than anything before."""
        self.now += 1
        held = self.take(text)
        self.on(told.Released((held,)))

    def take(self, text: str) -> Held:
        """Hold."""
        entry = self.entry(text)
        held = Held(entry.ref, entry.generation)
        self.on(told.Taken((held,)))
        return held

    def entry(self, text: str) -> Entry:
        """Return what a text means."""
        found = self.catalog.find(text)
        assert found is not None
        return found

    def states(self) -> dict[str, str]:
        """Return where each version is."""
        return {str(entry.ref): str(entry.state) for entry in self.catalog.entries()}


@pytest.fixture
def worker() -> Worker:
    """An eager one with room for three."""
    return Worker()


def test_what_has_room_is_loaded_ahead(worker: Worker) -> None:
    """The rest is there when somebody asks for it."""
    worker.register("a:1", "b:1", "c:1", "d:1")
    worker.loaded()
    assert worker.states() == {"a:1": "ready", "b:1": "ready", "c:1": "ready", "d:1": "evicted"}
    assert worker.entry("d").reason == "not asked for yet"


def test_lazy_worker_loads_what_is_asked_for() -> None:
    """Wanted or not."""
    worker = Worker(eager=False)
    worker.want("a:1")
    worker.register("a:1", "b:1")
    assert worker.loading == {}
    worker.ask("b")
    assert list(worker.loading) == ["b:1"]


def test_models_of_other_jobs_are_not_there(worker: Worker) -> None:
    """Nor is what is no ref at all."""
    worker.on(told.Registered(described("a:1", job="spark")))
    assert [worker.catalog.find(text) for text in ("a:1", "a", "", "a b", "a:x")] == [None] * 5
    assert worker.loading == {}


def test_predecessors_form_is_found(worker: Worker) -> None:
    """As requests may have it."""
    uuid = "8400fb1b-9a4d-4f9b-9d2f-2b6f8f5f0a11"
    worker.register(f"{uuid}:1")
    assert worker.entry(f"{uuid}_1").ref == of(f"{uuid}:1")


def test_wanted_models_are_loaded_first_and_push_others_out() -> None:
    """What a route names is loaded although others fill the room."""
    worker = Worker(most_loaded=2)
    worker.register("a:1", "b:1", "c:1")
    worker.loaded()
    worker.use("a")
    worker.want("c:1")
    assert worker.unloaded == ["b:1"]
    worker.loaded()
    assert worker.states() == {"a:1": "ready", "b:1": "evicted", "c:1": "ready"}


def test_wanted_models_do_not_push_each_other_out_unasked() -> None:
    """More routes than room: the last ones are loaded when they are asked for."""
    worker = Worker(most_loaded=1)
    worker.want("a:1", "b:1")
    worker.register("a:1", "b:1")
    worker.loaded()
    assert worker.states() == {"a:1": "ready", "b:1": "evicted"}
    assert "no room beside what routes name" in worker.entry("b").reason
    worker.ask("b")
    worker.loaded()
    assert worker.states() == {"a:1": "evicted", "b:1": "ready"}


def test_longest_unused_goes_first() -> None:
    """But never one that is held."""
    worker = Worker()
    worker.register("a:1", "b:1", "c:1", "d:1")
    worker.loaded()
    for text in ("b", "c", "a"):
        worker.use(text)
    held = worker.take("b")
    worker.ask("d")
    assert worker.unloaded == ["c:1"]
    worker.on(told.Released((held,)))
    assert worker.unloaded == ["c:1"]


def test_a_load_waits_until_something_can_go() -> None:
    """It is loading all the while: its requests may wait."""
    worker = Worker(most_loaded=1)
    worker.register("a:1", "b:1")
    worker.loaded()
    held = worker.take("a")
    worker.ask("b")
    assert (worker.entry("b").state, worker.loading) == (State.LOADING, {})
    worker.on(told.Released((held,)))
    assert (worker.unloaded, list(worker.loading)) == (["a:1"], ["b:1"])


def test_request_does_not_queue_behind_what_nobody_asked_for() -> None:
    """A load ahead waits until something can go that no route names; a request lets a route's model go at once."""
    worker = Worker(most_loaded=2)
    worker.want("a:1", "b:1")
    worker.register("a:1")
    worker.loaded()
    worker.register("slow:1", "b:1", "c:1")
    assert list(worker.loading) == ["slow:1"]

    worker.ask("c")

    assert list(worker.loading) == ["slow:1", "c:1"]
    assert worker.unloaded == ["a:1"]
    worker.loaded("slow:1")
    assert list(worker.loading) == ["c:1", "b:1"]


def test_what_is_awaited_stays_until_it_was_taken() -> None:
    """A batch waits for more than there is room for: what comes first does not go for what it waits for as well."""
    worker = Worker(most_loaded=1, eager=False)
    worker.register("a:1", "b:1")
    worker.ask("a:1")
    worker.ask("b:1")
    worker.on(told.Awaited(frozenset({of("a:1"), of("b:1")})))
    worker.loaded("a:1")
    assert (worker.entry("a:1").state, list(worker.loading)) == (State.READY, [])
    worker.use("a:1")
    assert worker.entry("a:1").state is State.READY
    worker.on(told.Awaited(frozenset({of("b:1")})))
    assert (worker.unloaded, list(worker.loading)) == (["a:1"], ["b:1"])


def test_what_is_there_already_stays_for_the_batch_that_wants_it() -> None:
    """It was loaded just before the batch said so; when it does not want it any more, others get the room."""
    worker = Worker(most_loaded=1, eager=False)
    worker.register("a:1", "b:1")
    worker.ask("a:1")
    worker.loaded("a:1")
    worker.on(told.Awaited(frozenset({of("a:1")})))

    worker.ask("b:1")
    assert (worker.entry("a:1").state, list(worker.loading)) == (State.READY, [])
    worker.on(told.Awaited(frozenset()))
    assert (worker.unloaded, list(worker.loading)) == (["a:1"], ["b:1"])


def test_bytes_are_bounded_too() -> None:
    """By an estimate before, by what the loader tells after."""
    worker = Worker(most_loaded=10, most_bytes=10_000)
    worker.register("a:1", "b:1", "c:1", "d:1")
    worker.loaded()
    assert list(worker.states().values()) == ["ready", "ready", "ready", "evicted"]
    worker.ask("d")
    worker.loaded(size=8000)
    assert worker.states() == {"a:1": "evicted", "b:1": "evicted", "c:1": "evicted", "d:1": "ready"}


@pytest.mark.parametrize("size", [4 * MIB, 1000])
def test_model_that_is_too_large_fails(size: int) -> None:
    """By its file already, or as it turns out; the reason says what to change."""
    worker = Worker(most_bytes=10 * MIB)
    worker.want("a:1")
    worker.register("a:1", size=size)
    worker.loaded(size=12 * MIB)
    assert worker.entry("a").state is State.FAILED
    assert "12.0 MiB of memory" in worker.entry("a").reason
    assert worker.entry("a").reason.endswith("all models together may take 10.0 MiB: raise models.most_mb")
    worker.register("b:1")
    worker.loaded()
    assert worker.states()["b:1"] == "ready"


def test_deleted_model_is_let_go_when_nobody_holds_it(worker: Worker) -> None:
    """Nobody finds it from that moment on; the same ref, added anew, is another."""
    worker.register("a:1")
    worker.loaded()
    held = worker.take("a")
    worker.on(told.Removed(of("a:1")))
    assert (worker.catalog.find("a:1"), worker.unloaded) == (None, [])

    worker.on(told.Registered(described("a:1", "b")))
    worker.loaded()
    assert worker.entry("a:1").refs == 0
    worker.on(told.Released((held,)))
    assert worker.unloaded == ["a:1"]
    assert worker.entry("a:1").state is State.READY


def test_answer_that_comes_too_late_is_thrown_away(worker: Worker) -> None:
    """The version was deleted, or its load was given up for lasting too long."""
    worker.register("a:1")
    late = worker.loading.pop("a:1")
    worker.on(told.Removed(of("a:1")))
    assert worker.on(Loaded(late.ref, late.generation, 5)) == (Unload(late.ref, late.generation),)
    assert worker.on(Failed(late.ref, late.generation, "x", passing=False)) == ()

    worker.register("b:1")
    late = worker.loading["b:1"]
    worker.failed("b:1", "took too long")
    worker.on(Loaded(late.ref, late.generation, 5))
    assert worker.unloaded == ["a:1", "b:1"]
    assert worker.entry("b").state is State.FAILED


def test_failure_stays(worker: Worker) -> None:
    """A file does not mend itself; asking does not load it again."""
    worker.register("a:1")
    worker.failed("a:1", "no PMML")
    worker.now += 1_000_000
    worker.ask("a")
    worker.want("a:1")
    worker.on(told.Tick())
    assert (worker.entry("a").state, worker.entry("a").reason, worker.loading) == (State.FAILED, "no PMML", {})
    assert worker.catalog.next_ms() is None


def test_passing_failure_is_tried_again(worker: Worker) -> None:
    """After longer and longer pauses; failed all the while, so that nobody waits for it."""
    worker.want("a:1")
    worker.register("a:1")
    pauses = []
    for _ in range(8):
        worker.failed("a:1", passing=True)
        due = worker.catalog.next_ms()
        assert due is not None
        pauses.append((due - worker.now) // 1000)
        worker.now = due - 1
        worker.on(told.Tick())
        worker.ask("a")
        assert worker.loading == {}
        assert worker.catalog.unsettled() == {of("a:1")}
        worker.now = due
        worker.on(told.Tick())
        assert worker.entry("a").state is State.FAILED
    worker.loaded()
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert (worker.entry("a").state, worker.catalog.unsettled()) == (State.READY, frozenset())


def test_new_version_takes_over_when_it_is_ready(worker: Worker) -> None:
    """Until then the one before it serves; each says so."""
    worker.register("a:1")
    assert Serve("a", of("a:1")) in worker.loaded()
    worker.on(told.Registered(described("a:2")))
    worker.on(Meant("a", (of("a:2"), of("a:1"))))
    assert worker.entry("a").ref == of("a:1")
    assert Serve("a", of("a:2")) in worker.loaded()
    assert worker.entry("a").ref == of("a:2")
    assert worker.catalog.serving() == {"a": of("a:2")}


def test_new_version_that_fails_leaves_the_one_before_it(worker: Worker) -> None:
    """Loaded or not."""
    worker.register("a:1")
    worker.loaded()
    worker.on(told.Registered(described("a:2")))
    worker.on(Meant("a", (of("a:2"), of("a:1"))))
    worker.failed("a:2")
    assert worker.catalog.serving() == {"a": of("a:1")}
    worker.register("b:1", "c:1", "d:1")
    worker.loaded()
    worker.ask("d")
    assert worker.entry("a:1").state is State.EVICTED
    assert worker.entry("a").ref == of("a:1")


def test_live_version_that_was_evicted_is_waited_for() -> None:
    """A name does not change its version for want of memory."""
    worker = Worker(most_loaded=2)
    worker.register("a:1")
    worker.on(told.Registered(described("a:2")))
    worker.loaded()
    worker.on(Meant("a", (of("a:2"), of("a:1"))))
    worker.use("a:1")
    worker.register("b:1")
    worker.ask("b")
    assert worker.unloaded == ["a:2"]
    assert worker.entry("a").ref == of("a:2")
    assert worker.catalog.serving()["a"] == of("a:2")
    worker.ask("a")
    assert (worker.entry("a").ref, worker.entry("a").state) == (of("a:2"), State.LOADING)


def test_name_in_use_gets_its_new_version_unasked() -> None:
    """Its old one takes all requests, so that nobody would ever ask for the new one."""
    worker = Worker(eager=False)
    worker.register("a:1")
    worker.ask("a")
    worker.loaded()
    worker.on(told.Registered(described("a:2")))
    worker.on(Meant("a", (of("a:2"), of("a:1"))))
    assert list(worker.loading) == ["a:2"]


def test_only_what_is_ready_can_be_held(worker: Worker) -> None:
    """And only what is held can be released: counts never go wrong in silence."""
    worker.register("a:1")
    with pytest.raises(ValueError, match="only what is ready can be taken: a:1"):
        worker.take("a")
    worker.loaded()
    held = worker.take("a")
    worker.on(told.Released((held,)))
    with pytest.raises(ValueError, match="only what was taken can be released: a:1"):
        worker.on(told.Released((held,)))
