"""What the end-to-end tests share: one stack, and what happened to it, stage by stage.

Each stage is a fixture that needs the one before it, so that whatever test comes first, things happen in this order:
start, count, refuse, start again, change, kill, stop, start once more, start with other documents, purge. The tests
only look at what they saw.
"""

from __future__ import annotations

import json
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from penstock.control import history
from penstock.control.publisher import publish
from penstock.local import jobs
from tests.e2e.events import SOURCES, events, requests_to_nobody
from tests.e2e.flow import Flow
from tests.e2e.kills import BROKER, CHANGED, JOB_MANAGER, Killed
from tests.e2e.kills import killed as kill
from tests.e2e.reference import DEMO, by_documents
from tests.e2e.stack import OUT_S, QUICK, ROOT, SERVERS, SOON_S, WORKER, Said, Stack
from tests.e2e.storm import Storm, through
from tests.e2e.streams import Stream, Watch, send
from tests.lanes import FIGURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.e2e.reference import Explain
    from tests.e2e.streams import Sent

PER_FORM = 10_000
REQUESTS_TO_NOBODY = 20
KILLS = (BROKER, JOB_MANAGER)
AFTER_PER_FORM = 200
SEED = 4
FLOW_RATE, BEFORE_END = 100, 500


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Takes lines that are shown in the end."""
    return pytestconfig.stash.setdefault(FIGURES, []).append


@pytest.fixture(scope="session")
def routing_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's routing document, in a file that a test may change."""
    return Path(shutil.copy(ROOT / "config" / "routing.yaml", tmp_path_factory.mktemp("routing")))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, routing_file: Path) -> Iterator[Stack]:
    """The stack; its processes are ended in the end, whatever happened."""
    told = {**QUICK, "PENSTOCK_ROUTING_FILE": str(routing_file)}
    made = Stack.on_free_ports(tmp_path_factory.mktemp("stack"), **told)
    try:
        yield made
    finally:
        made.discard()


@pytest.fixture(scope="session")
def started(stack: Stack) -> Said:
    """The first start."""
    return stack.start()


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the events, and how the stack was after them."""

    stream: Stream
    status: dict[str, Any]


@pytest.fixture(scope="session")
def counted(stack: Stack, started: Said) -> Counted:
    """10,000 events of each source format, one source after the other, as fast as they can be sent."""
    watch = Watch(stack.settings)
    run = uuid.uuid4().hex[:8]
    sent = send(stack.settings, (event for form in SOURCES for event in events(form, PER_FORM, run)))
    return Counted(watch.all_of(sent, OUT_S), stack.settled())


@pytest.fixture(scope="session")
def refused(stack: Stack, counted: Counted) -> Stream:
    """Requests for a model that no job has."""
    watch = Watch(stack.settings)
    sent = send(stack.settings, requests_to_nobody(REQUESTS_TO_NOBODY, uuid.uuid4().hex[:8]))
    return watch.all_of(sent, OUT_S)


@dataclass(frozen=True, slots=True)
class StartedAgain:
    """A start of what runs already: what was said, and the processes before and after."""

    said: Said
    before: dict[str, set[int]]
    after: dict[str, set[int]]


@pytest.fixture(scope="session")
def started_again(stack: Stack, refused: Stream) -> StartedAgain:
    """A second start while everything runs."""

    def pids() -> dict[str, set[int]]:
        return {part: stack.pids(part) for part in (*SERVERS.values(), WORKER)}

    before = pids()
    said = stack.start()
    return StartedAgain(said, before, pids())


@pytest.fixture(scope="session")
def storm(stack: Stack, started_again: StartedAgain, tmp_path_factory: pytest.TempPathFactory) -> Storm:
    """200 changes of the routing document and 50 bad ones in a row, while events flow."""
    return through(stack, tmp_path_factory.mktemp("documents"), SEED)


@pytest.fixture(scope="session")
def killed(stack: Stack, storm: Storm) -> Killed:
    """All Python workers, task manager, broker and job manager, killed in turn while events of all formats flow.

    In the end the demo's document is in force again.
    """
    outcome = kill(stack, CHANGED, KILLS, SEED)
    stack.command("rollback", "1")
    return outcome


@pytest.fixture(scope="session")
def recovered(stack: Stack, killed: Killed) -> dict[str, Any]:
    """What `penstock status` tells when all is back, or after a while."""
    return stack.settled()


@dataclass(frozen=True, slots=True)
class Stopped:
    """What was left when the stack was stopped."""

    said: Said
    processes: list[str]
    ports: dict[str, str]
    data: bool


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Events that flowed while all jobs were stopped, and who sees what becomes of them."""

    sent: Mapping[str, Sent]
    watch: Watch


