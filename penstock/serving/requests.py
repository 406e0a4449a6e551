"""Requests as jobs read them: from the bytes of a record to the event's own JSON text and one row of checked values.

Good requests are decoded and checked in one go, by a decoder made for the model. A request that it refuses is read
again slowly, field by field: to treat values as the model asks, or to say what is wrong with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from penstock.errors import DecodeError, InputError
from penstock.event import JSON, REQUEST, TEXT
from penstock.serving.values import ABSENT, are_plain, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Alone", "Field", "Request", "RequestReader", "Row", "utf8"]

_T = TypeVar("_T")

Row = tuple[Any, ...]
"""One value for each field, in their order."""


class Request(NamedTuple):
    """What a request says."""

    input: msgspec.Raw | UnsetType
    """The event as the user sent it; unset for bytes, which JSON cannot have."""
    row: Row
    """What the model gets."""


class Field(NamedTuple):
    """One field of a model's requests."""

    name: str
    check: Callable[[object], Any]
    """What becomes of a value as JSON gave it, `ABSENT` where there is none; raises `InputError`."""
    quick: Any = None
    """A type that msgspec decodes just what ``check`` takes to; None: there is no such type."""
    optional: bool = False
    """Whether it may be missing or null."""
    stand_in: Any = None
    """What the model gets then, as JSON would have it; None: None."""
    treat: Callable[[Any], Any] | None = None
    """What makes the model's value of a checked one; may raise `InputError`."""


class Alone(NamedTuple):
    """How the value of a model's only field may be a whole request."""

    quick: Any
    """As a field's."""
    is_list: bool
    """Whether such a value is a list: then a list is not one of all fields."""


class _Enveloped(Protocol):
    """What the decoder for requests with a transformed event gives."""

    data: Any
    input: msgspec.Raw | UnsetType


class _RawEnvelope(msgspec.Struct, gc=False):
    data: msgspec.Raw
    input: msgspec.Raw | UnsetType = UNSET


