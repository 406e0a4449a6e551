"""What a check finds in a PMML file: the place, the rule, what is there instead, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.pmml_job.outline import OutlineError

__all__ = ["Finding", "Severity", "of_outline"]


class Severity(StrEnum):
    """Whether a finding keeps a model out."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    line: int | None
    """From 1; None where nothing in the file can be pointed at."""
    column: int | None
    element: str
    """The XML element that it is about; "" where it is the whole file."""
    rule: str
    """What has to be so."""
    found: str
    """What is so instead."""
    advice: str
    """What to do."""
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = "" if self.line is None else f"line {self.line}, column {self.column}: "
        return f"{place}{self.element or 'the file'}: {self.rule}; {self.found}; {self.advice}"


def of_outline(error: OutlineError, rule: str, advice: str) -> Finding:
    """A fault of the outline as a finding."""
    return Finding(
        line=error.line, column=error.column, element=error.element, rule=rule, found=error.detail, advice=advice
    )
