"""Checks of a routing document: the models' own, and those between its parts.

The latter look at plain data and pass over what is not as it should be: a fault in one part must not hide the others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, get_args

import msgspec
from pydantic import ValidationError

from penstock.errors import ModelRefError
from penstock.garbage import uncollected
from penstock.models.ref import ModelRef
from penstock.routing.document import Match, RoutingDocument, Source, SourceFormat
from penstock.routing.faults import Fault, faults_in, nearest
from penstock.routing.reach import Reaching, unreachable
from penstock.routing.route_checks import parts, route_faults, twice
from penstock.scalars import kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["checked"]

# Kafka's own rule for topic names (org.apache.kafka.common.internals.Topic); the models see to the length.
_LEGAL_TOPIC = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]+")
_CELL_SEPARATOR = re.compile(r'[^"\r\n]')
_TYPED_BY_FIELD = {"json", "csv"}
_ONLY_FOR = {"separator": {"tagged", "csv"}, "columns": {"csv"}, "cast": {"csv"}}
_FORMATS: tuple[str, ...] = get_args(SourceFormat)
_SURROGATE = re.compile("[\ud800-\udfff]")
_RULES = ("field", "header", "constant")


@uncollected()
def checked(data: object, prefix: str) -> tuple[RoutingDocument | None, list[Fault]]:
    """Return the document, if plain data is one, and every fault of it, in the order of the document's parts."""
    if not isinstance(data, dict):
        return None, [Fault((), f"expected keys such as version, sources, routes and models, got {kind(data)}")]
    document = None
    try:
        document = RoutingDocument.model_validate(data)
        faults = []
    except ValidationError as error:
        faults = list(faults_in(error, RoutingDocument, data))
    sources = list(parts(data, "sources"))
    routes = list(parts(data, "routes"))
    faults.extend(_unwritable(data))
    for number, source in sources:
        faults.extend(fault.below("sources", number) for fault in _source(source))
    for number, route in routes:
        faults.extend(fault.below("routes", number) for fault in route_faults(route, data.get("models")))
    faults.extend(_models(data.get("models")))
    faults.extend(twice(sources, ("sources",), "topic"))
    faults.extend(twice(routes, ("routes",), "name"))
    faults.extend(_reach(document, sources, routes))
    faults.extend(_topics(data, prefix))
    # The same fault may be found by a model and by a check.
    return document, sorted(dict.fromkeys(faults), key=_order)


def _unwritable(data: dict[Any, Any]) -> Iterator[Fault]:
    """Tell of texts that cannot be written as UTF-8, neither in a header nor anywhere else."""
    try:
        msgspec.json.encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass  # which text it was is looked for only where there is one
    else:
        return
    todo: list[tuple[tuple[str | int, ...], object]] = [((), data)]
    while todo:
        place, found = todo.pop()
        if isinstance(found, str):
            if not found.isascii() and _SURROGATE.search(found):
                yield Fault(place, f"{found!r} has half of a character, which no text in UTF-8 has")
        elif isinstance(found, dict):
            todo.extend(((*place, str(key)), key) for key in found if isinstance(key, str) and not key.isascii())
            todo.extend(((*place, str(key)), each) for key, each in found.items())
        elif isinstance(found, list):
            todo.extend(((*place, number), each) for number, each in enumerate(found))


def _reach(
    document: RoutingDocument | None,
    sources: list[tuple[int, dict[Any, Any]]],
    routes: list[tuple[int, dict[Any, Any]]],
) -> Iterable[Fault]:
    if document is not None:
        found = [
            Reaching(number, route.match, not (route.when or route.continues))
            for number, route in enumerate(document.routes)
        ]
        return unreachable(found, document.sources)
    known = [_sound_source(source) for _, source in sources]
    found = [
        Reaching(number, match, not (route.get("when") or route.get("continue")))
        for number, route in routes
        if (match := _sound_match(route.get("match"))) is not None
    ]
    return unreachable(found, [source for source in known if source], all_known=all(known))


def _sound_source(source: dict[Any, Any]) -> Source | None:
    try:
        return Source.model_validate(source)
    except ValidationError:
        return None


def _sound_match(match: object) -> Match | None:
    """Return what can be told of a match: where it is at fault, maybe its types."""
    try:
        return Match.model_validate(match)
    except ValidationError:
        types = match.get("type") if isinstance(match, dict) and len(match) == 1 else None
        texts = [found for found in types if isinstance(found, str) and found] if isinstance(types, list) else []
        return Match(type=texts) if texts else None


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


def _models(models: object) -> Iterator[Fault]:
    for name in models if isinstance(models, dict) else ():
        try:
            versioned = isinstance(name, str) and ModelRef.parse(name).version is not None
        except ModelRefError as error:
            yield Fault(("models", name), str(error))
            continue
        if versioned:
            yield Fault(("models", name), "models are named without a version here: one job scores all versions")


def _topics(data: dict[Any, Any], prefix: str) -> Iterator[Fault]:
    """Check the names of all users' topics, and that nothing is written where events are read from."""
    read_from = {str(part.get("topic")): number for number, part in reversed(list(parts(data, "sources")))}
    written: list[tuple[tuple[str | int, ...], object]] = [
        (("routes", number, "output", "topic"), route.get("output")) for number, route in parts(data, "routes")
    ]
    written.append((("unmatched", "topic"), data.get("unmatched")))
    for number, part in parts(data, "sources"):
        yield from _topic(("sources", number, "topic"), part.get("topic"), prefix)
    for number, route in parts(data, "routes"):
        match = route.get("match")
        asked = match.get("topic") if isinstance(match, dict) else None
        for topic in [asked] if isinstance(asked, str) else asked if isinstance(asked, list) else ():
            if isinstance(topic, str) and topic and topic not in read_from:
                near = nearest(topic, read_from)
                yield Fault(("routes", number, "match", "topic"), f"{topic!r} is no topic of a source; {near}")
    metrics = {_metric(topic): topic for topic in read_from}
    for place, holder in written:
        topic = holder.get("topic") if isinstance(holder, dict) else None
        yield from _topic(place, topic, prefix)
        if isinstance(topic, str) and metrics.setdefault(_metric(topic), topic) != topic:
            other = metrics[_metric(topic)]
            yield Fault(place, f"Kafka takes no two topics that differ in '.' and '_' only: {topic!r} and {other!r}")
        if isinstance(topic, str) and topic in read_from:
            yield Fault(place, f"{topic!r} is sources[{read_from[topic]}] too: its records would go round for ever")


def _metric(topic: str) -> str:
    """Return what Kafka calls a topic in its metrics, by which it tells them apart."""
    return topic.replace(".", "_")


def _topic(place: tuple[str | int, ...], topic: object, prefix: str) -> Iterator[Fault]:
    if not isinstance(topic, str) or not topic:
        return
    if not _LEGAL_TOPIC.fullmatch(topic):
        yield Fault(place, f"{topic!r} is no name for a topic; Kafka takes letters, digits, '.', '_' and '-'")
    if topic == prefix or topic.startswith(f"{prefix}."):
        yield Fault(place, f"{topic!r} is internal: names below {prefix!r} are Penstock's own")