class RequestReader:
    """Reads requests to one model. Pure, and safe to use from several threads."""

    def __init__(self, fields: Sequence[Field], alone: Alone | None = None) -> None:
        """Prepare.

        Args:
            fields: in the model's order.
            alone: the value of the only field may be a whole request; of a text also where it is no JSON.

        Raises `InputError` where what stands in for a missing value is none of its field.
        """
        self._fields = tuple(fields)
        self._names = ", ".join(field.name for field in fields)
        self._alone = alone
        self._stand_ins = [_stand_in(field) for field in fields]
        self._plain = not any(field.treat or field.stand_in is not None for field in fields)
        self._struct: type[Any] | None = None
        self._event: msgspec.json.Decoder[Any] | None = None
        self._envelope: msgspec.json.Decoder[Any] | None = None
        quick = all(field.quick is not None for field in fields) and are_plain(field.name for field in fields)
        if fields and quick:
            self._struct, rows = self._types()
            self._event = msgspec.json.Decoder(rows)
            parts: list[Any] = [("data", rows), ("input", msgspec.Raw | UnsetType, UNSET)]
            envelope = msgspec.defstruct("Envelope", parts, gc=False)
            self._envelope = msgspec.json.Decoder(envelope)

    def read(self, value: bytes | None, content_type: str | None) -> Request:
        """Read one request.

        Raises:
            InputError: the row does not fit the model; the message names the field, what was expected and what came.
            DecodeError: the bytes are not what the content type says.
        """
        if value is None:
            raise InputError(f"the request has no value, expected a JSON object or list of {self._names}")
        if content_type == JSON or content_type is None:
            return self._read_event(value)
        if content_type == REQUEST:
            return self._read_envelope(value)
        plain = content_type.partition(";")[0].strip().lower()
        if plain in (JSON, REQUEST):
            return self._read_event(value) if plain == JSON else self._read_envelope(value)
        found = self._read_other(value, plain)
        if found is None:
            raise InputError(
                f"the request is {content_type!r}, expected a JSON object or list of {self._names};"
                " give the route a transform that makes one"
            )
        return found

    def _types(self) -> tuple[type[Any], Any]:
        """What an object decodes to, and what a row does: an object, a list of all fields, or the only one's value."""
        types = [field.quick | None if field.optional else field.quick for field in self._fields]
        columns: list[Any] = [
            (f"f{at}", type_, None) if field.optional else (f"f{at}", type_)
            for at, (field, type_) in enumerate(zip(self._fields, types, strict=True))
        ]
        renamed = {f"f{at}": field.name for at, field in enumerate(self._fields)}
        struct = msgspec.defstruct("Row", columns, rename=renamed, kw_only=True, gc=False)
        if self._alone is not None:
            # And no tuple, which is read slowly: where one stands beside a number with bounds msgspec 0.22 reads past
            # the end of its own table of types.
            return struct, struct | self._alone.quick
        return struct, struct | tuple[tuple(types)]  # type: ignore[misc]  # a type made at run time

    def _read_event(self, value: bytes) -> Request:
        if self._event is not None and _is_utf8(value):
            try:
                decoded = self._event.decode(value)
            except (msgspec.DecodeError, RecursionError):
                pass  # read slowly: the row needs a treatment or an explanation
            else:
                return Request(msgspec.Raw(value), self._decoded(decoded))
        row = self._row(_parse(value))
        return Request(_strict(value, msgspec.Raw), row)

    def _read_envelope(self, value: bytes) -> Request:
        if self._envelope is not None and _is_utf8(value):
            try:
                found: _Enveloped = self._envelope.decode(value)
            except (msgspec.DecodeError, RecursionError):
                pass  # as above
            else:
                return Request(found.input, self._decoded(found.data))
        tree = _parse(value)
        if not isinstance(tree, dict) or "data" not in tree:
            raise DecodeError(f"expected an object with 'input' and 'data' (content-type {REQUEST}), got {kind(tree)}")
        row = self._row(tree["data"])
        return Request(_strict(value, _RawEnvelope).input, row)

    def _read_other(self, value: bytes, content_type: str) -> Request | None:
        """Read what is no JSON, None where the model cannot take it; the content type has no parameters."""
        if content_type != TEXT or self._alone is None or self._alone.quick is not str:
            return None
        text = utf8(value)
        return Request(msgspec.Raw(msgspec.json.encode(text)), self._row(text))

    def _row(self, tree: object) -> Row:
        """The row of a tree as JSON gave it. Raises `InputError`."""
        row = self._checked(tree)
        return row if self._plain else self._treated(row)

    def _decoded(self, decoded: Any) -> Row:
        row: Row
        if type(decoded) is self._struct:
            row = msgspec.structs.astuple(decoded)
        else:
            row = decoded if type(decoded) is tuple else (decoded,)
        return row if self._plain else self._treated(row)

    def _treated(self, row: Row) -> Row:
        return tuple(
            stand_in if value is None else value if field.treat is None else field.treat(value)
            for field, value, stand_in in zip(self._fields, row, self._stand_ins, strict=True)
        )

    def _checked(self, tree: object) -> Row:
        fields = self._fields
        if isinstance(tree, dict):
            return tuple(_checked(field, tree.get(field.name, ABSENT)) for field in fields)
        if self._alone is not None and (self._alone.is_list or not isinstance(tree, list)):
            return (_checked(fields[0], tree),)
        if not isinstance(tree, list):
            raise InputError(f"expected a JSON object or list of {self._names}, got {kind(tree)}")
        if len(tree) != len(fields):
            raise InputError(f"expected a list of {len(fields)} values ({self._names}), got {kind(tree)}")
        return tuple(_checked(field, value) for field, value in zip(fields, tree, strict=True))


def utf8(value: bytes) -> str:
    """Return the text. Raises `DecodeError`."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DecodeError(f"the value is not UTF-8: {error.reason} at byte {error.start}") from error


def _checked(field: Field, value: object) -> Any:
    if field.optional and (value is ABSENT or value is None):
        return None
    return field.check(value)


def _stand_in(field: Field) -> Any:
    if field.stand_in is None:
        return None
    try:
        value = field.check(field.stand_in)
        return value if field.treat is None else field.treat(value)
    except InputError as error:
        raise InputError(f"what stands in for a missing {field.name!r} does not fit: {error}") from error


def _is_utf8(value: bytes) -> bool:
    """Tell whether the bytes are text; msgspec does not look at what it skips or passes on."""
    if value.isascii():
        return True
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _parse(value: bytes) -> object:
    """Parse JSON, and the NaN and Infinity that some programs write into it, so that the field can be named."""
    try:
        return json.loads(value.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"the value is not JSON: {error}") from error


def _strict(value: bytes, kind: type[_T]) -> _T:
    """Decode what goes into the result: Python's own reader let NaN pass in the parts that the model does not read."""
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DecodeError(f"the value is not JSON: {error}") from error
