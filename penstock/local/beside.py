"""Processes that run beside the cluster for a job: starting those that do not run, or run from another build."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from penstock.local import engines

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from penstock.deployables import Deployable
    from penstock.local.layout import Layout
    from penstock.local.supervision import Supervisor
    from penstock.settings import Settings

__all__ = ["expected", "forget", "start"]


def start(
    settings: Settings, layout: Layout, supervisor: Supervisor, wanted: Iterable[Deployable], wheel: Path
) -> list[str]:
    """Start what the jobs need; what runs from another wheel is ended first. Returns the names of what was started."""
    digest, digests = hashlib.sha256(wheel.read_bytes()).hexdigest(), _digests(layout)
    started = []
    for name in engines.needed(settings, wanted):
        if digests.get(name) != digest:
            supervisor.stop(name)
        if supervisor.start(name):
            started.append(name)
        digests[name] = digest
    _file(layout).write_text(json.dumps(digests), encoding="utf-8")
    return started


def expected(layout: Layout) -> list[str]:
    """Return the names of what was started since the stack was, and should run."""
    digests = _digests(layout)
    return [name for name in engines.PROGRAMS if name in digests]


def forget(layout: Layout) -> None:
    """Forget what ran under an earlier supervisor."""
    _file(layout).unlink(missing_ok=True)


def _file(layout: Layout) -> Path:
    return layout.conf / "beside.json"


def _digests(layout: Layout) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads(_file(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return digests
