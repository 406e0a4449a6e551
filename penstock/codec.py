"""Formats of sources: how the bytes of an event are read.

A codec reads in two steps, because most events need only the first: `Codec.read` checks the bytes and finds the type
that they carry; `Codec.data` makes what transforms work on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypedDict, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from penstock.errors import DecodeError, TypeMissingError, shown
from penstock.event import CSV, JSON, OCTETS, TEXT
from penstock.objects import converted
from penstock.rows import named_cells
from penstock.scalars import casts_by_field

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from penstock.scalars import Cast

__all__ = [
    "BytesCodec",
    "Codec",
    "CsvCodec",
    "JsonCodec",
    "TaggedCodec",
    "TextCodec",
]

_decode_json = msgspec.json.Decoder().decode

# The decoder looks for a key among those asked for one by one: beyond this many it is quicker to decode all.
_MOST_FIELDS = 32

Body = TypeVar("Body")


class Codec(Protocol[Body]):
    """How the events of one source are read. ``Body`` is an event as far as `read` had to take it apart."""

    content_type: str
    """Of the request's value when the route's transform is as-is."""
    self_contained: bool
    """Whether a model understands the event's bytes alone; if not, even as-is sends the data with them."""

    def read(self, value: bytes | None) -> tuple[str, Body]:
        """Check the bytes; return the type that they carry (empty where the source finds it elsewhere) and the body.

        Raises:
            DecodeError: the bytes are not in this format.
            TypeMissingError: they are, but without a type.
        """
        ...

    def payload(self, body: Body) -> bytes | None:
        """Return the request's value when the transform is as-is; None means the event's own bytes."""
        ...

    def data(self, body: Body) -> object:
        """Return what transforms work on. Raises `DecodeError` for what only a closer look finds."""
        ...

    def input(self, body: Body) -> bytes | None:
        """Return the event as it was sent, as JSON text; None where it cannot be JSON."""
        ...

    def fields(self, names: Collection[str]) -> Callable[[Body], Mapping[str, object]]:
        """Return what finds these fields of an object, as far as it has them; what is no object has none."""
        ...


class JsonCodec:
    """JSON, any value; with ``field``, an object that says its type in that field."""

    content_type = JSON
    self_contained = True

    def __init__(self, field: str | None = None) -> None:
        self._field = field
        # Only the one field is decoded: the rest is checked and skipped, at a third of the cost of decoding all of it.
        typed: Any = msgspec.defstruct(
            "Typed", [("type", str | UnsetType, UNSET)], rename={"type": field or ""}, gc=False
        )
        self._typed = msgspec.json.Decoder(typed).decode
        self._skip = msgspec.json.Decoder(msgspec.Raw).decode

    def read(self, value: bytes | None) -> tuple[str, bytes]:
        """Check the JSON; its text is not decoded but for the type."""
        if value is None:
            raise _tombstone("JSON")
        try:
            if self._field is None:
                self._skip(value)
                event_type = ""
            else:
                event_type = self._typed(value).type
            # The decoder checks UTF-8 only in what it decodes.
            if not value.isascii():
                value.decode()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self._refusal(value, error) from error
        if not event_type and self._field is not None:
            raise TypeMissingError(f"the event has no field {self._field!r} that says its type")
        return event_type, value

    def payload(self, body: bytes) -> None:
        """Leave the event's own bytes."""

    def data(self, body: bytes) -> object:
        """Decode the whole value."""
        try:
            return _decode_json(body)
        except msgspec.DecodeError as error:
            raise DecodeError(f"expected JSON, got {shown(body)}: {error}") from error

    def input(self, body: bytes) -> bytes:
        """Return the very text, so that big numbers, ``1.0`` and the order of keys survive."""
        return body

    def fields(self, names: Collection[str]) -> Callable[[bytes], Mapping[str, object]]:
        """Decode only the fields asked for: the rest is skipped."""
        if not names:
            return _no_fields
        wanted: Any = TypedDict("Wanted", dict.fromkeys(names, Any), total=False)  # type: ignore[misc]
        decode = msgspec.json.Decoder(wanted if len(names) <= _MOST_FIELDS else dict[str, Any]).decode

        def read(body: bytes) -> Mapping[str, object]:
            try:
                found: Mapping[str, object] = decode(body)
            except msgspec.ValidationError:
                return {}
            except (msgspec.DecodeError, RecursionError) as error:
                raise DecodeError(f"expected JSON, got {shown(body)}: {error}") from error
            return found

        return read

    def _refusal(self, value: bytes, error: Exception) -> Exception:
        if not isinstance(error, msgspec.ValidationError):
            return DecodeError(f"expected JSON, got {shown(value)}: {error}")
        found = _kind_in(error)
        if "$." in str(error):
            return TypeMissingError(f"the event's type in field {self._field!r} must be text, got {found}")
        return DecodeError(f"expected a JSON object with field {self._field!r}, got {found}")


