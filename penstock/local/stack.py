"""The embedded stack as a whole: bringing it up step by step, and taking it down."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock import kafka, topics
from penstock import settings as settings_file
from penstock.control import history, portable
from penstock.control.publisher import publish
from penstock.demo_events.mix import Kind
from penstock.errors import FlinkUnavailableError, PrerequisiteError, SettingsError, StackError
from penstock.local import (
    applied,
    beside,
    broker,
    demo,
    engines,
    flink_cluster,
    jobs,
    machine,
    processes,
    repository,
    wheel,
    workers,
)
from penstock.local.layout import Layout
from penstock.local.lock import alone
from penstock.local.parts import DEMO, KEEPER, programs, servers
from penstock.local.rest import FlinkRest
from penstock.local.supervision import MOST_ENDS, Supervisor, configuration, ends, times
from penstock.local.supervision import PROGRAM as SUPERVISOR
from penstock.local.waiting import Reporter, failed, lines_since, log_sizes, wait_until
from penstock.routing import document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from penstock.deployables import Deployable
    from penstock.routing.document import RoutingDocument
    from penstock.settings import Settings

__all__ = ["Choice", "down", "present", "running_settings", "up"]

#: One look at the broker; the step's deadline counts over many of them.
_LOOK_MS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to run on top of Kafka and Flink."""

    jobs: tuple[Deployable, ...]
    demo: bool | None = None
    """None: with jobs, unless users' topics are on a cluster of the user's own; a demo that runs is left alone.
    False: none, and one that runs is ended."""


def up(settings: Settings, choice: Choice, reporter: Reporter) -> RoutingDocument:
    """Bring the stack up: start what does not run, leave alone what does. Returns the document that it runs with.

    Raises:
        SettingsError: the settings do not go together.
        RoutingDocumentError: the document's file is wrong.
        ModelError: a model is wrong, or registered with other bytes; whatever runs goes on as it was.
        PrerequisiteError: this machine lacks something; nothing was started.
        StackError: a step failed, or the stack runs with other settings; what was started before keeps running.
        KafkaUnavailableError: the broker that the settings name does not answer.
    """
    layout = Layout.of(settings)
    with alone(layout, settings.local.stop_deadline_s):
        stack = _Stack(settings, layout, reporter)
        stack.look(choice.jobs)
        stack.prepare(choice.jobs)
        stack.start_servers()
        stack.await_kafka()
        stack.give_document()
        stack.make_topics()
        stack.give_models()
        if choice.jobs:
            stack.apply(choice.jobs)
            stack.start_beside(choice.jobs)
        stack.await_flink()
        if choice.jobs:
            stack.run_jobs(choice.jobs)
            if choice.demo is not False:
                stack.run_demo(choice.jobs, asked=choice.demo is True)
        if choice.demo is False:
            stack.end_demo()
        return stack.document


def present(settings: Settings) -> bool:
    """Say whether there is a state folder where the settings say, or processes of a stack that had one."""
    layout = Layout.of(settings)
    return layout.state_dir.is_dir() or bool(processes.marked(layout.stack_id))


def down(settings: Settings, reporter: Reporter, *, purge: bool) -> int:
    """Take the stack down and return how many processes that ended; its data stays, unless ``purge``."""
    layout = Layout.of(settings)
    if not layout.lock.is_file() and not processes.marked(layout.stack_id):
        return 0  # nothing was ever started here, so nothing is touched
    supervisor = Supervisor(layout)
    with alone(layout, settings.local.stop_deadline_s):
        count = len(processes.marked(layout.stack_id))
        if supervisor.alive:
            with reporter.step("end the jobs"):
                jobs.stop_all(_settings_to_stop_by(settings), layout)
            with reporter.step("end the processes"):
                # One after the other, each with its own patience.
                supervisor.shutdown(settings.local.stop_deadline_s * len(supervisor.states()))
        # Python workers of a killed task manager, or everything, if the supervisor itself was killed.
        processes.end(processes.marked(layout.stack_id), settings.local.stop_deadline_s)
        for folder in (layout.tmp, layout.run, layout.socket.parent):
            shutil.rmtree(folder, ignore_errors=True)
        if purge:
            with reporter.step("delete the data"):
                for folder in layout.removable():
                    shutil.rmtree(folder, ignore_errors=True)
    return count


