"""What the end-to-end tests share: one stack for the run, started by `scripts/start.sh` as a user starts it."""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from penstock import settings as settings_file
from penstock.local import machine, processes
from penstock.local.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from penstock.settings import Settings

ROOT = Path(__file__).parents[2]
_START_S = 480
_STOP_S = 120


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack on ports and in a folder of its own."""

    settings: Settings
    layout: Layout

    def marked(self, part: str) -> list[int]:
        """Process ids of the stack's processes whose command line holds ``part``."""
        found = []
        for process in processes.marked(self.layout.stack_id):
            with suppress(psutil.NoSuchProcess):  # they come and go
                if part in " ".join(process.cmdline()):
                    found.append(process.pid)
        return found


def run(script: str, *arguments: str, environment: dict[str, str], limit_s: float) -> str:
    """Run a script of the project to its end; what it says, or a failure that says it."""
    answer = subprocess.run(
        [str(ROOT / "scripts" / script), *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit_s,
        check=False,
    )
    assert answer.returncode == 0, f"{script} ended with {answer.returncode}:\n{answer.stdout}"
    return answer.stdout


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole stack; afterwards `scripts/stop.sh --purge` leaves no process, no open port and no data."""
    state = tmp_path_factory.mktemp("stack")
    names = (
        "PENSTOCK_LOCAL__KAFKA_PORT",
        "PENSTOCK_LOCAL__KAFKA_CONTROLLER_PORT",
        "PENSTOCK_LOCAL__FLINK_RPC_PORT",
        "PENSTOCK_FLINK__REST_PORT",
    )
    ports = dict(zip(names, map(str, _free_ports(len(names))), strict=True))
    environment = {**os.environ, **ports}
    try:
        run("start.sh", "--no-demo", "--state-dir", str(state), environment=environment, limit_s=_START_S)
        found = settings_file.read(state / "conf" / "settings.yaml")
        yield Stack(settings=found, layout=Layout.of(found))
    finally:
        run("stop.sh", "--purge", "--state-dir", str(state), environment=environment, limit_s=_STOP_S)
    assert processes.marked(Layout(state).stack_id) == []
    assert [port for port in ports.values() if machine.holder(int(port))] == []
    assert not any((state / "data").glob("**/*"))
