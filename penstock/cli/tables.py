"""Plain text tables: columns as wide as they need, numbers to the right, no lines drawn. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.cli.records import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["counted", "few", "table"]

_GAP = "  "
#: A document can have faults by the thousand.
_FEW = 3


def table(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay rows out under their titles. A column of numbers is set to the right; None shows as ``-``."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(titles, *cells, strict=True)]
    right = [_numeric([row[index] for row in rows]) for index in range(len(titles))]
    return "\n".join(_line(line, widths, right) for line in [[title.upper() for title in titles], *cells])


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 route``, ``2,000 routes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def few(texts: Sequence[str]) -> str | None:
    """Return the first of some texts for a cell, and how many more there are; None where there are none."""
    left = len(texts) - _FEW
    return "; ".join([*texts[:_FEW], *([f"and {left:,} more"] if left > 0 else [])]) or None


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return _GAP.join(padded).rstrip()


def _numeric(values: Sequence[object]) -> bool:
    present = [value for value in values if value is not None]
    return bool(present) and all(isinstance(value, int | float) for value in present)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(printable(str(value)).split())
