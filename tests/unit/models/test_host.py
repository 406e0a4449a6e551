"""The host: models come, are held, are replaced, are evicted and go, beside the thread that uses them."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

import pytest

from penstock.control.messages import VerdictKind
from penstock.errors import ErrorCode
from tests.unit.models.workbench import MIB, PATIENCE_S, Workbench, given, settled, started, state

if TYPE_CHECKING:
    from collections.abc import Callable

LEGACY = "6f1a6a60-0f0e-4d55-8c3c-4f6f5d1b2c3d"


def test_models_are_given_by_every_text_that_means_them(make_bench: Callable[..., Workbench]) -> None:
    """Name and version, the bare name, and the predecessor's form; other texts mean none, whatever they are."""
    host = started(make_bench(), "iris:1", f"{LEGACY}:3")

    texts = ["iris:1", "iris", f"{LEGACY}_3", f"{LEGACY}:3", "iris:2", "", "iris:", "iris:latest", "\udc80"]
    assert given(host, *texts) == {
        "iris:1": "iris:1",
        "iris": "iris:1",
        f"{LEGACY}_3": f"{LEGACY}:3",
        f"{LEGACY}:3": f"{LEGACY}:3",
    }


def test_nothing_is_loaded_before_it_is_known_what_is_wanted(make_bench: Callable[..., Workbench]) -> None:
    """Of many models, those that routes name come first."""
    bench = make_bench(load_threads=1)
    host = bench.host()
    host.begin([bench.model(f"m{number}:1") for number in range(9)])
    before = host.states()

    host.want(bench.routes("m7:1"))
    host.await_wanted(PATIENCE_S)

    assert before == {}
    assert bench.loader.begun[0] == "m7:1"
    settled(lambda: len(bench.loader.open), 9)


def test_start_waits_no_longer_than_it_may(make_bench: Callable[..., Workbench]) -> None:
    """What still may come is told."""
    bench = make_bench()
    bench.loader.stop_at("slow:1")
    host = bench.host()
    host.begin([bench.model("slow:1"), bench.model("quick:1")])
    host.want(bench.routes("slow:1", "quick:1"))

    left = host.await_wanted(0.05)
    while "quick:1" in map(str, left):
        left = host.await_wanted(0.05)

    assert [str(ref) for ref in left] == ["slow:1"]


def test_new_version_takes_over_when_it_is_ready(make_bench: Callable[..., Workbench]) -> None:
    """Until then the one before it serves the name; a batch that holds that one keeps it to its end."""
    bench = make_bench()
    host = started(bench, "iris:1")
    gate = bench.loader.stop_at("iris:2")
    host.want(bench.routes("iris"))
    host.offer(bench.model("iris:2"))
    host.offer(bench.live("iris", 2, 1))
    settled(lambda: bench.loader.begun, ["iris:1", "iris:2"])
    before = given(host, "iris"), host.serving()

    with host.leased(["iris"]) as models:
        gate.set()
        settled(lambda: given(host, "iris"), {"iris": "iris:2"})
        assert models["iris"].ref == "iris:1"

    assert before == ({"iris": "iris:1"}, {"iris": 1})
    assert host.serving() == {"iris": 2}


def test_deleted_model_is_closed_when_nobody_holds_it(make_bench: Callable[..., Workbench]) -> None:
    """No other batch gets it, and its bytes are given up with the last hold."""
    bench = make_bench()
    host = started(bench, "iris:1")
    thing = bench.loader.made[0]

    settled(lambda: bench.changes > 0, last=True)
    before = bench.changes

    with host.leased(["iris:1"]), host.leased(["iris:1"]):
        host.offer(bench.removal("iris:1"))
        settled(lambda: bench.changes > before, last=True)  # told after everything was done
        during = given(host, "iris:1"), thing.closed
    settled(lambda: thing.closed, 1)

    assert during == ({}, 0)
    error = host.absence("iris:1")
    assert error.code is ErrorCode.UNKNOWN_MODEL
    assert "it was deleted" in str(error)


def test_least_recently_used_is_evicted_and_comes_back(make_bench: Callable[..., Workbench]) -> None:
    """A third model where there is room for two; what is asked for again is loaded again."""
    bench = make_bench(most_loaded=2)
    host = bench.host()
    host.begin([bench.model(f"m{number}:1") for number in range(3)])
    host.want(bench.routes("none:1"))
    for ref in ("m0:1", "m1:1", "m2:1"):
        bench.clock.now += 1
        settled(lambda ref=ref: given(host, ref), {ref: ref})
    settled(lambda: bench.loader.open, ["m1:1", "m2:1"])

    assert state(host, "m0:1") == "evicted"
    assert "was not used for the longest time" in host.states()["m0:1"].reason
    settled(lambda: given(host, "m0:1"), {"m0:1": "m0:1"})
    settled(lambda: bench.loader.open, ["m0:1", "m2:1"])


