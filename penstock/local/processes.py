"""Which processes are a stack's: finding them by the mark in their environment, ending them, starting one cleanly.

Run as a program it is the first thing in each supervised process: it ends what an earlier life of that process left
behind (a killed task manager leaves its Python workers), writes the process id, and turns into the real program. It is
run by its path, so it imports nothing of Penstock's.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["MARK", "clean_environment", "end", "mark", "marked"]

#: The variable that marks a stack's processes: `<stack id>/<program>`. Children inherit it.
MARK = "PENSTOCK_STACK_ID"
_SETTINGS_PREFIX = "PENSTOCK_"
_POLL_S = 0.05


def mark(stack_id: str, program: str) -> dict[str, str]:
    """Return the environment entry that marks a program of a stack."""
    return {MARK: f"{stack_id}/{program}"}


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without settings: a stack's processes read the file that was written for them."""
    return {name: value for name, value in environment.items() if not name.startswith(_SETTINGS_PREFIX)}


def marked(stack_id: str, program: str | None = None) -> list[psutil.Process]:
    """Find a stack's processes, or those of one program of it, this process itself left out."""
    found = []
    for process in psutil.process_iter():
        try:
            owner, _, role = process.environ().get(MARK, "").partition("/")
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's: not ours
        if owner == stack_id and program in {None, role} and process.pid != os.getpid() and _lives(process):
            found.append(process)
    return found


def end(processes: Iterable[psutil.Process], patience_s: float) -> list[int]:
    """End processes: ask, wait up to ``patience_s``, then kill. Returns the ids of those that there were."""
    asked = []
    for process in processes:
        try:
            process.terminate()
        except psutil.NoSuchProcess:
            continue
        asked.append(process)
    for process in _still_alive(asked, patience_s):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    _still_alive(asked, patience_s)
    return [process.pid for process in asked]


def _still_alive(processes: Iterable[psutil.Process], patience_s: float) -> list[psutil.Process]:
    """Wait for processes to end; those whose parent has not asked after them yet have ended, too."""
    deadline = time.monotonic() + patience_s
    while (alive := [process for process in processes if _lives(process)]) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return alive


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _main(pid_file: str, patience_s: str, *command: str) -> None:
    stack_id, _, program = os.environ[MARK].partition("/")
    end(marked(stack_id, program), float(patience_s))
    Path(pid_file).write_text(f"{os.getpid()}\n", encoding="ascii")
    os.execvp(command[0], command)  # noqa: S606 - the command is the one that our own configuration names


if __name__ == "__main__":
    _main(*sys.argv[1:])
