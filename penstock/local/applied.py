"""What the jobs of a stack run with: a routing document and the models' descriptors, kept beside the settings in force.

Jobs are submitted from these copies, never from the files that people edit: the keeper, which brings back lost jobs,
must not bring in a change that nobody has applied.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from penstock import settings as settings_file
from penstock.errors import RoutingDocumentError
from penstock.models.descriptor import DESCRIPTOR_FILE
from penstock.models.inspection import inspect
from penstock.models.repository import read_catalog

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.models.repository import Catalog
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["Work", "files", "keep", "look", "settings_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What jobs are to run with."""

    document: RoutingDocument
    catalog: Catalog


def look(settings: Settings, layout: Layout, document: RoutingDocument) -> Work:
    """Look whether jobs can run with the document and the models as they are now; nothing is changed.

    Raises:
        RoutingDocumentError: the document differs from the one applied last, but its version is not higher.
        ModelError: a model's descriptor or file is wrong, or a route has no model.
    """
    _refuse_stale(layout, document)
    catalog = read_catalog(settings.models_dir)
    inspect(catalog, document)
    return Work(document=document, catalog=catalog)


def keep(work: Work, settings: Settings, layout: Layout) -> None:
    """Keep the document, the descriptors and the settings that name them, in place of those of the last time."""
    fresh = layout.applied.with_name(f"{layout.applied.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    _document_file(fresh).write_text(json.dumps(_plain(work.document), indent=2), encoding="utf-8")
    for descriptor in work.catalog:
        folder = _models_dir(fresh) / descriptor.name / str(descriptor.version)
        folder.mkdir(parents=True)
        text = yaml.safe_dump(descriptor.plain(), sort_keys=False)
        (folder / DESCRIPTOR_FILE).write_text(text, encoding="utf-8")
    _models_dir(fresh).mkdir(exist_ok=True)
    places = {"routing_file": _document_file(layout.applied), "models_dir": _models_dir(layout.applied)}
    settings_file.write(settings.model_copy(update=places), fresh / _SETTINGS)
    shutil.rmtree(layout.applied, ignore_errors=True)
    fresh.rename(layout.applied)


def settings_path(layout: Layout) -> Path:
    """Return the file of the settings that jobs are submitted with."""
    return layout.applied / _SETTINGS


def files(layout: Layout) -> list[Path]:
    """Return all files that were kept."""
    return sorted(path for path in layout.applied.rglob("*") if path.is_file())


def _refuse_stale(layout: Layout, document: RoutingDocument) -> None:
    """Every record is stamped with a version: two documents of one version would make the stamp worthless."""
    try:
        kept = json.loads(_document_file(layout.applied).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    if document.version > kept["version"] or _plain(document) == kept:
        return
    fault = (
        f"'version': expected more than {kept['version']}, which another document had that was applied here, "
        f"got {document.version}; raise it to {kept['version'] + 1}"
    )
    raise RoutingDocumentError((fault,))


def _plain(document: RoutingDocument) -> Any:
    """Without defaults, so that a later release with new keys takes an unchanged document for what it is."""
    return document.model_dump(mode="json", exclude_defaults=True)


_SETTINGS = "settings.yaml"


def _document_file(folder: Path) -> Path:
    return folder / "routing.json"


def _models_dir(folder: Path) -> Path:
    return folder / "models"
