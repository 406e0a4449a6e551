"""Running measured programs, one at a time, from the beginning of their backlog."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import CoordinatorNotAvailableError

from benchmarks import beside, isolated
from benchmarks.programs import Jobs, Peer
from penstock import kafka
from penstock.errors import StackError
from penstock.local import flink_cluster, jobs, processes
from penstock.local.rest import ALIVE, FlinkRest
from penstock.local.waiting import failed, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kafka import KafkaAdminClient

    from benchmarks.own_stack import OwnStack
    from benchmarks.programs import Program
    from penstock.deployables import Deployable

__all__ = ["PEER", "executing", "finished", "helper"]

#: What a peer's processes are marked with, as the stack's are with their names.
PEER = "peer"


@contextmanager
def executing(own: OwnStack, program: Program, turn: int) -> Iterator[Callable[[], None]]:
    """Run a program during the block; for Flink's jobs the block begins when all of their tasks run.

    The block is given a function that raises `StackError` if the program has ended meanwhile.

    Raises:
        StackError: it did not start, with the last lines of its log.
        SkippedError: it cannot run on this machine.
    """
    match program.run:
        case Jobs() as run:
            _rewind(own, program, run.flink)
            with ExitStack() as entered:
                checks = [entered.enter_context(beside.running(own, program, name)) for name in run.beside]
                if run.flink:
                    entered.callback(_cancel, own)
                    _submit(own, program, run.flink)
                    checks.append(lambda: jobs.await_running(own.settings, own.layout, run.flink))

                def check_all() -> None:
                    for check in checks:
                        check()

                check_all()
                yield check_all
        case Peer() as peer:
            with _peer(own, program, peer, f"bench-{program.name}-{turn}") as check:
                yield check


def helper(own: OwnStack, module: str, *arguments: str, until_told: bool = False) -> subprocess.Popen[str]:
    """Start a program of the benchmark's own; the caller waits for it. One that runs until it is told has an input."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=own.settings.project_dir,
        env={**processes.clean_environment(os.environ), **processes.mark(own.layout.stack_id, module)},
        stdin=subprocess.PIPE if until_told else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str], patience_s: float) -> str:
    """Wait for a process and return what it said, if that is piped.

    Raises:
        StackError: it failed, or did not end in time; then it is ended.
    """
    try:
        said, _ = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired as error:
        process.kill()
        process.wait()
        raise StackError("wait", "", f"{process.args!r} did not end in {patience_s:g} s") from error
    if process.returncode != 0:
        raise StackError("wait", "", f"{process.args!r} ended with status {process.returncode}")
    return said or ""


def _rewind(own: OwnStack, program: Program, deployables: tuple[Deployable, ...]) -> None:
    """Put the first job back to the beginning of a backlog that waits, and each next one to the end of what it reads.

    What a job had committed when its last turn was cut short is of no use: some of it was written already.
    """
    admin = kafka.admin(own.settings.kafka.external)
    try:
        for index, (item, topic) in enumerate(zip(deployables, (program.source, *program.outputs), strict=False)):
            place = OffsetSpec.LATEST if index or program.live else OffsetSpec.EARLIEST
            places = {TopicPartition(topic, number): place for number in range(own.settings.topics.partitions)}
            _reset(own, admin, item.group(program.prefix), places)
    finally:
        admin.close()


def _reset(own: OwnStack, admin: KafkaAdminClient, group: str, places: dict[TopicPartition, OffsetSpec]) -> None:
    def done() -> bool:
        try:
            admin.reset_group_offsets(group, places)
        except CoordinatorNotAvailableError:
            return False  # the first question after groups makes the broker's topic for them
        return True

    if not wait_until(done, own.settings.local.kafka_deadline_s, own.settings.local.poll_interval_s):
        raise StackError("rewind", "", f"the broker has no coordinator for the group {group!r}")


def _submit(own: OwnStack, program: Program, deployables: tuple[Deployable, ...]) -> None:
    """Submit jobs as `penstock up` does, with this program's settings."""
    log = own.layout.log(f"submit-{program.name}")
    environment = {
        **processes.clean_environment(os.environ),
        **processes.mark(own.layout.stack_id, jobs.SUBMIT),
        **flink_cluster.environment(own.layout),
        # From the wheel what is Penstock's, from the checkout the copy job.
        "PYTHONPATH": os.pathsep.join([str(own.wheel), str(own.settings.project_dir)]),
    }
    told = ["--settings", str(own.settings_file(program)), "--wheel", str(own.wheel)]
    command = [sys.executable, "-P", "-m", "penstock.flink.submit", *(item.module for item in deployables), *told]
    patience_s = own.settings.local.jobs_deadline_s
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            command,
            cwd=own.layout.tmp,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            finished(process, patience_s)
        except StackError as error:
            raise failed("submit", log, f"the jobs of {program.name!r} were not accepted") from error


def _cancel(own: OwnStack) -> None:
    rest = FlinkRest(own.settings.flink.rest_url)
    for job in rest.jobs():
        if job.state in ALIVE:
            rest.cancel(job.id)
    local = own.settings.local
    if not wait_until(
        lambda: not any(job.state in ALIVE for job in rest.jobs()), local.stop_deadline_s, local.poll_interval_s
    ):
        raise StackError("cancel", "", f"a job did not end in {local.stop_deadline_s:g} s; see {rest.url}")


@contextmanager
def _peer(own: OwnStack, program: Program, peer: Peer, group: str) -> Iterator[Callable[[], None]]:
    python = isolated.python(own.settings, peer.requirements) if peer.requirements else sys.executable
    log = own.layout.log(program.name)
    told = ["--bootstrap", own.bootstrap, "--source", program.source, "--group", group, "--model", peer.model]
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [python, "-m", peer.module, *told, "--outputs", *program.outputs],
            cwd=own.settings.project_dir,
            env={**processes.clean_environment(os.environ), **processes.mark(own.layout.stack_id, PEER)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def check() -> None:
        if process.poll() is not None:
            raise failed(f"run {program.name}", log, f"it ended with status {process.returncode}")

    try:
        yield check
    finally:
        processes.end(processes.marked(own.layout.stack_id, PEER), own.settings.local.stop_deadline_s)
        process.wait()
