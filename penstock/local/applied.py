"""What the jobs of a stack run with: the settings and the wheel, kept as they were when the jobs were submitted.

Jobs are submitted from these copies, never from the file that people edit, nor from the wheel that each setup builds
anew where the sources have changed: the keeper, which brings back lost jobs, must not bring in a change that nobody has
applied. (The routing document in force and the models stand on their topics.)
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from penstock import settings as settings_file
from penstock.errors import StackError

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["keep", "settings_path", "wheel_path"]

_SETTINGS = "settings.yaml"


def keep(settings: Settings, layout: Layout, wheel: Path) -> None:
    """Keep the settings and the wheel in place of those of the last time."""
    fresh = layout.applied.with_name(f"{layout.applied.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    settings_file.write(settings, fresh / _SETTINGS)
    shutil.copyfile(wheel, fresh / wheel.name)
    shutil.rmtree(layout.applied, ignore_errors=True)
    fresh.rename(layout.applied)


def settings_path(layout: Layout) -> Path:
    """Return the file of the settings that jobs are submitted with."""
    return layout.applied / _SETTINGS


def wheel_path(layout: Layout) -> Path:
    """Return the wheel that jobs are submitted with.

    Raises:
        StackError: none was kept; the stack was brought up by an earlier release.
    """
    found = next(layout.applied.glob("*.whl"), None)
    if found is None:
        raise StackError("submit the jobs", "", f"{str(layout.applied)!r} has no wheel of theirs: run 'penstock up'")
    return found
