"""The jobs of the stack: which there are, submitting those that do not run, and seeing that all of their tasks do."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from penstock.control import history
from penstock.deployables import INPUT_ADAPTER, SCORING, SUBMITTED, chosen
from penstock.errors import FlinkUnavailableError, StackError
from penstock.local import applied, flink_cluster, processes
from penstock.local.rest import ALIVE, FlinkRest, Job
from penstock.local.waiting import failed, wait_until
from penstock.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

    from penstock.deployables import Deployable
    from penstock.local.layout import Layout
    from penstock.settings import Settings

__all__ = [
    "SUBMIT",
    "await_running",
    "forget",
    "latest",
    "of_flink",
    "root_cause",
    "stop",
    "stop_all",
    "submit",
    "submitted",
    "tasks",
]

_log = get_logger(__name__)
#: Process and log of a submission.
SUBMIT = "submit"
#: `SUBMITTED MODULE JOB-ID`, as penstock.flink.submit says it.
_ACCEPTED_WORDS = 3
#: Enough of a failure's messages to see the cause under its wrappings.
_CAUSE_LINES = 20


def of_flink(wanted: Iterable[Deployable]) -> tuple[Deployable, ...]:
    """Return those that are jobs of the cluster; the others have a process of their own."""
    return tuple(item for item in wanted if item.engine == "flink")


def latest(rest: FlinkRest, wanted: Iterable[Deployable]) -> dict[str, Job | None]:
    """Return the latest job of each deployable, None where the cluster never had one."""
    by_name = {job.name: job for job in rest.jobs()}
    return {deployable.name: by_name.get(deployable.job_name) for deployable in wanted}


def submit(settings: Settings, layout: Layout, wanted: Collection[Deployable], wheel: Path) -> list[str]:
    """Submit what the cluster does not have, has lost, or runs from another build or from other sources.

    Sources are those of the routing document in force. Returns the names of what was submitted.

    Raises:
        StackError: a submission failed.
        NoRoutingDocumentError: there is no document in force.
        KafkaUnavailableError: no broker answered.
    """
    rest = FlinkRest(settings.flink.rest_url)
    sources = history.source_topics(settings)
    current = {item.name: _digest(item, wheel, sources) for item in wanted}
    digests = _submitted_digests(layout)
    missing, outdated = [], []
    for name, job in latest(rest, wanted).items():
        if job is None or job.state not in ALIVE:
            missing.append(name)
        elif digests.get(name) != current[name]:
            missing.append(name)
            outdated.append(job)
    _stop(rest, outdated, settings, layout)
    todo = [item for item in wanted if item.name in missing]
    accepted = _submit(settings, layout, todo, wheel) if todo else set()
    # Whatever was wanted is expected to run, and `status` misses it if it does not.
    digests.update({item.name: current[item.name] if item.module in accepted else "" for item in todo})
    _digests_file(layout).write_text(json.dumps(digests), encoding="utf-8")
    refused = [item.name for item in todo if item.module not in accepted]
    if refused:
        raise failed(f"submit {', '.join(refused)}", layout.log(SUBMIT), "Flink's client did not accept the job")
    return missing


def submitted(layout: Layout) -> list[Deployable]:
    """Return what was submitted since the stack was last started, and should run."""
    names = _submitted_digests(layout)
    return [item for item in chosen(SCORING) if item.name in names]


def forget(layout: Layout) -> None:
    """Forget what was submitted to an earlier cluster, which took its jobs with it."""
    _digests_file(layout).unlink(missing_ok=True)


def _digest(item: Deployable, wheel: Path, sources: Iterable[str]) -> str:
    """Return a digest of all that a job reads when it is submitted, and that does not reach it while it runs.

    Models do: the registry's topic tells of them. Jars are not counted either: a job cannot change those, which are on
    the cluster's own class path as long as it runs.
    """
    digest = hashlib.sha256(wheel.read_bytes())
    if item == INPUT_ADAPTER:
        digest.update(json.dumps(list(sources)).encode())
    return digest.hexdigest()


def _digests_file(layout: Layout) -> Path:
    return layout.conf / "submitted.json"


def _submitted_digests(layout: Layout) -> dict[str, str]:
    try:
        digests: dict[str, str] = json.loads(_digests_file(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return digests


def _submit(settings: Settings, layout: Layout, wanted: Iterable[Deployable], wheel: Path) -> set[str]:
    """Build the pipelines from the very wheel that the workers get; returns the modules whose job was accepted."""
    log = layout.log(SUBMIT)
    environment = {
        **processes.clean_environment(os.environ),
        **processes.mark(layout.stack_id, SUBMIT),
        **flink_cluster.environment(layout),
        "PYTHONPATH": str(wheel),
    }
    modules = [item.module for item in wanted]
    told = ["--settings", str(applied.settings_path(layout)), "--wheel", str(wheel)]
    with log.open("w", encoding="utf-8") as output:
        try:
            subprocess.run(  # noqa: S603 - our own program
                [sys.executable, "-P", "-m", "penstock.flink.submit", *modules, *told],
                cwd=layout.tmp,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=settings.local.jobs_deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            advice = f"the jobs were not submitted within {settings.local.jobs_deadline_s:g} s"
            raise failed(SUBMIT, log, advice) from error
    lines = (line.split() for line in log.read_text(encoding="utf-8", errors="replace").splitlines())
    return {words[1] for words in lines if len(words) == _ACCEPTED_WORDS and words[0] == SUBMITTED}


def await_running(settings: Settings, layout: Layout, wanted: Collection[Deployable]) -> None:
    """Wait until all tasks of all wanted jobs run.

    Raises:
        StackError: a job ended, or does not run in time; with Flink's own reason if it has one.
    """
    rest = FlinkRest(settings.flink.rest_url)

    def running() -> bool:
        try:
            jobs = latest(rest, wanted)
        except FlinkUnavailableError:
            return False
        for item in wanted:
            job = jobs[item.name]
            if job is not None and job.state not in ALIVE:
                raise _not_running(rest, item, job, layout)
        return all(job is not None and job.healthy for job in jobs.values())

    if not wait_until(running, settings.local.jobs_deadline_s, settings.local.poll_interval_s):
        late = {item: job for item in wanted if (job := latest(rest, wanted)[item.name]) is None or not job.healthy}
        for item, job in late.items():
            raise _not_running(rest, item, job, layout)


def tasks(settings: Settings, wanted: Collection[Deployable]) -> dict[str, int]:
    """Return how many tasks each deployable's job has, by the deployable's name; each has one worker.

    Raises:
        FlinkUnavailableError: the cluster does not answer.
    """
    found = latest(FlinkRest(settings.flink.rest_url), wanted)
    return {name: job.total for name, job in found.items() if job is not None and job.state in ALIVE}


def _not_running(rest: FlinkRest, item: Deployable, job: Job | None, layout: Layout) -> StackError:
    log = layout.log(flink_cluster.TASKMANAGER)
    if job is None:
        return failed(f"run {item.name}", log, f"the cluster does not know the job {item.job_name!r}")
    advice = f"the job {item.job_name!r} is {job.state} with {job.running} of {job.total} tasks running; see {rest.url}"
    reason = rest.failure(job.id)
    if not reason:
        return failed(f"run {item.name}", log, advice)
    return StackError(f"run {item.name}", root_cause(reason), advice)


def root_cause(trace: str) -> str:
    """Return what a Java stack trace says went wrong: its messages, without the frames between them."""
    lines = [line.rstrip() for line in trace.splitlines() if not line.lstrip().startswith(("at ", "... "))]
    return "\n".join(lines[-_CAUSE_LINES:])


def stop_all(settings: Settings, layout: Layout) -> None:
    """End Penstock's jobs, if the cluster answers; it may have others, which are none of our business."""
    stop(settings, layout, chosen(SCORING))


