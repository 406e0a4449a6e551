"""The host when loading goes wrong: each model for itself, told with its reason, tried again where that may help."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from penstock.errors import ErrorCode, ModelLoadError, ModelServerError, StoreError
from tests.unit.models.workbench import PATIENCE_S, Workbench, given, settled, started, state

if TYPE_CHECKING:
    from collections.abc import Callable


def test_refused_model_is_told_with_the_engine_s_reason(make_bench: Callable[..., Workbench]) -> None:
    """It is not tried again, and the thread that met it loads others."""
    bench = make_bench(load_threads=1)
    bench.loader.errors["bad:1"] = [ModelLoadError("bad:1", "line 3: no such element")]
    host = bench.host()
    host.begin([bench.model("bad:1"), bench.model("good:1")])
    host.want(bench.routes("bad:1", "good:1"))

    assert host.await_wanted(PATIENCE_S) == frozenset()
    assert given(host, "bad:1", "good:1") == {"good:1": "good:1"}
    error = host.absence("bad:1")
    assert error.code is ErrorCode.MODEL_FAILED
    assert "line 3: no such element" in str(error)
    bench.advance(1_000)
    given(host, "bad:1")
    assert bench.loader.begun.count("bad:1") == 1


def test_fault_of_a_loader_fails_its_model_only(make_bench: Callable[..., Workbench]) -> None:
    """Whatever it raises."""
    bench = make_bench(load_threads=1)
    bench.loader.errors["bad:1"] = [ZeroDivisionError("by zero")]
    host = bench.host()
    host.begin([bench.model("bad:1"), bench.model("good:1")])
    host.want(bench.routes("bad:1", "good:1"))

    host.await_wanted(PATIENCE_S)

    assert given(host, "good:1") == {"good:1": "good:1"}
    assert "its job's loader failed: ZeroDivisionError: by zero" in host.states()["bad:1"].reason


def test_passing_failure_is_tried_again(make_bench: Callable[..., Workbench]) -> None:
    """After a pause that grows; until then, requests are told the reason at once."""
    bench = make_bench()
    error = StoreError("s3://bucket/iris", "is the store up?", passing=True)
    bench.loader.errors["iris:1"] = [error, error]
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris:1"))
    settled(lambda: state(host, "iris:1"), "failed")

    bench.advance(0.9)
    assert bench.loader.begun == ["iris:1"]
    bench.advance(0.2)
    settled(lambda: len(bench.loader.begun), 2)
    settled(lambda: bench.loader.errors["iris:1"], [])
    assert host.absence("iris:1").code is ErrorCode.MODEL_FAILED
    bench.pass_until(lambda: state(host, "iris:1"), "ready")


def test_what_somebody_has_to_mend_is_tried_again_now_and_then(make_bench: Callable[..., Workbench]) -> None:
    """Each minute, and nobody who starts waits for it; until then, requests are told the reason at once."""
    bench = make_bench()
    error = ModelServerError("iris:1", "default", "PERMISSION_DENIED: not you", passing=False)
    bench.loader.errors["iris:1"] = [error, error]
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris:1"))

    assert host.await_wanted(PATIENCE_S) == frozenset()
    failed_ms = 0
    for begun in (1, 2):
        # It is failed while it is tried again, too: since when tells that it has failed anew.
        settled(lambda since=failed_ms: host.states()["iris:1"].since_ms > since and state(host, "iris:1"), "failed")
        failed_ms = host.states()["iris:1"].since_ms
        assert "PERMISSION_DENIED: not you" in str(host.absence("iris:1"))
        bench.advance(59)
        assert given(host, "iris:1") == {}
        assert len(bench.loader.begun) == begun
        bench.advance(2)
    settled(lambda: state(host, "iris:1"), "ready")


def test_vanished_file_that_comes_back_is_loaded(make_bench: Callable[..., Workbench]) -> None:
    """Nobody has to add the model anew."""
    bench = make_bench()
    host = bench.host()
    message = bench.model("iris:1")
    (bench.folder / "iris-1").unlink()
    host.begin([message])
    host.want(bench.routes("iris:1"))
    settled(lambda: state(host, "iris:1"), "failed")
    assert "there is no such file" in host.states()["iris:1"].reason

    bench.file("iris:1")

    bench.pass_until(lambda: state(host, "iris:1"), "ready")


def test_other_bytes_than_registered_are_never_loaded(make_bench: Callable[..., Workbench]) -> None:
    """Nor tried again: the file at a URI is to stay as it is."""
    bench = make_bench()
    host = bench.host()
    host.begin([bench.model("iris:1", sha256=hashlib.sha256(b"x").hexdigest())])
    host.want(bench.routes("iris:1"))

    assert host.await_wanted(PATIENCE_S) == frozenset()
    assert "was the file changed after its descriptor was written" in str(host.absence("iris:1"))
    assert bench.loader.begun == []


def test_load_that_hangs_is_given_up(make_bench: Callable[..., Workbench]) -> None:
    """Its thread is replaced, and what it brings in the end is closed."""
    bench = make_bench(load_threads=1, load_timeout_ms=5_000)
    gate = bench.loader.stop_at("slow:1")
    host = bench.host()
    host.begin([bench.model("slow:1")])
    host.want(bench.routes("slow:1"))
    settled(lambda: bench.loader.begun, ["slow:1"])

    bench.advance(5)
    settled(lambda: state(host, "slow:1"), "failed")
    host.offer(bench.model("good:1"))
    settled(lambda: state(host, "good:1"), "ready")
    gate.set()
    settled(lambda: [(thing.ref, thing.closed) for thing in bench.loader.made], [("good:1", 0), ("slow:1", 1)])

    assert "it was not loaded within 5 s (models.load_timeout_ms)" in host.states()["slow:1"].reason
    assert state(host, "slow:1") == "failed"
    settled(lambda: len(host._loads._threads), 1)


def test_model_whose_load_hangs_takes_no_second_thread(make_bench: Callable[..., Workbench]) -> None:
    """Though it is added anew; it is loaded when that has ended."""
    bench = make_bench(load_threads=1, load_timeout_ms=3_600_000)
    gate = bench.loader.stop_at("slow:1")
    host = bench.host()
    host.begin([bench.model("slow:1")])
    host.want(bench.routes("slow:1"))
    settled(lambda: bench.loader.begun, ["slow:1"])
    bench.advance(3_600)
    settled(lambda: state(host, "slow:1"), "failed")

    host.offer(bench.removal("slow:1"))
    host.offer(bench.model("slow:1"))
    settled(lambda: "an earlier attempt to load it hangs" in host.states()["slow:1"].reason, last=True)
    begun = [*bench.loader.begun]
    gate.set()

    bench.pass_until(lambda: state(host, "slow:1"), "ready")
    assert begun == ["slow:1"]


def test_hanging_loads_take_a_bounded_number_of_threads(make_bench: Callable[..., Workbench]) -> None:
    """Four are replaced; others wait, and are loaded when those end."""
    bench = make_bench(load_threads=1, load_timeout_ms=5_000)
    refs = [f"slow{number}:1" for number in range(8)]
    gates = [bench.loader.stop_at(ref) for ref in refs]
    host = bench.host()
    host.begin([bench.model(ref) for ref in refs])
    host.want(bench.routes(*refs))
    for begun in range(1, 6):
        settled(lambda: len(bench.loader.begun), begun)
        bench.advance(5)
        settled(lambda: [one.state.value for one in host.states().values()].count("failed"), begun)

    assert len(host._loads._threads) == 5
    for gate in gates:
        gate.set()
    settled(lambda: [one.state.value for one in host.states().values()].count("ready"), 3)
    settled(lambda: len(host._loads._threads), 1)


def test_close_gives_everything_up(make_bench: Callable[..., Workbench]) -> None:
    """What is loaded, what a batch still holds when it lets go, and what only then comes; no thread is left."""
    bench = make_bench()
    host = started(bench, "iris:1", "held:1")
    gate = bench.loader.stop_at("late:1")
    host.offer(bench.model("late:1"))
    settled(lambda: len(bench.loader.begun), 3)
    closer = threading.Thread(target=host.close)

    with host.leased(["held:1"]):
        closer.start()
        settled(lambda: given(host, "iris:1"), {})
        assert [thing.closed for thing in bench.loader.made] == [0, 0]
    gate.set()
    closer.join()

    settled(lambda: [thing.closed for thing in bench.loader.made], [1, 1, 1])
    settled(lambda: [thread.name for thread in threading.enumerate() if "models" in thread.name], [])


def test_close_begins_no_further_load(make_bench: Callable[..., Workbench]) -> None:
    """What waits for a thread would only be given up again, and the end waits for threads."""
    bench = make_bench(load_threads=1)
    gate = bench.loader.stop_at("first:1")
    host = bench.host()
    host.begin([bench.model("first:1"), bench.model("second:1")])
    host.want(bench.routes("first:1", "second:1"))
    settled(lambda: bench.loader.begun, ["first:1"])
    closer = threading.Thread(target=host.close)
    closer.start()
    settled(lambda: host._loads._closing, True)
    gate.set()
    closer.join()

    settled(lambda: [thread.name for thread in threading.enumerate() if "models" in thread.name], [])
    assert bench.loader.begun == ["first:1"]


def test_threads_never_keep_the_process(make_bench: Callable[..., Workbench]) -> None:
    """Though a load hangs for ever."""
    bench, others = make_bench(), {*threading.enumerate()}
    bench.loader.stop_at("slow:1")
    host = bench.host()
    host.begin([bench.model("slow:1")])
    host.want(bench.routes("slow:1"))
    settled(lambda: bench.loader.begun, ["slow:1"])

    ours = [thread for thread in threading.enumerate() if "models" in thread.name and thread not in others]

    assert len(ours) == 2
    assert all(thread.daemon for thread in ours)
