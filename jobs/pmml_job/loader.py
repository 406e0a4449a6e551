"""How a worker of the PMML job comes by a model: from its file, by the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.pmml_job.served import serve
from penstock.errors import ModelLoadError

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.pmml_job.engine import Engine
    from jobs.pmml_job.served import ServedModel
    from penstock.models.descriptor import ModelDescriptor

__all__ = ["PmmlLoader"]


class PmmlLoader:
    """Loads models for a worker's host, which calls it from threads of its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load(self, descriptor: ModelDescriptor, path: Path | None) -> ServedModel:
        """Load, check and warm up a model. Raises `ModelError`."""
        if path is None:
            raise ModelLoadError(str(descriptor.ref), "a model of job 'pmml' is a file, and it has none")
        return serve(descriptor, path, self._engine)
