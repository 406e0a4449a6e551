"""``penstock test``: the tests that stand beside a routing document."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from penstock.cli import cores
from penstock.cli.documents import document_path, read, written
from penstock.cli.exits import Exit
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_line, printable
from penstock.routing.casebook import Casebook, read_casebook
from penstock.routing.parameters import duration_ms
from penstock.routing.ramp import now_ms
from penstock.routing.simulation import Simulation
from penstock.routing.verdicts import Verdict, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["test"]

_MARK = ".test"


@click.command(
    epilog="""\b
Examples:
  penstock test
  penstock test config/*.test.yaml
  penstock test --document my-routing.yaml

Nothing is asked of Kafka, and no model scores: a case says what the model would make of its event. docs/routing.md has
the form of these files.

Exit status: 0 all cases came out as expected, 1 some did not, 2 wrong usage, settings, tests or routing document."""
)
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]...")
@click.option("--document", type=document_path, metavar="FILE", help="Test this document instead of the tests' own.")
@format_option
@with_settings
def test(settings: Settings, *, files: tuple[Path, ...], document: Path | None, layout: str) -> None:
    """Run the tests of routing documents: FILEs, or the one beside the settings' routing_file (routing.test.yaml)."""
    count = failed = 0
    for path in files or (_beside(settings.routing_file),):
        book = read_casebook(str(path), read(path))
        tested = written(document or _document(path, book), settings.topics.prefix)
        if layout == "text":
            click.echo(f"{path} with {tested.name}")
        for found in _verdicts(settings, book, tested.document):
            count, failed = count + 1, failed + bool(found.faults)
            click.echo(_text(found) if layout == "text" else _object(path, found))
    if layout == "text":
        click.echo(f"{count - failed:,} of {count:,} cases came out as expected")
    if failed:
        raise click.exceptions.Exit(Exit.FAILED)


def _beside(document: Path) -> Path:
    found = document.with_suffix(f"{_MARK}{document.suffix}")
    if not found.is_file():
        raise click.UsageError(f"there are no tests at {str(found)!r}; write some, or name their file")
    return found


def _document(path: Path, book: Casebook) -> Path:
    found = path.parent / (book.document or f"{path.stem.removesuffix(_MARK)}{path.suffix}")
    if found == path or not found.is_file():
        raise click.UsageError(
            f"there is no document for the tests {str(path)!r} at {str(found)!r}; name it there under 'document', "
            "or here with --document"
        )
    return found


def _verdicts(settings: Settings, book: Casebook, document: RoutingDocument) -> Iterator[Verdict]:
    published = now_ms()
    renderer = cores.renderer(settings, document)

    @cache  # a document is compiled once for each time that cases ask for
    def simulation(after_ms: int) -> Simulation:
        router = cores.router(settings, document, published_ms=published, clock=lambda: published + after_ms)
        return Simulation(document, router, settings.topics.prefix)

    for case in book.cases:
        yield verdict(case, document, simulation(duration_ms(case.after) if case.after else 0), renderer)


def _text(found: Verdict) -> str:
    lines = [f"{'failed' if found.faults else 'ok    '}  {found.name}", *(f"        {each}" for each in found.faults)]
    return printable("\n".join(lines))


def _object(path: Path, found: Verdict) -> str:
    return json_line({"file": str(path), "case": found.name, "passed": not found.faults, "faults": list(found.faults)})
