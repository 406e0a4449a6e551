"""What the doctor looks at before it sends anything: are the parts there?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from penstock.cli import model_servers
from penstock.cli.journeys import Hop, Stage
from penstock.cli.readiness import unready
from penstock.cli.tables import counted
from penstock.cli.whereabouts import cluster_of, present_topics
from penstock.control import models, portable
from penstock.control.watching import ModelWatch, Watch
from penstock.deployables import ADAPTERS, SCORING, SERVICE_JOB, Deployable
from penstock.errors import ControlTopicError, FlinkUnavailableError, SettingsError
from penstock.local.jobs import latest, of_flink
from penstock.local.rest import FlinkRest
from penstock.local.waiting import wait_until
from penstock.models.inspection import absences
from penstock.models.registry import Registry
from penstock.routing.ramp import now_ms
from penstock.topics import shortfalls, topics_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.local.rest import Job
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["Check", "Parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    well: bool
    detail: str

    def line(self) -> str:
        """The check for a terminal."""
        return f"{'ok' if self.well else 'FAIL':<5} {self.name:<8} {self.detail}"

    def as_object(self) -> dict[str, object]:
        """The check for JSON."""
        return asdict(self)


class Parts:
    """The parts of an installation. ``checks`` looks at them, and leaves what it found for those who need it next.

    Jobs whose tasks are just starting get ``patience_s`` to do so.
    """

    def __init__(self, settings: Settings, document: RoutingDocument, found: str, patience_s: float) -> None:
        self._settings = settings
        self._document = document
        self._found = found
        self._patience_s = patience_s
        self.registry = Registry()
        self.topics: set[str] = set()

    def checks(self) -> Iterator[Check]:
        """Look at all parts, one after the other.

        Raises:
            KafkaUnavailableError: without it nothing else can be looked at.
        """
        yield self._given()
        sources, routes = len(self._document.sources), len(self._document.routes)
        version = f"version {self._document.version}, {self._found}"
        detail = f"{version}: {counted(sources, 'source')}, {counted(routes, 'route')}"
        yield Check(name="routing", well=True, detail=detail)
        yield self._kafka()
        yield self._topics()
        yield self._models()
        yield from self._servers()
        yield self._jobs()

    def stages(self, job: str) -> dict[Hop, Stage]:
        """What carries an event to each hop, for models of a job; Flink is asked anew."""
        try:
            found: dict[str, Job | None] | None = latest(self._flink, of_flink(self._deployables()))
        except FlinkUnavailableError:
            found = None
        live = self._drivers()
        first, last = ADAPTERS
        carriers = {Hop.REQUEST: first, Hop.RESULT: SCORING.get(job), Hop.OUTPUT: last}
        return {hop: self._stage(carrier, job, found, live) for hop, carrier in carriers.items()}

    def _given(self) -> Check:
        """Tell of the settings. A certificate that is not here is no fault: jobs may be submitted from elsewhere."""
        prefix, store = self._settings.topics.prefix, self._settings.models.store
        told = [f"internal topics are {prefix}.*, models' files are in {store}"]
        try:
            portable.refuse_unreadable(self._settings)
        except SettingsError as error:
            told += ["no job can be submitted from here", *error.faults]
        return Check(name="settings", well=True, detail="; ".join(told))

    def _models(self) -> Check:
        try:
            healed = models.heal(self._settings)
            self.registry = models.registry(self._settings)
            with ModelWatch(self._settings) as watch:
                signs = list(watch.states.values())
        except ControlTopicError as error:
            return Check(name="models", well=False, detail=str(error))
        missing = list(absences(self.registry, self._document))
        faults = [each.text for each in missing if not each.shadow]
        faults += unready(self._document, self.registry, signs)
        if faults:
            return Check(name="models", well=False, detail="; ".join(faults))
        told = [f"{ref} had been written over, its first bytes were published again" for ref in healed]
        told += [each.text for each in missing]
        names = {each.name for each in self.registry}
        found = f"{counted(len(self.registry), 'version')} of {counted(len(names), 'model')} registered"
        return Check(name="models", well=True, detail="; ".join((found, *told)))

    def _kafka(self) -> Check:
        clusters = dict.fromkeys((self._settings.kafka.external, self._settings.kafka.internal_cluster))
        for cluster in clusters:
            present = present_topics(cluster)
            self.topics |= {topic for topic in present if cluster_of(self._settings, topic) == cluster}
        addresses = " and ".join(cluster.bootstrap_servers for cluster in clusters)
        return Check(name="kafka", well=True, detail=f"answers at {addresses}")

    def _topics(self) -> Check:
        plan = topics_for(self._document, self._settings)
        wanted = {topic.name for topic in (*plan.external, *plan.internal)}
        missing = sorted(wanted - self.topics)
        if missing:
            return Check(name="topics", well=False, detail=f"missing: {', '.join(missing)}; 'penstock up' makes them")
        kafka = self._settings.kafka
        faults = [*shortfalls(kafka.external, plan.external), *shortfalls(kafka.internal_cluster, plan.internal)]
        if faults:
            return Check(name="topics", well=False, detail="; ".join(faults))
        return Check(name="topics", well=True, detail=f"all {len(wanted)} are there")

    def _jobs(self) -> Check:
        wanted = self._deployables()
        of_cluster = of_flink(wanted)
        found: dict[str, Job | None] = {}

        def settled() -> bool:
            found.update(latest(self._flink, of_cluster))
            return not any(job is not None and job.starting for job in found.values())

        try:
            wait_until(settled, self._patience_s, self._settings.local.poll_interval_s)
        except FlinkUnavailableError as error:
            return Check(name="jobs", well=False, detail=str(error))
        faults = [fault for each in of_cluster if (fault := self._job_fault(each, found[each.name]))]
        live = self._drivers()
        faults += [fault for each in wanted if each not in of_cluster and (fault := _driver_fault(each, live))]
        running = ", ".join(each.job_name for each in of_cluster)
        told = f"{running} run at {self._flink.url}"
        own = [each.job_name for each in wanted if each not in of_cluster]
        told += f", {', '.join(own)} beside it" if own else ""
        return Check(name="jobs", well=not faults, detail="; ".join(faults) or told)

    def _servers(self) -> Iterator[Check]:
        """Ask the model servers, if any is asked by a job: one that hangs still listens."""
        if SERVICE_JOB in self._deployables():
            well, detail = model_servers.told(model_servers.asked(self._settings.service))
            yield Check(name="servers", well=well, detail=detail)

    def _drivers(self) -> set[str]:
        """Name the deployables of which a worker says that it is there: Flink knows nothing of those outside it."""
        if all(each in of_flink([each]) for each in self._deployables()):
            return set()
        try:
            with Watch(self._settings) as watch:
                return {state.sign.deployable for state in watch.workers.live(now_ms())}
        except ControlTopicError:
            return set()

    @property
    def _flink(self) -> FlinkRest:
        return FlinkRest(self._settings.flink.rest_url)

    def _deployables(self) -> list[Deployable]:
        first, last = ADAPTERS
        jobs = dict.fromkeys(entry.job for entry in self._document.models.values())
        return [first, *(SCORING[job] for job in jobs if job in SCORING), last]

    def _stage(
        self, carrier: Deployable | None, job: str, found: dict[str, Job | None] | None, live: set[str]
    ) -> Stage:
        if carrier is None:
            return Stage(job=job, fault=f"this version of Penstock has no job {job!r}")
        if not of_flink([carrier]):
            return Stage(job=carrier.job_name, fault=_driver_fault(carrier, live))
        if found is None:
            return Stage(job=carrier.job_name, known=False)
        return Stage(job=carrier.job_name, fault=self._job_fault(carrier, found.get(carrier.name)))

    def _job_fault(self, carrier: Deployable, job: Job | None) -> str | None:
        url = self._flink.url
        if job is None:
            return f"job {carrier.job_name!r} is not on the Flink cluster at {url}; 'penstock up' submits it"
        if not job.healthy:
            return f"job {carrier.job_name!r} is {job.state}, {job.running} of {job.total} tasks run; see {url}"
        return None


def _driver_fault(carrier: Deployable, live: set[str]) -> str | None:
    if carrier.name in live:
        return None
    return f"job {carrier.job_name!r} gives no sign of life; 'penstock up' starts its driver"