def test_held_model_is_never_evicted(make_bench: Callable[..., Workbench]) -> None:
    """Another that is asked for waits for room until the batch is over."""
    bench = make_bench(most_loaded=1, reload_wait_ms=200)
    host = started(bench, "held:1")
    host.offer(bench.model("other:1"))

    with host.leased(["held:1"]) as models:
        assert given(host, "other:1") == {}
        bench.advance(1)
        host.wait(["other:1"], float("inf"))
        during = bench.loader.open, models["held:1"].ref, host.absence("other:1").code
    settled(lambda: given(host, "other:1"), {"other:1": "other:1"})

    assert during == (["held:1"], "held:1", ErrorCode.MODEL_LOADING)
    settled(lambda: bench.loader.open, ["other:1"])


def test_memory_is_bounded_by_bytes_too(make_bench: Callable[..., Workbench]) -> None:
    """Models that turn out to be large push others out."""
    bench = make_bench(most_mb=1)
    bench.loader.size = MIB // 2
    host = bench.host()
    host.begin([bench.model(f"m{number}:1") for number in range(3)])
    host.want(bench.routes("none:1"))
    for number in range(3):
        bench.clock.now += 1
        settled(lambda ref=f"m{number}:1": given(host, ref), {f"m{number}:1": f"m{number}:1"})

    settled(lambda: bench.loader.open, ["m1:1", "m2:1"])


def test_wait_ends_when_the_model_is_ready(make_bench: Callable[..., Workbench]) -> None:
    """Long before what it may take at most."""
    bench = make_bench(wait_ms=200_000)
    gate = bench.loader.stop_at("iris:1")
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris:1"))
    assert given(host, "iris:1") == {}
    assert host.absence("iris:1").code is ErrorCode.MODEL_LOADING
    threading.Timer(0.02, gate.set).start()

    host.wait(["iris:1"], float("inf"))

    assert given(host, "iris:1") == {"iris:1": "iris:1"}


def test_models_of_other_workers_are_loaded_when_somebody_asks_for_them(make_bench: Callable[..., Workbench]) -> None:
    """Routes that name them, and room for them, are no reason: their requests go elsewhere."""
    bench = make_bench(wait_ms=200_000)
    host = bench.host(eager=lambda name: name == "ours")
    host.begin([bench.model("theirs:1"), bench.model("ours:1"), bench.model("theirs:2")])
    host.want(bench.routes("theirs", "ours"))

    assert host.await_wanted(PATIENCE_S) == frozenset()
    assert bench.loader.begun == ["ours:1"]
    assert state(host, "theirs:1") == "evicted"
    host.wait(["theirs:1"], math.inf)
    assert given(host, "theirs:1") == {"theirs:1": "theirs:1"}


def test_what_went_again_before_the_wait_is_asked_for_anew(make_bench: Callable[..., Workbench]) -> None:
    """Others may have needed its room since it was asked for: the wait would be over at once, with time left."""
    bench = make_bench(wait_ms=200_000)
    host = bench.host(eager=False)
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("other"))
    assert state(host, "iris:1") == "evicted"

    host.wait(["iris:1"], math.inf)

    assert given(host, "iris:1") == {"iris:1": "iris:1"}


def test_wait_is_bounded_in_all_batches_together(make_bench: Callable[..., Workbench]) -> None:
    """One episode of loading costs other models' requests no more than the setting says."""
    bench = make_bench(wait_ms=200)
    bench.loader.stop_at("iris:1")
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris:1"))

    begin = time.monotonic()
    for _ in range(500):
        host.wait(["iris:1", "other:1"], float("inf"))
    took = time.monotonic() - begin

    assert 0.15 < took < 60  # 100 s, if each of them waited
    assert "its requests wait for 200 ms in all" in str(host.absence("iris:1"))


def test_wait_ends_with_the_deadline(make_bench: Callable[..., Workbench]) -> None:
    """Nobody waits for what comes too late to be of use."""
    bench = make_bench(wait_ms=200_000)
    bench.loader.stop_at("iris:1")
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris:1"))

    begin = time.monotonic()
    host.wait(["iris:1"], begin + 0.01)

    assert time.monotonic() - begin < 100


