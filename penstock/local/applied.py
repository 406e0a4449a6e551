"""What the jobs of a stack run with: the settings, kept as they were when the jobs were submitted.

Jobs are submitted from this copy, never from the file that people edit: the keeper, which brings back lost jobs, must
not bring in a change that nobody has applied. (The routing document in force and the models stand on their topics.)
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from penstock import settings as settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = ["keep", "settings_path"]

_SETTINGS = "settings.yaml"


def keep(settings: Settings, layout: Layout) -> None:
    """Keep the settings in place of those of the last time."""
    fresh = layout.applied.with_name(f"{layout.applied.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    settings_file.write(settings, fresh / _SETTINGS)
    shutil.rmtree(layout.applied, ignore_errors=True)
    fresh.rename(layout.applied)


def settings_path(layout: Layout) -> Path:
    """Return the file of the settings that jobs are submitted with."""
    return layout.applied / _SETTINGS
