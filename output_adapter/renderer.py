"""The output adapter's core: results in; records for users' topics and dead letters out."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, NoReturn

import msgspec

from penstock import topics as names
from penstock.deadletter import DeadLetters, Stage
from penstock.errors import EnvelopeError, ShadowError, UnknownRouteError, shown
from penstock.event import CONTENT_TYPE, RESULT, ROUTE, SHADOW, Deliveries, Record, refuse_oversize
from penstock.routing.compile import OutputPlan, encoded, outputs
from penstock.writers import Parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from penstock.event import Delivery
    from penstock.routing.document import RoutingDocument

__all__ = ["Renderer"]


class _Headers(
    msgspec.Struct, rename={"route": ROUTE, "shadow": SHADOW, "content_type": CONTENT_TYPE}, gc=False, frozen=True
):
    """Those of a result's headers that decide about it."""

    route: str | None = None
    shadow: str | None = None
    content_type: str | None = None


class _Result(msgspec.Struct, gc=False, frozen=True):
    """Those of a result's fields that outputs use; their texts stay as they are."""

    prediction: msgspec.Raw
    input: msgspec.Raw = msgspec.Raw(b"")


_read_headers = msgspec.json.Decoder(_Headers).decode
_read_result = msgspec.json.Decoder(_Result).decode
_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_json = msgspec.json.Decoder().decode


class Renderer:
    """Renders batches of results by one routing document."""

    def __init__(
        self, document: RoutingDocument, *, prefix: str, max_request_bytes: int, max_dead_letter_bytes: int
    ) -> None:
        self._version = document.version
        self._limit = max_request_bytes
        self._plans = outputs(document)
        self._letters = DeadLetters(
            topic=names.dead_letters(prefix),
            stage=Stage.OUTPUT_ADAPTER,
            component="renderer",
            max_bytes=max_dead_letter_bytes,
        )

    def render(  # noqa: PLR0913, PLR0917 the columns of a batch, as the engine has them
        self,
        values: Sequence[bytes | None],
        keys: Sequence[bytes | None] | None,
        topics: Sequence[str],
        partitions: Sequence[int],
        offsets: Sequence[int],
        timestamps_ms: Sequence[int],
        headers: Sequence[str | None],
    ) -> Deliveries:
        """Render a batch of results, given as columns of one length; row by row, one delivery for each.

        Args:
            values: the results' bytes.
            keys: their keys, which only count for their size; None where the engine keeps them to itself.
            topics: the topic of results.
            partitions: with the offsets, the results' places.
            offsets: see partitions.
            timestamps_ms: the records' own, milliseconds since 1970.
            headers: the records' own, each the text of a JSON object; None where there are none.
        """
        deliveries = Deliveries()
        known_keys = repeat(None, len(values)) if keys is None else keys
        for row in zip(values, known_keys, topics, partitions, offsets, timestamps_ms, headers, strict=True):
            deliveries.add(self._deliver(Record(*row)))
        return deliveries

    def _deliver(self, record: Record) -> Delivery:
        try:
            value = record.value
            plan = self._plan(record.headers)
            if value is None:
                _refuse("its value is null")
            made = None if plan.write is None else plan.write(_parts(value, plan))
            refuse_oversize(record.key, value if made is None else made, plan.headers, record.headers, self._limit)
        except Exception as error:  # noqa: BLE001 the record boundary: a result's fault is its dead letter, its batch goes on
            # Source, route, model and version are among the result's own headers already.
            return self._letters.deliver(error, record)
        return plan.topic, made, plan.headers

    def _plan(self, own: str | None) -> OutputPlan:
        try:
            headers = _read_headers(own or "{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            _refuse(f"its headers cannot be read: {error}")
        if headers.content_type != RESULT:
            _refuse(f"its content type is {shown(headers.content_type)}, expected {RESULT!r}")
        if headers.shadow:
            raise ShadowError
        if not headers.route:
            _refuse(f"it has no header {ROUTE!r}")
        plan = self._plans.get(headers.route)
        if plan is None:
            raise UnknownRouteError(headers.route, self._version)
        return plan


def _parts(value: bytes, plan: OutputPlan) -> Parts:
    """Take a result apart as far as its output needs it."""
    try:
        result = _read_result(value)
        fields = _read_fields(value) if plan.step else {}
        # The input stays text: it may be large, may hold numbers that floats cannot, and few transforms ask for it.
        data = {name: found if name == "input" else _read_json(found) for name, found in fields.items()}
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        _refuse(f"its value is no result: {error}")
    sent = bytes(result.input) or None
    if plan.step is None:
        return Parts(input=sent, prediction=bytes(result.prediction))
    changed = plan.step(data)
    whole = encoded(changed)
    if not isinstance(changed, dict):  # a template has written a text: that is what there is to say
        return Parts(whole=whole, input=sent, prediction=whole)
    return Parts(
        whole=whole,
        input=encoded(changed["input"]) if "input" in changed else None,
        prediction=encoded(changed["prediction"]) if "prediction" in changed else None,
    )


def _refuse(finding: str) -> NoReturn:
    raise EnvelopeError(f"the record is no result of Penstock's: {finding}; who else writes to this topic?")
