"""Tests of a routing document, written beside it: events, and what is to become of each. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from penstock.errors import CasebookError, RoutingDocumentError
from penstock.routing.document import Strict, Text
from penstock.routing.faults import Fault, faults_in
from penstock.routing.parameters import Duration
from penstock.routing.positions import locate
from penstock.routing.reading import composed, plain_data
from penstock.routing.simulation import Event
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Case", "Casebook", "Expected", "ExpectedOutput", "Given", "Result", "event_of", "read_casebook"]


class Given(Strict):
    """The event of a case."""

    topic: Text | None = None
    """Its source topic; left out, that of the document, if it has one only."""
    key: str | None = None
    """Its key, if it has one."""
    headers: dict[Text, str] = Field(default={})
    """Its own headers."""
    value: Any = None
    """Its value: text as it is, anything else as JSON; null is a record without a value."""
    base64: Text | None = None
    """Its value where that is no text."""


class Result(Strict):
    """What the model makes of it: nothing is scored, the case says what would come."""

    prediction: Any
    """The prediction."""
    outputs: dict[str, Any] = Field(default={})
    """All outputs of the model, by name."""


class ExpectedOutput(Strict):
    """The record that the user gets."""

    topic: Text | None = None
    """Its topic."""
    value: Any = None
    """Its value. Of an object, the keys given are compared; anything else is compared as a whole."""


class Expected(Strict):
    """What is to become of an event; what is left out may be anything."""

    route: Text | None = None
    """The route that takes it."""
    variant: Text | None = None
    """The variant that it gets."""
    model: Text | None = None
    """The model that scores it, as the document writes it."""
    shadows: list[Text] | None = None
    """The names of all shadows that get a copy; an empty list: none do."""
    data: Any = None
    """What the model gets: what the transforms make of the event, or the event's own text."""
    output: ExpectedOutput | None = None
    """What the user gets for the case's `result`."""
    dead_letter: Text | None = Field(default=None, alias="dead-letter")
    """The code of the dead letter that it becomes."""
    unmatched: Text | None = None
    """The topic that it goes to because no route takes it; `drop`: none."""


def _as_list(found: object) -> object:
    return [found] if isinstance(found, dict) else found


class Case(Strict):
    """One event, and what is to become of it."""

    name: Text
    """What it shows."""
    event: Given
    """The event."""
    after: Duration | None = None
    """How long after the document was published it comes: for ramps; left out, at once."""
    result: Result | None = None
    """What the model makes of it."""
    expect: Annotated[list[Expected], Field(min_length=1), BeforeValidator(_as_list)]
    """What is to become of it: one for each route that takes it, in the order of the document."""


class Casebook(Strict):
    """Tests of one document."""

    document: Text | None = None
    """The document's file, seen from this one; left out, the file of the same name without `.test`."""
    cases: Annotated[list[Case], Field(min_length=1)]
    """The tests."""


def read_casebook(name: str, source: bytes) -> Casebook:
    """Read a file of tests.

    Raises:
        CasebookError: with every fault, and where in the file it is.
    """
    try:
        data = plain_data(source)
    except RoutingDocumentError as error:
        raise CasebookError(
            name, tuple(fault.replace("the document", "the file", 1) for fault in error.faults)
        ) from error
    book, faults = _checked(data)
    if book is None or faults:
        node = composed(source.decode("utf-8-sig"))
        raise CasebookError(name, tuple(str(locate(node, fault)) for fault in faults))
    return book


def event_of(given: Given, only_source: str | None) -> Event:
    """Make the event of a case. Raises `ValueError` where it does not say its topic and has to."""
    topic = given.topic or only_source
    if topic is None:
        raise ValueError("the event says no topic, and the document has several sources")
    if given.base64 is not None:
        value: bytes | None = base64.b64decode(given.base64)
    elif given.value is None:
        value = None
    elif isinstance(given.value, str):
        value = given.value.encode()
    else:
        value = json.dumps(given.value, ensure_ascii=False, separators=(",", ":")).encode()
    key = None if given.key is None else given.key.encode()
    return Event(value=value, topic=topic, key=key, headers=given.headers)


def _checked(data: object) -> tuple[Casebook | None, list[Fault]]:
    if not isinstance(data, dict):
        return None, [Fault((), f"expected keys such as document and cases, got {kind(data)}")]
    try:
        book = Casebook.model_validate(data)
    except ValidationError as error:
        return None, list(faults_in(error, Casebook, data))
    return book, list(_faults(book))


def _faults(book: Casebook) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number, case in enumerate(book.cases):
        place = ("cases", number)
        if case.name in seen:
            yield Fault((*place, "name"), f"{case.name!r} stands at cases[{seen[case.name]}] already")
        seen.setdefault(case.name, number)
        if case.event.base64 is not None:
            if case.event.value is not None:
                yield Fault((*place, "event", "base64"), "an event has a value or base64, not both; remove one")
            try:
                base64.b64decode(case.event.base64, validate=True)
            except binascii.Error as error:
                yield Fault((*place, "event", "base64"), f"is no base64: {error}")
        for index, expected in enumerate(case.expect):
            if expected.output is not None and case.result is None:
                rule = "needs the case's result: what the model makes of the event"
                yield Fault((*place, "expect", index, "output"), rule)
            if not expected.model_fields_set:
                yield Fault((*place, "expect", index), "expects nothing; name a route, or a dead-letter, or ...")
