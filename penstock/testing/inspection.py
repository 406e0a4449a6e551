"""A job's look into models' files that finds what a test tells it to: it stands in for a job that has an engine."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from penstock.models.findings import Finding, Inspection, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from penstock.models.inspection import Checks

__all__ = ["finding", "inspect"]

_FOUND = Finding(
    line=12,
    column=5,
    element="MiningField",
    rule="a field has a name that the data dictionary knows",
    found="'nope' is none",
    advice="name one of it",
)


def finding(**told: Any) -> Finding:
    """Make a finding, as it is told; the rest is as in a PMML file."""
    if "severity" in told:
        told["severity"] = Severity(told["severity"])
    return replace(_FOUND, **told)


def inspect(path: Path, said: Mapping[str, Any], checks: Checks) -> Inspection:
    """Find what the file itself says, which is JSON with ``findings`` and ``fields``; what is asked becomes fields."""
    told = json.loads(path.read_bytes())
    findings = tuple(finding(**each) for each in told.get("findings", ()))
    if checks.lax:
        findings = tuple(replace(each, severity=Severity.WARNING) for each in findings)
    heap, jars = checks.heap_mb, checks.jars
    asked = {"producer": heap and f"a heap of {heap} MiB", "description": jars and str(jars)}
    asked |= {key: said.get(key) for key in ("sample", "prediction")}
    more = {key: value for key, value in asked.items() if value is not None}
    return Inspection(findings, {**more, **told.get("fields", {})})
