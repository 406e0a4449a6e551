"""Waiting with a deadline, and telling the person at the terminal about each step."""

from __future__ import annotations

import re
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import tenacity

from penstock.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Reporter", "error_lines", "failed", "lines_since", "log_sizes", "log_tail", "wait_until"]

_TAIL_LINES = 20
#: Of the error lines of a log so many are shown, the first ones: what comes later mostly comes of them.
_MOST_ERRORS = 10
_LONGEST_ERROR = 300
#: Levels of ours, Kafka's and Flink's logs, in text and JSON; Java's exceptions and causes; how programs end.
_ERROR = re.compile(
    r"""
    \b(ERROR|FATAL|CRITICAL)\b
    | ^\s*Caused\ by:
    | ^Exception\ in
    | ^([\w$]+\.)+[\w$]*(Exception|Error):
    | ^[Ee]rror\b
    """,
    re.VERBOSE,
)
_DIGITS = re.compile(r"\d+")
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


def log_sizes(folder: Path) -> dict[Path, int]:
    """Return how much is in each log of a folder by now, so that what comes later can be told from it."""
    return {log: log.stat().st_size for log in folder.glob("*.log")}


def lines_since(log: Path, sizes: Mapping[Path, int]) -> Iterator[str]:
    """Yield the lines that came to a log since its size was taken; of one that was begun anew since, all."""
    try:
        with log.open("rb") as file:
            size = sizes.get(log, 0)
            file.seek(size if log.stat().st_size >= size else 0)
            for line in file:
                yield line.decode(errors="replace")
    except FileNotFoundError:
        return


def error_lines(lines: Iterable[str]) -> list[str]:
    """Return the lines of a log that tell what went wrong: errors, causes, the last line of Python's stack traces.

    Each once, whatever numbers it has: a program that is started again and again writes the same every time.
    """
    found: dict[str, str] = {}
    in_trace = False
    for line in lines:
        text = line.strip()
        says = in_trace and bool(text) and not line[0].isspace()
        if says or _ERROR.search(line):
            found.setdefault(_DIGITS.sub("0", text), text[:_LONGEST_ERROR])
        in_trace = text.startswith("Traceback (") or (in_trace and not says)
    return list(found.values())[:_MOST_ERRORS]


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


def failed(step: str, log: Path, advice: str, sizes: Mapping[Path, int] | None = None) -> StackError:
    """Return the error of a step that did not end well: its name, what its log tells, what to do.

    Args:
        step: its name.
        log: its log, of which the last lines are shown.
        advice: what is known, and what to do.
        sizes: of logs when the step, or what it waits for, began: errors that came since are shown as well.
    """
    errors = [] if sizes is None else error_lines(lines_since(log, sizes))
    return StackError(step, log_tail(log), f"{advice}; its log is {str(log)!r}", tuple(errors))
