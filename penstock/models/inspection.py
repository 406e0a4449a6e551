"""What can be told about models before any job gets them: their files, and whether every route has its model.

Asked before anything is stopped or started, so that a wrong model leaves alone what runs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from penstock.deployables import SCORING
from penstock.errors import ModelError, UnknownModelError
from penstock.models.ref import ModelRef
from penstock.models.repository import fetch

if TYPE_CHECKING:
    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.repository import Catalog
    from penstock.routing.document import Route, RoutingDocument

__all__ = ["inspect"]


def inspect(catalog: Catalog, document: RoutingDocument) -> None:
    """Fetch every model's file and look into it, and find the model of every route.

    Raises:
        ModelError: the first fault; of a file, or of a route whose model is not there or is another job's.
    """
    for route in document.routes:
        for model in (*route.models, *(shadow.model for shadow in route.shadow)):
            _find(catalog, document, route, model)
    for descriptor in catalog:
        _look_into(descriptor)


def _find(catalog: Catalog, document: RoutingDocument, route: Route, model: str) -> None:
    ref = ModelRef.parse(model)
    try:
        found = catalog.resolve(ref)
    except UnknownModelError as error:
        known = ", ".join(error.known) or "none"
        detail = f"models_dir has no descriptor of it (it has {known}); add one, or change the route"
        raise ModelError(f"route {route.name!r} names model {model!r}: {detail}") from error
    job = document.models[ref.name].job
    if found.job != job:
        detail = f"the routing document gives it to job {job!r}, its descriptor to {found.job!r}; change one of them"
        raise ModelError(f"route {route.name!r} names model {model!r}: {detail}")


def _look_into(descriptor: ModelDescriptor) -> None:
    """Let the job that is going to score the model look at its bytes; a job that is not there yet cannot."""
    data = fetch(descriptor)
    job = SCORING.get(descriptor.job)
    if job is not None:
        importlib.import_module(f"{job.module}.inspection").inspect(descriptor, data)
