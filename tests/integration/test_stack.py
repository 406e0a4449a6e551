"""The embedded stack for real: up, kills, up again, two side by side, down without a trace. No jobs run here."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import socket
import subprocess
import textwrap
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from click.testing import CliRunner, Result

from penstock import kafka
from penstock import settings as settings_file
from penstock.cli.__main__ import cli
from penstock.cli.exits import Exit
from penstock.errors import StackError
from penstock.local import machine, processes
from penstock.local.layout import Layout
from penstock.local.stack import Choice, up
from penstock.local.waiting import Reporter, wait_until
from penstock.testing.ports import free_ports
from tests.patience import CONNECT_MS, SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psutil

    from penstock.settings import Settings

ROOT = Path(__file__).parents[2]
SERVERS = ("kafka", "jobmanager", "taskmanager")
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class Stack:
    """An embedded stack in a folder and on ports of its own, used as a person would: through the command line."""

    file: Path

    def run(self, *arguments: str, expect: int | None = 0) -> Result:
        """Run a command with the stack's settings, in this process; ``expect`` None allows any exit status."""
        handlers = logging.getLogger().handlers[:]
        try:
            result = CliRunner().invoke(cli, [*arguments, "--settings", str(self.file)])
        finally:
            logging.getLogger().handlers[:] = handlers
        assert expect in {None, result.exit_code}, f"{arguments}: {result.exit_code}\n{result.output}"
        return result

    @property
    def settings(self) -> Settings:
        """The stack's settings."""
        return settings_file.load(self.file)

    @property
    def layout(self) -> Layout:
        """The stack's folders."""
        return Layout.of(self.settings)

    def status(self) -> dict[str, Any]:
        """What `penstock status` tells."""
        return json.loads(self.run("status", "--format", "json", expect=None).stdout)

    def well(self) -> dict[str, Any]:
        """Wait until all of it is well, and return the status that says so: the next one may find somebody asleep."""
        found: list[dict[str, Any]] = []

        def healthy() -> bool:
            found.append(self.status())
            return bool(found[-1]["healthy"])

        assert wait_until(healthy, SOON_S, POLL_S), found[-1]
        return found[-1]

    def pid(self, program: str) -> int:
        """The process id of a program, as its file says."""
        return int(self.layout.pid_file(program).read_text(encoding="ascii"))

    def left_over(self) -> list[psutil.Process]:
        """Processes that carry the stack's mark."""
        return processes.marked(self.layout.stack_id)

    def open_ports(self) -> list[int]:
        """Those of the stack's ports that somebody listens on."""
        return [port for port in machine.ports(self.settings).values() if machine.holder(port)]


def make_stack(folder: Path, **changes: dict[str, Any]) -> Stack:
    """Write the settings of a stack in ``folder`` on free ports."""
    kafka, controller, rpc, rest = free_ports(4)
    local = {
        "state_dir": str(folder / "state"),
        "kafka_port": kafka,
        "kafka_controller_port": controller,
        "kafka_heap_mb": 256,
        "flink_rpc_port": rpc,
        # However busy the machine is.
        "flink_deadline_s": 2 * SOON_S,
        "flink_heartbeat_ms": 10_000,
        "kafka_deadline_s": 2 * SOON_S,
    }
    patient = {"external": {"connect_timeout_ms": CONNECT_MS}}
    own = {"local": local, "flink": {"rest_port": rest}, "kafka": patient}
    content = {**changes, **{section: {**entries, **changes.get(section, {})} for section, entries in own.items()}}
    file = folder / "penstock.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Stack(file)


