"""``penstock validate``: every fault of routing documents, with its place, and no broker asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from penstock.cli.documents import document_path, name_of, read
from penstock.cli.exits import Exit
from penstock.cli.options import format_option, with_settings
from penstock.cli.readiness import lacking
from penstock.cli.records import json_line, printable
from penstock.cli.tables import counted
from penstock.routing.positions import Examined, examine

if TYPE_CHECKING:
    from pathlib import Path

    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["validate"]


@click.command(
    epilog="""\b
Examples:
  penstock validate
  penstock validate my-routing.yaml their-routing.json
  penstock validate my-routing.yaml --models
  penstock validate --format json - < my-routing.yaml | jq -r '.faults[].message'

A fault is FILE:LINE:COLUMN: PATH: what is wrong and what was probably meant. JSON is one line a file: file, valid,
version, and faults, each with line, column, path and message; with --models also models, the routes' models that are
not registered or not ready.

Exit status: 0 no faults; 1 no faults, but --models found a model missing or not ready; 2 faults, or a file that cannot
be read; 3 Kafka cannot be used (with --models)."""
)
@click.argument("files", nargs=-1, type=document_path, metavar="[FILE]...")
@format_option
@click.option("--models", "with_models", is_flag=True, help="Ask Kafka whether the routes' models are there and ready.")
@with_settings
def validate(settings: Settings, *, files: tuple[Path, ...], layout: str, with_models: bool) -> None:
    """Find every fault of routing documents, in YAML or JSON: FILEs, - for standard input, or the settings' own.

    Nothing is asked of Kafka, unless --models is given, and nothing is changed.
    """
    statuses = {Exit.OK}
    for path in files or (settings.routing_file,):
        examined = examine(read(path), settings.topics.prefix)
        lacks = lacking(settings, examined.document) if with_models and examined.document is not None else []
        if layout == "json":
            found = _object(name_of(path), examined)
            click.echo(json_line({**found, "models": lacks} if with_models else found))
        else:
            click.echo(
                "\n".join(
                    [
                        *(printable(f"{name_of(path)}: {each}") for each in lacks),
                        _text(name_of(path), examined) + (", not all of which can answer" if lacks else ""),
                    ]
                )
            )
        statuses.add(Exit.USAGE if examined.document is None else Exit.FAILED if lacks else Exit.OK)
    if worst := max(statuses):
        raise click.exceptions.Exit(worst)


def _text(name: str, examined: Examined) -> str:
    if examined.document is not None:
        return f"{name}: {_summary(examined.document)}"
    lines = [printable(located.in_file(name)) for located in examined.faults]
    return "\n".join([*lines, f"{name}: {counted(len(lines), 'fault')}"])


def _summary(document: RoutingDocument) -> str:
    counts = (
        (len(document.sources), "source"),
        (len(document.routes), "route"),
        (len(document.models), "model"),
    )
    listed = ", ".join(counted(count, word) for count, word in counts)
    return f"no faults; version {document.version}, {listed}"


def _object(name: str, examined: Examined) -> dict[str, object]:
    return {
        "file": name,
        "valid": examined.document is not None,
        "version": examined.document.version if examined.document else None,
        "faults": [
            {
                "line": at.line if at else None,
                "column": at.column if at else None,
                "path": fault.path,
                "message": fault.message,
            }
            for fault, at in examined.faults
        ],
    }
