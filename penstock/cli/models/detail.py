"""One version of a model for people and for JSON. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.models.overview import size
from penstock.cli.records import json_line, printable
from penstock.cli.tables import few, table
from penstock.models.store import shown_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from penstock.control.model_signs import ModelsSign
    from penstock.models.descriptor import FieldDescriptor, ModelDescriptor

__all__ = ["as_object", "as_text"]


def as_text(descriptor: ModelDescriptor, users: Sequence[str], signs: Iterable[ModelsSign]) -> str:
    """Lay it out: facts, inputs, outputs, workers."""
    return "\n".join(_lines(descriptor, users, signs))


def as_object(descriptor: ModelDescriptor, users: Sequence[str], signs: Iterable[ModelsSign]) -> dict[str, object]:
    """Return it for JSON."""
    ref = str(descriptor.ref)
    return {
        "model": ref,
        "descriptor": descriptor.plain(),
        "users": list(users),
        "workers": {
            sign.worker: {"state": str(sign.models[ref].state), "reason": sign.models[ref].reason}
            for sign in signs
            if ref in sign.models
        },
    }


def _lines(descriptor: ModelDescriptor, users: Sequence[str], signs: Iterable[ModelsSign]) -> Iterator[str]:
    facts = {
        "model": str(descriptor.ref),
        "description": descriptor.description,
        "job": descriptor.job,
        "algorithm": ", ".join(filter(None, (descriptor.algorithm, descriptor.function))),
        "made by": descriptor.producer,
        "format": " ".join(filter(None, (descriptor.format, descriptor.format_version))),
        "file": None if descriptor.uri is None else shown_uri(descriptor.uri),
        "size": None if descriptor.bytes is None else f"{size(descriptor.bytes)} ({descriptor.bytes:,} bytes)",
        "sha256": descriptor.sha256,
        "server": None if descriptor.in_worker else _on_server(descriptor),
        "registered": descriptor.registered_at,
        "prediction": descriptor.prediction,
        "sample": None if descriptor.sample is None else json_line(descriptor.sample),
        "used by": "; ".join(users) or "nobody",
    }
    for title, value in facts.items():
        if value:
            yield f"{title:<13} {printable(str(value))}"
    if descriptor.inputs:
        yield from ("", "inputs")
        yield from _indented(
            table(("name", "type", "kind", "required", "values", "missing", "invalid"), _inputs(descriptor.inputs))
        )
    if descriptor.outputs:
        yield from ("", "outputs")
        rows = [(each.name, each.type, each.feature, each.value) for each in descriptor.outputs]
        yield from _indented(table(("name", "type", "feature", "of"), rows))
    yield from ("", "workers")
    ref = str(descriptor.ref)
    said = [
        (sign.worker, str(sign.models[ref].state), sign.models[ref].reason or None)
        for sign in signs
        if ref in sign.models
    ]
    yield from _indented(table(("worker", "state", "reason"), said) if said else "none is at work")


def _inputs(fields: Iterable[FieldDescriptor]) -> list[tuple[object, ...]]:
    return [
        (
            each.name,
            each.type,
            each.optype,
            None if each.required is None else ("yes" if each.required else "no"),
            _values(each),
            each.missing,
            each.invalid,
        )
        for each in fields
    ]


def _values(field: FieldDescriptor) -> str | None:
    """Write what a field may hold: its intervals, then its values."""
    more = (f"and {field.more:,} more",) if field.more else ()
    return few([*field.intervals, *map(str, field.values), *more])


def _on_server(descriptor: ModelDescriptor) -> str:
    """Say which server has it, and what it is called there."""
    said = descriptor.on_server
    which = f"label {said.label}" if said.label else f"version {said.version}" if said.version is not None else "latest"
    return f"{said.name}: model {said.model}, {which}, {said.method} {said.signature}"


def _indented(text: str) -> Iterator[str]:
    return (f"  {line}" for line in text.splitlines())
