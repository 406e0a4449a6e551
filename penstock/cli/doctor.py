"""``penstock doctor``: is everything there, and does an event come through each route?"""

from __future__ import annotations

import time
import uuid
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
from kafka.errors import KafkaError, KafkaTimeoutError

from penstock import kafka
from penstock.cli.checkup import Parts
from penstock.cli.documents import Known, known
from penstock.cli.exits import Exit
from penstock.cli.journeys import Journey, Outcome, journeys_table
from penstock.cli.options import format_option, with_settings
from penstock.cli.probes import Probe, Probes, Untried
from penstock.cli.reading import Reader
from penstock.cli.records import json_line
from penstock.cli.whereabouts import cluster_of, near_names
from penstock.routing.compile import Routing
from penstock.routing.ramp import now_ms
from penstock.topics import dead_letters, results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.routing.document import Route, RoutingDocument
    from penstock.settings import Settings

__all__ = ["doctor"]

_POLL_MS = 20  # finer than the hops that are measured
_SILENT_S = 1  # for a further event, where the broker had all of its time for one


@click.command(
    epilog="""\b
Examples:
  penstock doctor
  penstock doctor --route iris --timeout 60
  penstock doctor --format json

Each event has a ce_id and a header 'penstock-doctor' of its own. It reaches the route's output topic like any other:
consumers that mind can leave records with that header out.

Exit status: 0 every route is well; 1 one is not, or something is missing; 2 wrong usage, settings or routing
document; 3 Kafka cannot be used."""
)
@click.option("--route", "names", multiple=True, help="Only this route; repeatable.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long starting jobs may take, and then the events.",
)
@format_option
@with_settings
def doctor(settings: Settings, names: tuple[str, ...], timeout: float, layout: str) -> None:
    """Send a marked event through each route of the routing document in force and tell where it stopped.

    Where none is in force, it goes by that of the settings' routing_file, and says so. First the parts are looked at:
    Kafka, the topics, the models, Flink and the jobs.
    """
    text = layout == "text"
    live = known(settings)
    routes = _chosen(live.document, names)
    parts = Parts(settings, live.document, live.found, timeout)
    checks = []
    for check in parts.checks():
        checks.append(check)
        if text:
            click.echo(check.line())
    outcomes = _outcomes(settings, live, parts, routes, timeout)
    well = all(check.well for check in checks) and all(outcome.fault is None for outcome in outcomes)
    if text:
        click.echo(f"\n{journeys_table(outcomes)}")
    else:
        found = [outcome.as_object() for outcome in outcomes]
        click.echo(json_line({"well": well, "checks": [check.as_object() for check in checks], "routes": found}))
    if not well:
        raise click.exceptions.Exit(Exit.FAILED)


def _chosen(document: RoutingDocument, names: Sequence[str]) -> list[Route]:
    known = {route.name: route for route in document.routes}
    for name in names:
        if name not in known:
            near = near_names(name, known) or tuple(known)
            raise click.BadParameter(
                f"no route {name!r}; did you mean {' or '.join(map(repr, near))}?", param_hint="'--route'"
            )
    return [route for name, route in known.items() if not names or name in names]


def _outcomes(settings: Settings, live: Known, parts: Parts, routes: Sequence[Route], timeout: float) -> list[Outcome]:
    """What became of an event on each route, in the order of the document."""
    prefix = settings.topics.prefix
    routing = Routing(live.document, prefix, published_ms=live.published_ms, now_ms=now_ms())
    probes = Probes(live.document, routing.sources, parts.registry, results(prefix), uuid.uuid4().hex[:12])
    made = [_possible(probes.make(route), parts) for route in routes]
    travelled = _travel(settings, parts, [probe for probe in made if isinstance(probe, Probe)], timeout)
    return [
        Outcome(route=one.route, hops_ms={}, fault=f"not tried: {one.reason}")
        if isinstance(one, Untried)
        else travelled[one.route]
        for one in made
    ]


def _possible(made: Probe | Untried, parts: Parts) -> Probe | Untried:
    if isinstance(made, Probe):
        missing = [topic for topic in made.topics if topic not in parts.topics]
        if missing:
            return Untried(route=made.route, reason=f"topic {missing[0]!r} is missing")
    return made


def _travel(settings: Settings, parts: Parts, probes: Sequence[Probe], timeout: float) -> dict[str, Outcome]:
    """Send the events and follow them until all have come through or stopped, or the time is over."""
    letters = dead_letters(settings.topics.prefix)
    with ExitStack() as stack:
        readers = _readers(settings, {letters, *(topic for probe in probes for topic in probe.topics[1:])}, stack)
        journeys = _sent(settings, parts, probes, letters)
        begun = now = time.monotonic()
        while now - begun < timeout and not all(journey.over(now) for journey in journeys):
            for reader in readers:
                records = reader.poll(_POLL_MS)
                now = time.monotonic()
                for record in records:
                    for journey in journeys:
                        journey.meet(record, now)
    for journey in journeys:
        journey.stages = parts.stages(journey.probe.job)  # a job may have failed meanwhile
    return {journey.probe.route: journey.outcome(now - begun) for journey in journeys}


def _readers(settings: Settings, topics: set[str], stack: ExitStack) -> list[Reader]:
    """Readers of topics from their ends on, one for each cluster."""
    readers = []
    for cluster in dict.fromkeys(cluster_of(settings, topic) for topic in topics):
        reader = stack.enter_context(Reader(cluster))
        partitions = reader.partitions(sorted(topic for topic in topics if cluster_of(settings, topic) == cluster))
        reader.start(reader.ends(partitions))
        readers.append(reader)
    return readers


def _sent(settings: Settings, parts: Parts, probes: Sequence[Probe], letters: str) -> list[Journey]:
    """The journeys of events that were just sent, each from the moment of sending."""
    cluster = settings.kafka.external
    client = kafka.producer(cluster)
    patience_s = cluster.request_timeout_ms / 1000
    stages = {job: parts.stages(job) for job in {probe.job for probe in probes}}
    journeys = []
    try:
        with kafka.reaching(cluster):
            for probe in probes:  # known beforehand, so that the first hop's time is the event's own
                client.partitions_for(probe.topics[0])
        for probe in probes:
            journey = Journey(probe=probe, stages=stages[probe.job], sent=time.monotonic(), dead_letters=letters)
            future = client.send(probe.topics[0], key=probe.key, value=probe.value, headers=list(probe.headers))
            try:
                future.get(timeout=patience_s)
            except KafkaError as error:
                journey.refusal = str(error)
                patience_s = _SILENT_S if isinstance(error, KafkaTimeoutError) else patience_s
            journeys.append(journey)
    finally:
        kafka.close(client, 0)  # what is not acknowledged by now is told as not sent
    return journeys
