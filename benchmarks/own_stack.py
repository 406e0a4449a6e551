"""A broker and a Flink cluster for the benchmark alone: own folder, free ports, gone when it is over."""

from __future__ import annotations

import fcntl
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import zoo
from benchmarks.programs import Jobs
from penstock import settings as settings_file
from penstock import topics
from penstock.control import history
from penstock.control.models import ModelsTopic
from penstock.control.publisher import publish
from penstock.errors import StackError
from penstock.local import stack, wheel
from penstock.local.layout import Layout
from penstock.local.waiting import Reporter
from penstock.models.repository import read_folder
from penstock.routing.document import parse
from penstock.settings import Settings
from penstock.testing.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.programs import Program

__all__ = ["OwnStack", "own_settings", "running"]

#: Backlogs of some million records, and what becomes of them in three rounds.
_MIN_FREE_DISK_MB = 8192
_LOG_RETENTION_MB = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStack:
    """The benchmark's stack while it runs."""

    settings: Settings
    layout: Layout
    wheel: Path

    @property
    def bootstrap(self) -> str:
        """The broker's address."""
        return self.settings.kafka.external.bootstrap_servers

    def settings_file(self, program: Program) -> Path:
        """Return the settings file of a program of Penstock's jobs."""
        return self.layout.conf / f"{program.name}.settings.yaml"

    def settings_of(self, program: Program) -> Settings:
        """Return the settings of a program of Penstock's jobs: its internal topics are its own."""
        plain = self.settings.model_dump()
        told = program.run.settings if isinstance(program.run, Jobs) else {}
        own = {name: {**plain[name], **section} for name, section in told.items()}
        return Settings(**{**plain, **own, "topics": {**plain["topics"], "prefix": program.prefix}})

    def install(self, program: Program) -> None:
        """Make a program's topics, and, if it consists of jobs, its settings, its routing document and its models."""
        wanted = [*program.outputs, program.source]
        if isinstance(program.run, Jobs):
            wanted.append(program.dead_letters)
            own = self.settings_of(program)
            self._give_document(own, program.run)
            self._give_models(own, program.run)
            settings_file.write(own, self.settings_file(program))
        partitions = self.settings.topics.partitions
        made = [topics.Topic(name=name, partitions=partitions, replication_factor=1) for name in wanted]
        topics.ensure(self.settings.kafka.external, made)

    def _give_document(self, own: Settings, run: Jobs) -> None:
        """Publish the routing document that jobs follow, once for all rounds."""
        parse(run.document, prefix=own.topics.prefix)  # a fault is told here, not in a log
        topics.ensure(own.kafka.internal_cluster, topics.internal_topics(own))
        if history.current(own) is None:
            publish(own, json.dumps(run.document))

    def _give_models(self, own: Settings, run: Jobs) -> None:
        """Register the models that the document names: the demo's, or as many of the zoo's as it wants."""
        names = run.document["models"]
        many = sum(name.startswith(zoo.PREFIX) for name in names)
        known = [*read_folder(own.models_dir), *zoo.zoo(many, self.layout.data / "zoo", own)]
        with ModelsTopic(own) as registered:
            for descriptor in known:
                if descriptor.name in names:
                    registered.register(descriptor)


def own_settings() -> Settings:
    """Return the project's settings with a broker and a cluster of our own, on ports that are free now."""
    loaded = settings_file.load()
    kafka_port, controller_port, rpc_port, rest_port, server_port = free_ports(5)
    local = {
        "state_dir": loaded.local.state_dir / "bench",
        "kafka_port": kafka_port,
        "kafka_controller_port": controller_port,
        "flink_rpc_port": rpc_port,
        "model_server_port": server_port,
        "min_free_disk_mb": _MIN_FREE_DISK_MB,
        "kafka_log_retention_mb": _LOG_RETENTION_MB,
    }
    plain = loaded.model_dump()
    return Settings(
        **{
            **plain,
            "kafka": {},
            # The embedded one's address was settled with the port of the stack that is left alone.
            "service": {**plain["service"], "servers": {}, "embedded": None},
            "local": {**plain["local"], **local},
            "flink": {**plain["flink"], "rest_address": loaded.local.host, "rest_port": rest_port},
        }
    )


@contextmanager
def running(settings: Settings) -> Iterator[OwnStack]:
    """Start the stack for the time of the block; its logs stay, its data goes.

    Raises:
        PrerequisiteError: this machine lacks something; nothing was started.
        StackError: another benchmark runs in this checkout, or a step of the start failed.
    """
    layout = Layout.of(settings)
    layout.state_dir.mkdir(parents=True, exist_ok=True)
    with _alone(layout):
        stack.down(settings, Reporter(echo=_nothing), purge=True)  # what a benchmark that was killed left behind
        try:
            stack.up(settings, stack.Choice(jobs=(), demo=False), Reporter())
            yield OwnStack(settings=settings, layout=layout, wheel=wheel.build(settings.project_dir, layout.wheel))
        finally:
            stack.down(settings, Reporter(), purge=False)
            shutil.rmtree(layout.data, ignore_errors=True)


@contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    with (layout.state_dir / "bench.lock").open("a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StackError("lock", "", "another benchmark runs in this checkout; wait for it to end") from error
        yield


def _nothing(*_: object, **__: object) -> None:
    """Say nothing."""
