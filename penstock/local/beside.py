"""Processes of ours that run beside the cluster: starting those that a job needs, and all anew from another wheel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from penstock.local import applied, engines
from penstock.local.parts import OPTIONAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from penstock.deployables import Deployable
    from penstock.local.layout import Layout
    from penstock.local.supervision import Supervisor
    from penstock.settings import Settings

__all__ = ["expected", "forget", "renew", "start"]


def renew(
    settings: Settings, layout: Layout, supervisor: Supervisor, wheel: Path, end_callers: Callable[[], object]
) -> list[str]:
    """Apply the settings and the wheel; what runs from another wheel ends before that, and is started again after it.

    That is so whatever jobs are wanted: a program whose wheel is replaced under it fails at its next import. Returns
    the names of what was started again.

    Args:
        settings: to apply.
        layout: of the stack.
        supervisor: of its programs.
        wheel: to apply.
        end_callers: ends the jobs that call the programs, before these end: a job that waits for a server that is away
            makes no checkpoint, and so does not stop in good order. Called where programs are to end, and only there.
    """
    ended: list[str] = []
    try:
        if not applied.is_kept(layout, wheel):
            end_callers()
            for name in OPTIONAL:
                ended += [name] if supervisor.stop(name) else []
        applied.keep(settings, layout, wheel)
    finally:  # a full disk, or Ctrl-C, ends the command, not the programs
        for name in ended:
            supervisor.start(name)
    return ended


def start(settings: Settings, layout: Layout, supervisor: Supervisor, wanted: Iterable[Deployable]) -> list[str]:
    """Start what the jobs need and does not run. Returns the names of what was started."""
    needed = engines.needed(settings, wanted)
    started = [name for name in needed if supervisor.start(name)]
    _file(layout).write_text(json.dumps(sorted({*_names(layout), *needed})), encoding="utf-8")
    return started


def expected(layout: Layout) -> list[str]:
    """Return the names of what was started since the stack was, and should run."""
    names = _names(layout)
    return [name for name in engines.PROGRAMS if name in names]


def forget(layout: Layout) -> None:
    """Forget what ran under an earlier supervisor."""
    _file(layout).unlink(missing_ok=True)


def _file(layout: Layout) -> Path:
    return layout.conf / "beside.json"


def _names(layout: Layout) -> list[str]:
    try:
        return list(json.loads(_file(layout).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return []
