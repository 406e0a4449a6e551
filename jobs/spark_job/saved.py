"""Saved pipelines as files: what a zip of a PipelineModel's folder says of its stages. Pure: no Spark.

Spark ML writes each stage as a folder with one line of JSON: its class, its uid, its parameters and their defaults.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from penstock.models.pack import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["PIPELINE", "SavedPipeline", "SavedPipelineError", "Stage", "read", "root"]

PIPELINE = "org.apache.spark.ml.PipelineModel"
_METADATA = re.compile(r"^(?:(?P<top>[^/]+)/)?metadata/part-0+(?:[-.][^/]*)?$")
_PART = re.compile(r"/metadata/part-0+(?:[-.][^/]*)?$")
#: A stage's metadata is a line of JSON; vocabularies are in its data.
_MOST_BYTES = 16 << 20


class SavedPipelineError(ValueError):
    """The file is no zip of a saved PipelineModel; whoever saved it does so again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of a pipeline."""

    name: str
    """Its class."""
    uid: str
    params: Mapping[str, Any] = field(default_factory=dict)
    """Its parameters, defaults included."""
    spark: str = ""
    """The version of Spark that wrote it."""

    @property
    def kind(self) -> str:
        """Its class, without where that is."""
        return self.name.rpartition(".")[2]

    @property
    def part(self) -> str:
        """Which part of Spark ML its class is in: feature, classification, regression, ..."""
        return self.name.rpartition(".")[0].rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPipeline:
    """What a file says."""

    spark: str
    """The version of Spark that wrote it."""
    stages: tuple[Stage, ...]
    """In their order, those of pipelines within the pipeline among them."""


class _Metadata(msgspec.Struct, gc=False, rename="camel"):
    class_: str = msgspec.field(name="class")
    uid: str
    spark_version: str = ""
    param_map: dict[str, Any] = {}
    default_param_map: dict[str, Any] = {}


def read(path: Path) -> SavedPipeline:
    """Read the metadata of the zip at ``path``. Raises `SavedPipelineError` where it is no PipelineModel."""
    try:
        with zipfile.ZipFile(path) as archive:
            top = root(archive.namelist())
            pipeline = _metadata(archive, top)
            if pipeline.class_ != PIPELINE:
                raise SavedPipelineError(
                    f"expected a saved {PIPELINE}, got {pipeline.class_}; put the model into a Pipeline, fit and save"
                )
            return SavedPipeline(spark=pipeline.spark_version, stages=tuple(_stages(archive, top, pipeline)))
    except (*BROKEN, RuntimeError) as error:
        raise SavedPipelineError(
            f"expected a zip of a folder that PipelineModel.save wrote, got what is none ({error});"
            " 'penstock models add' makes one of the folder"
        ) from error
    except OSError as error:
        raise SavedPipelineError(f"the file cannot be read ({error.strerror}); correct its path") from error


def root(names: Iterable[str]) -> str:
    """Return where in the archive the pipeline is: "" or its one folder and a slash. Raises `SavedPipelineError`."""
    found = {match["top"] for name in names if (match := _METADATA.match(name))}
    if len(found) != 1:
        raise SavedPipelineError(
            f"expected 'metadata/part-00000' at the top of the zip or of its one folder, found {len(found)} of them;"
            " zip the folder that PipelineModel.save wrote"
        )
    (top,) = found
    return "" if top is None else f"{top}/"


def _stages(archive: zipfile.ZipFile, place: str, pipeline: _Metadata) -> Iterable[Stage]:
    uids = pipeline.param_map.get("stageUids")
    if not isinstance(uids, list):
        raise SavedPipelineError(f"the metadata of {pipeline.uid!r} has no 'stageUids'; save the pipeline anew")
    width = len(str(len(uids)))
    for index, uid in enumerate(uids):
        folder = f"{place}stages/{index:0{width}d}_{uid}/"
        stage = _metadata(archive, folder)
        if stage.class_ == PIPELINE:
            yield from _stages(archive, folder, stage)
        else:
            yield Stage(
                name=stage.class_,
                uid=stage.uid,
                params={**stage.default_param_map, **stage.param_map},
                spark=stage.spark_version,
            )


def _metadata(archive: zipfile.ZipFile, folder: str) -> _Metadata:
    wanted = f"/{folder}metadata/"
    part = next(
        (name for name in archive.namelist() if f"/{name}".startswith(wanted) and _PART.search(f"/{name}")), None
    )
    if part is None:
        raise SavedPipelineError(f"'{folder}metadata' is missing in the zip; did the folder arrive whole?")
    if archive.getinfo(part).file_size > _MOST_BYTES:
        raise SavedPipelineError(f"{part!r} has more than {_MOST_BYTES} bytes; it is to be one line of JSON")
    try:
        return msgspec.json.decode(archive.read(part).decode(), type=_Metadata)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise SavedPipelineError(f"{part!r} is not what Spark ML writes: {error}; save the pipeline anew") from error
