"""A storm of models: a hundred operations while events flow, and all that can be seen of it."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from penstock import topics
from penstock.control import history
from penstock.control import watching as control
from penstock.control.publisher import publish
from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER, PMML_JOB
from penstock.local.waiting import wait_until
from penstock.models.catalog_events import State
from penstock.routing.document import parse
from tests.e2e import model_files as files
from tests.e2e.events import SOURCES, Event
from tests.e2e.flow import Flow
from tests.e2e.model_plan import BAD, CALM, MOVED, Act, number_of, pinned, plan, start
from tests.e2e.model_topic import Writer, messages, model_signs, pointer, registered, removed
from tests.e2e.stack import OUT_S, POLL_S, SOON_S
from tests.e2e.streams import PREFIX, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from penstock.control.messages import Message
    from penstock.control.model_signs import ModelsSign
    from penstock.settings import Settings
    from tests.e2e.model_plan import Operation
    from tests.e2e.model_topic import Pair
    from tests.e2e.stack import Stack
    from tests.e2e.streams import Stream

    Said = Mapping[str, Sequence[tuple[int, ModelsSign]]]

__all__ = ["RATE", "SLOW_S", "Done", "ModelStorm", "bare", "now_ms", "through", "watching"]

RATE = 2_000
SLOW_S = 20.0
#: The job that reads events reads those topics that it was started with.
SOURCE = SOURCES["json"]
RESULTS = "model-results"
_HOPS = {
    INPUT_ADAPTER.group(PREFIX): (SOURCE,),
    PMML_JOB.group(PREFIX): tuple(topics.request_topic(PREFIX, "pmml", name) for name in CALM + MOVED),
    OUTPUT_ADAPTER.group(PREFIX): (topics.results(PREFIX),),
}
#: Between two operations, and how often one is done by the command.
_PERIOD_S = 0.4
_COMMAND_EVERY = 20
_BY_COMMAND = frozenset({Act.ADD, Act.UPDATE, Act.LIVE, Act.FORCE})
#: Of the operations whose versions are asked for: just done, and about to be, by which some come before their versions
#: even where events lie for seconds before they are scored.
_ASKED_BEFORE, _ASKED_AFTER = 12, 12
#: Events before the first operation and after the last.
_BEFORE, _AFTER = 2_000, 2_000
_MOST_EVENTS = 1_000_000
_NEVER = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """An operation, and when it was done; milliseconds since 1970."""

    operation: Operation
    begin_ms: int
    """When its first message was written."""
    seen_ms: int
    """When the last worker had seen all of its messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStorm:
    """What was done, when workers knew of it, and what became of the events."""

    done: list[Done]
    ready_ms: dict[str, int]
    """When the last worker had a version ready, by ref; left out: one never had."""
    workers: tuple[set[str], set[str]]
    """Those that hold models, before and after."""
    restarts: tuple[dict[str, tuple[str, int]], dict[str, tuple[str, int]]]
    stream: Stream
    rate: float


