"""Looks which versions lie in folders: `<base>/<number>/saved_model.pb`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.local.model_server.repository import Found
from penstock.local.model_server.signatures import FILE

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

__all__ = ["models", "versions"]


def models(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, apart from hidden ones."""
    try:
        return sorted(each.name for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    except OSError:
        return []


def versions(base: Path) -> Mapping[int, Found]:
    """Return the versions in a model's folder: those of its folders whose names are numbers."""
    try:
        places = sorted(each for each in base.iterdir() if each.name.isdecimal() and each.name.isascii())
    except OSError:
        return {}
    return {int(each.name): Found(each, _identity(each)) for each in places if each.is_dir()}


def _identity(folder: Path) -> Hashable:
    try:
        status = (folder / FILE).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
