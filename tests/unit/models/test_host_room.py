"""The host when a batch wants more models than have room: each of them stays until the batch had it, and no longer."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest

from penstock.errors import StoreError
from tests.unit.models.workbench import Workbench, given, settled, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.models.host import ModelHost


def test_batch_that_needs_more_than_has_room_gets_one_after_the_other(make_bench: Callable[..., Workbench]) -> None:
    """Each is loaded once, and stays until it was used: no request is refused for want of room."""
    bench = make_bench(most_loaded=2, wait_ms=0, reload_wait_ms=60_000)
    host = bench.host(eager=False)
    refs = {f"m{number}:1" for number in range(8)}
    host.begin([bench.model(ref) for ref in refs])
    host.want(bench.routes("other"))

    used = list(given(host, *refs))
    rounds = 0
    while left := refs - {*used}:
        host.wait(left, math.inf)
        used += given(host, *left)
        rounds += 1

    assert sorted(used) == sorted(refs)
    assert rounds <= len(refs)
    assert sorted(bench.loader.begun) == sorted(refs)


def test_what_comes_before_the_wait_is_there_after_it(make_bench: Callable[..., Workbench]) -> None:
    """The batch scores others first; meanwhile what it asked for does not go for what else it asked for."""
    bench = make_bench(most_loaded=1, wait_ms=0, reload_wait_ms=60_000)
    host = bench.host(eager=False)
    host.begin([bench.model("a:1"), bench.model("b:1")])
    host.want(bench.routes("other"))

    assert given(host, "a:1", "b:1") == {}
    settled(lambda: state(host, "a:1"), "ready")
    host.wait(["a:1", "b:1"], math.inf)
    assert given(host, "a:1", "b:1") == {"a:1": "a:1"}
    host.wait(["b:1"], math.inf)
    assert given(host, "b:1") == {"b:1": "b:1"}

    assert bench.loader.begun == ["a:1", "b:1"]


def test_late_failure_of_an_earlier_load_does_not_cost_a_batch_its_model(make_bench: Callable[..., Workbench]) -> None:
    """It was deleted and added anew meanwhile, and the batch wants what is loaded now."""
    bench = make_bench(most_loaded=1, wait_ms=0, reload_wait_ms=60_000, load_threads=2)
    host = bench.host(eager=False)
    host.begin([bench.model("a:1"), bench.model("b:1")])
    host.want(bench.routes("other"))
    first = bench.loader.stop_at("a:1")
    assert given(host, "a:1") == {}
    settled(lambda: bench.loader.begun, ["a:1"])

    host.offer(bench.removal("a:1"))
    host.offer(bench.model("a:1"))
    second = bench.loader.stop_at("a:1")
    assert given(host, "a:1", "b:1") == {}
    settled(lambda: bench.loader.begun, ["a:1", "a:1"])
    bench.loader.errors["a:1"] = [StoreError("a", "away", passing=True)]
    first.set()
    settled(lambda: (bench.loader.errors["a:1"], len(host._loads._running)), ([], 1))
    second.set()
    settled(lambda: state(host, "a:1"), "ready")
    host.wait(["a:1", "b:1"], math.inf)

    assert given(host, "a:1") == {"a:1": "a:1"}
    assert bench.loader.begun == ["a:1", "a:1"]


def over(host: ModelHost, bench: Workbench) -> None:
    """The wait ends without it; it comes later."""
    host.wait(["iris:1"], time.monotonic())
    assert given(host, "iris:1") == {}
    bench.loader.gates["iris:1"].set()


def failed(host: ModelHost, bench: Workbench) -> None:
    """It fails before anybody waits, and is loaded when it is tried again."""
    bench.loader.errors["iris:1"] = [StoreError("iris", "away", passing=True)]
    bench.loader.gates["iris:1"].set()
    settled(lambda: state(host, "iris:1"), "failed")
    bench.advance(2)


@pytest.mark.parametrize("meanwhile", [over, failed])
def test_what_nobody_waits_for_any_more_keeps_no_room(
    make_bench: Callable[..., Workbench], meanwhile: Callable[[ModelHost, Workbench], None]
) -> None:
    """Its name's next version gets it, without another request."""
    bench = make_bench(most_loaded=1, wait_ms=20_000)
    bench.loader.stop_at("iris:1")
    host = bench.host()
    host.begin([bench.model("iris:1")])
    host.want(bench.routes("iris"))
    assert given(host, "iris:1") == {}

    meanwhile(host, bench)
    settled(lambda: state(host, "iris:1"), "ready")
    host.offer(bench.model("iris:2"))
    host.offer(bench.live("iris", 2, 1))

    settled(lambda: state(host, "iris:2"), "ready")