class TextCodec:
    """Text in UTF-8."""

    content_type = TEXT
    self_contained = True

    def read(self, value: bytes | None) -> tuple[str, str]:
        """Decode the text."""
        return "", _text(value)

    def payload(self, body: str) -> None:
        """Leave the event's own bytes."""

    def data(self, body: str) -> object:
        """Return the text."""
        return body

    def input(self, body: str) -> bytes:
        """Return the text as a JSON string."""
        return msgspec.json.encode(body)

    def fields(self, names: Collection[str]) -> Callable[[str], Mapping[str, object]]:
        """Text has none."""
        return _no_fields


class BytesCodec:
    """Bytes that are never looked into: images, audio."""

    content_type = OCTETS
    self_contained = True

    def read(self, value: bytes | None) -> tuple[str, bytes]:
        """Refuse nothing but null."""
        if value is None:
            raise _tombstone("bytes")
        return "", value

    def payload(self, body: bytes) -> None:
        """Leave the event's own bytes."""

    def data(self, body: bytes) -> object:
        """Return the bytes, which only as-is can handle."""
        return body

    def input(self, body: bytes) -> None:
        """Leave it out: bytes cannot be JSON."""

    def fields(self, names: Collection[str]) -> Callable[[bytes], Mapping[str, object]]:
        """Bytes have none."""
        return _no_fields


class TaggedCodec:
    """``type###payload``: text whose first separator ends the type; the payload may contain it again."""

    content_type = TEXT
    self_contained = True

    def __init__(self, separator: str) -> None:
        self._separator = separator

    def read(self, value: bytes | None) -> tuple[str, str]:
        """Split the text; the body is the payload."""
        text = _text(value)
        event_type, separator, payload = text.partition(self._separator)
        if not separator:
            raise TypeMissingError(f"expected 'type{self._separator}payload', got {shown(text)}")
        if not event_type:
            raise TypeMissingError(f"nothing stands before the separator {self._separator!r}, got {shown(text)}")
        return event_type, payload

    def payload(self, body: str) -> bytes:
        """Return the payload: the model knows nothing of the tag."""
        return body.encode()

    def data(self, body: str) -> object:
        """Return the payload as text."""
        return body

    def input(self, body: str) -> bytes:
        """Return the payload as a JSON string; the type stands in ``ce_type``."""
        return msgspec.json.encode(body)

    def fields(self, names: Collection[str]) -> Callable[[str], Mapping[str, object]]:
        """Text has none."""
        return _no_fields


class _Row(NamedTuple):
    text: str
    cells: dict[str, object]


class CsvCodec:
    """One row of RFC 4180, without a header line; ``type_column`` is the column that says the type, if one does."""

    content_type = CSV
    self_contained = False  # only the source knows the columns

    def __init__(self, columns: list[str], separator: str, cast: Cast | None, type_column: str | None) -> None:
        self._columns = columns
        self._separator = separator
        self._casts = casts_by_field(cast, [column for column in columns if column != type_column])
        self._type_column = type_column

    def read(self, value: bytes | None) -> tuple[str, _Row]:
        """Split the row in its cells and convert those that the source says to convert."""
        text = _text(value)
        try:
            row: dict[str, object] = {**named_cells(text, self._columns, self._separator)}
            event_type = "" if self._type_column is None else str(row[self._type_column])
            row.update(converted(self._casts, row))
        except ValueError as error:
            raise DecodeError(str(error)) from error
        if not event_type and self._type_column is not None:
            raise TypeMissingError(f"the event's type in column {self._type_column!r} is empty")
        return event_type, _Row(text, row)

    def payload(self, body: _Row) -> bytes | None:
        """Leave the event's own bytes."""

    def data(self, body: _Row) -> object:
        """Return an object of the cells by column."""
        return body.cells

    def input(self, body: _Row) -> bytes:
        """Return the row as a JSON string."""
        return msgspec.json.encode(body.text)

    def fields(self, names: Collection[str]) -> Callable[[_Row], Mapping[str, object]]:
        """Return the cells: they have been taken apart already."""
        return lambda body: body.cells


def _no_fields(_: object) -> Mapping[str, object]:
    return {}


def _text(value: bytes | None) -> str:
    if value is None:
        raise _tombstone("text")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"expected text in UTF-8, got {shown(value)}: {error.reason} (byte {error.start})") from error


def _tombstone(expected: str) -> DecodeError:
    return DecodeError(f"expected {expected}, got a null value (a tombstone)")


def _kind_in(error: msgspec.ValidationError) -> str:
    """Find what the decoder says it met: "Expected `str`, got `int` - at `$.type`"."""
    return str(error).rpartition("got `")[2].partition("`")[0]