def test_requested_model_is_loaded_before_others_that_wait(make_bench: Callable[..., Workbench]) -> None:
    """Routes may name a hundred models; somebody is there for this one."""
    bench = make_bench(load_threads=1)
    gate = bench.loader.stop_at("m0:1")
    refs = [f"m{number}:1" for number in range(6)]
    host = bench.host()
    host.begin([bench.model(ref) for ref in refs])
    host.want(bench.routes(*refs))
    settled(lambda: bench.loader.begun, ["m0:1"])

    given(host, "m4:1")
    gate.set()
    host.await_wanted(PATIENCE_S)

    assert bench.loader.begun == ["m0:1", "m4:1", "m1:1", "m2:1", "m3:1", "m5:1"]


def test_changes_are_told(make_bench: Callable[..., Workbench]) -> None:
    """When a model comes into another state; what the listener raises does no harm."""
    bench = make_bench()
    host = started(bench, "iris:1")
    settled(lambda: bench.changes > 0, last=True)
    host._on_change = lambda: 1 / 0
    host.offer(bench.model("iris:2"))
    settled(lambda: state(host, "iris:2"), "ready")
    host._on_change = bench._count
    before = bench.changes

    host.offer(bench.removal("iris:2"))

    settled(lambda: bench.changes > before, last=True)


def test_states_tell_all_there_is_to_tell(make_bench: Callable[..., Workbench]) -> None:
    """Of each version of the job's models, with the last message that this has regard to."""
    bench = make_bench()
    host = started(bench, "iris:1")
    assert host.offer(bench.model("spark:1", job="spark")).kind is VerdictKind.APPLIED

    found = host.states()

    assert list(found) == ["iris:1"]
    assert (found["iris:1"].bytes, found["iris:1"].serving) == (1_000, True)
    assert abs(found["iris:1"].since_ms / 1000 - time.time()) < 60
    assert host.offset == 1
    assert "job 'spark' scores it" in str(host.absence("spark:1"))


def test_models_that_are_ready_may_add_a_word(make_bench: Callable[..., Workbench]) -> None:
    """Such as that their server is away; those of other jobs have none."""
    bench = make_bench()
    host = started(bench, "iris:1")
    (thing,) = bench.loader.made
    thing.said = "its server is away"

    assert (host.states()["iris:1"].state.value, host.states()["iris:1"].reason) == ("ready", "its server is away")


@pytest.mark.parametrize("text", ["", "x:", "x:latest", "none:1", "none", "\udc80"])
def test_unknown_models_are_told_as_such(make_bench: Callable[..., Workbench], text: str) -> None:
    """With those that there are."""
    host = started(make_bench(), "iris:1")

    error = host.absence(text)

    assert error.code is ErrorCode.UNKNOWN_MODEL
    assert "registered models: iris:1" in str(error)


def test_shadows_models_are_loaded_when_a_copy_comes(make_bench: Callable[..., Workbench]) -> None:
    """Not before: perhaps none ever comes."""
    bench = make_bench()
    host = bench.host(eager=False)
    host.begin([bench.model("iris:1"), bench.model("dark:1")])
    host.want(bench.routes("iris:1", shadows=("dark:1",)))
    assert host.await_wanted(PATIENCE_S) == frozenset()
    assert bench.loader.begun == []

    settled(lambda: given(host, "dark:1"), {"dark:1": "dark:1"})

    assert bench.loader.begun == ["dark:1"]


def test_deleted_model_that_waits_for_a_thread_is_not_loaded(make_bench: Callable[..., Workbench]) -> None:
    """Its turn would be others' time; added anew, it has a turn of its own."""
    bench = make_bench(load_threads=1)
    gate = bench.loader.stop_at("m0:1")
    refs = ["m0:1", "m1:1", "m2:1", "m3:1"]
    host = bench.host()
    host.begin([bench.model(ref) for ref in refs])
    host.want(bench.routes(*refs))
    settled(lambda: bench.loader.begun, ["m0:1"])

    host.offer(bench.removal("m1:1"))
    host.offer(bench.removal("m2:1"))
    host.offer(bench.model("m2:1"))
    gate.set()
    assert host.await_wanted(PATIENCE_S) == frozenset()

    assert bench.loader.begun == ["m0:1", "m3:1", "m2:1"]
    assert list(host.states()) == ["m0:1", "m3:1", "m2:1"]


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "saved-model", "uri": "nowhere://gone", "bytes": 10 * MIB},
        {"format": "tensorflow-serving", "uri": None, "sha256": None, "bytes": None},
    ],
)
def test_models_that_a_server_has_are_not_fetched(
    make_bench: Callable[..., Workbench], changes: dict[str, object]
) -> None:
    """Neither a store nor this worker's memory matters to them."""
    bench = make_bench(most_mb=1)
    host = bench.host(job="service")
    host.begin([bench.model("iris:1", job="service", **changes)])
    host.want(bench.routes("iris:1"))

    settled(lambda: state(host, "iris:1"), "ready")
    assert given(host, "iris") == {"iris": "iris:1"}