@pytest.fixture(scope="session")
def interrupted(stack: Stack, recovered: dict[str, Any]) -> Interrupted:
    """The end of all jobs as `down` makes it, but for the broker, which takes what is sent meanwhile."""
    watch = Watch(stack.settings)
    run = uuid.uuid4().hex[:8]
    # A job that takes too long is cancelled, and does things twice.
    local = stack.settings.local.model_copy(update={"stop_deadline_s": SOON_S})
    patient = stack.settings.model_copy(update={"local": local})
    with Flow(stack.settings, events("json", PER_FORM, run), FLOW_RATE) as flow:
        flow.some_more(BEFORE_END)
        jobs.stop_all(patient, stack.layout)
    return Interrupted(flow.sent, watch)


@pytest.fixture(scope="session")
def stopped(stack: Stack, interrupted: Interrupted) -> Stopped:
    """The stop."""
    said = stack.stop()
    return Stopped(said, stack.left_over(), stack.open_ports(), (stack.layout.data / "kafka").exists())


@dataclass(frozen=True, slots=True)
class Resumed:
    """The start after a stop: what the topics still held, and all that was written from then on."""

    said: Said
    interrupted: Stream
    """What flowed while jobs ended, and was done after the start at last."""
    kept: dict[str, int]
    stream: Stream
    explain: Explain


@pytest.fixture(scope="session")
def resumed(stack: Stack, interrupted: Interrupted, stopped: Stopped) -> Resumed:
    """The start after the stop, and some events more."""
    said = stack.start()
    old = interrupted.watch.all_of(interrupted.sent, OUT_S)
    watch = Watch(stack.settings)
    run = uuid.uuid4().hex[:8]
    sent = send(stack.settings, (event for form in SOURCES for event in events(form, AFTER_PER_FORM, run)))
    explain = by_documents({history.needed(stack.settings).version: DEMO})
    return Resumed(said, old, watch.kept, watch.all_of(sent, OUT_S), explain)


@dataclass(frozen=True, slots=True)
class Outdated:
    """Starts while everything runs: a newer document in the file, then one with other sources in force."""

    version: int
    """In force at first; the newer ones have the next two."""
    newer_file: Said
    """With the demo; the next one is without."""
    other_sources: Said
    jobs: tuple[dict[str, str], dict[str, str], dict[str, str]]
    """Each job's id, before, between and after."""


@pytest.fixture(scope="session")
def outdated(stack: Stack, resumed: Resumed, routing_file: Path) -> Outdated:
    """Two more starts, by which jobs are replaced where they must be."""
    live = yaml.safe_load(history.needed(stack.settings).text)
    version = live["version"]
    before = stack.job_ids()
    routing_file.write_text(json.dumps({**live, "version": version + 1, "unmatched": "drop"}), encoding="utf-8")
    newer_file = stack.start(demo=True)
    between = stack.job_ids()
    publish(stack.settings, json.dumps({**live, "version": version + 2}).replace(SOURCES["csv"], "rows"))
    other_sources = stack.start()
    return Outdated(version, newer_file, other_sources, (before, between, stack.job_ids()))


@pytest.fixture(scope="session")
def purged(stack: Stack, outdated: Outdated) -> Stopped:
    """The stop that also deletes the data."""
    said = stack.stop("--purge")
    return Stopped(said, stack.left_over(), stack.open_ports(), stack.layout.data.exists())
