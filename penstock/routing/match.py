"""Which route takes an event: a dictionary look-up by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.routing.document import Route

__all__ = ["by_type"]


def by_type(routes: Iterable[Route]) -> dict[str, Route]:
    """Return the route of each type; of several routes for one type the first wins."""
    found: dict[str, Route] = {}
    for route in routes:
        for event_type in route.match.type:
            found.setdefault(event_type, route)
    return found
