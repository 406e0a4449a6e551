"""The adapters' own cores, as commands use them: what a command says is what the adapter would do."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from penstock.deployables import INPUT_ADAPTER, OUTPUT_ADAPTER
from penstock.routing.ramp import now_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["renderer", "router"]


def router(
    settings: Settings,
    document: RoutingDocument,
    *,
    published_ms: int | None = None,
    clock: Callable[[], int] = now_ms,
) -> Any:
    """Return the input adapter's router for a document."""
    return importlib.import_module(f"{INPUT_ADAPTER.module}.router").Router(
        document, clock=clock, published_ms=published_ms, **_limits(settings)
    )


def renderer(settings: Settings, document: RoutingDocument) -> Any:
    """Return the output adapter's renderer with a document in force, for which it is 1970: no result is late."""
    module = importlib.import_module(f"{OUTPUT_ADAPTER.module}.renderer")
    known = {document.version: document}
    made = module.Renderer(known.get, clock=lambda: 0.0, **_limits(settings))
    made.take(document)
    return made


def _limits(settings: Settings) -> dict[str, Any]:
    return {
        "prefix": settings.topics.prefix,
        "max_request_bytes": settings.limits.max_request_bytes,
        "max_dead_letter_bytes": settings.limits.max_dead_letter_bytes,
    }
