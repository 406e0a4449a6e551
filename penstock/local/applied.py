"""What jobs and our programs run with: the settings and the wheel, kept as they were when the stack was brought up.

Jobs are submitted from these copies, never from the file that people edit, nor from the wheel that each setup builds
anew where the sources have changed: the keeper, which brings back lost jobs, must not bring in a change that nobody has
applied. The programs beside the cluster run from this wheel, too: Python reads it again for whatever it imports later,
so it is replaced only when they have ended (`beside.renew`). (The routing document in force and the models stand on
their topics.)
"""

from __future__ import annotations

import filecmp
import shutil
from typing import TYPE_CHECKING

from penstock import settings as settings_file
from penstock.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["is_kept", "keep", "settings_path", "wheel_path"]

_SETTINGS = "settings.yaml"
#: The same for every release: the supervisor is told once what its programs run from.
_WHEEL = "penstock.whl"


def keep(settings: Settings, layout: Layout, wheel: Path) -> None:
    """Keep the settings and the wheel in place of those of the last time; a reader finds the old file or the new."""
    layout.applied.mkdir(exist_ok=True)
    fresh = layout.applied / "new"
    shutil.copyfile(wheel, fresh)
    fresh.replace(layout.applied / _WHEEL)
    settings_file.write(settings, fresh)
    fresh.replace(layout.applied / _SETTINGS)


def is_kept(layout: Layout, wheel: Path) -> bool:
    """Say whether what is kept is this wheel."""
    kept = layout.applied / _WHEEL
    return kept.is_file() and filecmp.cmp(kept, wheel, shallow=False)


def settings_path(layout: Layout) -> Path:
    """Return the file of the settings that jobs are submitted with."""
    return layout.applied / _SETTINGS


def wheel_path(layout: Layout) -> Path:
    """Return the wheel that jobs are submitted with, and programs started.

    Raises:
        StackError: none was kept; the stack was brought up by an earlier release.
    """
    kept = layout.applied / _WHEEL
    if not kept.is_file():
        raise StackError("submit the jobs", "", f"{str(layout.applied)!r} has no wheel of theirs: run 'penstock up'")
    return kept
