"""Checks of a routing document: the models' own, and those between its parts.

The latter look at plain data and pass over what is not as it should be: a fault in one part must not hide the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from penstock.errors import ModelRefError
from penstock.models.ref import ModelRef
from penstock.routing.document import RoutingDocument, SourceFormat
from penstock.routing.faults import Fault, faults_in, nearest
from penstock.routing.registry import Side, read
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["faults_of"]

# Kafka's own rule for topic names (org.apache.kafka.common.internals.Topic); the models see to the length.
_LEGAL_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")
_CELL_SEPARATOR = re.compile(r'[^"\r\n]')
_TYPED_BY_FIELD = {"json", "csv"}
_ONLY_FOR = {"separator": {"tagged", "csv"}, "columns": {"csv"}, "cast": {"csv"}}
_FORMATS: tuple[str, ...] = get_args(SourceFormat)
_RULES = ("field", "header", "constant")


def faults_of(data: object, prefix: str) -> list[Fault]:
    """Return every fault of a document in plain data, in the order of the document's parts."""
    if not isinstance(data, dict):
        return [Fault((), f"expected keys such as version, sources, routes and models, got {kind(data)}")]
    try:
        RoutingDocument.model_validate(data)
        faults = []
    except ValidationError as error:
        faults = list(faults_in(error, RoutingDocument, data))
    sources = list(_parts(data, "sources"))
    routes = list(_parts(data, "routes"))
    for number, source in sources:
        faults.extend(fault.below("sources", number) for fault in _source(source))
    for number, route in routes:
        faults.extend(fault.below("routes", number) for fault in _route(route, data.get("models")))
    faults.extend(_model_names(data.get("models")))
    faults.extend(_twice(sources, "sources", "topic"))
    faults.extend(_twice(routes, "routes", "name"))
    faults.extend(_taken_types(routes))
    faults.extend(_topics(data, prefix))
    # The same fault may be found by a model and by a check.
    return sorted(dict.fromkeys(faults), key=_order)


def _parts(data: dict[Any, Any], key: str) -> Iterator[tuple[int, dict[Any, Any]]]:
    found = data.get(key)
    for number, part in enumerate(found if isinstance(found, list) else ()):
        if isinstance(part, dict):
            yield number, part


def _order(fault: Fault) -> tuple[int, list[tuple[int, str]]]:
    fields = list(RoutingDocument.model_fields)
    ranks = [fields.index(str(part)) if part in fields else len(fields) for part in fault.place[:1]]
    return sum(ranks), [(part, "") if isinstance(part, int) else (-1, part) for part in fault.place[1:]]


def _source(source: dict[Any, Any]) -> Iterator[Fault]:
    form = source.get("format")
    if not isinstance(form, str) or form not in _FORMATS:
        return
    for key, forms in _ONLY_FOR.items():
        if source.get(key) is not None and form not in forms:
            yield Fault((key,), f"only {' and '.join(sorted(forms))} sources have one; this source is {form}")
    yield from _type_rule(source, form)
    if form == "csv":
        yield from _csv(source)


def _type_rule(source: dict[Any, Any], form: str) -> Iterator[Fault]:
    rule = source.get("type")
    if form == "tagged":
        if rule is not None:
            yield Fault(("type",), "a tagged source carries the type in its value; remove this key")
        return
    if rule is None:
        yield Fault(("type",), "is missing; one of field, header or constant says where the type stands")
    if not isinstance(rule, dict):
        return
    given = [name for name in _RULES if rule.get(name) is not None]
    if len(given) != 1:
        yield Fault(("type",), f"expected exactly one of field, header or constant, got {len(given)}")
    if "field" in given and form not in _TYPED_BY_FIELD:
        yield Fault(("type", "field"), f"a {form} event has no fields; use header or constant")


def _csv(source: dict[Any, Any]) -> Iterator[Fault]:
    columns = source.get("columns")
    separator = source.get("separator")
    if isinstance(separator, str) and not _CELL_SEPARATOR.fullmatch(separator):
        yield Fault(("separator",), f"expected one character, no quote or line end, got {separator!r}")
    if columns is None:
        yield Fault(("columns",), "is missing; a csv source names its cells in their order")
    if not isinstance(columns, list):
        return
    if len({str(column) for column in columns}) != len(columns):
        yield Fault(("columns",), "two columns have the same name")
    rule = source.get("type")
    type_column = rule.get("field") if isinstance(rule, dict) else None
    if type_column is not None and type_column not in columns:
        yield Fault(
            ("type", "field"), f"no such column {type_column!r}; {nearest(str(type_column), map(str, columns))}"
        )
    cast = source.get("cast")
    for column in cast if isinstance(cast, dict) else ():
        if column not in columns:
            yield Fault(("cast",), f"no such column {column!r}; {nearest(str(column), map(str, columns))}")
        elif column == type_column:
            yield Fault(("cast",), f"column {column!r} says the type and stays text")


