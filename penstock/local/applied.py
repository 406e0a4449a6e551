"""What the jobs of a stack run with: the models' descriptors, kept beside the settings in force.

Jobs are submitted from these copies, never from the files that people edit: the keeper, which brings back lost jobs,
must not bring in a change that nobody has applied. (The routing document in force stands on its topic.)
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, NamedTuple

import yaml

from penstock import settings as settings_file
from penstock.models.descriptor import DESCRIPTOR_FILE
from penstock.models.inspection import inspect
from penstock.models.repository import Catalog, read_catalog

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["Looked", "descriptors", "keep", "look", "settings_path"]


class Looked(NamedTuple):
    """The models as they are now, and what is not as it should be but hurts no user."""

    catalog: Catalog
    warnings: tuple[str, ...]


def look(settings: Settings, document: RoutingDocument) -> Looked:
    """Look whether jobs can run a document with the models as they are now; nothing is changed.

    Raises:
        ModelError: a model's descriptor or file is wrong, or a route has no model; shadows may do without.
    """
    catalog = read_catalog(settings.models_dir)
    return Looked(catalog, inspect(catalog, document))


def keep(catalog: Catalog, settings: Settings, layout: Layout) -> None:
    """Keep the descriptors and the settings that name them, in place of those of the last time."""
    fresh = layout.applied.with_name(f"{layout.applied.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for descriptor in catalog:
        folder = _models_dir(fresh) / descriptor.name / str(descriptor.version)
        folder.mkdir(parents=True)
        text = yaml.safe_dump(descriptor.plain(), sort_keys=False)
        (folder / DESCRIPTOR_FILE).write_text(text, encoding="utf-8")
    _models_dir(fresh).mkdir(exist_ok=True)
    settings_file.write(settings.model_copy(update={"models_dir": _models_dir(layout.applied)}), fresh / _SETTINGS)
    shutil.rmtree(layout.applied, ignore_errors=True)
    fresh.rename(layout.applied)


def settings_path(layout: Layout) -> Path:
    """Return the file of the settings that jobs are submitted with."""
    return layout.applied / _SETTINGS


def descriptors(layout: Layout) -> list[Path]:
    """Return the files of the descriptors that were kept; they hold the digests of the models' own files."""
    return sorted(path for path in _models_dir(layout.applied).rglob("*") if path.is_file())


_SETTINGS = "settings.yaml"


def _models_dir(folder: Path) -> Path:
    return folder / "models"
