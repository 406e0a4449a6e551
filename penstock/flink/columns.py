"""Between the engine's columns and the core's lists: what a vectorized function is given and what it returns."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd
from pyflink.table import DataTypes

if TYPE_CHECKING:
    from penstock.event import Deliveries

__all__ = ["DELIVERIES", "DELIVERY", "frame", "milliseconds", "texts"]

_FIELDS = [
    DataTypes.FIELD("topic", DataTypes.STRING()),
    DataTypes.FIELD("value", DataTypes.BYTES()),
    DataTypes.FIELD("headers", DataTypes.STRING()),
]
DELIVERY = DataTypes.ROW(_FIELDS)
"""What becomes of a record: `Deliveries`, row by row, where each becomes one record at most."""
DELIVERIES = DataTypes.ROW([*_FIELDS, DataTypes.FIELD("more", DataTypes.BYTES())])
"""What becomes of a record: `Deliveries`, row by row."""


def frame(deliveries: Deliveries, *, further: bool = False) -> pd.DataFrame:
    """Return deliveries as the columns of `DELIVERY`; with ``further`` records, as those of `DELIVERIES`."""
    # Object columns as they are: left to itself, pandas looks at every value to guess a type, which doubles the cost.
    columns = {"topic": deliveries.topics, "value": deliveries.values, "headers": deliveries.headers}  # noqa: PD011 no pandas yet
    if further:
        columns["more"] = deliveries.more
    return pd.DataFrame({name: pd.Series(rows, dtype=object) for name, rows in columns.items()}, copy=False)


def texts(column: pd.Series[str]) -> list[tuple[str | None, ...]]:
    """Return topics and texts of some headers, row by row, as the SQL function ``penstock_texts`` has joined them.

    A header that is not there is None, and so is an empty one: so Penstock empties what a record must not have.
    """
    return [_split(joined) if len(joined) <= _LONGEST_KEPT else _taken_apart(joined) for joined in column.tolist()]


def _taken_apart(joined: str) -> tuple[str | None, ...]:
    return tuple(text or None for text in joined.split("\x1f"))


# Records of one kind have the same texts. A content type is its producer's, and may be as long as a record.
_split = lru_cache(maxsize=4096)(_taken_apart)
_LONGEST_KEPT = 4096


def milliseconds(timestamps: pd.Series[pd.Timestamp]) -> list[int]:
    """Return a column of timestamps as milliseconds since 1970."""
    found: list[int] = timestamps.to_numpy(dtype="datetime64[ms]").astype("int64").tolist()
    return found
