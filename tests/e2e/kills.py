"""Killing parts of a running stack while events flow through it, and changing the routing document meanwhile."""

from __future__ import annotations

import json
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import yaml

from penstock.control import history
from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER, PMML_JOB
from penstock.local.waiting import wait_until
from tests.e2e.events import SOURCES, events, known
from tests.e2e.flow import Flow
from tests.e2e.offers import document, shadowed
from tests.e2e.reference import by_documents
from tests.e2e.signs import put, signs
from tests.e2e.stack import BACK_S, DEPLOYABLES, OUT_S, POLL_S, SERVERS, WORKER
from tests.e2e.streams import SHADOW_RESULTS, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.control.status import Sign
    from tests.e2e.reference import Explain
    from tests.e2e.stack import Stack
    from tests.e2e.streams import Sent, Stream

__all__ = [
    "BROKER",
    "CHANGED",
    "JOB_MANAGER",
    "KILL_EVERY",
    "TASK_MANAGER",
    "WORKERS",
    "Killed",
    "Missed",
    "killed",
    "sent_during",
]

Kill = tuple[str, "str | None"]
"""What is killed, and what cannot outlive it."""
WORKERS: Kill = (WORKER, None)
TASK_MANAGER: Kill = (SERVERS["task manager"], WORKER)
BROKER: Kill = (SERVERS["broker"], None)
JOB_MANAGER: Kill = (SERVERS["job manager"], WORKER)
#: During these the routing document changes; the rest of a stack works on.
CHANGED: tuple[Kill, ...] = (
    (INPUT_ADAPTER.name, None),
    (PMML_JOB.name, None),
    (OUTPUT_ADAPTER.name, None),
    TASK_MANAGER,
)
#: What a machine that restarts everything can work on beside that, and how many events flow between two kills.
_RATE = 200
KILL_EVERY = 600
_MOST_EVENTS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A change of the routing document while workers were dead, and what those said that took their place."""

    part: str
    version: int
    """The good document's."""
    newest: int
    """Offset of the broken message after it."""
    sent: int
    """How many events had been sent when the workers were dead."""
    first_signs: list[Sign]
    """Of each worker that is new."""

    @property
    def deployables(self) -> set[str]:
        """Whose workers were killed."""
        return {self.part} if self.part in DEPLOYABLES else set(DEPLOYABLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Killed:
    """What became of events between which things were killed."""

    stream: Stream
    explain: Explain
    missed: list[Missed]


def killed(stack: Stack, changed: Sequence[Kill], others: Sequence[Kill], seed: int) -> Killed:
    """Kill one after the other while events of all formats flow.

    Args:
        stack: the running stack, all of whose workers are at work.
        changed: after these kills, a good document and a broken one are published before anything can come back.
        others: killed after that, and nothing else.
        seed: of the documents.
    """
    settings, chance = stack.settings, Random(seed)
    live = yaml.safe_load(history.needed(settings).text)
    documents: dict[int, dict[str, Any]] = {live["version"]: live}
    missed = []
    watch = Watch(settings, [SHADOW_RESULTS])
    with _flow(stack) as flow:
        for part, takes in changed:
            version = max(documents) + 1
            documents[version] = shadowed(document(chance, version), version)
            flow.some_more(KILL_EVERY)
            missed.append(_killed_and_changed(stack, flow, (part, takes), documents[version]))
        _kill_all(stack, flow, others)
    return Killed(stream=watch.all_of(flow.sent, OUT_S), explain=by_documents(documents), missed=missed)


def sent_during(stack: Stack, kills: Sequence[Kill]) -> dict[str, Sent]:
    """Kill one after the other while events of all formats flow; some flow before, between and after the kills."""
    with _flow(stack) as flow:
        _kill_all(stack, flow, kills)
    return flow.sent


def _flow(stack: Stack) -> Flow:
    run = uuid.uuid4().hex[:8]
    rows = zip(*(events(form, _MOST_EVENTS, run) for form in SOURCES), strict=True)
    return Flow(stack.settings, known(one for row in rows for one in row), _RATE)


def _kill_all(stack: Stack, flow: Flow, kills: Sequence[Kill]) -> None:
    for part, takes in kills:
        flow.some_more(KILL_EVERY)
        stack.kill(part, BACK_S, takes=takes)
    flow.some_more(KILL_EVERY)


def _killed_and_changed(stack: Stack, flow: Flow, kill: Kill, good: dict[str, Any]) -> Missed:
    part, takes = kill
    before = {state.sign.worker: state.sign.deployable for state in stack.workers()}
    begin_ms = time.time_ns() // 1_000_000
    found = {}

    def change() -> None:
        found["sent"] = flow.count + 1  # one may be on its way that is not counted yet
        half = json.dumps({**good, "version": good["version"] + 1})[:-100].encode()
        _, found["newest"] = put(stack.settings, [json.dumps(good).encode(), half])

    stack.kill(part, BACK_S, takes=takes, meanwhile=change)
    ended = Counter(name for name in before.values() if part in {name, TASK_MANAGER[0]})

    def begun() -> Counter[str]:
        signs_of_new = (state.sign for state in stack.workers() if state.sign.worker not in before)
        return Counter(sign.deployable for sign in signs_of_new)

    # A worker begins with its first record, which may be after its task does.
    assert wait_until(lambda: begun() >= ended, BACK_S, POLL_S), f"{begun()} instead of {ended} began after {part}"
    first: dict[str, Sign] = {}
    for _, sign in signs(stack.settings, begin_ms):
        first.setdefault(sign.worker, sign)
    new = [sign for name, sign in first.items() if name not in before]
    return Missed(part=part, version=good["version"], first_signs=new, **found)
