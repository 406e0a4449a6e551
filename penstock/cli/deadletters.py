"""``penstock deadletters``: list, show and count the records that could not be handled."""

from __future__ import annotations

import functools
import heapq
import re
from typing import TYPE_CHECKING, Any, TypeVar

import click

from penstock.cli.letters import Aspect, Letter, Selection, as_summary, as_whole, counts, listing, page
from penstock.cli.moments import Moment
from penstock.cli.options import format_option, with_settings
from penstock.cli.reading import Reader
from penstock.cli.records import json_line
from penstock.cli.tables import table
from penstock.cli.whereabouts import require
from penstock.deadletter import ErrorCode, Stage
from penstock.topics import dead_letters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kafka import TopicPartition

    from penstock.settings import Settings

__all__ = ["deadletters"]

T = TypeVar("T")

_LIMIT = 20
_PLACE = re.compile(r"(\d+)/(\d+)")


class _Code(click.Choice[str]):
    """A code in capital or small letters."""

    def __init__(self) -> None:
        super().__init__([code.value for code in ErrorCode])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(str(value).upper(), param, ctx)


def _selecting(command: Callable[..., T]) -> Callable[..., T]:
    """Add the options that select letters; the command gets a ``Selection``."""

    @click.option("--code", multiple=True, type=_Code(), metavar="CODE", help="Only this code.")
    @click.option(
        "--stage", multiple=True, type=click.Choice([stage.value for stage in Stage]), help="Only from this stage."
    )
    @click.option("--route", multiple=True, help="Only of this route.")
    @click.option("--model", multiple=True, help="Only of this model, as name or name:version.")
    @click.option(
        "--since", type=Moment(), help="Only what failed from this moment on: 10m (ago), 2026-01-02T03:04:05Z."
    )
    @click.option("--until", type=Moment(), help="Only what failed before this moment.")
    @functools.wraps(command)
    def wrapped(settings: Settings, **options: Any) -> T:
        chosen = {name: options.pop(name) for name in ("code", "stage", "route", "model", "since", "until")}
        return command(settings, Selection(**chosen), **options)

    return wrapped


@click.group()
def deadletters() -> None:
    """List, show and count dead letters: records that could not be handled, whole, with the cause."""


@deadletters.command(
    name="list",
    epilog="""\b
Examples:
  penstock deadletters list
  penstock deadletters list --code DECODE --since 10m
  penstock deadletters list --route iris --limit 0 --format json

The time of a letter is the moment at which it failed, however old its event is. --code, --stage, --route and --model
may be repeated: any of them.

Exit status: 0 done, also where there are none; 1 no dead-letter topic; 2 wrong usage; 3 Kafka cannot be used.""",
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=_LIMIT, show_default=True, help="The newest so many; 0: all."
)
@format_option
@with_settings
@_selecting
def list_(settings: Settings, selection: Selection, limit: int, layout: str) -> None:
    """List dead letters, the newest last."""
    total = 0

    def counted() -> Iterator[Letter]:
        nonlocal total
        for letter in _letters(settings, selection):
            total += 1
            yield letter

    found = heapq.nlargest(limit, counted(), key=_age) if limit else list(counted())
    found.sort(key=_age)
    if layout == "json":
        for letter in found:
            click.echo(json_line(as_summary(letter)))
    elif found:
        click.echo(listing(found))
    click.echo(_summary(len(found), total), err=True)


@deadletters.command(
    epilog="""\b
Examples:
  penstock deadletters show 2/17               # partition/offset, as 'list' shows it
  penstock deadletters show events/0/1234      # the event, or the record that failed
  penstock deadletters show order-4711         # the event's ce_id

Exit status: 0 shown, 1 there is no such letter, 2 wrong usage, 3 Kafka cannot be used."""
)
@click.argument("letter")
@format_option
@with_settings
def show(settings: Settings, letter: str, layout: str) -> None:
    """Show LETTER whole: cause, headers, key and value; bytes that are not text as a hex dump."""
    place = _PLACE.fullmatch(letter)
    there = _one(settings, int(place[1]), int(place[2])) if place else _letters(settings, Selection())
    found = sorted((one for one in there if one.goes_by(letter)), key=_age)
    if not found:
        raise click.ClickException(
            f"no dead letter goes by {letter!r}; 'penstock deadletters list' shows them as partition/offset"
        )
    for one in found:
        click.echo(json_line(as_whole(one)) if layout == "json" else page(one))


@deadletters.command(
    epilog="""\b
Examples:
  penstock deadletters count
  penstock deadletters count --by model --since 1h

Exit status: 0 done, also where there are none; 1 no dead-letter topic; 2 wrong usage; 3 Kafka cannot be used."""
)
@click.option(
    "--by",
    type=click.Choice([aspect.value for aspect in Aspect]),
    default="code",
    show_default=True,
    help="What to count by.",
)
@format_option
@with_settings
@_selecting
def count(settings: Settings, selection: Selection, by: str, layout: str) -> None:
    """Count dead letters by code, stage, route or model."""
    found = counts(_letters(settings, selection), Aspect(by))
    if layout == "json":
        for name, number in found:
            click.echo(json_line({by: name, "count": number}))
    else:
        rows: list[tuple[str | None, int]] = [*found, ("total", sum(number for _, number in found))]
        click.echo(table([by, "count"], rows))


def _letters(settings: Settings, selection: Selection) -> Iterator[Letter]:
    """All letters that are there now and wanted."""
    with _reader(settings) as reader:
        partitions = _partitions(reader, settings)
        # From the oldest on, whatever is wanted: Kafka finds records by the time of their event, and an event may have
        # waited for days before it failed.
        reader.start(reader.begins(partitions), reader.ends(partitions))
        yield from filter(selection.takes, map(Letter.of, reader.rest()))


def _one(settings: Settings, partition: int, offset: int) -> list[Letter]:
    """The letter at a place, if there is one."""
    with _reader(settings) as reader:
        at = next((at for at in _partitions(reader, settings) if at.partition == partition), None)
        if at is None or not reader.begins([at])[at] <= offset < reader.ends([at])[at]:
            return []
        reader.start({at: offset}, {at: offset + 1})
        return [Letter.of(record) for record in reader.rest()]


def _reader(settings: Settings) -> Reader:
    return Reader(settings.kafka.internal_cluster)


def _partitions(reader: Reader, settings: Settings) -> list[TopicPartition]:
    topic = dead_letters(settings.topics.prefix)
    require(topic, settings.kafka.internal_cluster, reader.topics())
    return reader.partitions([topic])


def _age(letter: Letter) -> tuple[int, int, int]:
    return letter.age_order


def _summary(shown: int, total: int) -> str:
    if not total:
        return "no dead letters"
    if total == 1:
        return "1 dead letter"
    return f"{total:,} dead letters" if shown == total else f"the newest {shown:,} of {total:,}; --limit 0 lists all"
