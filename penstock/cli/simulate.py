"""``penstock simulate``: where events would go by a routing document, and why."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from penstock.cli import cores
from penstock.cli.documents import STDIN, document_path, written
from penstock.cli.options import format_option, with_settings
from penstock.cli.records import json_bytes, json_line
from penstock.cli.sampling import from_lines, from_records, newest
from penstock.cli.send import Framing, parse_header
from penstock.cli.tables import table
from penstock.control import history
from penstock.event import coordinates
from penstock.routing.simulation import Event, Outcome, OutcomeKind, Simulation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["simulate"]

_CURRENT = "current"


@click.command(
    epilog="""\b
Examples:
  echo '{"type":"iris","sepal_length":5.1}' | penstock simulate --topic events --key user-1
  penstock simulate my-routing.yaml --events events.jsonl --topic events
  penstock simulate my-routing.yaml --last 1000 --topic events --against current
  penstock tail events --to-end --format json | penstock simulate my-routing.yaml --records --format json

JSON is one line an event: event (its coordinates), key, and outcomes, each with kind, topic, route, variant, model,
shadow, code, why and data, which is what the model would get; with --against also before; with --routes also routes,
each with route, what came of it (takes, no match, dead letter) and why.

Exit status: 0 done; 1 there is no such topic, or no document in force; 2 wrong usage, settings, routing document or
input; 3 Kafka cannot be used."""
)
@click.argument("file", required=False, type=document_path)
@click.option("--events", type=click.File("rb"), metavar="FILE", help="Events; left out, standard input.")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="The newest N events of --topic instead.")
@click.option("--topic", help="The source topic of the events.  [default: that of the document, if it has one only]")
@click.option("--records", is_flag=True, help="Each line is a record as 'penstock tail --format json' writes it.")
@click.option("--whole", is_flag=True, help="The whole input is one event; else one event a line.")
@click.option("--key", help="Key of every event.")
@click.option("--key-separator", metavar="TEXT", help="Each line is KEY, this text, VALUE; cut at the first one.")
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="Header of every event; repeatable.")
@click.option(
    "--against",
    metavar="current|FILE",
    help="Show only events that go elsewhere by this document, or are made otherwise.",
)
@click.option("--routes", "trace", is_flag=True, help="Also each route that an event met, and which condition failed.")
@format_option
@with_settings
def simulate(
    settings: Settings, *, file: Path | None, against: str | None, trace: bool, layout: str, **given: Any
) -> None:
    """Show where events would go by the routing document of FILE, or of the settings' routing_file, and why.

    Nothing is written. Kafka is asked only for --last and --against current. Ramps are as at their beginning.
    """
    documents = {file, None if against is None else Path(against)}
    if STDIN in documents and given["last"] is None and given["events"] is None:
        raise click.UsageError("the document and the events cannot both come from standard input: name a file for one")
    document = written(settings.routing_file if file is None else file, settings.topics.prefix).document
    simulation = _simulation(settings, document)
    events = _events(settings, document, **given)
    if trace and against is not None:
        raise click.UsageError("--routes tells of one document, --against of two: give one of them")
    if against is not None:
        _differences(events, _against(settings, against), simulation, layout)
    elif layout == "json":
        for event in events:
            routes = {"routes": [trial._asdict() for trial in simulation.tried(event)]} if trace else {}
            click.echo(json_line(_object(event, simulation.outcomes(event)) | routes))
    else:
        events = list(events)
        rows = [_row(event, outcome) for event in events for outcome in simulation.outcomes(event)]
        click.echo(table(("event", "key", "goes to", "route", "variant", "model", "why"), rows))
        if trace:
            tried = [(_place(event), trial) for event in events for trial in simulation.tried(event)]
            met = [(place, trial.route, trial.kind, "; ".join(trial.why) or None) for place, trial in tried]
            click.echo(f"\n{table(('event', 'met route', 'which', 'because'), met)}")


def _simulation(settings: Settings, document: RoutingDocument, published_ms: int | None = None) -> Simulation:
    router = cores.router(settings, document, published_ms=published_ms)
    return Simulation(document, router, settings.topics.prefix)


def _against(settings: Settings, name: str) -> Simulation:
    if name == _CURRENT:
        live = history.needed(settings)
        return _simulation(settings, live.document, live.published_ms)
    path = document_path.convert(name, None, click.get_current_context())
    return _simulation(settings, written(path, settings.topics.prefix).document)


def _events(  # noqa: PLR0913 what the options say
    settings: Settings,
    document: RoutingDocument,
    *,
    events: BinaryIO | None,
    last: int | None,
    topic: str | None,
    records: bool,
    headers: tuple[str, ...],
    **framing: Any,
) -> Iterable[Event]:
    if last is not None and (events is not None or records or headers or any(framing.values())):
        raise click.UsageError("--last takes records of the topic as they are: leave out what says how lines are read")
    given = sys.stdin.buffer if events is None else events
    if records and last is None:
        return _checked(from_records(given))
    name = topic or _only_source(document)
    if last is not None:
        return newest(settings, name, last)
    cut = Framing(**framing)
    fault = cut.fault()
    if fault is not None:
        raise click.UsageError(fault)
    try:
        texts = {key: value.decode() for key, value in map(parse_header, headers)}
    except ValueError as error:
        raise click.UsageError(f"--header: {error}") from error
    return _checked(from_lines(given, name, cut, texts))


def _checked(events: Iterable[Event]) -> list[Event]:
    try:
        return list(events)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _only_source(document: RoutingDocument) -> str:
    names = [source.topic for source in document.sources]
    if len(names) > 1:
        raise click.UsageError(f"the document has {len(names)} sources: say with --topic which ({', '.join(names)})")
    return names[0]


def _differences(events: Iterable[Event], old: Simulation, new: Simulation, layout: str) -> None:
    count, rows = 0, []
    for event in events:
        count += 1
        before, after = old.outcomes(event), new.outcomes(event)
        if [each.goes for each in before] == [each.goes for each in after]:
            continue
        if layout == "json":
            click.echo(json_line({**_object(event, after), "before": [_plain(each) for each in before]}))
        else:
            texts = [" + ".join(map(_way, each)) for each in (before, after)]
            same = texts[0] == texts[1]
            rows.append((_place(event), _key(event), texts[0], "the same, with other data" if same else texts[1]))
    if layout == "text":
        if rows:
            click.echo(f"{table(('event', 'key', 'before', 'after'), rows)}\n")
        click.echo(f"{len(rows):,} of {count:,} events differ")


def _row(event: Event, outcome: Outcome) -> tuple[object, ...]:
    return (
        _place(event),
        _key(event),
        _target(outcome),
        outcome.route,
        outcome.variant or outcome.shadow,
        outcome.model,
        outcome.why,
    )


def _target(outcome: Outcome) -> str:
    if outcome.kind is OutcomeKind.DEAD_LETTER:
        return f"dead letter {outcome.code}"
    return outcome.topic or "nowhere"


def _way(outcome: Outcome) -> str:
    match outcome.kind:
        case OutcomeKind.REQUEST:
            return "/".join(filter(None, (outcome.route, outcome.variant, outcome.model)))
        case OutcomeKind.SHADOW:
            return f"shadow {outcome.shadow}"
        case OutcomeKind.DEAD_LETTER:
            return f"dead letter {outcome.code}"
        case OutcomeKind.UNMATCHED:
            return str(outcome.topic)
        case OutcomeKind.DROPPED:
            return "dropped"


def _place(event: Event) -> str:
    return coordinates(event.topic, event.partition, event.offset)


def _key(event: Event) -> str | None:
    return None if event.key is None else event.key.decode(errors="replace")


def _object(event: Event, outcomes: list[Outcome]) -> dict[str, object]:
    return {"event": _place(event), "key": json_bytes(event.key), "outcomes": [_plain(each) for each in outcomes]}


def _plain(outcome: Outcome) -> dict[str, object]:
    data = outcome.data()
    return {
        "kind": outcome.kind.value,
        "topic": outcome.topic,
        "route": outcome.route,
        "variant": outcome.variant,
        "model": outcome.model,
        "shadow": outcome.shadow,
        "code": outcome.code,
        "why": outcome.why,
        "data": json_bytes(data) if isinstance(data, bytes) else data,
    }
