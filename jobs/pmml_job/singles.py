"""Values of fields of type float, as an engine has to get them that compares in double precision.

A file says ``x < 0.7``. In single precision 0.7 is not less than that; as a double the nearest single is
0.699999988079071, and it is. So a value that is, in single precision, a number that stands in the file, is handed over
as that number is written; every other one is on the same side of all of them either way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.pmml_job.outline import parser
from penstock.serving.values import FLOAT_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Singles", "numbers"]

#: Where a file has the numbers that values are compared with: predicates, intervals, values, and what stands in these.
_ATTRIBUTES = ("value", "leftMargin", "rightMargin")
_TEXTS = frozenset({"Array", "Constant"})


class Singles:
    """Rounds to single precision."""

    def __init__(self, written: Iterable[float]) -> None:
        """Take the numbers of a file; of two that are the same in single precision, the smaller one counts."""
        with np.errstate(over="ignore"):
            found = {float(np.float32(number)): number for number in sorted(written, reverse=True)}
        self._odd = {single: number for single, number in sorted(found.items()) if single != number}
        self._rounded = np.array(list(self._odd))
        self._written = np.array(list(self._odd.values()))

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round some values; NaN stays what it is."""
        rounded = values.astype(np.float32).astype(np.float64)
        if not self._rounded.size:
            return rounded
        places = np.minimum(np.searchsorted(self._rounded, rounded), self._rounded.size - 1)
        return np.where(self._rounded[places] == rounded, self._written[places], rounded)

    def one(self, value: float) -> float:
        """Round one value."""
        rounded = float(np.float32(value))
        return self._odd.get(rounded, rounded)


def numbers(data: bytes) -> set[float]:
    """Return the numbers of a PMML file that values may be compared with."""
    reading = _Reading()
    reading.parser.Parse(data, True)
    found = set()
    for text in reading.texts:
        try:
            number = float(text.strip('"'))
        except ValueError:
            continue
        if abs(number) <= FLOAT_MAX:
            found.add(number)
    return found


class _Reading:
    def __init__(self) -> None:
        self.texts: set[str] = set()
        self._pieces: list[str] = []
        self.parser = parser()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        for name in _ATTRIBUTES:
            if name in attributes:
                self.texts.add(attributes[name])
        if qualified.rpartition(" ")[2] in _TEXTS:
            self.parser.CharacterDataHandler = self._pieces.append

    def _end(self, _qualified: str) -> None:
        self.parser.CharacterDataHandler = None
        self.texts.update("".join(self._pieces).split())  # a long text comes in pieces, cut anywhere
        self._pieces.clear()
