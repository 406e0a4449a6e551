"""When a version that could not be loaded is tried again. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock.models.catalog_events import Failed

__all__ = ["retry_at_ms"]

_FIRST_MS, _LAST_MS = 1_000, 60_000
#: Of doublings: more of them are beyond the last pause anyway.
_MOST = 10


def retry_at_ms(failed: Failed, failures: int, now_ms: int) -> int | None:
    """Return when it is tried again; None: never.

    Args:
        failed: why.
        failures: how often it failed before.
        now_ms: when.
    """
    if failed.passing:
        return now_ms + min(_LAST_MS, _FIRST_MS << min(failures, _MOST))
    return now_ms + _LAST_MS if failed.mendable else None
