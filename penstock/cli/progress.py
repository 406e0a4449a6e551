"""How far a long command has come: a bar on a terminal, elsewhere a line every so often. All goes to standard error."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Progress", "telling"]

_LINE_EVERY_S = 10.0
#: What is done before is not worth a line.
_SOON_S = 3.0


@contextmanager
def telling(what: str, *, after_s: float = _SOON_S) -> Iterator[None]:
    """Tell what a command is at, if it is at it for longer than ``after_s``, and every so often that it still is."""
    over, start = threading.Event(), time.monotonic()

    def tell() -> None:
        wait_s = after_s
        while not (wait_s and over.wait(wait_s)):  # without a wait the first line comes whatever is quicker
            click.echo(f"{what} ... [{time.monotonic() - start:.0f} s]", err=True)
            wait_s = _LINE_EVERY_S

    teller = threading.Thread(target=tell, name="telling", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


class Progress:
    """Counts things done, out of ``total`` where that is known. Close it before the closing line is written."""

    def __init__(self, total: int | None, unit: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._unit = unit
        self._total = total
        self._clock = clock
        self._start = self._said = clock()
        self.done = 0
        self._bar = tqdm(total=total, unit=f" {unit}", leave=False) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return self._clock() - self._start

    def advance(self) -> None:
        """One more is done."""
        self.done += 1
        if self._bar is not None:
            self._bar.update()
        elif self._clock() - self._said >= _LINE_EVERY_S:
            self._said = self._clock()
            click.echo(self._line(), err=True)

    def _line(self) -> str:
        of = "" if self._total is None else f" of {self._total:,}"
        return f"{self.done:,}{of} {self._unit} in {self.seconds:,.0f} s, {self.done / max(self.seconds, 1e-9):,.1f}/s"
