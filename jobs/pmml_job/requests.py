"""Requests: from the bytes of a record to the event's own JSON text and one row of checked values for the model.

Good requests are decoded and checked in one go, by a decoder made for the model. A request that it refuses is read
again slowly, field by field: to apply the mining schema's treatments, or to say what is wrong with it.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Protocol, TypeVar

import msgspec

from jobs.pmml_job.fields import ABSENT, INTEGER_MAX, FieldCheck, kind
from jobs.pmml_job.mining_schema import FLOAT_MAX, InputField, Missing, Outliers, Scalar
from penstock.errors import DecodeError, InputError
from penstock.event import JSON, REQUEST

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Request", "RequestReader", "Row"]

Row = tuple[Scalar | None, ...]
"""One value for each input field, in the order of the mining schema; None is missing."""

_T = TypeVar("_T")


class Request(NamedTuple):
    """What a request says: the event as the user sent it, and the row that the model gets."""

    input: msgspec.Raw
    row: Row


class _Enveloped(Protocol):
    """What the decoder for requests with a transformed event gives."""

    input: msgspec.Raw
    data: Any


class _RawEnvelope(msgspec.Struct, gc=False):
    input: msgspec.Raw
    data: msgspec.Raw


class RequestReader:
    """Reads requests to one model. Pure, and safe to use from several threads."""

    def __init__(self, fields: Sequence[InputField]) -> None:
        self._checks = tuple(FieldCheck(field) for field in fields)
        self._names = ", ".join(field.name for field in fields)
        quick = _quick_type(fields)
        self._event: msgspec.json.Decoder[Any] | None = None
        self._envelope: msgspec.json.Decoder[Any] | None = None
        if quick is not None:
            self._event = msgspec.json.Decoder(quick)
            envelope = msgspec.defstruct("Envelope", [("input", msgspec.Raw), ("data", quick)], gc=False)
            self._envelope = msgspec.json.Decoder(envelope)

    def read(self, value: bytes | None, content_type: str | None) -> Request:
        """Read one request.

        Raises:
            InputError: the row does not fit the model; the message names the field, what was expected and what came.
            DecodeError: the bytes are not what the content type says.
        """
        if value is None:
            raise InputError("the request has no value, expected a JSON object or list")
        if content_type == JSON or content_type is None:
            return self._read_event(value)
        if content_type == REQUEST:
            return self._read_envelope(value)
        return self._read_other(value, content_type)

    def _read_event(self, value: bytes) -> Request:
        if self._event is not None and _is_utf8(value):
            try:
                row = self._event.decode(value)
            except (msgspec.DecodeError, RecursionError):
                pass  # read slowly: the row needs a treatment or an explanation
            else:
                return Request(msgspec.Raw(value), row if type(row) is tuple else msgspec.structs.astuple(row))
        row = self._check(_parse(value))
        return Request(_strict(value, msgspec.Raw), row)

    def _read_envelope(self, value: bytes) -> Request:
        if self._envelope is not None and _is_utf8(value):
            try:
                found: _Enveloped = self._envelope.decode(value)
            except (msgspec.DecodeError, RecursionError):
                pass  # as above
            else:
                row = found.data
                return Request(found.input, row if type(row) is tuple else msgspec.structs.astuple(row))
        tree = _parse(value)
        if not isinstance(tree, dict) or not {"input", "data"} <= tree.keys():
            raise DecodeError(f"expected an object with 'input' and 'data' (content-type {REQUEST}), got {kind(tree)}")
        row = self._check(tree["data"])
        return Request(_strict(value, _RawEnvelope).input, row)

    def _read_other(self, value: bytes, content_type: str) -> Request:
        plain = content_type.partition(";")[0].strip().lower()
        if plain in (JSON, REQUEST):
            return self._read_event(value) if plain == JSON else self._read_envelope(value)
        raise InputError(
            f"the request is {content_type!r}, expected a JSON object or list of {self._names};"
            " give the route a transform that makes one"
        )

    def _check(self, tree: object) -> Row:
        if isinstance(tree, dict):
            return tuple(check(tree.get(check.field.name, ABSENT)) for check in self._checks)
        if not isinstance(tree, list):
            raise InputError(f"expected a JSON object or list of {self._names}, got {kind(tree)}")
        if len(tree) != len(self._checks):
            raise InputError(f"expected a list of {len(self._checks)} values ({self._names}), got {kind(tree)}")
        return tuple(check(value) for check, value in zip(self._checks, tree, strict=True))


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


def _quick_type(fields: Sequence[InputField]) -> Any:
    """A type that msgspec decodes a row to if it is good as it is; None where its rules cannot be told as a type."""
    types = [_field_type(field) for field in fields]
    if not types or None in types:
        return None
    columns = [
        (f"f{i}", kind, None) if field.missing is Missing.PASS else (f"f{i}", kind)
        for i, (field, kind) in enumerate(zip(fields, types, strict=True))
    ]
    renamed = {f"f{i}": field.name for i, field in enumerate(fields)}
    struct = msgspec.defstruct("Row", columns, rename=renamed, kw_only=True, gc=False)
    return struct | tuple[tuple(types)]  # type: ignore[misc]  # a type made at run time


def _field_type(field: InputField) -> Any:
    """A type that decodes only values which need no treatment, None where there is no such type."""
    if field.invalid_values or field.missing_values:
        return None
    found = _value_type(field)
    if found is None:
        return None
    return found | None if field.missing is Missing.PASS else found


def _value_type(field: InputField) -> Any:
    match field.data_type:
        case "double" | "float" if not field.valid_values:
            return _bounded(float, field, FLOAT_MAX if field.data_type == "float" else math.inf)
        case "integer" if not field.valid_values:
            return _bounded(int, field, INTEGER_MAX)
        case "boolean" if not field.valid_values:
            return bool
        case "string" if field.valid_values:
            return Literal[tuple(field.valid_values)]
        case "string":
            return str
        case _:
            return None


def _bounded(number: type[float], field: InputField, bound: float) -> Any:
    """A number within the field's interval, its data type's bound and the range outside of which it is an outlier."""
    if len(field.intervals) > 1:
        return None
    lows, highs = [(-bound, False)], [(bound, False)]
    for interval in field.intervals:
        lows.append((interval.low, interval.low_open))
        highs.append((interval.high, interval.high_open))
    if field.outliers is not Outliers.AS_IS:
        lows.append((field.low, False))
        highs.append((field.high, False))
    # Where two margins are equal the open one is the narrower.
    low, low_open = max(lows)
    high, high_open = min(highs, key=lambda margin: (margin[0], not margin[1]))
    limits: dict[str, Any] = {}
    if math.isfinite(low):
        limits["gt" if low_open else "ge"] = low if number is float else _whole(low, up=not low_open)
    if math.isfinite(high):
        limits["lt" if high_open else "le"] = high if number is float else _whole(high, up=high_open)
    return Annotated[number, msgspec.Meta(**limits)] if limits else number


def _whole(margin: float, *, up: bool) -> int:
    return math.ceil(margin) if up else math.floor(margin)
