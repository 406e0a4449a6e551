"""Keeping the stack's processes alive: supervisord, its configuration and how it is talked to."""

from __future__ import annotations

import http.client
import os
import re
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from penstock.local import processes
from penstock.local.waiting import failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from penstock.local.layout import Layout
    from penstock.settings import LocalSettings

__all__ = ["MOST_ENDS", "Program", "Supervisor", "configuration", "ends", "times"]

PROGRAM = "supervisord"
_MIB = 1024 * 1024
#: How long a process must live to count as started; Java itself needs that long to refuse a wrong option.
_START_SECONDS = 2
#: Each try waits a second longer than the one before; then it is given up, which `penstock status` says.
_START_RETRIES = 3
#: What ended so often while somebody waits for it is not waited for any longer. supervisord itself gives up only what
#: ends within `_START_SECONDS`: what lives a little longer it would start again for ever.
MOST_ENDS = 3
#: What supervisord writes of the end of a program that nobody asked to end.
_ENDED = re.compile(r" exited: (?P<program>\S+) \((?P<how>.+); (?:not )?expected\)$")
#: A program that ends its children itself has its own patience of one deadline, and goes on after it.
_OWN_END = 2
#: supervisord's Faults: for asking twice to start or to stop, and for asking one that is ending.
_ALREADY_STARTED = 60
_NOT_RUNNING = 70
_ENDING = 6
#: States that supervisord does not leave by itself; from EXITED it starts what has ended once more.
_AT_REST = {"STOPPED", "FATAL", "UNKNOWN"}
_POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A process to keep alive; a lower priority starts earlier and ends later."""

    name: str
    command: list[str]
    directory: Path
    priority: int
    environment: Mapping[str, str] = field(default_factory=dict)
    as_group: bool = True
    """Whether its children are asked to end at the same time; else it ends them itself, and has longer for that."""


def configuration(programs: Iterable[Program], layout: Layout, local: LocalSettings) -> str:
    """Return supervisord's configuration: nothing starts by itself, whatever was started comes back when it dies."""
    rotation = {"logfile_maxbytes": local.log_max_mb * _MIB, "logfile_backups": local.log_backups}
    sections: dict[str, dict[str, object]] = {
        "unix_http_server": {"file": layout.socket, "chmod": "0700"},
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface",
        },
        "supervisord": {
            "logfile": layout.log(PROGRAM),
            "pidfile": layout.pid_file(PROGRAM),
            "childlogdir": layout.logs,
            **rotation,
        },
    }
    for program in programs:
        sections[f"program:{program.name}"] = _program_section(program, layout, local)
    return "\n".join(_section(name, entries) for name, entries in sections.items())


