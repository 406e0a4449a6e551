"""Arrays to the tensors of the Open Inference Protocol, version 2, and back: raw for gRPC, lists of JSON for REST.

https://github.com/kserve/open-inference-protocol, "Tensor Data" and "Tensor Data Types".
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import numpy as np

from penstock.remote.tensors import Array, numpy_type, objects

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["datatype_of", "from_contents", "from_list", "from_raw", "to_list", "to_raw", "word_of_datatype"]

#: The protocol's name of each type, TensorFlow's word for it, and the list of ``InferTensorContents`` it may stand in.
_TYPES = (
    ("BOOL", "bool", "bool_contents"),
    ("UINT8", "uint8", "uint_contents"),
    ("UINT16", "uint16", "uint_contents"),
    ("UINT32", "uint32", "uint_contents"),
    ("UINT64", "uint64", "uint64_contents"),
    ("INT8", "int8", "int_contents"),
    ("INT16", "int16", "int_contents"),
    ("INT32", "int32", "int_contents"),
    ("INT64", "int64", "int64_contents"),
    ("FP16", "half", ""),  # raw only
    ("FP32", "float", "fp32_contents"),
    ("FP64", "double", "fp64_contents"),
    ("BYTES", "string", "bytes_contents"),
)
_WORDS = {datatype: word for datatype, word, _ in _TYPES}
_DATATYPES = {numpy_type(word): datatype for datatype, word, _ in _TYPES}
_CONTENTS = {datatype: contents for datatype, _, contents in _TYPES}
_LENGTH = struct.Struct("<I")


def datatype_of(array: Array) -> str:
    """Return the protocol's name for an array's type. Raises `ValueError` where it has none."""
    if array.dtype.kind in "OSU":
        return "BYTES"
    found = _DATATYPES.get(array.dtype.newbyteorder("<"))
    if found is None:
        raise ValueError(f"no tensor can have the type {array.dtype}; expected one of {', '.join(_WORDS)}")
    return found


def word_of_datatype(datatype: str) -> str:
    """Return our word for the protocol's name; empty, if there is none."""
    return _WORDS.get(datatype, "")


def to_raw(array: Array) -> bytes:
    """Return an array as it stands in ``raw_input_contents``: of each string first its length, four bytes."""
    if datatype_of(array) != "BYTES":
        return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
    return b"".join(_LENGTH.pack(len(value)) + value for value in objects(array.ravel().tolist()))


def from_raw(content: bytes, datatype: str, shape: Sequence[int]) -> Array:
    """Read what stands in ``raw_output_contents``. Raises `ValueError` where it does not fit its shape."""
    word = _word(datatype)
    if word == "string":
        return _shaped(objects(_strings(content)), shape)
    kind = numpy_type(word)
    if len(content) % kind.itemsize:
        raise ValueError(f"a tensor of {datatype} has {kind.itemsize} bytes for each value, got {len(content)} in all")
    return _shaped(np.frombuffer(content, dtype=kind), shape)


def from_contents(contents: Any, datatype: str, shape: Sequence[int]) -> Array:
    """Read an ``InferTensorContents``, for servers that do not answer raw."""
    word = _word(datatype)
    if not _CONTENTS[datatype]:
        raise ValueError(f"tensors of {datatype} come raw only, got none")
    values = getattr(contents, _CONTENTS[datatype])
    return _shaped(objects(values) if word == "string" else np.array(values, dtype=numpy_type(word)), shape)


def to_list(array: Array) -> list[Any]:
    """Return the values as JSON has them, in one flat list. Raises `ValueError` for bytes that are no UTF-8."""
    values: list[Any] = array.ravel().tolist()
    if datatype_of(array) != "BYTES":
        return values
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def from_list(data: Any, datatype: str, shape: Sequence[int]) -> Array:
    """Read values as JSON has them, flat or nested. Raises `ValueError`, also where they are not of their type."""
    word = _word(datatype)
    try:
        flat = list(_flat(data))
        if word == "string" and not all(isinstance(value, str) for value in flat):
            raise ValueError(f"a tensor of {datatype} has values that are no text")
        return _shaped(objects(flat) if word == "string" else np.array(flat, dtype=numpy_type(word)), shape)
    except (TypeError, OverflowError, AttributeError) as error:
        raise ValueError(f"a tensor of {datatype} has values of another type: {error}") from error


def _word(datatype: str) -> str:
    word = _WORDS.get(datatype)
    if word is None:
        raise ValueError(f"tensors of {datatype} cannot be read; expected one of {', '.join(_WORDS)}")
    return word


def _flat(data: Any) -> Any:
    if not isinstance(data, list):
        yield data
        return
    for each in data:
        yield from _flat(each)


def _strings(content: bytes) -> list[bytes]:
    found = []
    at = 0
    while at < len(content):
        if at + _LENGTH.size > len(content):
            raise ValueError("a tensor of BYTES ends within a length")
        (length,) = _LENGTH.unpack_from(content, at)
        at += _LENGTH.size
        if at + length > len(content):
            raise ValueError(f"a tensor of BYTES ends within a value of {length} bytes")
        found.append(content[at : at + length])
        at += length
    return found


def _shaped(values: Array, shape: Sequence[int]) -> Array:
    if len(values) != math.prod(shape):
        raise ValueError(f"a tensor of shape {list(shape)} has {math.prod(shape)} values, got {len(values)}")
    return values.reshape(tuple(shape))
