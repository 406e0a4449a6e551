"""What a job finds in a model's file: what is not as it should be, and what the file tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Finding", "Inspection", "Severity"]


class Severity(StrEnum):
    """Whether a finding keeps a model out."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    element: str = ""
    """The part of the file that it is about, by the format's own name for it; "" where it is the whole file."""
    rule: str
    """What has to be so."""
    found: str
    """What is so instead."""
    advice: str = ""
    """What to do."""
    severity: Severity = Severity.ERROR
    line: int | None = None
    """From 1; None where nothing in the file can be pointed at, or the file is no text."""
    column: int | None = None


class Inspection(NamedTuple):
    """What is to be said of a file."""

    findings: Sequence[Finding]
    """In the order of the file; those of severity `Severity.ERROR` keep it out."""
    fields: Mapping[str, Any]
    """What the file tells of itself, by keys of a descriptor; empty where it is none of the job's."""
