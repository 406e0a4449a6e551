"""How far a long command has come: a bar on a terminal, elsewhere a line every so often. Both go to standard error."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

import click
from tqdm import tqdm

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Progress"]

_LINE_EVERY_S = 10.0


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
