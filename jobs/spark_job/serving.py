"""The Spark job's place in the control plane: the models of a query, and what documents want of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from penstock.deadletter import Stage
from penstock.deployables import SPARK_JOB
from penstock.models.ref import ModelRef
from penstock.serving.worker import Serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jobs.spark_job.loader import SparkLoader
    from penstock.control.documents import LiveDocument
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["JOB", "SparkServing", "has_shadows"]

JOB = "spark"


class _Told(Protocol):
    """Who is told of documents."""

    def __call__(self, *, shadows: bool) -> None:
        """Take note; ``shadows``: a route has a shadow of one of the job's models."""


class SparkServing(Serving):
    """Follows documents and models for a query, and tells when a document was put in force."""

    def __init__(
        self, packed: Mapping[str, Any], loader: Callable[[Settings], SparkLoader], told: _Told, *, of_copies: bool
    ) -> None:
        super().__init__(packed, SPARK_JOB, Stage.SPARK_JOB, JOB, loader, of_copies=of_copies)
        self._told = told

    def serves(self, name: str) -> bool:
        """Tell whether this driver reads a model's requests (`spark.models_pattern`)."""
        return re.fullmatch(self.settings.spark.models_pattern, name) is not None

    def use(self, live: LiveDocument) -> None:
        """Load what routes name, and tell."""
        super().use(live)
        self._told(shadows=has_shadows(live.document))


def has_shadows(document: RoutingDocument) -> bool:
    """Tell whether a route has a shadow of one of the job's models."""
    names = {ModelRef.parse(shadow.model).name for route in document.routes for shadow in route.shadow}
    return any(document.models[name].job == JOB for name in names)
