"""Whether the models that a routing document names are registered, and ready in the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.control import models
from penstock.control.watching import ModelWatch
from penstock.models.catalog_events import State
from penstock.models.inspection import absences
from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from penstock.control.model_signs import ModelsSign
    from penstock.models.registry import Registry
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["faults", "lacking", "unready"]

#: By whether it is a shadow's.
_WITHOUT_A_MODEL = {
    False: "its events become dead letters until it is registered",
    True: "its copies become dead letters until it is registered, and users' events do not",
}


def lacking(settings: Settings, document: RoutingDocument) -> list[str]:
    """Say what a document's routes and shadows would miss at this moment.

    Raises:
        KafkaUnavailableError: no broker answered.
        ControlTopicError: there is no registry, or nobody says how workers stand.
    """
    registry = models.registry(settings)
    with ModelWatch(settings) as watch:
        return faults(document, registry, list(watch.states.values()))


def faults(document: RoutingDocument, registry: Registry, signs: Sequence[ModelsSign]) -> list[str]:
    """Say the same by what is known already. Pure."""
    missing = (f"{each.text}; {_WITHOUT_A_MODEL[each.shadow]}" for each in absences(registry, document))
    return [*missing, *unready(document, registry, signs)]


def unready(document: RoutingDocument, registry: Registry, signs: Sequence[ModelsSign]) -> Iterator[str]:
    """Tell of each route's model that no worker could answer with, and why. Pure.

    A bare name is fine as long as its live version or the one before is. One that is not in memory is loaded when it is
    asked for; copies for shadows are nobody's wait.
    """
    for route in document.routes:
        for model in dict.fromkeys(route.models):
            ref = ModelRef.parse(model)
            meant = registry.serving(ref.name) if ref.version is None else (ref,)
            said = [_said(str(one), signs) for one in meant if registry.get(one) is not None]
            if said and all(said):
                yield f"route {route.name!r} names model {model!r}: {said[0]}"


def _said(ref: str, signs: Sequence[ModelsSign]) -> str | None:
    """Say why no worker has a model ready; None where one has, or would when it is asked, or nobody is there."""
    found = [sign.models[ref] for sign in signs if ref in sign.models]
    states = {each.state for each in found}
    if not found or states & {State.READY, State.EVICTED}:
        return None
    if State.FAILED in states:
        reason = next(each.reason for each in found if each.state is State.FAILED)
        return f"no worker can load {ref}: {reason}; its events become dead letters"
    return f"no worker has {ref} ready yet, it is loading: its events wait for it a moment, and then are dead letters"
