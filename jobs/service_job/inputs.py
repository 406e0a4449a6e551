"""Requests: from the bytes of a record to one row of values, one for each of the model's inputs.

Bytes that are no JSON (images) and bytes by reference (``{"uri": ...}``) are a row too, where one input takes bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from jobs.service_job.fields import Reference, size_of
from penstock.errors import DecodeError, InputError, shown
from penstock.event import CSV, JSON, REQUEST, TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobs.service_job.fields import InputField, Tensor

__all__ = ["Request", "RequestReader", "Row"]

Row = tuple[Any, ...]
"""One value for each input, in the model's order; a `Reference` where it is still to be fetched."""


class Request(NamedTuple):
    """What a request says."""

    input: msgspec.Raw | UnsetType
    """The event as the user sent it; unset for bytes, which JSON cannot have."""
    row: Row


class _Envelope(msgspec.Struct, gc=False):
    """Of bytes there is no input."""

    data: msgspec.Raw
    input: msgspec.Raw | UnsetType = UNSET


class _Referring(msgspec.Struct, gc=False):
    uri: str


class RequestReader:
    """Reads requests to one model. Pure, and safe to use from several threads."""

    def __init__(self, fields: Sequence[InputField], missing: Mapping[str, Any] | None = None) -> None:
        """Prepare.

        Args:
            fields: the model's inputs, at least one.
            missing: what stands in for inputs that a request lacks, as JSON has it.

        Raises `InputError` where what stands in is no value of its field.
        """
        self._fields = tuple(fields)
        self._names = ", ".join(field.name for field in fields)
        self._defaults = {
            field.name: _converted(field, missing[field.name])
            for field in fields
            if missing is not None and field.name in missing
        }
        self._plain = all(field.as_it_is for field in fields) and not self._defaults
        self._ragged = tuple(at for at, field in enumerate(fields) if field.ragged)
        self._sized = tuple(at for at, field in enumerate(fields) if field.row_bytes is None)
        self._constant_size = sum(field.row_bytes or 0 for field in fields)
        self.ragged = bool(self._ragged)
        """Whether rows may differ in their shapes at all."""
        self.takes_references = any(field.takes_bytes for field in fields)
        """Whether rows may refer to what is still to be fetched."""
        self._payload = self._payload_at()
        self._struct, rows = self._types()
        self._decode = msgspec.json.Decoder(rows).decode
        self._decode_referring = msgspec.json.Decoder(_Referring).decode
        self._decode_envelope = msgspec.json.Decoder(_Envelope).decode

    def read(self, value: bytes | None, content_type: str | None) -> Request:
        """Read one request.

        Raises:
            InputError: the row does not fit the model; the message names the input, what was expected and what came.
            DecodeError: the bytes are not what the content type says.
        """
        if value is None:
            raise InputError(f"the request has no value, expected {self._names}")
        plain = JSON if content_type is None else content_type.partition(";")[0].strip().lower()
        if plain == JSON:
            return Request(msgspec.Raw(value), self._row(value))
        if plain == REQUEST:
            return self._read_envelope(value)
        return self._read_payload(value, plain)

    def references(self, row: Row) -> bool:
        """Tell whether something of a row is still to be fetched."""
        return any(type(value) is Reference for value in row)

    def resolved(self, row: Row, fetch: Callable[[str], bytes]) -> Row:
        """Fetch what a row refers to. Raises `InputError`, and what ``fetch`` raises."""
        return tuple(
            field.of_bytes(fetch(value.uri)) if type(value) is Reference else value
            for field, value in zip(self._fields, row, strict=True)
        )

    def shapes(self, row: Row) -> tuple[tuple[int, ...], ...]:
        """The shapes of what may differ between rows; only rows of the same shapes make a tensor."""
        return tuple(row[at].shape for at in self._ragged)

    def size(self, row: Row) -> int:
        """Bytes of a row in a call, about."""
        return self._constant_size + sum(size_of(row[at]) for at in self._sized)

    def tensors(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        """One tensor for each input, of rows of the same shapes."""
        columns = zip(*rows, strict=True)
        return {field.name: field.stack(column) for field, column in zip(self._fields, columns, strict=True)}

    def _payload_at(self) -> int | None:
        """The only input that takes bytes, where nothing else has to be said."""
        takers = [at for at, field in enumerate(self._fields) if field.takes_bytes]
        if len(takers) != 1:
            return None
        others = (field.name for at, field in enumerate(self._fields) if at != takers[0])
        return takers[0] if all(name in self._defaults for name in others) else None

    def _types(self) -> tuple[type[Any], Any]:
        """What an object decodes to, and what a request does: an object, a list of all inputs, or the only one."""
        columns: list[Any] = []
        for at, field in enumerate(self._fields):
            kind = field.json
            columns.append((f"f{at}", kind | None, None) if field.name in self._defaults else (f"f{at}", kind))
        renamed = {f"f{at}": field.name for at, field in enumerate(self._fields)}
        struct = msgspec.defstruct("Row", columns, rename=renamed, kw_only=True, gc=False)
        if len(self._fields) > 1:
            return struct, struct | tuple[tuple(field.json for field in self._fields)]  # type: ignore[misc]  # made here
        bare = self._fields[0].bare
        return struct, struct if bare is None else struct | bare

    def _row(self, value: bytes) -> Row:
        if not value.isascii():
            _refuse_other_than_utf8(value)
        try:
            decoded = self._decode(value)
        except msgspec.ValidationError as error:
            return self._referring(value, error)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DecodeError(f"the value is not JSON: {error}") from error
        return self._values(decoded)

    def _values(self, decoded: Any) -> Row:
        if type(decoded) is self._struct:
            found: Row = msgspec.structs.astuple(decoded)
        elif len(self._fields) > 1:
            found = tuple(decoded)
        else:
            found = (decoded,)
        if self._plain:
            return found
        return tuple(
            self._defaults[field.name] if value is None else value if field.as_it_is else field.value(value)
            for field, value in zip(self._fields, found, strict=True)
        )

    def _referring(self, value: bytes, refusal: msgspec.ValidationError) -> Row:
        """A whole request by reference; else what is wrong with it."""
        if self._payload is not None:
            try:
                return self._of_payload(Reference(self._decode_referring(value).uri))
            except msgspec.DecodeError:
                pass  # then what was said first counts
        raise InputError(f"{_explained(refusal)}; the model takes {self._names}") from refusal

    def _read_envelope(self, value: bytes) -> Request:
        if not value.isascii():
            _refuse_other_than_utf8(value)
        try:
            found = self._decode_envelope(value)
        except (msgspec.DecodeError, RecursionError) as error:
            raise DecodeError(
                f"expected an object with 'input' and 'data' (content-type {REQUEST}): {error}"
            ) from error
        return Request(found.input, self._row(bytes(found.data)))

    def _read_payload(self, value: bytes, content_type: str) -> Request:
        if self._payload is None or content_type == CSV:
            raise InputError(
                f"the request is {content_type!r}, expected a JSON object of {self._names};"
                " give the route a transform that makes one"
            )
        event: msgspec.Raw | UnsetType = UNSET
        if content_type == TEXT:
            _refuse_other_than_utf8(value)
            event = msgspec.Raw(msgspec.json.encode(value.decode()))
        return Request(event, self._of_payload(self._fields[self._payload].of_bytes(value)))

    def _of_payload(self, value: Any) -> Row:
        return tuple(
            value if at == self._payload else self._defaults[field.name] for at, field in enumerate(self._fields)
        )


def _converted(field: InputField, value: Any) -> Any:
    try:
        return field.value(msgspec.convert(value, field.json))
    except msgspec.ValidationError as error:
        raise InputError(f"what stands in for a missing {field.name!r} is {shown(str(value))}: {error}") from error


def _refuse_other_than_utf8(value: bytes) -> None:
    """What is skipped or passed on is not looked at by msgspec."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"expected text in UTF-8, got {shown(value)}: {error.reason} (byte {error.start})") from error


def _explained(error: msgspec.ValidationError) -> str:
    """Msgspec's words, with the place in front: "Expected `float`, got `str` - at `$.length`"."""
    text, _, place = str(error).partition(" - at ")
    path = place.strip("`").removeprefix("$").removeprefix(".")
    return f"input {path}: {text[:1].lower()}{text[1:]}" if path else f"the request: {text[:1].lower()}{text[1:]}"
