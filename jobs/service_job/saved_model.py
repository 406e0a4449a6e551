"""What a packed SavedModel says of itself, read without TensorFlow."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

from google.protobuf.message import DecodeError

from jobs.service_job.client import Signature, TensorSpec
from penstock.models.pack import BROKEN
from penstock.remote.messages import message
from penstock.remote.tensors import word_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SAVED_MODEL", "SavedModel", "SavedModelError", "read", "signature_of"]

SAVED_MODEL = "saved_model.pb"
"""The file of a SavedModel's folder in which its signatures stand."""
_SERVE = "serve"
#: Graphs are small, weights lie in other files; what is larger would be read into memory here.
_MOST_BYTES = 512 << 20


class SavedModelError(Exception):
    """A file is no packed SavedModel; the text says what was expected, what was found and what to do."""


class SavedModel(NamedTuple):
    """What there is to know before it is served."""

    signatures: Mapping[str, Signature]
    tensorflow: str
    """The version that wrote it; may be empty."""


def read(path: Path) -> SavedModel:
    """Read the archive at ``path``. Raises `SavedModelError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            content = _content(archive)
    except (*BROKEN, OSError) as error:
        raise SavedModelError(f"expected a packed folder (zip), got something else: {error}") from error
    try:
        found = message("tensorflow.SavedModel").FromString(content)
    except DecodeError as error:
        raise SavedModelError(f"its {SAVED_MODEL} cannot be read: {error}; export the model anew") from error
    graphs = [graph for graph in found.meta_graphs if _SERVE in graph.meta_info_def.tags]
    if not graphs:
        tags = ", ".join(sorted({tag for graph in found.meta_graphs for tag in graph.meta_info_def.tags})) or "none"
        raise SavedModelError(f"expected a graph with the tag {_SERVE!r}, got {tags}; export the model for serving")
    (graph, *_) = graphs
    return SavedModel(
        {name: signature_of(each) for name, each in graph.signature_def.items() if not name.startswith("__")},
        graph.meta_info_def.tensorflow_version,
    )


def _content(archive: zipfile.ZipFile) -> bytes:
    try:
        entry = archive.getinfo(SAVED_MODEL)
    except KeyError as error:
        some = ", ".join(sorted(archive.namelist())[:5]) or "nothing"
        raise SavedModelError(
            f"expected {SAVED_MODEL} at the top of the folder, got {some}; give the folder that has it"
        ) from error
    if entry.file_size > _MOST_BYTES:
        raise SavedModelError(f"its {SAVED_MODEL} has {entry.file_size} bytes, at most {_MOST_BYTES} are read")
    return archive.read(entry)


def signature_of(found: Any) -> Signature:
    """Read a ``SignatureDef``, as a file has it and a server tells it."""
    return Signature(inputs=_tensors(found.inputs), outputs=_tensors(found.outputs), method=found.method_name)


def _tensors(infos: Any) -> dict[str, TensorSpec]:
    return {
        name: TensorSpec(
            word_of(info.dtype),
            None if info.tensor_shape.unknown_rank else tuple(each.size for each in info.tensor_shape.dim),
        )
        for name, info in infos.items()
    }