def stop(settings: Settings, layout: Layout, unwanted: Iterable[Deployable]) -> list[str]:
    """End these jobs, if the cluster answers. Returns the names of those that ran."""
    names = {item.job_name: item.name for item in unwanted}
    if not names:
        return []
    rest = FlinkRest(settings.flink.rest_url)
    try:
        running = [job for job in rest.jobs() if job.name in names and job.state in ALIVE]
        _stop(rest, running, settings, layout)
    except FlinkUnavailableError as error:
        _log.debug("jobs were not asked to end", reason=str(error))
        return []
    return [names[job.name] for job in running]


def _stop(rest: FlinkRest, running: Iterable[Job], settings: Settings, layout: Layout) -> None:
    """End jobs after a last checkpoint, so that the next start reads nothing twice; best effort within a deadline.

    A job that cannot do that is cancelled, and its next start replays from its last checkpoint.
    """
    folder = (layout.data / "flink" / "savepoints").as_uri()
    alive = [job for job in running if job.state in ALIVE]
    asked = {job.id: request for job in alive if job.healthy and (request := _ask_to_stop(rest, job, folder))}
    local = settings.local
    wait_until(
        lambda: all(rest.stopped(job, request) for job, request in asked.items()),
        local.stop_deadline_s,
        local.poll_interval_s,
    )
    ids = {job.id for job in alive}

    def over() -> bool:
        return not any(job.id in ids and job.state in ALIVE for job in rest.jobs())

    if not over():
        for job_id in ids:
            rest.cancel(job_id)
        wait_until(over, local.stop_deadline_s, local.poll_interval_s)
    shutil.rmtree(layout.data / "flink" / "savepoints", ignore_errors=True)  # offsets are in Kafka; these only grow


def _ask_to_stop(rest: FlinkRest, job: Job, folder: str) -> str | None:
    """Ask for a last checkpoint; None where the job, which was healthy a moment ago, cannot take one."""
    try:
        return rest.stop(job.id, folder)
    except FlinkUnavailableError as error:
        _log.debug("a job cannot take a last checkpoint", job=job.name, reason=str(error))
        return None
