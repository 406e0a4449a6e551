"""Arrays to TensorFlow's tensors and back, without TensorFlow: ``TensorProto`` as its tensor.proto defines it.

Numbers go over as ``tensor_content``, the bytes as they lie in memory; servers may answer in lists by type instead, in
which the last value stands for all that follow.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["WORDS", "Array", "from_proto", "number_of", "numpy_type", "objects", "to_proto", "word_of"]


Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""Of any type and shape."""


class _Type(NamedTuple):
    word: str
    number: int
    """In types.proto."""
    numpy: str
    """As numpy writes it; always little-endian, as tensor_content is."""
    values: str
    """The list of TensorProto that its values may stand in."""


_STRING = _Type("string", 7, "O", "string_val")
_HALF = _Type("half", 19, "<f2", "half_val")
_BFLOAT16 = 14
_TYPES = (
    _Type("float", 1, "<f4", "float_val"),
    _Type("double", 2, "<f8", "double_val"),
    _Type("int32", 3, "<i4", "int_val"),
    _Type("uint8", 4, "|u1", "int_val"),
    _Type("int16", 5, "<i2", "int_val"),
    _Type("int8", 6, "|i1", "int_val"),
    _STRING,
    _Type("complex64", 8, "<c8", "scomplex_val"),
    _Type("int64", 9, "<i8", "int64_val"),
    _Type("bool", 10, "|b1", "bool_val"),
    _Type("uint16", 17, "<u2", "int_val"),
    _Type("complex128", 18, "<c16", "dcomplex_val"),
    _HALF,
    _Type("uint32", 22, "<u4", "uint32_val"),
    _Type("uint64", 23, "<u8", "uint64_val"),
)
_BY_NUMBER = {each.number: each for each in _TYPES}
_BY_WORD = {each.word: each for each in _TYPES}
_BY_NUMPY = {np.dtype(each.numpy): each for each in _TYPES}
WORDS = tuple(_BY_WORD)
"""The types of tensors, in TensorFlow's words."""


def numpy_type(word: str) -> np.dtype[Any]:
    """Return numpy's type for one of `WORDS`; strings are objects, which are bytes."""
    return np.dtype(_BY_WORD[word].numpy)


def number_of(word: str) -> int:
    """Return the number that one of `WORDS` has in types.proto."""
    return _BY_WORD[word].number


def word_of(number: int) -> str:
    """Return the word for a number of types.proto; empty, if there is none: bfloat16, resources, quantized types."""
    found = _BY_NUMBER.get(number)
    return "" if found is None else found.word


def objects(values: Iterable[bytes | str], shape: Sequence[int] | None = None) -> Array:
    """Make an array of strings, which are bytes in it: text becomes UTF-8. Without a shape: one after the other."""
    listed = [value.encode() if isinstance(value, str) else value for value in values]
    array = np.empty(len(listed), dtype=object)
    array[:] = listed
    return array if shape is None else array.reshape(tuple(shape))


def to_proto(array: Array, proto: Any) -> None:
    """Write an array into an empty ``TensorProto``. Raises `ValueError` for types that a tensor cannot have."""
    kind = _STRING if array.dtype.kind in "OSU" else _BY_NUMPY.get(array.dtype.newbyteorder("<"))
    if kind is None:
        raise ValueError(f"no tensor can have the type {array.dtype}; expected one of {', '.join(WORDS)}")
    proto.dtype = kind.number
    for size in array.shape:
        proto.tensor_shape.dim.add(size=size)
    if kind is _STRING:
        proto.string_val.extend(objects(array.ravel().tolist()).tolist())
    else:
        proto.tensor_content = np.ascontiguousarray(array, dtype=kind.numpy).tobytes()


def from_proto(proto: Any) -> Array:
    """Read a ``TensorProto``; may be read-only. Raises `ValueError` where it contradicts itself or cannot be read."""
    shape = [dimension.size for dimension in proto.tensor_shape.dim]
    if proto.tensor_shape.unknown_rank or min(shape, default=0) < 0:
        raise ValueError(f"a tensor's shape must be known, got {shape}")
    if proto.dtype == _BFLOAT16:
        return _bfloat16(proto, shape)
    kind = _BY_NUMBER.get(proto.dtype)
    if kind is None:
        raise ValueError(f"tensors of type number {proto.dtype} cannot be read; expected one of {', '.join(WORDS)}")
    if proto.tensor_content and kind is not _STRING:
        return _content(proto.tensor_content, kind.numpy, shape)
    values = getattr(proto, kind.values)
    return _filled(objects(values) if kind is _STRING else _numbers(values, kind), shape)


def _numbers(values: Any, kind: _Type) -> Array:
    """Read a list by type: halves are bits in it, complex numbers two values each."""
    if kind is _HALF:
        return np.array(values, dtype="<u2").view(kind.numpy)
    if kind.values == "scomplex_val":
        return np.array(values, dtype="<f4").view(kind.numpy)
    if kind.values == "dcomplex_val":
        return np.array(values, dtype="<f8").view(kind.numpy)
    return np.array(values, dtype=kind.numpy)


def _bfloat16(proto: Any, shape: list[int]) -> Array:
    """Widen the upper half of a float to the whole: numpy has no type for it."""
    if proto.tensor_content:
        halves = _content(proto.tensor_content, "<u2", shape)
    else:
        halves = _filled(np.array(proto.half_val, dtype="<u2"), shape)
    return (halves.astype("<u4") << 16).view("<f4")


def _content(content: bytes, numpy: str, shape: list[int]) -> Array:
    expected = math.prod(shape) * np.dtype(numpy).itemsize
    if len(content) != expected:
        raise ValueError(f"a tensor of shape {shape} and type {numpy} has {expected} bytes, got {len(content)}")
    return np.frombuffer(content, dtype=numpy).reshape(shape)


def _filled(values: Array, shape: list[int]) -> Array:
    size = math.prod(shape)
    if len(values) == size:
        return values.reshape(shape)
    if len(values) > size:
        raise ValueError(f"a tensor of shape {shape} has {size} values, got {len(values)}")
    last = values[-1] if len(values) else (b"" if values.dtype == object else values.dtype.type(0))
    filled = np.full(size, last, dtype=values.dtype)
    filled[: len(values)] = values
    return filled.reshape(shape)
