"""One row of separated values (RFC 4180), as events and payloads carry them: no header line, quotes where needed."""

import csv
import io
from collections.abc import Sequence

from penstock.errors import shown

__all__ = ["cells", "named_cells"]


def cells(text: str, separator: str) -> list[str]:
    """Split one row; quoted cells may hold separators, doubled quotes and line ends.

    Raises:
        ValueError: the text is empty, has more than one row or broken quotes.
    """
    row = text.removesuffix("\n").removesuffix("\r")
    if not row:
        raise ValueError("expected a row of cells, got empty text")
    if '"' not in row and "\n" not in row and "\r" not in row:
        return row.split(separator)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error as error:
        raise ValueError(f"expected a row of cells, got {shown(text)}: {error}") from error
    if len(rows) != 1:
        raise ValueError(f"expected one row, found {len(rows)} in {shown(text)}")
    return rows[0]


def named_cells(text: str, columns: Sequence[str], separator: str) -> dict[str, str]:
    """Split one row in cells by column.

    Raises:
        ValueError: as `cells`, and for a row that has more or fewer cells than columns.
    """
    found = cells(text, separator)
    if len(found) != len(columns):
        raise ValueError(f"expected {len(columns)} cells ({', '.join(columns)}), found {len(found)} in {shown(text)}")
    return dict(zip(columns, found, strict=True))
