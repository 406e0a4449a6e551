"""A job's look into models' files that finds what a test tells it to: it stands in for a job that has an engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.models.inspection import Checks

__all__ = ["Finding", "Inspection", "inspect"]


class Finding(NamedTuple):
    """Something that is not as it should be; fields are those of `penstock.models.inspection.Finding`."""

    line: int | None = 12
    column: int | None = 5
    element: str | None = "MiningField"
    rule: str = "a field has a name that the data dictionary knows"
    found: str = "'nope' is none"
    advice: str = "name one of it"
    severity: str = "error"


class Inspection(NamedTuple):
    """What was found."""

    findings: tuple[Finding, ...]
    fields: dict[str, Any]


def inspect(path: Path, said: Mapping[str, Any], checks: Checks) -> Inspection:
    """Find what the file itself says, which is JSON with ``findings`` and ``fields``; what is asked becomes fields."""
    told = json.loads(path.read_bytes())
    findings = tuple(Finding(**each) for each in told.get("findings", ()))
    if checks.lax:
        findings = tuple(each._replace(severity="warning") for each in findings)
    heap, jars = checks.heap_mb, checks.jars
    asked = {"producer": heap and f"a heap of {heap} MiB", "description": jars and str(jars)}
    asked |= {key: said.get(key) for key in ("sample", "prediction")}
    more = {key: value for key, value in asked.items() if value is not None}
    return Inspection(findings, {**more, **told.get("fields", {})})
