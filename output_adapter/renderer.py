"""The output adapter's core: results in; records for users' topics and dead letters out."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, NoReturn

import msgspec

from penstock import topics as names
from penstock.deadletter import DeadLetters, Stage
from penstock.errors import EnvelopeError, ShadowError, UnknownRouteError, UnknownVersionError, shown
from penstock.event import CONFIG_VERSION, CONTENT_TYPE, RESULT, ROUTE, SHADOW, Deliveries, refuse_late, refuse_oversize
from penstock.routing.compile import OutputPlan, outputs
from penstock.routing.lanes import encoded
from penstock.writers import Parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from penstock.routing.document import RoutingDocument

__all__ = ["HEADERS", "Renderer"]

HEADERS = (ROUTE, CONTENT_TYPE, SHADOW, CONFIG_VERSION)
"""What a result's headers tell the renderer; that of shadows has a text on their results only."""


class _Result(msgspec.Struct, gc=False, frozen=True):
    """Those of a result's fields that outputs use; their texts stay as they are."""

    prediction: msgspec.Raw
    input: msgspec.Raw = msgspec.Raw(b"")


class _Timing(msgspec.Struct, gc=False, frozen=True):
    """When a result was made, and how old its event was then."""

    scored_at: datetime
    latency_ms: int


_read_timing = msgspec.json.Decoder(_Timing).decode
_read_result = msgspec.json.Decoder(_Result).decode
_read_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_json = msgspec.json.Decoder().decode


#: How many versions are kept compiled besides the one in force: results of more are seldom on their way at once.
_COMPILED = 16
#: A whole number as the input adapter writes it, and no longer than a version can be.
_MOST_DIGITS = 18


class Renderer:
    """Renders batches of results, each by the version of the routing document that made it."""

    def __init__(
        self,
        find: Callable[[int], RoutingDocument | None],
        *,
        prefix: str,
        max_request_bytes: int,
        max_dead_letter_bytes: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin without a document.

        Args:
            find: gives the document of a version; it may wait for one that is yet to come. None: nobody knows it.
            prefix: of internal topics.
            max_request_bytes: largest record that a users' topic takes.
            max_dead_letter_bytes: largest dead letter.
            clock: seconds since 1970; asked only for routes with a deadline.
        """
        self._find = find
        self._clock = clock
        self._limit = max_request_bytes
        # By the text of the version's header. Never changed, only replaced: a document may come during a batch.
        self._compiled: dict[str, Mapping[str, OutputPlan]] = {}
        self._compiling = threading.Lock()
        self._current = 0
        self._missed: frozenset[str] = frozenset()
        self._letters = DeadLetters(
            topic=names.dead_letters(prefix),
            stage=Stage.OUTPUT_ADAPTER,
            component="renderer",
            max_bytes=max_dead_letter_bytes,
        )

    def take(self, document: RoutingDocument) -> None:
        """Compile the document that is in force from now on, before its first result comes."""
        self._current = document.version
        self._compile(document)
        self._missed = frozenset()

    def render(
        self,
        values: Sequence[bytes | None],
        unseen_bytes: Sequence[int],
        texts: Sequence[tuple[str | None, ...]],
    ) -> Deliveries:
        """Render a batch of results, given as columns of one length; row by row, one delivery for each.

        Args:
            values: the results' bytes.
            unseen_bytes: what key, own headers and Kafka's bookkeeping add to each value.
            texts: topic, and the texts of `HEADERS`.
        """
        deliveries = Deliveries()
        for value, unseen, (_, route, content_type, shadow, version) in zip(values, unseen_bytes, texts, strict=True):
            try:
                if shadow:
                    raise ShadowError  # noqa: TRY301 the one place where a shadow could slip through is plain to see
                plan = self._plan(route, content_type, version)
                if value is None:
                    _refuse("its value is null")
                if plan.deadline_ms is not None:
                    self._refuse_late(value, plan.deadline_ms)
                made = None if plan.write is None else plan.write(_parts(value, plan))
                refuse_oversize(unseen + plan.added_bytes + len(value if made is None else made), self._limit)
                deliveries.add((plan.topic, made, plan.headers))
            except Exception as error:  # noqa: BLE001 the record boundary: a result's fault stays with the result
                # Source, route, model and version are among the result's own headers already.
                deliveries.add(self._letters.deliver(error, value, unseen))
        return deliveries

    def _refuse_late(self, value: bytes, deadline_ms: int) -> None:
        """Refuse a score that comes too late; when its event was written, the result itself tells."""
        try:
            timing = _read_timing(value)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            _refuse(f"its value is no result: {error}")
        event_ms = round(timing.scored_at.timestamp() * 1000) - timing.latency_ms
        refuse_late(event_ms, deadline_ms, int(self._clock() * 1000))

    def _plan(self, route: str | None, content_type: str | None, version: str | None) -> OutputPlan:
        if content_type != RESULT:
            _refuse(f"its content type is {shown(content_type)}, expected {RESULT!r}")
        if not route:
            _refuse(f"it has no header {ROUTE!r}")
        if not version:
            _refuse(f"it has no header {CONFIG_VERSION!r}")
        plans = self._compiled.get(version)
        if plans is None:
            plans = self._plans_of(version)
        plan = plans.get(route)
        if plan is None:
            raise UnknownRouteError(route, int(version))
        return plan

    def _plans_of(self, version: str) -> Mapping[str, OutputPlan]:
        """Compile an earlier document again, or wait for one that is yet to come: once, not for each result."""
        if not (version.isascii() and version.isdecimal() and len(version) <= _MOST_DIGITS):
            _refuse(f"its header {CONFIG_VERSION!r} is {shown(version)}, expected a whole number")
        document = None if version in self._missed else self._find(int(version))
        if document is None:
            self._missed |= {version}
            raise UnknownVersionError(int(version), self._current)
        return self._compile(document)

    def _compile(self, document: RoutingDocument) -> Mapping[str, OutputPlan]:
        plans, own, current = outputs(document), str(document.version), str(self._current)
        with self._compiling:
            others = [text for text in self._compiled if text not in {own, current}][-_COMPILED:]
            kept = {text: self._compiled[text] for text in (*others, current) if text in self._compiled}
            self._compiled = {**kept, own: plans}
        return plans


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
