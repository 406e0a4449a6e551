"""What can be told about models before any job gets them: their files, and whether every route has its model.

Asked before anything is stopped or started, so that a wrong model leaves alone what runs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

from penstock.deployables import SCORING
from penstock.errors import ModelError, ModelLoadError, UnknownModelError
from penstock.models.ref import ModelRef
from penstock.models.repository import fetch, local_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.repository import Catalog
    from penstock.routing.document import RoutingDocument

__all__ = ["Absence", "absences", "inspect"]


class Absence(NamedTuple):
    """A model that a route names and that its job does not have."""

    text: str
    """Which one, why, and what to do."""
    shadow: bool
    """Whether only copies of events go to it, for which no user waits."""


def inspect(catalog: Catalog, document: RoutingDocument) -> tuple[str, ...]:
    """Fetch every model's file and look into it, and find the model of every route.

    Returns what is not as it should be and hurts no user: shadows whose model is not there.

    Raises:
        ModelError: the first fault; of a file, or of a route whose model is not there or is another job's.
    """
    found = list(absences(catalog, document))
    for absence in found:
        if not absence.shadow:
            raise ModelError(absence.text)
    for descriptor in catalog:
        _look_into(descriptor)
    return tuple(absence.text for absence in found)


def absences(catalog: Catalog, document: RoutingDocument) -> Iterator[Absence]:
    """Look for the model of every route and shadow, in the order of the document."""
    for route in document.routes:
        for model in dict.fromkeys(route.models):
            fault = _fault(catalog, document, model)
            if fault is not None:
                yield Absence(f"route {route.name!r} names model {model!r}: {fault}", shadow=False)
        for shadow in route.shadow:
            fault = _fault(catalog, document, shadow.model)
            if fault is not None:
                named = f"the shadow {shadow.label!r} of route {route.name!r} names model {shadow.model!r}"
                yield Absence(f"{named}: {fault}", shadow=True)


def _fault(catalog: Catalog, document: RoutingDocument, model: str) -> str | None:
    ref = ModelRef.parse(model)
    try:
        found = catalog.resolve(ref)
    except UnknownModelError as error:
        known = ", ".join(error.known) or "none"
        return f"models_dir has no descriptor of it (it has {known}); add one, or change the route"
    job = document.models[ref.name].job
    if found.job != job:
        return f"the routing document gives it to job {job!r}, its descriptor to {found.job!r}; change one of them"
    return None


def _look_into(descriptor: ModelDescriptor) -> None:
    """Let the job that is going to score the model look at its bytes; a job that is not there yet cannot."""
    fetch(descriptor)
    job = SCORING.get(descriptor.job)
    if job is None:
        return
    door = importlib.import_module(f"{job.module}.inspection")
    ref, found = str(descriptor.ref), door.inspect(local_path(descriptor))
    for finding in found.findings:
        if finding.severity == "error":
            raise ModelLoadError(ref, str(finding))
    inputs = {field["name"]: field["type"] for field in found.fields.get("inputs", ())}
    door.compare(ref, "inputs", descriptor.inputs, inputs)
