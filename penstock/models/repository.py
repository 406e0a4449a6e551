"""Folders of models: every descriptor under one. `penstock up` registers what they describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.errors import ModelDescriptorError
from penstock.models.descriptor import DESCRIPTOR_FILE, ModelDescriptor

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.models.ref import ModelRef

__all__ = ["read_folder"]


def read_folder(folder: Path) -> tuple[ModelDescriptor, ...]:
    """Read every ``descriptor.yaml`` under ``folder``, at whatever depth.

    Raises `ModelDescriptorError` for the first wrong one, for two with the same name and version, and where the folder
    does not exist.
    """
    if not folder.is_dir():
        raise ModelDescriptorError(str(folder), "there is no such folder; set models_dir to the one with your models")
    found: dict[ModelRef, Path] = {}
    descriptors = []
    for path in sorted(folder.rglob(DESCRIPTOR_FILE)):
        descriptor = ModelDescriptor.load(path)
        if descriptor.ref in found:
            other = str(found[descriptor.ref])
            raise ModelDescriptorError(str(path), f"{str(descriptor.ref)!r} is described by {other!r} too")
        found[descriptor.ref] = path
        descriptors.append(descriptor)
    return tuple(descriptors)