def _route(route: dict[Any, Any], models: object) -> Iterator[Fault]:
    output = route.get("output")
    lists = ((("transform",), route, Side.EVENT), (("output", "transform"), output, Side.RESULT))
    for place, part, side in lists:
        items = part.get("transform") if isinstance(part, dict) else None
        if isinstance(items, list):
            yield from (fault.below(*place) for fault in read(items, side)[1])
    if isinstance(output, dict) and output.get("separator") is not None and output.get("format") != "tagged":
        yield Fault(("output", "separator"), "only tagged outputs have one")
    yield from _model_of(route, models)


def _model_of(route: dict[Any, Any], models: object) -> Iterator[Fault]:
    text = route.get("model")
    if not isinstance(text, str) or not text or not isinstance(models, dict):
        return
    try:
        ref = ModelRef.parse(text)
    except ModelRefError as error:
        yield Fault(("model",), str(error))
        return
    if ref.name not in models:
        near = nearest(ref.name, map(str, models))
        yield Fault(("model",), f"model {ref.name!r} stands not under models, so no job scores it; {near}")


def _model_names(models: object) -> Iterator[Fault]:
    for name in models if isinstance(models, dict) else ():
        try:
            versioned = isinstance(name, str) and ModelRef.parse(name).version is not None
        except ModelRefError as error:
            yield Fault(("models", name), str(error))
            continue
        if versioned:
            yield Fault(("models", name), "models are named without a version here: one job scores all versions")


def _twice(parts: list[tuple[int, dict[Any, Any]]], place: str, key: str) -> Iterator[Fault]:
    seen: dict[str, int] = {}
    for number, part in parts:
        found = part.get(key)
        if not isinstance(found, str):
            continue
        if found in seen:
            yield Fault((place, number, key), f"{found!r} stands at {place}[{seen[found]}] already")
        seen.setdefault(found, number)


def _taken_types(routes: list[tuple[int, dict[Any, Any]]]) -> Iterator[Fault]:
    taken: dict[str, int] = {}
    for number, route in routes:
        match = route.get("match")
        types = match.get("type") if isinstance(match, dict) else None
        for found in [types] if isinstance(types, str) else types if isinstance(types, list) else ():
            if isinstance(found, str) and found in taken:
                advice = "the first match wins, so this one is never reached"
                yield Fault(("routes", number, "match", "type"), f"routes[{taken[found]}] takes {found!r}; {advice}")
            elif isinstance(found, str):
                taken[found] = number


def _topics(data: dict[Any, Any], prefix: str) -> Iterator[Fault]:
    """Check the names of all users' topics, and that nothing is written where events are read from."""
    read_from = {str(part.get("topic")): number for number, part in reversed(list(_parts(data, "sources")))}
    written: list[tuple[tuple[str | int, ...], object]] = [
        (("routes", number, "output", "topic"), route.get("output")) for number, route in _parts(data, "routes")
    ]
    written.append((("unmatched", "topic"), data.get("unmatched")))
    for number, part in _parts(data, "sources"):
        yield from _topic(("sources", number, "topic"), part.get("topic"), prefix)
    for place, holder in written:
        topic = holder.get("topic") if isinstance(holder, dict) else None
        yield from _topic(place, topic, prefix)
        if isinstance(topic, str) and topic in read_from:
            yield Fault(place, f"{topic!r} is sources[{read_from[topic]}] too: its records would go round for ever")


def _topic(place: tuple[str | int, ...], topic: object, prefix: str) -> Iterator[Fault]:
    if not isinstance(topic, str) or not topic:
        return
    if not _LEGAL_TOPIC.fullmatch(topic):
        yield Fault(place, f"{topic!r} is no name for a topic; Kafka takes letters, digits, '.', '_' and '-'")
    if topic == prefix or topic.startswith(f"{prefix}."):
        yield Fault(place, f"{topic!r} is internal: names below {prefix!r} are Penstock's own")
