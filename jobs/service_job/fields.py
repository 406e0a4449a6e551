"""A model's inputs as the job reads them: what a value may be, and how the values of many rows become a tensor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from penstock.errors import InputError
from penstock.serving.fields import FieldRule, Kind, kind_named
from penstock.serving.requests import Alone
from penstock.serving.values import is_text

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["NUMBERS", "TEXT", "ImageField", "InputField", "NumberField", "Reference", "TextField", "size_of"]

TEXT = "string"
"""The data type of texts and of bytes."""

NUMBERS: dict[str, np.dtype[Any]] = {
    "half": np.dtype(np.float16),
    "float": np.dtype(np.float32),
    "double": np.dtype(np.float64),
    **{f"{kind}{bits}": np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    "bool": np.dtype(np.bool_),
}
"""The data types of numbers that requests can carry, in TensorFlow's words."""

Tensor = np.ndarray[Any, Any]


class Reference(NamedTuple):
    """A value that is still to be fetched."""

    uri: str


class _Boxed(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Bytes as JSON can have them: in base 64, or by reference."""

    b64: bytes | UnsetType = UNSET
    uri: str | UnsetType = UNSET

    @property
    def content(self) -> bytes | Reference | None:
        """Either; None where it is both or neither."""
        if isinstance(self.b64, bytes) and self.uri is UNSET:
            return self.b64
        if isinstance(self.uri, str) and self.b64 is UNSET:
            return Reference(self.uri)
        return None


def _boxed(value: object) -> _Boxed | None:
    try:
        found = msgspec.convert(value, _Boxed)
    except msgspec.ValidationError:
        return None
    return None if found.content is None else found


def _text_or_boxed(value: object) -> str | _Boxed | None:
    return (value if is_text(value) else None) if isinstance(value, str) else _boxed(value)


_BYTES = Kind("an object with either 'b64' (base 64) or 'uri'", _boxed, _Boxed, exact=False)
_TEXT_OR_BYTES = Kind(f"a string, or {_BYTES.words}", _text_or_boxed, str | _Boxed, exact=False)


class InputField(Protocol):
    """One input of a model."""

    name: str
    rule: FieldRule
    """What JSON may have for it."""
    alone: Alone | None
    """How its value may be a whole request, where there is no other field."""
    as_it_is: bool
    """Whether what the rule takes is the row's value already, so that `value` need not be called."""
    takes_bytes: bool
    """Whether bytes alone can be its value: those of an event, or of what a reference names."""
    ragged: bool
    """Whether the values of two rows may have different shapes."""
    row_bytes: int | None
    """Size of a row's value in a call; None: of each another, see `size_of`."""

    def value(self, decoded: Any) -> Any:
        """The row's value from what was decoded as the rule's type. Raises `InputError`."""

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
        self.rule = FieldRule(name, kind_named(word), shape)
        self.alone: Alone | None = Alone(self.rule.quick, is_list=self.rule.is_list)
        self.ragged = -1 in shape
        self.as_it_is = not self.ragged and self.rule.exact
        self.row_bytes = None if self.ragged else math.prod(shape) * self._dtype.itemsize

    def value(self, decoded: Any) -> Any:
        """Numbers as they are, and lists of any size as an array, which has to be rectangular."""
        if not self.rule.exact:
            decoded = self.rule(decoded)
        if not self.ragged:
            return decoded
        try:
            return np.array(decoded, self._dtype)
        except ValueError as error:
            raise InputError(f"field {self.name!r}: expected lists of one length: {error}") from error

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
        self.rule = FieldRule(name, _TEXT_OR_BYTES, shape)
        # Objects of two kinds cannot be told apart.
        self.alone: Alone | None = Alone(self.rule.quick if shape else str, is_list=self.rule.is_list)
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
        return decoded.encode() if isinstance(decoded, str) else _content(self.name, decoded, _TEXT_OR_BYTES)

    def _nested(self, decoded: Any) -> Any:
        if isinstance(decoded, list):
            return [self._nested(each) for each in decoded]
        found = self._one(decoded)
        if isinstance(found, Reference):
            raise InputError(f"field {self.name!r}: a reference stands for a whole value, not for a part of one")
        return found

    def _array(self, nested: list[Any]) -> Tensor:
        try:
            found = np.array(nested, object)
        except ValueError as error:
            raise InputError(f"field {self.name!r}: expected lists of one length: {error}") from error
        if found.size and isinstance(found.flat[0], list):
            raise InputError(f"field {self.name!r}: expected lists of one length")
        return found


class ImageField:
    """An image, which is decoded and scaled here: ``{"b64": ...}``, by reference, or an event's own bytes."""

    as_it_is = False
    takes_bytes = True
    ragged = False
    alone: Alone | None = None

    def __init__(self, name: str, reader: ImageDecoder, row_bytes: int) -> None:
        """Prepare, with what reads images, and the size of what it makes of one."""
        self.name = name
        self.rule = FieldRule(name, _BYTES)
        self.row_bytes: int | None = row_bytes
        self._reader = reader

    def value(self, decoded: _Boxed) -> Any:
        """The image's numbers, or what it is to be fetched from."""
        found = _content(self.name, decoded, _BYTES)
        return found if isinstance(found, Reference) else self.of_bytes(found)

    def of_bytes(self, data: bytes) -> Any:
        """The image's numbers."""
        try:
            return self._reader.read(data)
        except InputError as error:
            raise InputError(f"field {self.name!r}: {error}") from error

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


def _content(name: str, boxed: _Boxed, kind: Kind) -> bytes | Reference:
    found = boxed.content
    if found is None:
        raise InputError(f"field {name!r} is an object, expected {kind.words}")
    return found
