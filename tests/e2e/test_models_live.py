"""Models are added, updated and deleted while events flow, good ones and bad ones, and all is killed."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.flow import Flow
from tests.e2e.kills import BROKER, TASK_MANAGER
from tests.e2e.model_plan import BAD, CALM, MIX, MOVED, SLOW, Act, Name, pinned
from tests.e2e.model_storm import SLOW_S, bare, through, watching
from tests.e2e.model_verdicts import FAILED, LOADING, UNKNOWN, codes, faults
from tests.e2e.stack import BACK_S, LIMIT_S, OUT_S, QUICK, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.model_storm import ModelStorm
    from tests.e2e.streams import Stream

pytestmark = pytest.mark.timeout(LIMIT_S)
SEED = 5
#: While all is killed, and how many flow before and after.
KILL_RATE, KILL_EVERY = 200, 600


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of this module's own: the models of others would be in the way."""
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"), **QUICK)
    try:
        made.start()
        yield made
    finally:
        made.discard()


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
    """All that knows of models is killed at once while events flow: the broker, the task manager, and its workers."""
    before = listed(stack)
    watch = watching(stack.settings)
    (broker,) = stack.pids(BROKER[0])
    with Flow(stack.settings, bare(1_000_000), KILL_RATE) as flow:
        flow.some_more(KILL_EVERY)
        stack.kill(TASK_MANAGER[0], BACK_S, takes=TASK_MANAGER[1], meanwhile=lambda: os.kill(broker, signal.SIGKILL))
        flow.some_more(KILL_EVERY)
    assert broker not in stack.pids(BROKER[0])
    return Restarted((before, listed(stack)), watch.all_of(flow.sent, OUT_S))


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


def test_everything_was_tried(storm: ModelStorm, figures: Callable[[str], None]) -> None:
    """All sorts of operations, and events that met each of their outcomes: the rules would hold without them, too."""
    slow = {done.operation.act: done for done in storm.done}[Act.SLOW]
    loaded_ms = storm.ready_ms[slow.operation.ref] - slow.begin_ms
    figures(
        f"{len(storm.done)} operations on models at {storm.rate:.0f} events/s: a version from a store that takes "
        f"{SLOW_S:.0f} s was ready after {loaded_ms / 1000:.1f} s; {dict(codes(storm))}"
    )
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


def test_after_a_restart_the_same_versions_are_live(storm: ModelStorm, killed: Restarted) -> None:
    """The registry is the same, and so is, from the first record on, which version scores for each bare name."""
    expected = {name: {f"{name}:{good(state)}"} for name, state in at_last(storm).items()}
    found: dict[str, set[str | None]] = {name: set() for name in expected}
    for identity, sent in killed.stream.sent.items():
        found[sent.event.kind] |= {record.header("penstock-model") for record in killed.stream.found[identity]}

    assert killed.stream.found.keys() == killed.stream.sent.keys()
    assert found == expected
    assert killed.listed[1] == killed.listed[0]
    assert (
        killed.listed[0].items()
        >= {
            f"{state.name}:{version}": version == state.serving[0]
            for state in at_last(storm).values()
            for version in state.versions
        }.items()
    )


def good(state: Name) -> int:
    """The version that scores for a bare name: the live one, or the one before where that cannot be served."""
    return next(version for version in state.serving if version not in state.bad)