class _Front:
    """How far the storm is, as the events are told that ask for what is done."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        routed = set(pinned(operations))
        self._refs = [one.ref if one.registers and one.ref in routed else "" for one in operations]
        self._gone = [one.ref for one in operations if one.act is Act.FORCE and one.ref in routed]
        self.at = -1

    def refs(self) -> list[str]:
        """Versions to ask for; in the end those that are gone, which is surely known by then."""
        if self.at == len(self._refs):
            return self._gone
        begin = max(0, self.at - _ASKED_BEFORE)
        return [ref for ref in self._refs[begin : self.at + _ASKED_AFTER] if ref] if self.at >= 0 else []


def through(stack: Stack, folder: Path, seed: int) -> ModelStorm:
    """Do one operation after the other while events flow, then wait until all of them were worked on."""
    settings, operations = stack.settings, list(plan(Random(seed)))
    begun_ms = now_ms()
    _begin(settings, folder, operations)
    front, watch = _Front(operations), watching(settings)
    with files.slow_server(folder, SLOW_S) as slow, Flow(settings, _events(front, seed), RATE) as flow:
        flow.some_more(_BEFORE)
        workers = _all_ready(settings, [f"{name}:1" for name in CALM + MOVED], begun_ms)
        everybody, restarts = _all_heard(stack, begun_ms), stack.restarts()
        already, began = flow.count, time.monotonic()
        with Writer(settings) as writer:
            for number, operation in enumerate(operations):
                front.at = number
                pairs = list(_messages(operation, folder, slow))
                if number % _COMMAND_EVERY == 0 and operation.act in _BY_COMMAND:
                    stack.command("models", *_words(operation, folder))
                else:
                    writer.put(pairs)
                time.sleep(_PERIOD_S)
        rate = (flow.count - already) / (time.monotonic() - began)
        slow_ones = [one.ref for one in operations if one.act is Act.SLOW]
        _all_ready(settings, slow_ones, begun_ms)
        front.at = len(operations)
        flow.some_more(_AFTER)
    stream = watch.all_of(flow.sent, OUT_S)
    heard = model_signs(settings, begun_ms)
    said = {name: heard[name] for name in workers}
    return ModelStorm(
        done=list(_timed(operations, messages(settings), said)),
        ready_ms=_ready(said),
        workers=(everybody, set(heard)),
        restarts=(restarts, stack.restarts()),
        stream=stream,
        rate=rate,
    )


def watching(settings: Settings) -> Watch:
    """See what comes of events for models."""
    return Watch(settings, [RESULTS], _HOPS)


def bare(count: int) -> Iterator[Event]:
    """Events that ask each model in turn for whatever version is live."""
    names = CALM + MOVED
    make = _maker()
    return (make(number, names[number % len(names)]) for number in range(count))


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _events(front: _Front, seed: int) -> Iterator[Event]:
    """Two in five ask what nothing happens to, two what changes, and one for a version by its number."""
    chance, make = Random(seed), _maker()
    for number in range(_MOST_EVENTS):
        refs = front.refs() if number % 5 == 0 else None
        yield make(number, chance.choice(refs or (CALM if number % 5 in {1, 2} else MOVED)))


def _maker() -> Callable[[int, str], Event]:
    run = uuid.uuid4().hex[:8]

    def make(number: int, kind: str) -> Event:
        value = json.dumps({"type": kind, "x": number % 7}).encode()
        key = f"k{number % 500}".encode()
        return Event(id=f"{run}-{number}", number=number, source=SOURCE, key=key, value=value, kind=kind)

    return make


def _begin(settings: Settings, folder: Path, operations: Sequence[Operation]) -> None:
    """Register the first version of every model, and route by type to all of them, and to versions by their number."""
    with Writer(settings) as writer:
        for name in start():
            writer.put([_whole(folder, name, 1), pointer(name, 1, None, now_ms())])
    version = history.needed(settings).version + 1
    made = document(version, [*CALM, *MOVED, *pinned(operations)])
    plan_of_topics = topics.topics_for(parse(made, prefix=PREFIX), settings)
    topics.ensure(settings.kafka.external, plan_of_topics.external)
    topics.ensure(settings.kafka.internal_cluster, plan_of_topics.internal)
    with control.Watch(settings) as watch:
        in_force = watch.answered(publish(settings, json.dumps(made)).offset, SOON_S)
    assert in_force, "not every worker has the routing document"


def document(version: int, refs: Iterable[str]) -> dict[str, Any]:
    """The routing document whose events say which model or version is to score them."""
    routes = [
        {"name": ref.replace(":", "-v"), "match": {"type": ref}, "model": ref, "output": {"topic": RESULTS}}
        for ref in refs
    ]
    return {
        "version": version,
        "sources": [{"topic": SOURCE, "format": "json", "type": {"field": "type"}}],
        "routes": routes,
        "unmatched": "dead-letter",
        "models": {name: {"job": "pmml"} for name in CALM + MOVED},
    }


def _whole(folder: Path, name: str, version: int, at: str = "") -> Pair:
    """Write a good file, and describe it."""
    data = files.regression(number_of(name), version)
    file = folder / f"{name}-{version}.pmml"
    file.write_bytes(data)
    return registered(files.descriptor(name, version, f"{at}/{file.name}" if at else file.as_uri(), data))


def _messages(one: Operation, folder: Path, slow: str) -> Iterator[Pair]:
    if one.act is Act.SLOW:
        yield _whole(folder, one.name, one.version, slow)
    elif one.act in BAD:
        yield _bad(one, folder)
    elif one.registers:
        yield _whole(folder, one.name, one.version)
    if one.points:
        yield pointer(one.name, one.version, one.after.previous, now_ms())
    if one.act in {Act.DELETE, Act.FORCE}:
        yield removed(one.ref)


def _bad(one: Operation, folder: Path) -> Pair:
    number, version, file = number_of(one.name), one.version, folder / f"{one.name}-{one.version}.pmml"
    good = files.regression(number, version)
    data = {Act.BROKEN: files.broken(number, version), Act.REFUSED: files.unsupported()}.get(one.act, good)
    if one.act is not Act.VANISHED:
        # As long as the one that is described, and wrong if it were taken.
        other = data.replace(b'coefficient="1"', b'coefficient="2"')
        file.write_bytes(other if one.act is Act.DIGEST else data)
    return registered(files.descriptor(one.name, version, file.as_uri(), data))


def _words(one: Operation, folder: Path) -> list[str]:
    """The command's own words."""
    if one.act is Act.LIVE:
        return ["live", one.name, str(one.version)]
    if one.act is Act.FORCE:
        return ["delete", one.ref, "--force"]
    told = ["--name", one.name, "--version", str(one.version), "--job", "pmml"]
    return ["add", str(folder / f"{one.name}-{one.version}.pmml"), *told, *(["--live"] if one.points else [])]


