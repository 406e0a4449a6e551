"""``penstock tail``: a topic's records as they come."""

from __future__ import annotations

import math
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from penstock.cli.documents import known
from penstock.cli.exits import Exit
from penstock.cli.options import with_settings
from penstock.cli.reading import Reader
from penstock.cli.records import Record, as_object, as_text, json_line
from penstock.cli.whereabouts import by_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from penstock.clusters import ClusterSettings
    from penstock.settings import Settings

__all__ = ["Filter", "Span", "tail"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which records are shown: those with this key and all of these headers, each as ``name`` or ``name=value``."""

    key: str | None = None
    headers: tuple[str, ...] = ()

    def takes(self, record: Record) -> bool:
        """Whether a record is shown."""
        if self.key is not None and record.key != self.key.encode():
            return False
        return all(_has(record, wanted) for wanted in self.headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Where reading begins and what ends it."""

    count: int | None = None
    timeout: float | None = None
    from_beginning: bool = False
    to_end: bool = False


@click.command(
    epilog="""\b
Examples:
  penstock tail
  penstock tail iris-results
  penstock tail iris-results --count 1 --timeout 30
  penstock tail '*-results' --from-beginning --format json --timeout 5 | jq '.value | fromjson | .prediction'
  penstock tail penstock.dead-letters --to-end --header penstock-error-code=DECODE

JSON has topic, partition, offset, timestamp (ms since 1970), key, headers (an object; the last of a repeated
name) and value. key, value and each header are the text as it is, never parsed (jq: .value | fromjson);
{"base64": "..."} where it is not UTF-8; null where there is none.

Exit status: 0 --count was reached, or none was given; 1 no such topic; 2 wrong usage; 3 Kafka cannot be used;
4 the time or the end came before --count; 130 Ctrl-C came before --count."""
)
@click.argument("topics", nargs=-1, metavar="[TOPIC]...")
@click.option("--count", type=click.IntRange(min=1), help="End after this many records.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="End after this time.")
@click.option("--from-beginning", is_flag=True, help="Begin with the oldest record; else with the next one to come.")
@click.option("--to-end", is_flag=True, help="All that is there now, from the oldest record, and then end.")
@click.option(
    "--format",
    "layout",
    type=click.Choice(["text", "json", "value"]),
    default="text",
    show_default=True,
    help="A block of text, a line of JSON, or the value alone, byte for byte.",
)
@click.option("--key", help="Only records with this key.")
@click.option("--header", "headers", multiple=True, metavar="NAME[=VALUE]", help="Only with this header; repeatable.")
@with_settings
def tail(settings: Settings, topics: tuple[str, ...], layout: str, **options: Any) -> None:
    """Show the records of TOPICs: key, headers and value. Without any: all results that users get.

    Those are on the output topics of the routing document in force. A TOPIC may be a pattern with * and ?, in quotes.
    Topics that begin with the internal prefix are read from the internal cluster. Nothing is consumed: no offsets move.
    """
    wanted = Filter(key=options.pop("key"), headers=options.pop("headers"))
    span = Span(**options)
    left = span.count
    try:
        for record in _records(by_cluster(settings, topics or _outputs(settings)), span):
            if wanted.takes(record):
                click.echo(_laid_out(record, layout))
                left = None if left is None else left - 1
                if left == 0:
                    return
    except KeyboardInterrupt:
        if span.count is None:
            return  # the way to end it
        raise
    if left:
        raise click.exceptions.Exit(Exit.TIMED_OUT)


def _outputs(settings: Settings) -> list[str]:
    """Return the topics on which the routes' results go out, in the order of the document."""
    return list(dict.fromkeys(route.output.topic for route in known(settings).document.routes))


def _records(places: Mapping[ClusterSettings, list[str]], span: Span) -> Iterator[Record]:
    deadline = math.inf if span.timeout is None else time.monotonic() + span.timeout
    with ExitStack() as stack:
        readers = [_started(stack.enter_context(Reader(cluster)), topics, span) for cluster, topics in places.items()]
        if sys.stderr.isatty():
            names = ", ".join(topic for topics in places.values() for topic in topics)
            click.echo(f"reading {names}; Ctrl-C ends", err=True)
        while time.monotonic() < deadline and not all(reader.finished for reader in readers):
            for reader in readers:
                yield from reader.poll()


def _started(reader: Reader, topics: Sequence[str], span: Span) -> Reader:
    partitions = reader.partitions(topics)
    ends = reader.ends(partitions)
    begins = reader.begins(partitions) if span.from_beginning or span.to_end else ends
    reader.start(begins, ends if span.to_end else None)
    return reader


def _laid_out(record: Record, layout: str) -> str | bytes:
    match layout:
        case "json":
            return json_line(as_object(record))
        case "value":
            return record.value or b""
        case _:
            return as_text(record)


def _has(record: Record, wanted: str) -> bool:
    name, equals, value = wanted.partition("=")
    found = record.header(name)
    return found == value if equals else found is not None
