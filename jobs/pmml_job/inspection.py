"""What the PMML job says of a model's file: `penstock.models` asks here before it takes a model in."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jobs.pmml_job import check
from penstock.errors import ModelLoadError
from penstock.models.findings import Inspection
from penstock.sections import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from penstock.models.descriptor import FieldDescriptor
    from penstock.models.inspection import Checks

__all__ = ["compare", "inspect"]


def inspect(path: Path, said: Mapping[str, Any], checks: Checks) -> Inspection:
    """Check a file; without a heap only what can be told without Java.

    Args:
        path: the file.
        said: an input to try it with (``sample``), else one is made; the output that is to be the ``prediction``, else
            it is the engine's choice.
        checks: how closely to look.

    Raises `PrerequisiteError` where there is no Java, or no schema.
    """
    if checks.heap_mb is None:
        found = check.read(path)
    else:
        found = check.check(
            path,
            schema=(checks.jars or LocalSettings().jars_dir) / "pmml",
            heap_mb=checks.heap_mb,
            sample=said.get("sample"),
            lax=checks.lax,
            prediction=said.get("prediction"),
        )
    told = {} if found.metadata is None else asdict(found.metadata)
    return Inspection(found.findings, {key: value for key, value in told.items() if value not in (None, "", ())})


def compare(ref: str, what: str, described: Sequence[FieldDescriptor], found: Mapping[str, str]) -> None:
    """Raise `ModelLoadError` where a descriptor speaks of other fields than the file: it is out of date."""
    expected = {field.name: field.type for field in described}
    if expected and expected != found:
        raise ModelLoadError(ref, f"its descriptor has {what} {expected}, its file {found}")