def _all_ready(settings: Settings, refs: Sequence[str], begun_ms: int) -> set[str]:
    """Wait until all workers that score for users have these versions ready; returns who they are."""
    found: set[str] = set()
    everybody = settings.flink.parallelism

    def ready() -> bool:
        last = {name: signs[-1][1] for name, signs in model_signs(settings, begun_ms).items()}
        found.clear()
        found.update(name for name, sign in last.items() if all(_is_ready(sign, ref) for ref in refs))
        return len(found) >= everybody

    assert wait_until(ready, SOON_S, POLL_S), f"only {found} of {everybody} workers have {refs} ready"
    return found


def _all_heard(stack: Stack, begun_ms: int) -> set[str]:
    """Return all workers that hold models, those for shadows too, once each has told of them."""
    everybody = 2 * stack.settings.flink.parallelism
    all_there = wait_until(lambda: len(model_signs(stack.settings, begun_ms)) >= everybody, SOON_S, POLL_S)
    assert all_there, f"{everybody} workers were to tell of models, these did: {stack.workers()}"
    return set(model_signs(stack.settings, begun_ms))


def _is_ready(sign: ModelsSign, ref: str) -> bool:
    return ref in sign.models and sign.models[ref].state is State.READY


def _timed(operations: Sequence[Operation], log: Sequence[Message], said: Said) -> Iterator[Done]:
    """Find each operation's messages on the topic, and when the last worker had seen them."""
    rest = iter(log)
    for one in operations:
        keys = [one.ref] if one.act is not Act.LIVE else []
        keys += [one.name] if one.points else []
        its = [next(message for message in rest if message.key == key.encode()) for key in keys]
        seen = max(_first(signs, lambda sign, last=its[-1].offset: sign.offset >= last) for signs in said.values())
        yield Done(operation=one, begin_ms=its[0].published_ms, seen_ms=seen)


def _ready(said: Said) -> dict[str, int]:
    """When the last worker first had a version ready, by ref."""
    refs = {ref for signs in said.values() for _, sign in signs for ref in sign.models}
    found = {
        ref: [_first(signs, lambda sign, ref=ref: _is_ready(sign, ref)) for signs in said.values()] for ref in refs
    }
    return {ref: max(times) for ref, times in found.items() if max(times) < _NEVER}


def _first(signs: Sequence[tuple[int, ModelsSign]], holds: Callable[[ModelsSign], bool]) -> int:
    return next((when for when, sign in signs if holds(sign)), _NEVER)
