"""``penstock shadow diff``: what a route's shadows say beside what users get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from penstock import topics
from penstock.cli.options import format_option, with_settings
from penstock.cli.reading import Reader
from penstock.cli.records import json_line, shown
from penstock.cli.tables import table
from penstock.cli.whereabouts import present_topics, require
from penstock.routing.faults import nearest
from penstock.routing.shadowing import Comparison, Scored, compare, scored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from penstock.cli.records import Record
    from penstock.settings import Settings

__all__ = ["shadow"]


#: Records keep their event's timestamp on every hop, so that partners have the same; unless somebody made the topics
#: so that they take the time at which the broker got them, which is about the same.
_SLACK_MS = 60_000


@click.group()
def shadow() -> None:
    """Compare a route's shadows with what users get."""


@shadow.command(
    epilog="""\b
Examples:
  penstock shadow diff iris
  penstock shadow diff iris --last 100000 --tolerance 0.01 --samples 20
  penstock shadow diff iris --format json | jq '.comparisons[].disagreements'

Results are joined by the event's id (ce_id). JSON has comparisons, one for each shadow and each model beside it, with
agreements, disagreements, samples and both latencies in milliseconds; and alone, the shadows' results without a
partner, which is on its way, a dead letter, or no longer there.

Exit status: 0 done, whatever they say; 1 the route has no shadows' results, or the topics do not exist; 2 wrong usage;
3 Kafka cannot be used."""
)
@click.argument("route")
@click.option(
    "--last",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Look at the newest N shadows' results of each partition.",
)
@click.option("--samples", type=click.IntRange(min=0), default=5, show_default=True, help="Events to show a pair.")
@click.option(
    "--tolerance", type=click.FloatRange(min=0), default=0.0, help="How far apart two numbers may be that agree."
)
@format_option
@with_settings
def diff(settings: Settings, *, route: str, last: int, samples: int, tolerance: float, layout: str) -> None:
    """Show how often ROUTE's shadows agree with what users get, events for which they do not, and latencies."""
    primaries, shadows = _results(settings, route, last)
    found, alone = compare(primaries, shadows, tolerance=tolerance, most_samples=samples)
    if layout == "json":
        comparisons = [_object(each) for each in found]
        click.echo(json_line({"route": route, "alone": alone, "comparisons": comparisons}))
    else:
        click.echo(_text(found, alone))


def _results(settings: Settings, route: str, last: int) -> tuple[list[Scored], list[Scored]]:
    """Read the newest results of shadows, and those that users get of the same time."""
    cluster, prefix = settings.kafka.internal_cluster, settings.topics.prefix
    names = topics.results(prefix), topics.shadow_results(prefix)
    present = present_topics(cluster)
    for name in names:
        require(name, cluster, present)
    with Reader(cluster) as reader:
        partitions = reader.partitions([names[1]])
        begins, ends = reader.begins(partitions), reader.ends(partitions)
        reader.start({at: max(begins[at], ends[at] - last) for at in partitions}, ends)
        records = list(reader.rest())
    shadows = list(_of_route(records, route))
    if not shadows:
        others = {found.route for found in map(_scored, records) if found is not None}
        advice = f"; {nearest(route, others)}" if others else ""
        raise click.ClickException(f"the topic {names[1]!r} has no shadows' results of route {route!r}{advice}")
    since = min(record.timestamp for record in records) - _SLACK_MS
    events = {each.event for each in shadows}
    with Reader(cluster) as reader:
        partitions = reader.partitions([names[0]])
        reader.start(reader.since(partitions, since), reader.ends(partitions))
        # Beside a shadow of one percent stand a hundred times as many: only partners are kept.
        return [each for each in _of_route(reader.rest(), route) if each.event in events], shadows


def _of_route(records: Iterable[Record], route: str) -> Iterator[Scored]:
    return (found for found in map(_scored, records) if found is not None and found.route == route)


def _scored(record: Record) -> Scored | None:
    headers = {name: value.decode("utf-8", "replace") for name, value in record.headers if value is not None}
    return scored(record.value, headers)


def _text(found: list[Comparison], alone: int) -> str:
    rows = [
        (
            each.shadow,
            each.variant or None,
            each.primary_model,
            each.joined,
            f"{100 * each.agreements / each.joined:.2f} %",
            each.disagreements,
            "/".join(f"{part:g}" for part in each.primary_latency),
            "/".join(f"{part:g}" for part in each.latency),
        )
        for each in found
    ]
    titles = ("shadow", "variant", "model", "events", "agree", "disagree", "p50/95/99 ms", "shadow's")
    lines = [table(titles, rows)] if rows else ["no shadow's result has a partner yet"]
    samples = [
        (each.shadow, sample.event, _short(sample.primary), _short(sample.shadow), shown(sample.input or None))
        for each in found
        for sample in each.samples
    ]
    if samples:
        lines += ["", table(("shadow", "event", "users get", "shadow says", "input"), samples)]
    if alone:
        lines += ["", f"{alone:,} of the shadows' results have no partner: on its way, a dead letter, or gone"]
    return "\n".join(lines)


def _short(prediction: object) -> str:
    return json_line(prediction)


def _object(each: Comparison) -> dict[str, Any]:
    return {
        "shadow": each.shadow,
        "shadow_model": each.model,
        "variant": each.variant or None,
        "model": each.primary_model,
        "events": each.joined,
        "agreements": each.agreements,
        "disagreements": each.disagreements,
        "latency_ms": each.primary_latency._asdict(),
        "shadow_latency_ms": each.latency._asdict(),
        "samples": [
            {
                "event": sample.event,
                "model": sample.model,
                "primary": sample.primary,
                "shadow": sample.shadow,
                "input": sample.input.decode(errors="replace") or None,
            }
            for sample in each.samples
        ],
    }