def running_settings(settings: Settings) -> Settings:
    """Return the settings that the stack was last started with, or those given if it never was."""
    file = Layout.of(settings).settings_file
    return settings_file.read(file) if file.is_file() else settings


def _settings_to_stop_by(settings: Settings) -> Settings:
    """Those that it runs with, where this release can still read them: a stack must be stoppable after an upgrade."""
    try:
        return running_settings(settings)
    except SettingsError:
        return settings


class _Stack:
    """The steps of bringing one stack up, in their order."""

    def __init__(self, settings: Settings, layout: Layout, reporter: Reporter) -> None:
        self._settings = settings
        self._layout = layout
        self._step = reporter.step
        self._supervisor = Supervisor(layout)
        self._sizes = log_sizes(layout.logs)
        self._rest = FlinkRest(settings.flink.rest_url)
        self._clusters = tuple(dict.fromkeys((settings.kafka.external, settings.kafka.internal_cluster)))

    def look(self, wanted: tuple[Deployable, ...]) -> None:
        """Look at all that the jobs are to run with, before anything is changed: what runs goes on if it is wrong."""
        settings = self._settings
        self.document = document.load(settings.routing_file, prefix=settings.topics.prefix)
        if wanted:
            portable.refuse_unreadable(settings)
            self._refuse_too_few_slots(len(jobs.of_flink(wanted)))
        self._models = repository.look(settings)
        lacks = engines.lacks(settings, wanted)
        if lacks:
            raise PrerequisiteError(tuple(lacks))

    def _refuse_too_few_slots(self, jobs_wanted: int) -> None:
        parallelism, offered = self._settings.flink.parallelism, self._settings.local.task_slots
        needed = jobs_wanted * parallelism
        if needed > offered:
            fault = (
                f"{jobs_wanted} jobs on Flink x flink.parallelism {parallelism} need {needed} slots, local.task_slots "
                f"is {offered}: set it to {needed} or more"
            )
            raise SettingsError((fault,))

    def prepare(self, wanted: tuple[Deployable, ...]) -> None:
        """Look at the machine before anything is started, build the wheel, and have a supervisor."""
        if self._supervisor.alive:
            self._refuse_other_settings()
            self._wheel = self._build()
            return
        with self._step("check this machine") as outcome:
            left = processes.end(processes.marked(self._layout.stack_id), self._settings.local.stop_deadline_s)
            if left:
                outcome.append(f"ended {len(left)} processes of an earlier run")
            machine.check(self._settings, model_server=engines.MODEL_SERVER in engines.needed(self._settings, wanted))
            shutil.rmtree(self._layout.tmp, ignore_errors=True)
            self._layout.make()
        if not self._settings.kafka.embedded:
            with self._step("reach your Kafka") as outcome:
                outcome.extend(self._reached())
        self._wheel = self._build()
        with self._step("start the supervisor"):
            self._launch()

    def _refuse_other_settings(self) -> None:
        running = running_settings(self._settings)
        # Only this command reads `models_dir`, each time anew.
        wanted = self._settings.model_copy(update={"models_dir": running.models_dir})
        changed = settings_file.differences(running, wanted)
        if changed:
            advice = f"the stack runs with other settings ({'; '.join(changed)}): run 'penstock down' first"
            raise StackError("compare settings", "", advice)

    def _build(self) -> Path:
        with self._step("build the wheel") as outcome:
            built = wheel.build(self._settings.project_dir, self._layout.wheel)
            outcome.append(built.name)
        return built

    def _launch(self) -> None:
        settings, layout = self._settings, self._layout
        jobs.forget(layout)
        beside.forget(layout)
        settings_file.write(settings, layout.settings_file)
        flink_cluster.write_configuration(settings, layout)
        flink_cluster.link_jars(settings, layout)
        if settings.kafka.embedded:
            broker.write_configuration(settings, layout)
            broker.format_storage(settings, layout)
        applied.keep(settings, layout, self._wheel)
        told = programs(settings, layout, applied.wheel_path(layout))
        self._supervisor.launch(configuration(told, layout, settings.local))
        self._wait_for(SUPERVISOR, settings.local.stop_deadline_s, lambda: self._supervisor.alive)

    def start_servers(self) -> None:
        """Start broker and cluster at once: neither needs the other until the first job comes."""
        with self._step("start the servers") as outcome:
            started = [name for name in servers(self._settings) if self._supervisor.start(name)]
            outcome.append(", ".join(started) or "they run")

    def await_kafka(self) -> None:
        """Wait for the embedded broker, if there is one."""
        if self._settings.kafka.embedded:
            with self._step("Kafka answers") as outcome:
                self._wait_for(broker.PROGRAM, self._settings.local.kafka_deadline_s, self._kafka_answers)
                outcome.extend(self._reached())

    def give_document(self) -> None:
        """Publish the document of the file where none is in force; where one is, that is what everything runs with."""
        settings = self._settings
        with self._step("routing document") as outcome:
            topics.ensure(settings.kafka.internal_cluster, topics.internal_topics(settings))
            live = history.current(settings)
            if live is None:
                publish(settings, settings.routing_file.read_text(encoding="utf-8"))
                outcome.append(f"version {self.document.version} published")
                return
            outcome.append(f"version {live.version} in force")
            if live.document != self.document:
                advice = "'penstock apply' publishes it" if self.document.version > live.version else "left alone"
                outcome.append(f"{settings.routing_file.name} is another, version {self.document.version}: {advice}")
            self.document = live.document

    def make_topics(self) -> None:
        """Make the topics that are missing."""
        settings = self._settings
        plan = topics.topics_for(self.document, settings)
        with self._step("make the topics") as outcome:
            made = [
                *topics.ensure(settings.kafka.external, plan.external),
                *topics.ensure(settings.kafka.internal_cluster, plan.internal),
            ]
            outcome.append(f"{len(made)} new of {len(plan.external) + len(plan.internal)}")

    def give_models(self) -> None:
        """Register the models of models_dir that are not registered; a version with other bytes ends the start."""
        with self._step("register the models") as outcome:
            given = repository.give(self._settings, self._models, self.document)
            outcome.append(f"{len(given.added)} new of {given.total}")
            if given.not_live:
                outcome.append(f"{', '.join(given.not_live)} not live: 'penstock models live' makes a version so")
            if given.healed:
                outcome.append(f"somebody wrote over {', '.join(given.healed)}: the first bytes stay")
            outcome.extend(given.missing)

    def _kafka_answers(self) -> bool:
        return all(kafka.available(cluster, bootstrap_timeout_ms=_LOOK_MS) for cluster in self._clusters)

    def _reached(self) -> list[str]:
        for cluster in self._clusters:
            kafka.admin(cluster).close()
        return [cluster.bootstrap_servers for cluster in self._clusters]

    def await_flink(self) -> None:
        """Wait until the cluster could run a job."""
        with self._step("Flink offers its slots") as outcome:
            deadline_s = self._settings.local.flink_deadline_s
            slots = 0

            def offered() -> bool:
                nonlocal slots
                slots = self._rest.slots()
                return slots > 0

            self._wait_for(flink_cluster.JOBMANAGER, deadline_s, lambda: self._rest.slots() >= 0)
            self._wait_for(flink_cluster.TASKMANAGER, deadline_s, offered)
            outcome.append(f"{slots} at {self._rest.url}")

    def apply(self, wanted: tuple[Deployable, ...]) -> None:
        """Have the jobs and the programs run with these settings and from this wheel."""
        settings, layout = self._settings, self._layout
        with self._step("apply settings and wheel") as outcome:

            def end_callers() -> None:
                ended = jobs.stop(settings, layout, engines.callers(settings, wanted))
                outcome.extend([f"ended {', '.join(ended)} first"] if ended else [])

            again = beside.renew(settings, layout, self._supervisor, self._wheel, end_callers)
            outcome.extend([f"started again: {', '.join(again)}"] if again else [])

    def start_beside(self, wanted: tuple[Deployable, ...]) -> None:
        """Start what jobs need beside the cluster; it gets ready while the jobs are submitted."""
        needed = engines.needed(self._settings, wanted)
        if needed:
            with self._step(f"start {' and '.join(needed)}") as outcome:
                started = beside.start(self._settings, self._layout, self._supervisor, wanted)
                outcome.append(", ".join(started) or ("it runs" if len(needed) == 1 else "they run"))

    def run_jobs(self, wanted: tuple[Deployable, ...]) -> None:
        """Submit what does not run, or runs from an older build, and wait for all of its tasks and their workers."""
        settings, layout, of_flink = self._settings, self._layout, jobs.of_flink(wanted)
        with self._step("submit the jobs") as outcome:
            submitted = jobs.submit(settings, layout, of_flink, applied.wheel_path(layout))
            outcome.append(", ".join(submitted) or "they run")
        with self._step("all tasks run") as outcome:
            jobs.await_running(settings, layout, of_flink)
            outcome.append(f"{len(of_flink)} jobs")
        needed = engines.needed(settings, wanted)
        if engines.MODEL_SERVER in needed:
            with self._step("the model server answers") as outcome:
                self._wait_for(engines.MODEL_SERVER, settings.local.jobs_deadline_s, lambda: engines.answers(settings))
                outcome.append(f"{settings.local.host}:{settings.local.model_server_port}")
        if engines.SPARK_DRIVER in needed:
            with self._step("Spark's driver is ready"), workers.Ready(settings) as ready:
                name = engines.DEPLOYABLES[engines.SPARK_DRIVER].name
                self._wait_for(engines.SPARK_DRIVER, settings.local.jobs_deadline_s, lambda: ready.all_of({name: 1}))
        with self._step("their workers are ready") as outcome:
            tasks = jobs.tasks(settings, of_flink)
            outcome.append(f"{workers.await_ready(settings, layout, tasks)} workers")
        self._supervisor.start(KEEPER)

    def run_demo(self, wanted: tuple[Deployable, ...], *, asked: bool) -> None:
        """Start the demo generator, where its events have a place and do not surprise anyone."""
        with self._step("start the demo") as outcome:
            misfits = {kind: demo.misfit(kind, self.document, wanted) for kind in Kind}
            fitting = [kind for kind, fault in misfits.items() if fault is None]
            if not fitting:
                self._supervisor.stop(DEMO)
                outcome.append(f"left out: {misfits[Kind.IRIS]}")
                return
            if not asked and demo.on_own_cluster(self._settings):
                outcome.append("left out: the events would go to your Kafka; '--demo' writes them")
                return
            if demo.choose(self._layout, fitting):
                self._supervisor.stop(DEMO)
            self._supervisor.start(DEMO)
            running = lambda: self._supervisor.states()[DEMO] == "RUNNING"  # noqa: E731 - a name for what is awaited
            self._wait_for(DEMO, self._settings.local.demo_deadline_s, running)
            outcome.append(f"{self._settings.local.demo_rate:g} events/s of {', '.join(fitting)}")

    def end_demo(self) -> None:
        """End a demo that runs."""
        if self._supervisor.stop(DEMO):
            with self._step("end the demo"):
                pass

    def _wait_for(self, program: str, deadline_s: float, probe: Callable[[], bool]) -> None:
        """Wait for a program; not to the end if it ends time and again, or its supervisor has given it up."""
        log = self._layout.log(program)

        def ended() -> list[str]:
            return ends(lines_since(self._layout.log(SUPERVISOR), self._sizes), program)

        def ready() -> bool:
            if program != SUPERVISOR:
                given_up, how = self._supervisor.states()[program] == "FATAL", ended()
                if given_up or len(how) >= MOST_ENDS:
                    advice = f"{program} {times(how)} while it was waited for"
                    raise failed(f"start {program}", log, advice, self._sizes)
            try:
                return probe()
            except FlinkUnavailableError:
                return False

        if not wait_until(ready, deadline_s, self._settings.local.poll_interval_s):
            how = ended()
            advice = f"{program} was not ready within {deadline_s:g} s" + (f": it {times(how)}" if how else "")
            raise failed(f"start {program}", log, advice, self._sizes)
