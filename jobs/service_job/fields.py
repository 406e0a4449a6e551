"""A model's inputs as the job reads them: what a value may be, and how the values of many rows become a tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from penstock.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NUMBERS", "TEXT", "ImageField", "InputField", "NumberField", "Reference", "TextField", "size_of"]

TEXT = "string"
"""The data type of texts and of bytes."""

_FLOATS = {"half": (np.float16, 65_504.0), "float": (np.float32, 3.4028234663852886e38), "double": (np.float64, None)}
_INTEGERS = {
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "uint16": np.uint16,
    "uint32": np.uint32,
    "uint64": np.uint64,
}

NUMBERS: dict[str, np.dtype[Any]] = {
    **{word: np.dtype(kind) for word, (kind, _) in _FLOATS.items()},
    **{word: np.dtype(kind) for word, kind in _INTEGERS.items()},
    "bool": np.dtype(np.bool_),
}
"""The data types of numbers that requests can carry, in TensorFlow's words."""

#: msgspec's own bounds are those of 64 bits with a sign.
_MOST_BOUND = (1 << 63) - 1
Tensor = np.ndarray[Any, Any]


class Reference(NamedTuple):
    """A value that is still to be fetched."""

    uri: str


class _Boxed(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Bytes as JSON can have them: in base 64, or by reference."""

    b64: bytes | UnsetType = UNSET
    uri: str | UnsetType = UNSET

    def value(self, name: str) -> bytes | Reference:
        if isinstance(self.b64, bytes) and self.uri is UNSET:
            return self.b64
        if isinstance(self.uri, str) and self.b64 is UNSET:
            return Reference(self.uri)
        raise InputError(f"input {name!r}: expected either 'b64' or 'uri' in an object of bytes")


class InputField(Protocol):
    """One input of a model."""

    name: str
    json: Any
    """What its value is decoded to; a type of msgspec's."""
    bare: Any
    """What a value that is a whole request is decoded to; None: in an object only."""
    as_it_is: bool
    """Whether what was decoded is the row's value already, so that `value` need not be called."""
    takes_bytes: bool
    """Whether bytes alone can be its value: those of an event, or of what a reference names."""
    ragged: bool
    """Whether the values of two rows may have different shapes."""
    row_bytes: int | None
    """Size of a row's value in a call; None: of each another, see `size_of`."""

    def value(self, decoded: Any) -> Any:
        """The row's value from what was decoded. Raises `InputError`."""

    def of_bytes(self, data: bytes) -> Any:
        """The row's value from bytes, where it takes them. Raises `InputError`."""

    def stack(self, values: Sequence[Any]) -> Tensor:
        """One tensor of rows' values, all of one shape."""


class NumberField:
    """Numbers, or true and false: one for a row, or nested lists of them."""

    takes_bytes = False

    def __init__(self, name: str, word: str, shape: tuple[int, ...]) -> None:
        """Prepare for a data type of `NUMBERS` and the shape of one row's value, -1 for any size."""
        self.name = name
        self._dtype = NUMBERS[word]
        self.json: Any = _nested(_number(word), shape)
        self.bare: Any = self.json
        self.ragged = -1 in shape
        self.as_it_is = not self.ragged and word != "uint64"
        self.row_bytes = None if self.ragged else math.prod(shape) * self._dtype.itemsize

    def value(self, decoded: Any) -> Any:
        """Numbers as they are, and lists of any size as an array, which has to be rectangular."""
        if self.as_it_is:
            return decoded
        try:
            return np.array(decoded, self._dtype)
        except (ValueError, OverflowError) as error:
            expected = "lists of one length" if self.ragged else "numbers below 2**64"
            raise InputError(f"input {self.name!r}: expected {expected}: {error}") from error

    def of_bytes(self, data: bytes) -> Any:
        """Numbers are not read from bytes."""
        raise NotImplementedError

    def stack(self, values: Sequence[Any]) -> Tensor:
        """One tensor."""
        return np.array(values, self._dtype)


class TextField:
    """Texts or bytes. A text goes to the model in UTF-8; bytes come as ``{"b64": ...}``, or by reference."""

    as_it_is = False
    row_bytes: int | None = None

    def __init__(self, name: str, shape: tuple[int, ...]) -> None:
        """Prepare for the shape of one row's value."""
        self.name = name
        self.json: Any = _nested(str | _Boxed, shape)
        self.bare: Any = self.json if shape else str  # objects of two kinds cannot be told apart
        self.ragged = -1 in shape
        self.takes_bytes = not shape

    def value(self, decoded: Any) -> Any:
        """Bytes, or an array of them."""
        if isinstance(decoded, list):
            return self._array([self._nested(each) for each in decoded])
        return self._one(decoded)

    def of_bytes(self, data: bytes) -> Any:
        """The bytes."""
        return data

    def stack(self, values: Sequence[Any]) -> Tensor:
        """One tensor of objects, which are bytes."""
        first = values[0]
        inner = first.shape if isinstance(first, np.ndarray) else ()
        found = np.empty((len(values), *inner), object)
        if inner:
            for row, value in enumerate(values):
                found[row] = value
        else:
            found[:] = values
        return found

    def _one(self, decoded: str | _Boxed) -> bytes | Reference:
        return decoded.encode() if isinstance(decoded, str) else decoded.value(self.name)

    def _nested(self, decoded: Any) -> Any:
        if isinstance(decoded, list):
            return [self._nested(each) for each in decoded]
        found = self._one(decoded)
        if isinstance(found, Reference):
            raise InputError(f"input {self.name!r}: a reference stands for a whole value, not for a part of one")
        return found

    def _array(self, nested: list[Any]) -> Tensor:
        try:
            found = np.array(nested, object)
        except ValueError as error:
            raise InputError(f"input {self.name!r}: expected lists of one length: {error}") from error
        if found.size and isinstance(found.flat[0], list):
            raise InputError(f"input {self.name!r}: expected lists of one length")
        return found


class ImageField:
    """An image, which is decoded and scaled here: ``{"b64": ...}``, by reference, or an event's own bytes."""

    as_it_is = False
    takes_bytes = True
    ragged = False
    json: Any = _Boxed
    bare: Any = None

    def __init__(self, name: str, reader: ImageDecoder, row_bytes: int) -> None:
        """Prepare, with what reads images, and the size of what it makes of one."""
        self.name = name
        self.row_bytes: int | None = row_bytes
        self._reader = reader

    def value(self, decoded: _Boxed) -> Any:
        """The image's numbers, or what it is to be fetched from."""
        found = decoded.value(self.name)
        return found if isinstance(found, Reference) else self.of_bytes(found)

    def of_bytes(self, data: bytes) -> Any:
        """The image's numbers."""
        try:
            return self._reader.read(data)
        except InputError as error:
            raise InputError(f"input {self.name!r}: {error}") from error

    def stack(self, values: Sequence[Any]) -> Tensor:
        """One tensor."""
        return np.stack(values)


class ImageDecoder(Protocol):
    """What turns an image's bytes into numbers."""

    def read(self, data: bytes) -> Tensor:
        """Raises `InputError`."""


def size_of(value: Any) -> int:
    """Bytes of one row's value in a call, about."""
    if isinstance(value, bytes):
        return len(value)
    return sum(map(len, value.flat)) if value.dtype == object else int(value.nbytes)


def _number(word: str) -> Any:
    if word == "bool":
        return bool
    if word in _FLOATS:
        most = _FLOATS[word][1]
        return float if most is None else Annotated[float, msgspec.Meta(ge=-most, le=most)]
    bounds = np.iinfo(NUMBERS[word])
    most = int(bounds.max)
    if most > _MOST_BOUND:
        return Annotated[int, msgspec.Meta(ge=0)]
    return Annotated[int, msgspec.Meta(ge=int(bounds.min), le=most)]


def _nested(kind: Any, shape: tuple[int, ...]) -> Any:
    for size in reversed(shape):
        kind = list[kind] if size < 0 else Annotated[list[kind], msgspec.Meta(min_length=size, max_length=size)]
    return kind
