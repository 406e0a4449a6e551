"""What of the stack runs, and where: facts for `penstock status`, and their text."""

from __future__ import annotations

import platform
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import psutil

from penstock import kafka
from penstock.errors import FlinkUnavailableError
from penstock.local import beside, engines, jobs, machine, processes, versions
from penstock.local.layout import Layout
from penstock.local.parts import OPTIONAL, servers
from penstock.local.rest import ALIVE, FlinkRest
from penstock.local.supervision import PROGRAM as SUPERVISOR
from penstock.local.supervision import Supervisor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from penstock.settings import Settings

__all__ = ["JobFact", "PortFact", "ProcessFact", "Report", "look", "text"]

_MIB = 1024 * 1024
_RUNNING = "RUNNING"
_STOPPED = "STOPPED"
_SILENT = "does not answer"
#: What is stopped on purpose: nobody asked for it, or somebody asked for its end.
_MAY_STAND = set(OPTIONAL) - set(engines.PROGRAMS)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFact:
    """A process: its state, and the memory that it and its children hold."""

    name: str
    state: str
    pid: int | None
    resident_mib: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortFact:
    """A port that the stack listens on, by its setting, and who does."""

    setting: str
    port: int
    holder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFact:
    """A job on the cluster."""

    name: str
    state: str
    running: int
    total: int
    healthy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it; ``faults`` says what keeps the stack from being healthy."""

    state_dir: str
    healthy: bool
    faults: list[str]
    processes: list[ProcessFact]
    ports: list[PortFact]
    jobs: list[JobFact]
    versions: dict[str, str]
    urls: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """Return the report as plain data."""
        return asdict(self)


def look(settings: Settings) -> Report:
    """Look at the stack that settings describe."""
    layout = Layout.of(settings)
    supervisor = Supervisor(layout)
    expected = beside.expected(layout)
    facts = _processes(settings, layout, supervisor, expected) if supervisor.alive else []
    job_facts, flink_version = _flink(settings)
    faults = (
        list(_faults(settings, layout, facts, job_facts, flink_version))
        if facts
        else ["it does not run: 'penstock up' starts it"]
    )
    return Report(
        state_dir=str(layout.state_dir),
        healthy=not faults,
        faults=faults,
        processes=facts,
        ports=[
            PortFact(setting=setting, port=port, holder=machine.holder(port))
            for setting, port in machine.ports(settings, model_server=engines.MODEL_SERVER in expected).items()
        ],
        jobs=job_facts,
        versions=_versions(settings, flink_version),
        urls={"Flink": settings.flink.rest_url, "Kafka": settings.kafka.external.bootstrap_servers},
    )


def text(report: Report, more: str | None = None) -> str:
    """Lay the report out for a person; ``more`` stands before the last line, which says whether all is well."""
    lines = [f"state folder  {report.state_dir}", "", "processes"]
    lines += [
        f"  {fact.name:<14} {fact.state:<9} {f'pid {fact.pid}' if fact.pid else '':<12} {fact.resident_mib:>6} MiB"
        for fact in report.processes
    ]
    lines += [f"  {'together':<37} {sum(fact.resident_mib for fact in report.processes):>6} MiB"]
    lines += ["", "ports"]
    lines += [f"  {fact.port:<6} {fact.setting:<28} {fact.holder or 'closed'}" for fact in report.ports]
    lines += ["", "jobs"]
    lines += [f"  {fact.name:<26} {fact.state:<10} {fact.running}/{fact.total} tasks" for fact in report.jobs]
    lines += ["", "versions      " + ", ".join(f"{name} {number}" for name, number in report.versions.items())]
    lines += [f"{name:<13} {url}" for name, url in report.urls.items()]
    lines += [] if more is None else ["", more]
    lines += ["", "healthy" if report.healthy else "not healthy: " + "; ".join(report.faults)]
    return "\n".join(lines)


def _processes(
    settings: Settings, layout: Layout, supervisor: Supervisor, expected: Collection[str]
) -> list[ProcessFact]:
    own = ProcessFact(
        name=SUPERVISOR,
        state=_RUNNING,
        pid=supervisor.pid(),
        resident_mib=_resident(layout, SUPERVISOR),
    )
    info = supervisor.info()
    known = [name for name in (*servers(settings), *OPTIONAL) if name not in engines.PROGRAMS or name in expected]
    return [
        own,
        *(
            ProcessFact(
                name=name,
                state=info[name]["statename"],
                pid=info[name]["pid"] or None,
                resident_mib=_resident(layout, name),
            )
            for name in known
            if name in info  # a stack of an earlier release has fewer
        ),
    ]


def _resident(layout: Layout, program: str) -> int:
    """Add up what a program and its children hold: a task manager's Python workers count as its own."""
    total = 0
    for process in processes.marked(layout.stack_id, program):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total // _MIB


def _flink(settings: Settings) -> tuple[list[JobFact], str]:
    rest = FlinkRest(settings.flink.rest_url)
    try:
        newest = {job.name: job for job in rest.jobs()}
        return [
            JobFact(name=job.name, state=job.state, running=job.running, total=job.total, healthy=job.healthy)
            for job in newest.values()
        ], rest.version()
    except FlinkUnavailableError:
        return [], _SILENT


def _faults(
    settings: Settings, layout: Layout, facts: Iterable[ProcessFact], job_facts: Iterable[JobFact], flink: str
) -> Iterator[str]:
    for fact in facts:
        if fact.state != _RUNNING and not (fact.name in _MAY_STAND and fact.state == _STOPPED):
            yield f"the process {fact.name!r} is {fact.state}: see {str(layout.log(fact.name))!r}"
    by_name = {fact.name: fact for fact in job_facts}
    for item in jobs.submitted(layout):
        job = by_name.get(item.job_name)
        if job is None or job.state not in ALIVE:
            yield f"the job {item.job_name!r} is gone: the keeper or 'penstock up' submits it again"
        elif not job.healthy:
            yield f"the job {item.job_name!r} is {job.state}, {job.running} of {job.total} tasks run: it may come back"
    if flink == _SILENT:
        yield f"no Flink cluster answers at {settings.flink.rest_url!r}"
    for cluster in dict.fromkeys((settings.kafka.external, settings.kafka.internal_cluster)):
        if not kafka.available(cluster):
            yield f"no Kafka broker answers at {cluster.bootstrap_servers!r}"


def _versions(settings: Settings, flink: str) -> dict[str, str]:
    known = {"Python": platform.python_version(), "Flink": flink}
    java = versions.found(versions.JAVA)
    known["Java"] = ".".join(str(part) for part in java) if java else "missing"
    if settings.kafka.embedded:
        jars = sorted((settings.local.jars_dir / "kafka").glob("kafka-clients-*.jar"))
        known["Kafka"] = jars[0].stem.removeprefix("kafka-clients-") if jars else "missing"
    for package in ("pyspark", "tensorflow-cpu"):
        with suppress(PackageNotFoundError):
            known[package] = version(package)
    try:
        known["Penstock"] = version("penstock")
    except PackageNotFoundError:
        known["Penstock"] = "not installed: run from its checkout"
    return known
