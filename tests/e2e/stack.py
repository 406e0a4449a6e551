"""A whole stack on ports and in a folder of its own, started and stopped by the scripts that users type."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from penstock import settings as settings_file
from penstock.control import watching
from penstock.deployables import chosen
from penstock.errors import FlinkUnavailableError
from penstock.local import machine, processes
from penstock.local.layout import Layout
from penstock.local.rest import ALIVE, FlinkRest
from penstock.local.waiting import wait_until
from penstock.testing.ports import free_ports
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from penstock.control.status import WorkerState
    from penstock.settings import Settings

__all__ = ["BACK_S", "LIMIT_S", "OUT_S", "PATIENT", "QUICK", "SOON_S", "Said", "Stack", "held"]

ROOT = Path(__file__).parents[2]
POLL_S = 0.25
#: Deadlines of all end-to-end tests, for a machine that is several times as slow as a developer's and busy beside: they
#: cost nothing where all is well. An answer, what was killed to come back, all that was sent to be worked on.
BACK_S, OUT_S = 2 * SOON_S, 3 * SOON_S
#: Of a test: whichever comes first waits for the start, and may go through every stage before its own.
LIMIT_S = 7_200
_START_S = 2_400
_STOP_S = 600
_PORTS = (
    "LOCAL__KAFKA_PORT",
    "LOCAL__KAFKA_CONTROLLER_PORT",
    "LOCAL__FLINK_RPC_PORT",
    "LOCAL__MODEL_SERVER_PORT",
    "FLINK__REST_PORT",
)
#: How long the stack's own parts wait for each other before they give up, refuse events or start again: as above.
PATIENT = {
    "PENSTOCK_KAFKA__EXTERNAL__CONNECT_TIMEOUT_MS": "30000",
    "PENSTOCK_CONTROL__APPLY_TIMEOUT_MS": "120000",
    "PENSTOCK_CONTROL__HEARTBEAT_MS": "15000",
    "PENSTOCK_CONTROL__STARTUP_DEADLINE_MS": "300000",
    "PENSTOCK_CONTROL__VERSION_WAIT_MS": "60000",
    "PENSTOCK_MODELS__RELOAD_WAIT_MS": "60000",
    "PENSTOCK_MODELS__STARTUP_WAIT_MS": "300000",
    "PENSTOCK_LOCAL__KAFKA_DEADLINE_S": "300",
    "PENSTOCK_LOCAL__FLINK_DEADLINE_S": "300",
    "PENSTOCK_LOCAL__JOBS_DEADLINE_S": "600",
    "PENSTOCK_LOCAL__DEMO_DEADLINE_S": "120",
}
#: Less than the default: what is waited for time and again is that all that was sent is committed.
QUICK = {"PENSTOCK_FLINK__CHECKPOINT_INTERVAL_MS": "2000"}
#: What is on the command line of each kind of process.
SERVERS = {"broker": "kafka.Kafka", "job manager": "ClusterEntrypoint", "task manager": "TaskManagerRunner"}
WORKER = "beam_boot"
#: Most stacks of tests run one scoring job only: the others cost minutes and gigabytes.
SCORED_BY = ("pmml",)
JOBS = tuple(each.job_name for each in chosen(SCORED_BY))
DEPLOYABLES = tuple(each.name for each in chosen(SCORED_BY))


def _nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a script said, and how long it took."""

    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack whose state is in a folder; nothing runs before `start`."""

    state: Path
    environment: Mapping[str, str]
    """What the scripts are called with: the ports are in it, as a user would set them."""

    @classmethod
    def on_free_ports(cls, state: Path, **environment: str) -> Stack:
        """Choose ports that nobody listens on; what is in ``environment`` is given to the scripts, too."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PENSTOCK_")}
        found = zip(_PORTS, free_ports(len(_PORTS)), strict=True)
        ports = {f"PENSTOCK_{name}": str(port) for name, port in found}
        return cls(state, {**own, **PATIENT, **environment, **ports})

    def start(self, *flags: str, demo: bool = False, jobs: Sequence[str] = SCORED_BY) -> Said:
        """Call `scripts/start.sh`."""
        shown = () if demo else ("--no-demo",)
        return self._run("start.sh", *shown, "--jobs", ",".join(jobs), *flags, limit_s=_START_S)

    def stop(self, *flags: str) -> Said:
        """Call `scripts/stop.sh`."""
        return self._run("stop.sh", *flags, limit_s=_STOP_S)

    def discard(self) -> None:
        """End its processes without asking, and delete its data: what a stop does is told by tests of its own."""
        while left := processes.marked(self.layout.stack_id):  # the supervisor may have started one meanwhile
            processes.end(left, 1)
        shutil.rmtree(self.layout.data, ignore_errors=True)

    def _run(self, script: str, *flags: str, limit_s: float) -> Said:
        begin = time.monotonic()
        ended = subprocess.run(
            [str(ROOT / "scripts" / script), *flags, "--state-dir", str(self.state)],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert ended.returncode == 0, f"{script} ended with {ended.returncode}:\n{ended.stdout}"
        return Said(ended.stdout, time.monotonic() - begin)

    @property
    def layout(self) -> Layout:
        """Its folders."""
        return Layout(self.state)

    @property
    def settings(self) -> Settings:
        """The settings that it runs with."""
        return settings_file.read(self.layout.settings_file)

    def status(self) -> dict[str, Any]:
        """What `penstock status` tells."""
        found: dict[str, Any] = json.loads(self._called("status", "--format", "json").stdout)
        return found

    def settled(self) -> dict[str, Any]:
        """What `penstock status` tells once all is well, or when that takes too long."""
        found: dict[str, Any] = {}
        wait_until(lambda: found.update(self.status()) or found["healthy"], BACK_S, POLL_S)
        return found

    def command(self, *arguments: str) -> str:
        """Call `penstock`, which must end well; returns what it wrote."""
        ended = self._called(*arguments)
        assert ended.returncode == 0, f"{arguments} ended with {ended.returncode}:\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def _called(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ROOT / ".venv" / "bin" / "penstock"), *arguments, "--settings", str(self.layout.settings_file)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SOON_S,
            check=False,
        )

    def pids(self, part: str) -> set[int]:
        """Process ids of its processes whose command line holds ``part``, or of the workers of a deployable."""
        if part in DEPLOYABLES:
            return {state.sign.pid for state in self.workers() if state.sign.deployable == part}
        found = processes.marked(self.layout.stack_id)
        return {process.pid for process in found if part in _command_line(process)}

    def workers(self) -> list[WorkerState]:
        """Python workers that give signs of life and were not killed since; each begins with its first record."""
        now_ms, there = time.time_ns() // 1_000_000, {each.pid for each in processes.marked(self.layout.stack_id)}
        return [state for state in watching.workers(self.settings) if state.live(now_ms) and state.sign.pid in there]

    def worker_names(self) -> set[str]:
        """Each worker has one of its own, unlike those before and after it."""
        return {state.sign.worker for state in self.workers()}

    def names_after(self, before: set[str]) -> set[str]:
        """Workers' names, once they are those of before: a sign may be late; who was replaced never comes back."""
        wait_until(lambda: self.worker_names() == before, SOON_S, POLL_S)
        return self.worker_names()

    def left_over(self) -> list[str]:
        """Command lines of all processes that carry its mark."""
        return [_command_line(process) for process in processes.marked(self.layout.stack_id)]

    def open_ports(self) -> dict[str, str]:
        """Those of its ports that somebody listens on, with the name of who does."""
        ports = {name: int(self.environment[f"PENSTOCK_{name}"]) for name in _PORTS}
        return {name: holder for name, port in ports.items() if (holder := machine.holder(port))}

    def healthy(self) -> bool:
        """Whether all servers run and all tasks of all jobs do."""
        try:
            jobs = {job.name: job for job in FlinkRest(self.settings.flink.rest_url).jobs()}
        except FlinkUnavailableError:
            return False
        return all(self.pids(part) for part in SERVERS.values()) and all(
            name in jobs and jobs[name].healthy for name in JOBS
        )

    def job_ids(self) -> dict[str, str]:
        """The id of each job that lives, by name; another id is another submission."""
        jobs = FlinkRest(self.settings.flink.rest_url).jobs()
        return {job.name: job.id for job in jobs if job.name in JOBS and job.state in ALIVE}

    def restarts(self) -> dict[str, tuple[str, int]]:
        """Tell of each job its id, and how often Flink has started one of its tasks again."""
        rest = FlinkRest(self.settings.flink.rest_url)

        def count(job_id: str) -> int:
            vertices = [vertex["id"] for vertex in rest._get(f"/jobs/{job_id}")["vertices"]]
            tasks = [task for each in vertices for task in rest._get(f"/jobs/{job_id}/vertices/{each}")["subtasks"]]
            return sum(task["attempt"] for task in tasks)

        return {job.name: (job.id, count(job.id)) for job in rest.jobs() if job.name in JOBS and job.state in ALIVE}

    def kill(
        self, part: str, deadline_s: float, *, takes: str | None = None, meanwhile: Callable[[], None] = _nothing
    ) -> None:
        """Kill processes without a chance to close anything, and wait until others stand in their place.

        Args:
            part: what is on their command line, or a deployable: its workers.
            deadline_s: how long that may take.
            takes: what is on the command line of others that cannot outlive them.
            meanwhile: called when they are dead, and before any of Flink's tasks can be started again.
        """
        before = {each: self.pids(each) for each in (part, takes) if each is not None}
        assert all(before.values()), f"there is nothing to kill: {before}"
        with held(self.pids(SERVERS["job manager"])):
            for pid in before[part]:
                os.kill(pid, signal.SIGKILL)
            meanwhile()

        def replaced(each: str) -> bool:
            now = self.pids(each)
            return len(now) >= len(before[each]) and not now & before[each]

        came_back = wait_until(lambda: all(map(replaced, before)) and self.healthy(), deadline_s, POLL_S)
        assert came_back, f"{deadline_s} s after the kill of {part!r}: {self.status()['faults']}, {self.left_over()}"


@contextmanager
def held(pids: Collection[int]) -> Iterator[None]:
    """Let processes stand still for the time of a block."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):  # it was killed meanwhile
                os.kill(pid, signal.SIGCONT)


def _command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""
