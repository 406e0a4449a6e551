"""What is found in a saved pipeline that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Severity"]


class Severity(StrEnum):
    """Whether a finding keeps a model out."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    element: str
    """The stage that it is about; "" where it is the whole file."""
    rule: str
    """What has to be so."""
    found: str
    """What is so instead."""
    advice: str
    """What to do."""
    severity: Severity = Severity.ERROR
    line: int | None = None
    column: int | None = None
