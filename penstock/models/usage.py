"""Who uses which version of which model: routes, shadows, and names whose live version it is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.models.ref import ModelRef

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from penstock.models.registry import Registry
    from penstock.routing.document import RoutingDocument

__all__ = ["as_live", "routed", "shadowed", "users", "wanted"]


def users(
    document: RoutingDocument | None, registry: Registry, *, live: bool = True
) -> Mapping[ModelRef, tuple[str, ...]]:
    """Return by version who uses it, in words for people; a version that nobody uses is left out.

    What a route or shadow means counts, registered or not; of a name, the version that is live. Where no document is in
    force there are no routes. Without ``live`` a live version that no route and no shadow means is not used.
    """
    found: dict[ModelRef, dict[str, None]] = {}
    for model, user in () if document is None else _named(document):
        meant = registry.meant(ModelRef.parse(model))
        if meant is not None:
            found.setdefault(meant, {})[user] = None
    for name in registry.pointers if live else ():
        meant = registry.live(name)
        if meant is not None:
            found.setdefault(meant, {})[as_live(name)] = None
    return {ref: tuple(each) for ref, each in found.items()}


def as_live(name: str) -> str:
    """Return how `users` says that a version is what a bare name means."""
    return f"live version of {name!r}"


def _named(document: RoutingDocument) -> Iterator[tuple[str, str]]:
    for route in document.routes:
        for model in route.models:
            yield model, f"route {route.name!r}"
        for shadow in route.shadow:
            yield shadow.model, f"shadow {shadow.label!r} of route {route.name!r}"


def routed(document: RoutingDocument) -> frozenset[ModelRef]:
    """Return what routes name."""
    return frozenset(map(ModelRef.parse, {model for route in document.routes for model in route.models}))


def shadowed(document: RoutingDocument) -> frozenset[ModelRef]:
    """Return what shadows name."""
    return frozenset(map(ModelRef.parse, {shadow.model for route in document.routes for shadow in route.shadow}))


def wanted(refs: Iterable[ModelRef], registry: Registry, job: str) -> frozenset[ModelRef]:
    """Return the versions of a job that refs mean, as far as they are there; of a bare name, all that may serve it."""
    meant = (one for ref in refs for one in (registry.serving(ref.name) if ref.version is None else (ref,)))
    return frozenset(one for one in meant if (found := registry.get(one)) is not None and found.job == job)
