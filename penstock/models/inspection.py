"""What can be told about models before anybody needs them: what their files hold, and whether routes have theirs."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from penstock.deployables import SCORING
from penstock.errors import UnknownModelError
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from penstock.models.findings import Inspection
    from penstock.models.registry import Registry
    from penstock.routing.document import RoutingDocument
    from penstock.settings import ServiceSettings, Settings

__all__ = ["Absence", "Checks", "absences", "look_into"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """How closely a file is looked at."""

    heap_mb: int | None = None
    """Java heap to load and try it with; None: only what can be told without the engine."""
    lax: bool = False
    """Whether to take a file that strays from its format's schema."""
    most_unpacked_bytes: int = 4096 * 1024 * 1024
    """What a packed folder may come to."""
    jars: Path | None = None
    """Folder of the jars; that of a job's name in it has the schema of its files. None: the one in this folder."""
    service: ServiceSettings | None = None
    """Where the model servers are that say what models they have; None: they are not asked."""

    @classmethod
    def of(cls, settings: Settings, job: str, *, lax: bool) -> Checks:
        """Return the closest look at a job's model that an installation can take."""
        return cls(
            heap_mb=settings.spark.driver_memory_mb if job == "spark" else settings.pmml.heap_mb,
            lax=lax,
            jars=settings.local.jars_dir,
            most_unpacked_bytes=settings.models.most_unpacked_mb * 1024 * 1024,
            service=settings.service,
        )


class Absence(NamedTuple):
    """A model that a route names and that its job does not have."""

    text: str
    """Which one, why, and what to do."""
    shadow: bool
    """Whether only copies of events go to it, for which no user waits."""


def look_into(job: str, path: Path | None, checks: Checks, said: Mapping[str, Any]) -> Inspection | None:
    """Let the job that is to score a model look into its file; None where there is no such job (yet).

    Its module ``inspection`` has for that a function ``inspect(path, said, checks)``, which returns an `Inspection`.

    Args:
        job: which one.
        path: the file; None where a model server has the model.
        checks: how closely.
        said: what the author says of it, by keys of a descriptor: the sample to try it with, the prediction, the
            server.
    """
    deployable = SCORING.get(job)
    if deployable is None or not _is_here(deployable.module):
        return None
    door = importlib.import_module(f"{deployable.module}.inspection")
    found: Inspection = door.inspect(path, said, checks)
    return found


def _is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(f"{module}.inspection") is not None
    except ModuleNotFoundError:  # of the package that it would be in
        return False


def absences(registry: Registry, document: RoutingDocument) -> Iterator[Absence]:
    """Look for the model of every route and shadow, in the order of the document."""
    for route in document.routes:
        for model in dict.fromkeys(route.models):
            fault = _fault(registry, document, model)
            if fault is not None:
                yield Absence(f"route {route.name!r} names model {model!r}: {fault}", shadow=False)
        for shadow in route.shadow:
            fault = _fault(registry, document, shadow.model)
            if fault is not None:
                named = f"the shadow {shadow.label!r} of route {route.name!r} names model {shadow.model!r}"
                yield Absence(f"{named}: {fault}", shadow=True)


def _fault(registry: Registry, document: RoutingDocument, model: str) -> str | None:
    ref = ModelRef.parse(model)
    try:
        found = registry.resolve(ref)
    except UnknownModelError as error:
        known = ", ".join(error.known) or "none"
        return f"it is not registered (there is {known}); 'penstock models add' adds it"
    job = document.models[ref.name].job
    if found.job != job:
        return f"the routing document gives it to job {job!r}, its descriptor to {found.job!r}; change one of them"
    return None
