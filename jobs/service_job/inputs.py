"""Requests: from the bytes of a record to one row of values, one for each of the model's inputs.

Bytes that are no JSON (images) and bytes by reference (``{"uri": ...}``) are a row too, where one input takes bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, UnsetType

from jobs.service_job.fields import Reference, size_of
from penstock.errors import InputError
from penstock.event import CSV, TEXT
from penstock.serving import requests
from penstock.serving.requests import Field, Request, Row, utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jobs.service_job.fields import InputField, Tensor

__all__ = ["Request", "RequestReader", "Row"]


class RequestReader(requests.RequestReader):
    """Reads requests to one model, and makes tensors of their rows, in which a `Reference` is still to be fetched."""

    def __init__(self, inputs: Sequence[InputField], missing: Mapping[str, Any] | None = None) -> None:
        """Prepare.

        Args:
            inputs: the model's, at least one.
            missing: what stands in for inputs that a request lacks, as JSON has it.

        Raises `InputError` where what stands in is no value of its field.
        """
        stand_ins = missing or {}
        super().__init__(
            [_read_as(each, stand_ins.get(each.name)) for each in inputs], inputs[0].alone if len(inputs) == 1 else None
        )
        self._inputs = tuple(inputs)
        self._ragged = tuple(at for at, each in enumerate(inputs) if each.ragged)
        self._sized = tuple(at for at, each in enumerate(inputs) if each.row_bytes is None)
        self._constant_size = sum(each.row_bytes or 0 for each in inputs)
        self.ragged = bool(self._ragged)
        """Whether rows may differ in their shapes at all."""
        self.takes_references = any(each.takes_bytes for each in inputs)
        """Whether rows may refer to what is still to be fetched."""
        takers = [at for at, each in enumerate(inputs) if each.takes_bytes]
        others = (each.name for each in inputs if not each.takes_bytes)
        #: Where the only input that takes bytes is, if nothing else has to be said.
        self._payload = takers[0] if len(takers) == 1 and all(name in stand_ins for name in others) else None

    def references(self, row: Row) -> bool:
        """Tell whether something of a row is still to be fetched."""
        return any(type(value) is Reference for value in row)

    def resolved(self, row: Row, fetch: Callable[[str], bytes]) -> Row:
        """Fetch what a row refers to. Raises `InputError`, and what ``fetch`` raises."""
        return tuple(
            field.of_bytes(fetch(value.uri)) if type(value) is Reference else value
            for field, value in zip(self._inputs, row, strict=True)
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
        return {field.name: field.stack(column) for field, column in zip(self._inputs, columns, strict=True)}

    def _row(self, tree: object) -> Row:
        try:
            return super()._row(tree)
        except InputError:
            uri = tree.get("uri") if self._payload is not None and isinstance(tree, dict) else None
            if not isinstance(uri, str):
                raise
            return self._of_payload(Reference(uri))

    def _read_other(self, value: bytes, content_type: str) -> Request | None:
        if self._payload is None or content_type == CSV:
            return None
        event: msgspec.Raw | UnsetType = UNSET
        if content_type == TEXT:
            event = msgspec.Raw(msgspec.json.encode(utf8(value)))
        return Request(event, self._of_payload(self._inputs[self._payload].of_bytes(value)))

    def _of_payload(self, value: Any) -> Row:
        return tuple(value if at == self._payload else stand_in for at, stand_in in enumerate(self._stand_ins))


def _read_as(field: InputField, stand_in: Any) -> Field:
    """How the frame reads an input."""
    return Field(
        field.name,
        field.rule,
        field.rule.quick,
        optional=stand_in is not None,
        stand_in=stand_in,
        treat=None if field.as_it_is else field.value,
    )