def _program_section(program: Program, layout: Layout, local: LocalSettings) -> dict[str, object]:
    launcher = [
        sys.executable,
        "-P",
        processes.__file__,
        str(layout.pid_file(program.name)),
        str(local.stop_deadline_s),
    ]
    environment = {**program.environment, **processes.mark(layout.stack_id, program.name)}
    return {
        "command": shlex.join([*launcher, *program.command]),
        "directory": program.directory,
        "environment": ",".join(f'{name}="{value}"' for name, value in environment.items()),
        "priority": program.priority,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": _START_SECONDS,
        "startretries": _START_RETRIES,
        "stopwaitsecs": int(local.stop_deadline_s * (1 if program.as_group else _OWN_END)),
        "stopasgroup": str(program.as_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": layout.log(program.name),
        "stdout_logfile_maxbytes": local.log_max_mb * _MIB,
        "stdout_logfile_backups": local.log_backups,
    }


def _section(name: str, entries: Mapping[str, object]) -> str:
    # A percent sign would start an expansion.
    lines = (f"{key}={str(value).replace('%', '%%')}" for key, value in entries.items())
    return "\n".join([f"[{name}]", *lines, ""])


def ends(lines: Iterable[str], program: str) -> list[str]:
    """Return how a program ended each time, by lines of supervisord's own log: ``exit status 1``."""
    found = (_ENDED.search(line.rstrip()) for line in lines)
    return [match["how"] for match in found if match is not None and match["program"] == program]


def times(how: Sequence[str]) -> str:
    """Say how often a program ended, and how: ``ended 3 times (exit status 1)``."""
    if not how:
        return "ended as often as it was started"
    count = "once" if len(how) == 1 else f"{len(how)} times"
    return f"ended {count} ({', '.join(dict.fromkeys(how))})"


class Supervisor:
    """The supervisord of one stack."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    @property
    def alive(self) -> bool:
        """Whether it answers, and will go on doing so."""
        return self._layout.socket.exists() and self._state() is not None

    def launch(self, text: str) -> None:
        """Start supervisord in the background with this configuration; its own wish to be a daemon is used for that.

        Raises:
            StackError: it ended at once.
        """
        file = self._layout.conf / "supervisord.conf"
        file.write_text(text, encoding="utf-8")
        environment = {
            **processes.clean_environment(os.environ),
            **processes.mark(self._layout.stack_id, PROGRAM),
        }
        with self._layout.log(PROGRAM).open("a", encoding="utf-8") as log:
            answer = subprocess.run(  # noqa: S603 - this environment's own supervisord
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(file)],
                cwd=self._layout.state_dir,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        if answer.returncode != 0:
            advice = f"supervisord did not start (exit status {answer.returncode})"
            raise failed(f"start {PROGRAM}", self._layout.log(PROGRAM), advice)

    def start(self, name: str) -> bool:
        """Start a program without waiting for it; False if it runs already."""
        try:
            self._ask("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _ALREADY_STARTED:
                return False
            raise
        return True

    def stop(self, name: str) -> bool:
        """Stop a program and wait until it has ended; False if it does not run.

        One that has just ended by itself is waited for: supervisord refuses to stop it, and then starts it again.
        """
        stopped = False
        while self.states()[name] not in _AT_REST:
            stopped = self._asked_to_stop(name) or stopped
            time.sleep(_POLL_S)
        return stopped

    def states(self) -> dict[str, str]:
        """Return each program's state in supervisord's words: RUNNING, STARTING, BACKOFF, STOPPED, FATAL ..."""
        return {entry["name"]: entry["statename"] for entry in self._ask("getAllProcessInfo")}

    def info(self) -> dict[str, dict[str, Any]]:
        """Return what supervisord knows of each program: state, process id, start."""
        return {entry["name"]: entry for entry in self._ask("getAllProcessInfo")}

    def pid(self) -> int | None:
        """Return supervisord's own process id, or None if it does not run."""
        try:
            pid = int(self._layout.pid_file(PROGRAM).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None
        owners = {process.pid for process in processes.marked(self._layout.stack_id, PROGRAM)}
        return pid if pid in owners else None

    def shutdown(self, deadline_s: float) -> None:
        """Ask supervisord to stop everything and itself, and wait for that, or until ``deadline_s`` passed."""
        pid = self.pid()
        self._ask("shutdown")
        if pid is not None:
            try:
                psutil.Process(pid).wait(timeout=deadline_s)
            except (psutil.NoSuchProcess, psutil.TimeoutExpired):
                return

    def _asked_to_stop(self, name: str) -> bool:
        try:
            self._ask("stopProcess", name, False)  # it would wait in a busy loop, and take a core for that
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _NOT_RUNNING:
                return False
            raise
        return True

    def _state(self) -> str | None:
        try:
            return str(self._ask("getState")["statename"])
        except (OSError, http.client.HTTPException):
            return None
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _ENDING:
                return None
            raise

    def _ask(self, method: str, *arguments: object) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._layout.socket}")
        try:
            with xmlrpc.client.ServerProxy("http://localhost", transport=transport) as server:
                return getattr(server.supervisor, method)(*arguments)
        finally:
            transport.close()
