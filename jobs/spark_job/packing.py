"""How batches cross between Python and Java: column by column in one text of bytes. Pure.

A call of Java from Python costs a fraction of a millisecond, whatever it carries: so a batch is one call, and neither
side touches an object of the other's. Whole numbers are written highest byte first; the other side is Packing and
Column in java/io/penstock/spark.
"""

from __future__ import annotations

import struct
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

from penstock.scoring import Requests

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from penstock.event import Deliveries

__all__ = ["column", "deliveries", "read_answers", "read_requests", "rows"]

#: Types of one width, by their words: how `struct` writes them, and the value that stands where there is none.
_FIXED: dict[str, tuple[str, Any]] = {
    "double": ("d", 0.0),
    "float": ("f", 0.0),
    "integer": ("i", 0),
    "long": ("q", 0),
    "boolean": ("?", False),
}
_ARRAY = "[]"
_HEAD = struct.Struct(">qi")
_COUNT = struct.Struct(">i")


def read_requests(packed: bytes) -> tuple[int, Requests]:
    """What Java took: the batch's number, and its rows."""
    number, size = _HEAD.unpack_from(packed)
    at = _HEAD.size
    timestamps_ms = struct.unpack_from(f">{size}q", packed, at)
    at += 8 * size
    numbers = struct.unpack_from(f">{3 * size}i", packed, at)
    at += 12 * size
    known, at = _texts(packed, at)
    kinds = [_split(text.decode()) for text in known]
    values, _ = _pieces(packed, at, numbers[size : 2 * size])
    return number, Requests(
        values=values,
        unseen_bytes=numbers[:size],
        timestamps_ms=timestamps_ms,
        texts=[kinds[kind] for kind in numbers[2 * size :]],
    )


def _split(joined: str) -> tuple[str | None, ...]:
    return tuple(text or None for text in joined.split("\x1f"))


def deliveries(answers: Deliveries) -> bytes:
    """Pack what becomes of a batch; no record may bring further ones, for which there is no place."""
    size = len(answers.topics)
    topics, kinds = _known(answers.topics)
    headers, added = _known(answers.headers)
    lengths = [-1 if value is None else len(value) for value in answers.values]
    return b"".join(
        (
            _COUNT.pack(size),
            topics,
            headers,
            struct.pack(f">{3 * size}i", *kinds, *added, *lengths),
            *filter(None, answers.values),
        )
    )


def _known(texts: Sequence[str | None]) -> tuple[bytes, list[int]]:
    """Each text once, and of each row which one it has."""
    numbers: dict[str | None, int] = {}
    kinds = [-1 if text is None else numbers.setdefault(text, len(numbers)) for text in texts]
    encoded = [(text or "").encode() for text in numbers]
    parts = (part for text in encoded for part in (_COUNT.pack(len(text)), text))
    return b"".join((_COUNT.pack(len(numbers)), *parts)), kinds


def rows(types: Sequence[str], columns: Sequence[Sequence[Any]], size: int) -> bytes:
    """Pack rows for a compiled pipeline: columns of values of these types, all of one length; None is null."""
    return _COUNT.pack(size) + b"".join(column(each, values) for each, values in zip(types, columns, strict=True))


def column(type_: str, values: Sequence[Any]) -> bytes:
    """Pack one column: whether there are nulls, which, and all values.

    Raises `struct.error` for what is not of the type, or does not fit into it.
    """
    size = len(values)
    nulls = bytes(value is None for value in values)
    flags = b"\x01" + nulls if any(nulls) else b"\x00"
    if type_.endswith(_ARRAY):
        arrays = [value or () for value in values]
        lengths = struct.pack(f">{size}i", *map(len, arrays))
        return flags + lengths + column(type_.removesuffix(_ARRAY), [one for array in arrays for one in array])
    if type_ == "string":
        texts = [b"" if value is None else value.encode() for value in values]
        return flags + struct.pack(f">{size}i", *map(len, texts)) + b"".join(texts)
    code, absent = _FIXED[type_]
    given = values if len(flags) == 1 else [absent if value is None else value for value in values]
    return flags + struct.pack(f">{size}{code}", *given)


def read_answers(packed: bytes, types: Sequence[str], size: int) -> tuple[list[tuple[Any, ...]], dict[int, str]]:
    """What a compiled pipeline answers: the rows, and of those that failed their numbers and the reasons."""
    (count,) = _COUNT.unpack_from(packed)
    at = _COUNT.size
    faults = {}
    for _ in range(count):
        row, length = struct.unpack_from(">ii", packed, at)
        at += 8 + length
        faults[row] = packed[at - length : at].decode()
    columns = []
    for each in types:
        values, at = _read_column(each, packed, at, size)
        columns.append(values)
    return list(zip(*columns, strict=True)), faults


def _read_column(type_: str, packed: bytes, at: int, size: int) -> tuple[Sequence[Any], int]:
    nulls = packed[at + 1 : at + 1 + size] if packed[at] else b""
    at += 1 + len(nulls)
    values: Sequence[Any]
    if type_.endswith(_ARRAY) or type_ == "string":
        lengths = struct.unpack_from(f">{size}i", packed, at)
        at += 4 * size
        if type_ == "string":
            texts, at = _pieces(packed, at, lengths)
            values = [(text or b"").decode() for text in texts]
        else:
            elements, at = _read_column(type_.removesuffix(_ARRAY), packed, at, sum(lengths))
            values = [list(elements[start:end]) for start, end in pairwise((0, *accumulate(lengths)))]
    else:
        form = f">{size}{_FIXED[type_][0]}"
        values = struct.unpack_from(form, packed, at)
        at += struct.calcsize(form)
    if nulls:
        values = [None if null else value for null, value in zip(nulls, values, strict=True)]
    return values, at


def _texts(packed: bytes, at: int) -> tuple[list[bytes], int]:
    (count,) = _COUNT.unpack_from(packed, at)
    at += _COUNT.size
    texts = []
    for _ in range(count):
        (length,) = _COUNT.unpack_from(packed, at)
        at += _COUNT.size + length
        texts.append(packed[at - length : at])
    return texts, at


def _pieces(packed: bytes, at: int, lengths: Sequence[int]) -> tuple[list[bytes | None], int]:
    """Cut bytes into pieces; one of length -1 is None."""
    pieces: list[bytes | None] = []
    append: Callable[[bytes | None], None] = pieces.append
    for length in lengths:
        if length < 0:
            append(None)
        else:
            append(packed[at : at + length])
            at += length
    return pieces, at
