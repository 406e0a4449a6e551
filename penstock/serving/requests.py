"""Requests as jobs read them: from the bytes of a record to the event's own JSON text and one row of checked values.

Good requests are decoded and checked in one go, by a decoder made for the model. A request that it refuses is read
again slowly, field by field: to treat values as the model asks, or to say what is wrong with them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import msgspec

from penstock.errors import DecodeError, InputError
from penstock.event import JSON, REQUEST, TEXT
from penstock.serving.values import ABSENT, is_text, kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Request", "RequestReader"]

_T = TypeVar("_T")


class Request(NamedTuple):
    """What a request says: the event as the user sent it, and the row that the model gets."""

    input: msgspec.Raw
    row: tuple[Any, ...]
    """One value for each input field, in their order."""


class _Enveloped(Protocol):
    """What the decoder for requests with a transformed event gives."""

    input: msgspec.Raw
    data: Any


class _RawEnvelope(msgspec.Struct, gc=False):
    input: msgspec.Raw
    data: msgspec.Raw


class RequestReader:
    """Reads requests to one model. Pure, and safe to use from several threads."""

    def __init__(self, checks: Mapping[str, Callable[[object], Any]], quick: Any = None, *, text: bool = False) -> None:
        """Prepare.

        Args:
            checks: for each field, in their order, what becomes of its value, `ABSENT` where there is none; raises
                `InputError`.
            quick: a type to which msgspec decodes the rows that need no treatment: a struct whose fields are in that
                order, a tuple, or either. None: there is no such type.
            text: whether the one field is text, so that a request may be nothing but that text.
        """
        self._checks = dict(checks)
        self._names = ", ".join(checks)
        self._text = text
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
        if plain == TEXT and self._text:
            return self._read_text(value)
        raise InputError(
            f"the request is {content_type!r}, expected a JSON object or list of {self._names};"
            " give the route a transform that makes one"
        )

    def _read_text(self, value: bytes) -> Request:
        try:
            text = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise DecodeError(f"the value is not UTF-8: {error.reason} at byte {error.start}") from error
        return Request(msgspec.Raw(msgspec.json.encode(text)), self._check(text))

    def _check(self, tree: object) -> tuple[Any, ...]:
        checks = self._checks
        if isinstance(tree, dict):
            return tuple(check(tree.get(name, ABSENT)) for name, check in checks.items())
        if self._text and isinstance(tree, str) and is_text(tree):
            return tuple(check(tree) for check in checks.values())
        if not isinstance(tree, list):
            raise InputError(f"expected a JSON object or list of {self._names}, got {kind(tree)}")
        if len(tree) != len(checks):
            raise InputError(f"expected a list of {len(checks)} values ({self._names}), got {kind(tree)}")
        return tuple(check(value) for check, value in zip(checks.values(), tree, strict=True))


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
