"""What a check found in a model's file, for people and for JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.records import printable
from penstock.cli.tables import counted
from penstock.models.findings import Severity
from penstock.models.intake import place
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.models.descriptor import ModelDescriptor
    from penstock.models.findings import Finding

__all__ = ["finding_lines", "findings_as_objects", "summary"]


def finding_lines(source: str, findings: Iterable[Finding]) -> Iterator[str]:
    """Write findings as compilers do: file, line, column, what is wrong, what to do; faults first."""
    source = shown_uri(source)
    for each in sorted(findings, key=lambda one: (one.severity is not Severity.ERROR, one.line or 0, one.column or 0)):
        kind = "" if each.severity is Severity.ERROR else " warning:"
        said = place(each)
        at = f"{source}:{said}" if each.line is not None else f"{source}: {said}"
        head, colon, rest = at.partition(": ")
        yield printable(f"{head}:{kind} {rest}" if colon else at)


def findings_as_objects(findings: Iterable[Finding]) -> list[dict[str, object]]:
    """Return findings for JSON."""
    return [
        {
            "line": each.line,
            "column": each.column,
            "element": each.element,
            "rule": each.rule,
            "found": each.found,
            "advice": each.advice,
            "severity": each.severity.value,
        }
        for each in findings
    ]


def summary(descriptor: ModelDescriptor) -> str:
    """Say in a line what a model is."""
    server = descriptor.on_server
    parts = (
        None if descriptor.has_file else f"model {server.model!r} of server {server.name!r}",
        descriptor.algorithm,
        descriptor.function,
        counted(len(descriptor.inputs), "input") if descriptor.inputs else None,
        counted(len(descriptor.outputs), "output") if descriptor.outputs else None,
        None if descriptor.bytes is None else f"{descriptor.bytes:,} bytes",
        descriptor.producer and f"made by {descriptor.producer}",
    )
    return printable(f"{descriptor.ref}: {', '.join(filter(None, parts))}")
