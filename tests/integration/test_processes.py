"""Which processes are a stack's: by their mark, and by nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING

import psutil
import pytest

from penstock.local import processes
from penstock.local.waiting import wait_until
from tests.patience import SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP


@pytest.fixture
def stack_id() -> str:
    """The identity of a stack that no other test has."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def running() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start processes that carry a mark, and wait until they run; whatever is left is ended."""
    started: list[subprocess.Popen[str]] = []

    def run(stack_id: str, program: str = "kafka", code: str = SLEEP) -> subprocess.Popen[str]:
        environment = {**os.environ, **processes.mark(stack_id, program)}
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_marked_processes_are_found_by_stack_and_program(
    stack_id: str, running: Callable[..., subprocess.Popen[str]]
) -> None:
    """Another stack's processes, and other programs, are not among them."""
    kafka, demo = running(stack_id), running(stack_id, "demo")
    running(stack_id + "0")

    assert {process.pid for process in processes.marked(stack_id)} == {kafka.pid, demo.pid}
    assert [process.pid for process in processes.marked(stack_id, "demo")] == [demo.pid]


def test_own_process_is_never_among_them(stack_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever cleans up does not end itself."""
    code = "import sys; from penstock.local import processes; print([p.pid for p in processes.marked(sys.argv[1])])"
    environment = {**os.environ, **processes.mark(stack_id, "x")}

    answer = subprocess.run(
        [sys.executable, "-c", code, stack_id], env=environment, capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def test_processes_end_when_asked(stack_id: str, running: Callable[..., subprocess.Popen[str]]) -> None:
    """A polite process ends by the first signal."""
    process = running(stack_id)

    assert processes.end(processes.marked(stack_id), SOON_S) == [process.pid]
    assert process.wait(timeout=SOON_S) == -15


def test_stubborn_processes_are_killed(stack_id: str, running: Callable[..., subprocess.Popen[str]]) -> None:
    """One that does not listen is killed when patience is over."""
    process = running(stack_id, code=STUBBORN)

    processes.end(processes.marked(stack_id), 0.1)

    assert process.wait(timeout=SOON_S) == -9


def test_ending_nothing_is_harmless(stack_id: str) -> None:
    """A process that has gone meanwhile is no fault."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    handle = psutil.Process(process.pid)
    process.wait()

    assert processes.end([handle], 1) == []
    assert processes.end(processes.marked(stack_id), 1) == []


def test_environment_is_cleaned_of_settings() -> None:
    """Processes of the stack read the file that was written for them, not what was exported since."""
    given = {"PATH": "/bin", "PENSTOCK_FLINK__REST_PORT": "1", "PENSTOCK_STACK_ID": "x"}

    assert processes.clean_environment(given) == {"PATH": "/bin"}


def test_launcher_ends_what_an_earlier_life_left_behind(
    stack_id: str, running: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A killed task manager leaves its workers; the next one ends them, writes its id and takes its own place."""
    worker, other = running(stack_id, "taskmanager"), running(stack_id, "kafka")
    pid_file = tmp_path / "taskmanager.pid"
    environment = {**os.environ, **processes.mark(stack_id, "taskmanager")}
    command = [sys.executable, "-P", processes.__file__, str(pid_file), str(SOON_S), sys.executable, "-c", SLEEP]

    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as launched:
        assert launched.stdout is not None
        assert launched.stdout.readline() == "up\n"

        assert int(pid_file.read_text(encoding="ascii")) == launched.pid
        assert wait_until(lambda: worker.poll() is not None, SOON_S, 0.05)
        assert other.poll() is None
        launched.kill()
