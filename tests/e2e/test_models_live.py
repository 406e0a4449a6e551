"""Models are added, updated and deleted while events flow, good ones and bad ones, and everything starts anew."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from penstock.local import processes
from tests.e2e.flow import Flow
from tests.e2e.kills import TASK_MANAGER
from tests.e2e.model_plan import BAD, CALM, MIX, MOVED, SLOW, Act, Name, pinned
from tests.e2e.model_storm import RATE, SLOW_S, bare, through, watching
from tests.e2e.model_verdicts import FAILED, LOADING, UNKNOWN, codes, faults, latencies
from tests.e2e.stack import Stack
from tests.e2e.streams import send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.model_storm import ModelStorm
    from tests.e2e.streams import Stream

pytestmark = pytest.mark.timeout(1_800)  # whichever test comes first waits for the start
SEED = 5
OUT_S = 120
BACK_S = 150
#: While something is killed, and between.
KILL_RATE, KILL_EVERY = 200, 1_000
AFTER = 500


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: the models of others would be in the way."""
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"))
    try:
        made.start()
        yield made
        made.stop("--purge")
    finally:
        processes.end(processes.marked(made.layout.stack_id), 1)


@pytest.fixture(scope="module")
def storm(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> ModelStorm:
    """A hundred operations while 2,000 events a second flow."""
    return through(stack, tmp_path_factory.mktemp("models"), SEED)


@dataclass(frozen=True, slots=True)
class Restarted:
    """What the registry held before and after, and what became of events."""

    listed: tuple[dict[str, bool], dict[str, bool]]
    stream: Stream


@pytest.fixture(scope="module")
def killed(stack: Stack, storm: ModelStorm) -> Restarted:
    """The task manager is killed while events flow, and all workers with it."""
    before = listed(stack)
    watch = watching(stack.settings)
    with Flow(stack.settings, bare(1_000_000, KILL_RATE), KILL_RATE) as flow:
        flow.some_more(KILL_EVERY)
        stack.kill(TASK_MANAGER[0], BACK_S, takes=TASK_MANAGER[1])
        flow.some_more(KILL_EVERY)
    return Restarted((before, listed(stack)), watch.all_of(flow.sent, OUT_S))


@pytest.fixture(scope="module")
def resumed(stack: Stack, killed: Restarted) -> Restarted:
    """Everything is stopped and started anew."""
    stack.stop()
    stack.start()
    watch = watching(stack.settings)
    sent = send(stack.settings, bare(AFTER, RATE))
    return Restarted((killed.listed[0], listed(stack)), watch.all_of(sent, OUT_S))


def listed(stack: Stack) -> dict[str, bool]:
    """What `penstock models list` tells of the registry: the versions, and whether they are live."""
    told = map(json.loads, stack.command("models", "list", "--format", "json").splitlines())
    return {entry["model"]: entry["live"] for entry in told}


def at_last(storm: ModelStorm) -> dict[str, Name]:
    """What is registered after the last operation."""
    return {name: Name(name=name) for name in CALM + MOVED} | {
        done.operation.name: done.operation.after for done in storm.done
    }


def test_every_event_has_the_outcome_that_is_right_at_its_time(storm: ModelStorm) -> None:
    """One result, by a version that was to score then, with that version's answer; or one dead letter that says why."""
    found = faults(storm)

    assert found == [], f"{len(found)} of {len(storm.stream.sent)} events, the first: {found[:10]}"


def test_nothing_is_restarted_by_a_model(storm: ModelStorm) -> None:
    """Neither a job, nor a part of one, nor a worker."""
    before, after = storm.restarts
    assert after == before
    assert storm.workers[1] == storm.workers[0]


def test_others_do_not_wait_for_a_swap(storm: ModelStorm, figures: Callable[[str], None]) -> None:
    """How long events of models that nothing happened to took, while others were swapped and while none was.

    The ratio is told in the end; a machine that does other things makes no figure to be asserted.
    """
    quiet, swap = latencies(storm)
    (quiet_50, quiet_99), (swap_50, swap_99) = ((share(each, 0.5), share(each, 0.99)) for each in (quiet, swap))
    slow_ms = {done.operation.act: done for done in storm.done}[Act.SLOW]
    loaded_ms = storm.ready_ms[slow_ms.operation.ref] - slow_ms.begin_ms
    figures(
        f"{len(storm.done)} operations on models at {storm.rate:.0f} events/s: other models' latency "
        f"p50 {swap_50:.0f} ms, p99 {swap_99:.0f} ms while models were swapped ({len(swap):,} events), "
        f"p50 {quiet_50:.0f} ms, "
        f"p99 {quiet_99:.0f} ms while none was ({len(quiet):,}): p99 x {swap_99 / quiet_99:.2f}; "
        f"a version from a store that takes {SLOW_S:.0f} s was ready after {loaded_ms / 1000:.1f} s; "
        f"{dict(codes(storm))}"
    )

    assert len(quiet) > RATE
    assert len(swap) > RATE


def share(ordered: list[float], part: float) -> float:
    """Return the smallest value that at least this part of all do not exceed."""
    return ordered[math.ceil(len(ordered) * part) - 1]


def test_everything_was_tried(storm: ModelStorm) -> None:
    """All sorts of operations, and events that met each of their outcomes: the rules would hold without them, too."""
    acts = Counter(done.operation.act for done in storm.done)
    kinds = {sent.event.kind for sent in storm.stream.sent.values()}
    routed = set(pinned([done.operation for done in storm.done]))
    asked = {done.operation.act: done.operation.ref for done in storm.done if done.operation.ref in routed & kinds}
    scored = {
        record.header("penstock-model")
        for records in storm.stream.found.values()
        for record in records
        if record.header("penstock-error-code") is None
    }

    assert acts == Counter(MIX)
    assert {*CALM, *MOVED} <= kinds
    assert asked.keys() >= BAD
    assert not scored & {done.operation.ref for done in storm.done if done.operation.act in BAD}
    assert {f"{SLOW}:1", f"{SLOW}:2"} <= scored
    assert len(scored) > len(CALM + MOVED) + MIX[Act.UPDATE]
    assert {"scored", UNKNOWN, FAILED, LOADING} == set(codes(storm))


@pytest.mark.parametrize("how", ["killed", "resumed"])
def test_after_a_restart_the_same_versions_are_live(
    how: str, storm: ModelStorm, request: pytest.FixtureRequest
) -> None:
    """The registry is the same, and so is, from the first record on, which version scores for each bare name."""
    restarted: Restarted = request.getfixturevalue(how)
    expected = {name: {f"{name}:{good(state)}"} for name, state in at_last(storm).items()}
    found: dict[str, set[str | None]] = {name: set() for name in expected}
    for identity, sent in restarted.stream.sent.items():
        found[sent.event.kind] |= {record.header("penstock-model") for record in restarted.stream.found[identity]}

    assert restarted.stream.found.keys() == restarted.stream.sent.keys()
    assert found == expected
    assert restarted.listed[1] == restarted.listed[0]
    assert (
        restarted.listed[0].items()
        >= {
            f"{state.name}:{version}": version == state.serving[0]
            for state in at_last(storm).values()
            for version in state.versions
        }.items()
    )


def good(state: Name) -> int:
    """The version that scores for a bare name: the live one, or the one before where that cannot be served."""
    return next(version for version in state.serving if version not in state.bad)
