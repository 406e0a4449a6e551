"""A scoring job's worker, without anything that it is connected to."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from penstock.control import portable
from penstock.control.documents import LiveDocument
from penstock.deadletter import Stage
from penstock.deployables import PMML_JOB, SPARK_JOB
from penstock.sections import ModelsSettings
from penstock.serving.worker import Serving
from penstock.settings import Settings
from tests.unit.models.workbench import Workbench, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.loading import Served


class Loader:
    """Loads nothing; has something of its own to give up."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.closed = 0

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> Served:
        """Is not asked."""
        raise NotImplementedError

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_worker_that_was_never_opened_is_closed(tmp_path: Path) -> None:
    """Whoever made it gives it up, loader included; before that it has all that a driver needs."""
    made: list[Loader] = []

    def loader(settings: Settings) -> Loader:
        made.append(Loader(settings))
        return made[-1]

    packed = portable.pack(Settings(project_dir=tmp_path, topics={"prefix": "own"}))
    serving = Serving(packed, SPARK_JOB, Stage.SPARK_JOB, "spark", loader)
    assert serving.settings == serving.worker.settings == made[0].settings
    assert serving.settings.topics.prefix == "own"
    assert serving.host.states() == {}
    serving.close()

    assert made[0].closed == 1


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """Models to be loaded."""
    bench = Workbench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def begun(bench: Workbench) -> Iterator[Callable[[int], Serving]]:
    """A factory of workers that wait for so many milliseconds at most, and that know of one model."""
    made: list[Serving] = []

    def make(startup_wait_ms: int) -> Serving:
        models = ModelsSettings(cache_dir=bench.folder / "cache", startup_wait_ms=startup_wait_ms)
        packed = portable.pack(Settings(project_dir=bench.folder, models=models))
        made.append(Serving(packed, PMML_JOB, Stage.PMML_JOB, "pmml", lambda _: bench.loader))
        made[-1].host.begin([bench.model("iris:1")])
        return made[-1]

    yield make
    for serving in made:
        serving.close()


def use(serving: Serving, bench: Workbench, *models: str) -> str:
    """Put a document in force whose routes name the models; return the state of the only one."""
    serving.use(LiveDocument(document=bench.routes(*models), text="", published_ms=0, offset=0))
    return state(serving.host, "iris:1")


def test_first_document_waits_for_its_models(begun: Callable[[int], Serving], bench: Workbench) -> None:
    """The first record finds them there, whatever loading takes."""
    gate = bench.loader.stop_at("iris:1")
    serving = begun(60_000)
    threading.Timer(0.1, gate.set).start()

    assert use(serving, bench, "iris:1") == "ready"


def test_first_document_waits_no_longer_than_it_may(begun: Callable[[int], Serving], bench: Workbench) -> None:
    """`models.startup_wait_ms`; requests of what is not there wait for themselves."""
    bench.loader.stop_at("iris:1")

    assert use(begun(10), bench, "iris:1") == "loading"


def test_later_documents_wait_for_nothing(begun: Callable[[int], Serving], bench: Workbench) -> None:
    """Records flow, and whoever published it waits for an answer."""
    bench.loader.stop_at("iris:1")
    serving = begun(60_000)
    use(serving, bench, "other:1")

    assert use(serving, bench, "iris:1") == "loading"
