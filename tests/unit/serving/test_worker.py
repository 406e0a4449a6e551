"""A scoring job's worker, before it is connected to anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.control import portable
from penstock.deadletter import Stage
from penstock.deployables import SPARK_JOB
from penstock.serving.worker import Serving
from penstock.settings import Settings

if TYPE_CHECKING:
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
