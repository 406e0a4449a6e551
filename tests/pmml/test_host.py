"""The scorer with a worker's host and the real engine: models come, are swapped, fail and go between batches."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from jobs.pmml_job.loader import PmmlLoader
from penstock.deadletter import Stage
from penstock.event import unpack_headers
from penstock.models.catalog_events import State
from penstock.models.descriptor import ModelDescriptor
from penstock.models.host import ModelHost
from penstock.models.records import descriptor_record, pointer_record, removed_record
from penstock.models.ref import ModelRef
from penstock.scoring import Scorer, ScorerConfig
from penstock.sections import ModelsSettings
from penstock.settings import Settings
from penstock.testing import builders
from penstock.testing.models import messages
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from jobs.pmml_job.engine import Engine
    from penstock.scoring import Requests


class Worker:
    """What a worker's function puts together, without Flink and Kafka."""

    def __init__(self, engine: Engine, cache: Path, batch: Callable[..., Requests], **changes: Any) -> None:
        self._changed = threading.Condition()
        facts = {"cache_dir": cache, **dict.fromkeys(("reload_wait_ms", "wait_ms"), 1000 * SOON_S)} | changes
        self.host = ModelHost(
            ModelsSettings(**facts), "pmml", PmmlLoader(engine), eager=True, on_change=self._on_change
        )
        self.host.want(builders.document())
        self._scorer = Scorer(ScorerConfig.of(Settings(), Stage.PMML_JOB, "pmml"), self.host)  # type: ignore[arg-type]
        self._batch = batch
        self._offset = 0

    def _on_change(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def take(self, *records: tuple[bytes, bytes | None]) -> None:
        """Take messages of the registry's topic."""
        for message in messages(*records):
            self.host.offer(replace(message, offset=self._offset + message.offset))
        self._offset += len(records)

    def until(self, ref: str, state: State) -> None:
        """Wait until a version is in a state."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.host.states()[ref].state is state, SOON_S), self.host.states()

    def score(self, *texts: str) -> list[str]:
        """Score one event with each of these: the version that did it, or the code of a dead letter."""
        found = self._scorer.score(self._batch(*[{"x": 1}] * len(texts), models=[*texts]))
        told = [unpack_headers(headers) for headers in found.headers]
        return [headers.get("penstock-error-code") or headers["penstock-model"] for headers in told]


@pytest.fixture
def make_worker(pmml_engine: Engine, tmp_path: Path, batch: Callable[..., Requests]) -> Iterator[Callable[..., Worker]]:
    """Make workers, whose hosts end with the test."""
    made: list[Worker] = []

    def make(**changes: Any) -> Worker:
        made.append(Worker(pmml_engine, tmp_path / "cache", batch, **changes))
        return made[-1]

    yield make
    for worker in made:
        worker.host.close()


@pytest.fixture
def registered(describe: Callable[..., dict[str, Any]], identity: Callable[..., bytes]) -> Callable[..., Any]:
    """Make the record that registers a version of ``model``; its files differ by a comment."""

    def make(version: int, data: bytes | None = None, name: str = "model") -> tuple[bytes, bytes]:
        content = identity() + b"<!-- %d -->" % version if data is None else data
        return descriptor_record(ModelDescriptor.parse(describe(content, name, version), "here"))

    return make


def test_models_come_are_swapped_and_go(make_worker: Callable[..., Worker], registered: Callable[..., Any]) -> None:
    """A bare name means the version that the pointer names, once it is ready; what is deleted is unknown."""
    worker = make_worker()
    assert worker.score("model") == ["UNKNOWN_MODEL"]
    worker.take(registered(1), pointer_record("model", 1, None, "now"))
    assert worker.score("model", "model:1", "model:2") == ["model:1", "model:1", "UNKNOWN_MODEL"]
    worker.take(registered(2), pointer_record("model", 2, 1, "now"))
    worker.until("model:2", State.READY)
    assert worker.score("model", "model:1", "model") == ["model:2", "model:1", "model:2"]
    worker.take(removed_record(ModelRef("model", 2)))
    assert worker.score("model:2", "model") == ["UNKNOWN_MODEL", "model:1"]


def test_live_version_that_fails_leaves_the_one_before_it(
    make_worker: Callable[..., Worker], registered: Callable[..., Any]
) -> None:
    """Its own requests are dead letters with the engine's reason."""
    worker = make_worker()
    worker.take(registered(1), registered(2, b"<PMML broken"), pointer_record("model", 2, 1, "now"))
    assert worker.score("model:2", "model", "model:1") == ["MODEL_FAILED", "model:1", "model:1"]


def test_old_refs_are_understood(make_worker: Callable[..., Worker], registered: Callable[..., Any]) -> None:
    """The predecessor's `<uuid>_<version>` means the version of that name."""
    uuid = "0a6f3c4e-3d4e-4b9b-8d2c-0f8e1b6f3a10"
    worker = make_worker()
    worker.take(registered(7, name=uuid))
    assert worker.score(f"{uuid}_7", uuid, f"{uuid}_8") == [f"{uuid}:7", f"{uuid}:7", "UNKNOWN_MODEL"]


def test_more_models_than_memory_holds(make_worker: Callable[..., Worker], registered: Callable[..., Any]) -> None:
    """Each is loaded again when it is asked for, in one batch with others, too; no request is lost."""
    worker = make_worker(most_loaded=3)
    worker.take(*(registered(version) for version in range(1, 11)))
    refs = [f"model:{version}" for version in range(1, 11)]
    for asked in ([*refs, *refs], refs[::-1], refs[3:7]):
        assert worker.score(*asked) == asked
    states = [state.state for state in worker.host.states().values()]
    assert states.count(State.READY) <= 3
