"""Waiting with a deadline, and telling the person at the terminal about each step."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import tenacity

from penstock.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Reporter", "failed", "log_tail", "wait_until"]

_TAIL_LINES = 20
_STEP_WIDTH = 34


def wait_until(probe: Callable[[], bool], deadline_s: float, interval_s: float) -> bool:
    """Call ``probe`` until it says yes; False when ``deadline_s`` passed first. What it raises ends the waiting."""
    retrying = tenacity.Retrying(
        stop=tenacity.stop_after_delay(deadline_s),
        wait=tenacity.wait_fixed(interval_s),
        retry=tenacity.retry_if_result(lambda done: not done),
        retry_error_callback=lambda _: False,
    )
    return retrying(probe)


def log_tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a log, or nothing if it is not there."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return "".join(deque(file, maxlen=lines)).rstrip()
    except FileNotFoundError:
        return ""


class Reporter:
    """One line per step: its name when it begins, how it ended and the time since the start when it ends."""

    def __init__(self, echo: Callable[..., None] = click.echo, clock: Callable[[], float] = time.monotonic) -> None:
        self._echo = echo
        self._clock = clock
        self._start = clock()

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Report a step; the block may add a word on its outcome to the list that it is given."""
        self._echo(f"{name + ' ':.<{_STEP_WIDTH}} ", nl=False)
        outcome: list[str] = []
        try:
            yield outcome
        except BaseException:
            self._echo(f"failed  {self._elapsed()}")
            raise
        self._echo(f"{', '.join(outcome) or 'done'}  {self._elapsed()}")

    def _elapsed(self) -> str:
        return f"[{self._clock() - self._start:.1f} s]"


def failed(step: str, log: Path, advice: str) -> StackError:
    """Return the error of a step that did not end well: its name, the last lines of its log, what to do."""
    return StackError(step, log_tail(log), f"{advice}; its log is {str(log)!r}")
