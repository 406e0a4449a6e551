"""What Classify and Regress take and give: a ``tensorflow.Example`` for each row, classes and values for each back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.remote.tensors import Array, objects

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["classes_of", "filled", "values_of"]


def filled(examples: Any, inputs: Mapping[str, Array]) -> None:
    """Add an Example for each row; an input of several sizes becomes a flat list of each row's values.

    Raises `ValueError` for types that an Example cannot have, and for inputs of different lengths.
    """
    if len({len(array) for array in inputs.values()}) > 1:
        sizes = ", ".join(f"{name} {len(array)}" for name, array in inputs.items())
        raise ValueError(f"each input must have as many rows as the others, got {sizes}")
    columns = {name: _column(name, array) for name, array in inputs.items()}
    for index in range(len(next(iter(inputs.values()), ()))):
        feature = examples.add().features.feature
        for name, (kind, rows) in columns.items():
            getattr(feature[name], kind).value.extend(rows[index])


def classes_of(result: Any) -> dict[str, Array]:
    """Return ``classes`` and ``scores`` of a ClassificationResult, by row. One without labels has empty ones.

    Raises `ValueError` where rows have different numbers of classes.
    """
    rows = [each.classes for each in result.classifications]
    width = max(map(len, rows), default=0)
    if any(len(row) != width for row in rows):
        raise ValueError("rows have different numbers of classes")
    shape = (len(rows), width)
    return {
        "classes": objects((one.label for row in rows for one in row), shape),
        "scores": np.array([one.score for row in rows for one in row], dtype=np.float32).reshape(shape),
    }


def values_of(result: Any) -> dict[str, Array]:
    """Return the ``value`` of each row of a RegressionResult."""
    return {"value": np.array([each.value for each in result.regressions], dtype=np.float32)}


def _column(name: str, array: Array) -> tuple[str, list[list[Any]]]:
    rows = array.reshape(len(array), -1)
    match array.dtype.kind:
        case "f":
            return "float_list", rows.tolist()
        case "i" | "u" | "b":
            return "int64_list", rows.astype(np.int64).tolist()
        case "O" | "S" | "U":
            return "bytes_list", [objects(row).tolist() for row in rows.tolist()]
        case _:
            raise ValueError(f"input {name!r}: an Example has floats, whole numbers and bytes only, got {array.dtype}")
