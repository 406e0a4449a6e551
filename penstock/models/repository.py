"""The model repository: every descriptor under a folder, which version a ref means, and the bytes of a model's file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from penstock.errors import ModelChecksumError, ModelDescriptorError, ModelLoadError, UnknownModelError
from penstock.models.descriptor import DESCRIPTOR_FILE, ModelDescriptor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.models.ref import ModelRef

__all__ = ["Catalog", "fetch", "local_path", "read_catalog", "read_folder"]


class Catalog:
    """Descriptors by ref. Immutable: a change makes a new catalog, which replaces the old one by one assignment."""

    __slots__ = ("_by_ref", "_live")

    def __init__(self, descriptors: Iterable[ModelDescriptor] = ()) -> None:
        """Index the descriptors; of two with the same ref the later one counts."""
        self._by_ref = {descriptor.ref: descriptor for descriptor in descriptors}
        self._live: dict[str, ModelDescriptor] = {}
        for descriptor in self._by_ref.values():
            live = self._live.get(descriptor.name)
            if live is None or descriptor.version > live.version:
                self._live[descriptor.name] = descriptor

    def __iter__(self) -> Iterator[ModelDescriptor]:
        """Every version of every model, in the order of names and versions."""
        return iter(sorted(self._by_ref.values(), key=lambda each: (each.name, each.version)))

    def __len__(self) -> int:
        """How many versions of all models there are."""
        return len(self._by_ref)

    def of_job(self, job: str) -> Self:
        """Only the models that ``job`` scores."""
        return type(self)(descriptor for descriptor in self if descriptor.job == job)

    def resolve(self, ref: ModelRef) -> ModelDescriptor:
        """The version that ``ref`` means: the one it names, or the live one, which is the highest.

        Raises `UnknownModelError`, which names the models that there are.
        """
        found = self._live.get(ref.name) if ref.version is None else self._by_ref.get(ref)
        if found is None:
            raise UnknownModelError(str(ref), tuple(str(each.ref) for each in self))
        return found


def read_catalog(folder: Path) -> Catalog:
    """Read the folder's descriptors as `read_folder` does, and index them."""
    return Catalog(read_folder(folder))


def read_folder(folder: Path) -> tuple[ModelDescriptor, ...]:
    """Read every ``descriptor.yaml`` under ``folder``, at whatever depth, in the order of their paths.

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


def fetch(descriptor: ModelDescriptor) -> bytes:
    """The bytes of the model's file, which are those that the descriptor's digest names.

    Raises:
        ModelLoadError: the file cannot be read, or its URI is of a kind that we cannot open.
        ModelChecksumError: the bytes are others than the descriptor's author had.
    """
    path = local_path(descriptor)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelLoadError(str(descriptor.ref), f"its file {str(path)!r} cannot be read: {error.strerror}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != descriptor.sha256:
        raise ModelChecksumError(str(path), descriptor.sha256, digest)
    return data


def local_path(descriptor: ModelDescriptor) -> Path:
    """Where the model's file is on this machine; raises `ModelLoadError` where its URI means no file."""
    if "://" not in descriptor.uri:
        return Path(descriptor.uri)
    uri = urlsplit(descriptor.uri)
    if uri.scheme != "file" or uri.netloc not in ("", "localhost"):
        detail = f"expected a path or a file:// URI, got {descriptor.uri!r}"
        raise ModelLoadError(str(descriptor.ref), detail)
    return Path(unquote(uri.path))