@pytest.fixture
def stacks(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make stacks that share nothing; whatever a test leaves running is ended."""
    made: list[Stack] = []

    def make(**changes: dict[str, Any]) -> Stack:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(make_stack(folder, **changes))
        return made[-1]

    yield make
    for stack in made:
        processes.end(stack.left_over(), 1)


@pytest.fixture
def broker_of_others(broker_settings: Settings) -> dict[str, dict[str, Any]]:
    """Settings of a stack without a broker of its own, for tests that no broker has a part in: it starts sooner."""
    cluster = broker_settings.kafka.external
    reached = {"bootstrap_servers": cluster.bootstrap_servers, "connect_timeout_ms": cluster.connect_timeout_ms}
    return {"kafka": {"external": reached}, "topics": {"prefix": uuid.uuid4().hex[:8]}}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A stack that stands for all tests of this module, with what `up` said."""
    stack = make_stack(tmp_path_factory.mktemp("standing"))
    try:
        yield stack, stack.run("up", "--no-jobs").stdout
    finally:
        processes.end(stack.left_over(), 1)


def test_up_tells_each_step_and_where_things_are(standing: tuple[Stack, str]) -> None:
    """One line a step, with its time; then the addresses."""
    stack, said = standing

    for step in ("check this machine", "Kafka answers", "make the topics", "Flink offers its slots"):
        assert re.search(rf"^{step} \.+ .+  \[\d+\.\d s\]$", said, re.MULTILINE)
    assert f"http://127.0.0.1:{stack.settings.flink.rest_port}" in said
    assert f"127.0.0.1:{stack.settings.local.kafka_port}" in said


def test_status_knows_processes_ports_and_versions(standing: tuple[Stack, str]) -> None:
    """What runs, how much memory it holds, and which versions."""
    stack, _ = standing

    status = stack.well()

    assert {fact["name"] for fact in status["processes"] if fact["state"] == "RUNNING"} == {
        "supervisord",
        "kafka",
        "jobmanager",
        "taskmanager",
    }
    assert all(fact["resident_mib"] > 0 for fact in status["processes"] if fact["state"] == "RUNNING")
    assert all("java" in fact["holder"] for fact in status["ports"])
    assert status["versions"]["Flink"] == "2.3.0"
    assert status["versions"]["Kafka"] == "4.1.1"


def test_second_up_is_harmless(standing: tuple[Stack, str]) -> None:
    """What runs is left alone: the same processes, no new topic."""
    stack, _ = standing
    before = [stack.pid(name) for name in SERVERS]

    said = stack.run("up", "--no-jobs").stdout

    assert "they run" in said
    assert "0 new of" in said
    assert [stack.pid(name) for name in SERVERS] == before


def test_killed_servers_come_back_with_their_data(standing: tuple[Stack, str]) -> None:
    """All three at once, without a chance to close anything."""
    stack, _ = standing
    before = {name: stack.pid(name) for name in SERVERS}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def again() -> bool:
        with suppress(ValueError):  # the file is being written
            return all(stack.pid(name) != pid for name, pid in before.items())
        return False

    assert wait_until(again, 2 * SOON_S, POLL_S), stack.status()
    stack.well()
    assert "0 new of" in stack.run("up", "--no-jobs").stdout, "topics were lost with the kill"


def test_running_stack_refuses_other_settings(standing: tuple[Stack, str], tmp_path: Path) -> None:
    """Changed settings take effect with a restart, and up says so instead of going on with the old ones."""
    stack, _ = standing
    content = yaml.safe_load(stack.file.read_text(encoding="utf-8"))
    content["flink"]["bundle_time_ms"] = 77
    changed = Stack(tmp_path / "changed.yaml")
    changed.file.write_text(yaml.safe_dump(content), encoding="utf-8")

    refused = changed.run("up", "--no-jobs", expect=Exit.STEP_FAILED)

    assert "flink.bundle_time_ms: 20, now 77" in refused.stderr


def test_down_leaves_nothing_and_spares_other_stacks(standing: tuple[Stack, str], stacks: Callable[..., Stack]) -> None:
    """Two stacks run side by side; ending one takes its processes and ports, keeps its data, and spares the other."""
    other = stacks()
    other.run("up", "--no-jobs")
    assert len(other.open_ports()) == 4

    assert "ended" in other.run("down").stdout

    assert other.left_over() == []
    assert other.open_ports() == []
    other.run("status", expect=Exit.FAILED)
    standing[0].well()
    assert (other.layout.data / "kafka" / "meta.properties").exists()
    assert "nothing ran" in other.run("down").stdout
    other.run("down", "--purge")
    assert not other.layout.data.exists()


def test_orphans_of_a_killed_supervisor_are_found(
    stacks: Callable[..., Stack], broker_of_others: dict[str, dict[str, Any]], broker_settings: Settings
) -> None:
    """Nobody watches over the servers any more, but they carry the mark: the next up ends them and starts anew."""
    stack = stacks(**broker_of_others)
    stack.run("up", "--no-jobs")
    orphan = stack.pid("jobmanager")
    os.kill(stack.pid("supervisord"), signal.SIGKILL)

    again = stack.run("up", "--no-jobs")

    assert "of an earlier run" in again.stdout
    assert orphan not in [process.pid for process in stack.left_over()]
    os.kill(stack.pid("supervisord"), signal.SIGKILL)
    stack.run("down")
    assert stack.left_over() == []
    assert stack.open_ports() == []
    assert kafka.available(broker_settings.kafka.external)


def test_supervisor_that_is_ending_is_not_in_the_way(
    stacks: Callable[..., Stack], broker_of_others: dict[str, dict[str, Any]]
) -> None:
    """It still answers while it waits for the servers to end, but only that it is ending."""
    stack = stacks(**broker_of_others)
    stack.run("up", "--no-jobs")
    os.kill(stack.pid("supervisord"), signal.SIGTERM)

    assert "it does not run" in stack.status()["faults"][0]
    stack.run("down")

    assert stack.left_over() == []
    assert stack.open_ports() == []


def test_server_that_cannot_start_is_told_with_its_log(stacks: Callable[..., Stack]) -> None:
    """Step, last lines of the log and what to do; the state folder stays for a closer look."""
    stack = stacks(local={"kafka_heap_mb": 2})

    failed = stack.run("up", "--no-jobs", expect=Exit.STEP_FAILED)

    assert "step 'start kafka' failed" in failed.stderr
    assert re.search(r"kafka ended \d times \(exit status 1\) while it was waited for", failed.stderr)
    assert "errors in its log:\nError occurred during initialization of VM" in failed.stderr
    stack.run("down")
    assert stack.left_over() == []


def test_port_taken_at_the_last_moment_is_the_cause_that_is_told(stacks: Callable[..., Stack]) -> None:
    """Kafka lives long enough to count as started, ends, and is started again and again: it is not waited for.

    Its last lines are of a later start, or say how it stops.
    """
    stack = stacks()
    settings = stack.settings

    with socket.socket() as other:

        def say(text: str, **_: object) -> None:
            if text.startswith("start the supervisor"):  # the ports have been looked at
                other.bind((settings.local.host, settings.local.kafka_port))
                other.listen()

        with pytest.raises(StackError, match=r"kafka ended \d times \(exit status 1\)") as raised:
            up(settings, Choice(jobs=()), Reporter(say))

    assert any("Address already in use" in line for line in raised.value.errors)
    stack.run("down")
    assert stack.left_over() == []


def test_missing_broker_is_told_before_anything_starts(stacks: Callable[..., Stack]) -> None:
    """An own broker that does not answer is one line, and nothing was started."""
    stack = stacks(kafka={"external": {"bootstrap_servers": "127.0.0.1:1", "connect_timeout_ms": 500}})

    failed = stack.run("up", "--no-jobs", expect=Exit.UNAVAILABLE)

    assert "no Kafka broker answers at '127.0.0.1:1'" in failed.stderr
    assert stack.left_over() == []


def test_own_broker_is_used_and_outlives_a_stop_without_an_environment(
    stacks: Callable[..., Stack], broker_settings: Settings, tmp_path: Path
) -> None:
    """With --bootstrap-servers no broker is started, and topics are made on yours, which is left alone.

    It is stopped from a checkout whose .venv is gone, or half-made.
    """
    cluster = broker_settings.kafka.external
    patient = {"external": {"connect_timeout_ms": cluster.connect_timeout_ms}}
    stack = stacks(topics={"prefix": uuid.uuid4().hex[:8]}, kafka=patient)
    address = cluster.bootstrap_servers

    up = stack.run("up", "--no-jobs", "--bootstrap-servers", address)

    assert f"--settings {stack.layout.settings_file}" in up.stdout
    assert {fact["name"] for fact in stack.status()["processes"]} == {
        "supervisord",
        "jobmanager",
        "taskmanager",
        "keeper",
        "demo",
    }
    stack.well()
    scripts = tmp_path / "checkout" / "scripts"
    scripts.mkdir(parents=True)
    script = scripts / "stop.sh"
    script.write_bytes((ROOT / "scripts" / "stop.sh").read_bytes())
    script.chmod(0o755)

    subprocess.run([script, "--state-dir", stack.settings.local.state_dir], check=True, timeout=2 * SOON_S)

    assert stack.left_over() == []
    assert stack.open_ports() == []
    assert stack.layout.data.exists()
    assert kafka.available(broker_settings.kafka.external)


def test_state_folder_may_be_deep(stacks: Callable[..., Stack], tmp_path: Path) -> None:
    """The control socket finds a short path wherever the state folder is."""
    deep = tmp_path.joinpath(*textwrap.wrap("d" * 200, 50))
    stack = stacks(local={"state_dir": str(deep)}, kafka={"external": {"bootstrap_servers": "127.0.0.1:1"}})
    layout = Layout.of(stack.settings)
    layout.make()

    assert len(os.fsencode(layout.socket)) < 108
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(layout.socket))
