"""Matching: what the compiled tables find is what a plain reading of the document finds."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DecodeError, RoutingDocumentError
from penstock.routing.compile import Routing, SourcePlan
from penstock.routing.document import RoutingDocument, load
from penstock.routing.match import Index, Seen, asked
from penstock.testing.builders import document, route

SOURCES = [
    {"topic": "events", "format": "json", "type": {"field": "type"}},
    {"topic": "orders", "format": "json", "type": {"header": "kind"}},
    {"topic": "rows", "format": "csv", "columns": ["n", "s"], "cast": {"n": "int"}, "type": {"constant": "a"}},
    {"topic": "texts", "format": "text", "type": {"constant": "b"}},
]
SCALARS = [0, 1, 1.0, 2.5, True, False, "1", "a", "true"]
scalars = st.sampled_from(SCALARS)
types = st.sampled_from(["a", "b", "c"])
numbers = st.sampled_from([0, 1, 1.5, 2])
ranges = st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), numbers, min_size=1, max_size=2)
conditions = scalars | st.lists(scalars, min_size=1, max_size=3) | ranges
matches = st.fixed_dictionaries(
    {},
    optional={
        "type": types | st.lists(types, min_size=1, max_size=2, unique=True),
        "topic": st.sampled_from(["events", "orders", "rows", "texts"]) | st.just(["events", "rows"]),
        "header": st.dictionaries(st.sampled_from(["h", "kind"]), st.sampled_from(["a", ["a", "b"]]), min_size=1),
        "field": st.dictionaries(st.sampled_from(["n", "s", "type"]), conditions, min_size=1, max_size=2),
    },
)
#: Each with what it means, in Python; one that raises is one that fails.
WHENS = {
    "event.n > 1": lambda event, **_: _number(event["n"]) > 1,
    'has(event.s) && event.s == "a"': lambda event, **_: "s" in event and event["s"] == "a",
    'key.startsWith("k")': lambda key, **_: key.startswith("k"),
    'type in ["a", "c"] || topic == "orders"': lambda kind, topic, **_: kind in {"a", "c"} or topic == "orders",
    'headers["h"] == "a"': lambda headers, **_: headers["h"] == "a",
}
routes = st.fixed_dictionaries(
    {"match": matches},
    optional={
        "when": st.sampled_from(sorted(WHENS)),
        "continue": st.booleans(),
        "on_error": st.sampled_from(["no-match", "dead-letter"]),
    },
)
events = st.one_of(
    st.tuples(
        st.sampled_from(["events", "orders"]),
        st.fixed_dictionaries(
            {"type": types}, optional={"n": scalars | st.none() | st.lists(scalars), "s": scalars}
        ).map(json.dumps),
    ),
    st.tuples(st.just("rows"), st.tuples(st.integers(0, 3), st.sampled_from("ab")).map("{0[0]},{0[1]}".format)),
    st.tuples(st.just("texts"), st.just("some text")),
)
own_headers = st.fixed_dictionaries({"kind": types}, optional={"h": st.sampled_from(["a", "b", "c"])})
keys = st.sampled_from([None, b"", b"k1", b"x", b"\xff"])


def _number(found: object) -> Any:
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(found)
    return found


def sound(plain: list[dict[str, Any]]) -> RoutingDocument | None:
    """A document with these routes; those that the checks refuse are left out, until there are none to refuse."""
    for part in plain:
        if "when" not in part:
            part.pop("on_error", None)
    listed = [route(f"r{number}", **part) for number, part in enumerate(plain)]
    while listed:
        try:
            return document(sources=SOURCES, routes=listed)
        except RoutingDocumentError as error:
            faulty = {int(fault.partition("[")[2].partition("]")[0]) for fault in error.faults}
            listed = [each for number, each in enumerate(listed) if number not in faulty]
    return None


def equal(wanted: object, found: object) -> bool:
    """Equality of JSON: true is no number, and text is only text."""
    return isinstance(wanted, bool) == isinstance(found, bool) and wanted == found


def meets(condition: Any, found: object) -> bool:
    """One condition on a field, read plainly."""
    if isinstance(condition, dict):
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        number = float(found)
        compare = {"gt": number.__gt__, "gte": number.__ge__, "lt": number.__lt__, "lte": number.__le__}
        return all(compare[name](float(limit)) for name, limit in condition.items())
    return any(equal(wanted, found) for wanted in (condition if isinstance(condition, list) else [condition]))


def as_list(found: Any) -> list[Any]:
    """A text stands for a list of one."""
    return found if isinstance(found, list) else [found]


def matched(match: dict[str, Any], topic: str, kind: str, fields: dict[str, Any], headers: dict[str, str]) -> bool:
    """One match, read plainly."""
    if "type" in match and kind not in as_list(match["type"]):
        return False
    if "topic" in match and topic not in as_list(match["topic"]):
        return False
    if any(headers.get(name) not in as_list(texts) for name, texts in match.get("header", {}).items()):
        return False
    return all(name in fields and meets(wanted, fields[name]) for name, wanted in match.get("field", {}).items())


def interpreted(
    found: RoutingDocument, topic: str, kind: str, event: object, headers: dict[str, str], key: bytes | None
) -> list[tuple[str, bool]]:
    """The routes that take an event, and whether their expression failed: the document read from top to bottom."""
    fields = event if isinstance(event, dict) else {}
    text = key.decode() if key is not None and key != b"\xff" else None
    taken = []
    for each in found.model_dump(mode="json", exclude_none=True)["routes"]:
        if not matched(each["match"], topic, kind, fields, headers):
            continue
        failed = False
        try:
            when = WHENS[each["when"]] if "when" in each else lambda **_: True
            if not when(event=fields, key=text, headers=headers, kind=kind, topic=topic):
                continue
        except (KeyError, TypeError, AttributeError):
            if each["on_error"] == "no-match":
                continue
            failed = True
        taken.append((each["name"], failed))
        if not each["continue"]:
            break
    return taken


def by_tables(found: RoutingDocument, topic: str) -> Index:
    """The look-ups of a source where no type has so few routes that they are tried one by one."""
    routes = [each for each in found.routes if not each.match.topic or topic in each.match.topic]
    return Index([asked(each.match, when=bool(each.when), goes_on=each.continues) for each in routes], few=-1)


def names(plan: SourcePlan, seen: Seen) -> list[tuple[str, bool]]:
    """The routes that take an event, and whether their expression failed."""
    return [(each.way.way.route.name, each.fault is not None) for each in plan.taken(seen, lambda _: None)]


@settings(max_examples=300, deadline=None)
@given(plain=st.lists(routes, min_size=1, max_size=6), batch=st.lists(events, min_size=1, max_size=6), data=st.data())
def test_tables_find_what_a_plain_reading_finds(
    plain: list[dict[str, Any]], batch: list[tuple[str, str]], data: st.DataObject
) -> None:
    """For every event and every document: the same routes, in the same order, with the same failures."""
    found = sound(plain)
    if found is None:
        return
    sources = Routing(found, "penstock").sources
    for topic, text in batch:
        headers, key = data.draw(own_headers), data.draw(keys)
        plan = sources[topic]
        kind, body = plan.read(text.encode())
        kind = kind or plan.constant or headers["kind"]
        seen = Seen(plan, kind, body, json.dumps(headers), key, 0, 0)

        taken = names(plan, seen)

        assert taken == interpreted(found, topic, kind, plan.data(body), headers, key)
        assert taken == names(replace(plan, index=by_tables(found, topic)), seen)
        if kind in plan.lanes:
            assert [(plan.lanes[kind].route, False)] == taken


def taker(found: RoutingDocument, event: bytes, headers: str | None = None, key: bytes | None = None) -> list[str]:
    """The names of the routes that take an event of topic `events`."""
    plan = Routing(found, "penstock").sources["events"]
    kind, body = plan.read(event)
    return [each.way.way.route.name for each in plan.taken(Seen(plan, kind, body, headers, key, 0, 0), lambda _: None)]


def test_a_route_that_asks_for_nothing_takes_everything() -> None:
    """Whether it says so by an empty match or by none."""
    last = route("last")
    del last["match"]

    assert taker(document(routes=[route(), last]), b'{"type":"rose"}') == ["last"]
    assert taker(document(routes=[route(), route("last", match={})]), b'{"type":"rose"}') == ["last"]


def test_only_the_fields_that_are_asked_for_are_decoded() -> None:
    """What nobody looks at may be as strange as JSON allows."""
    found = document(routes=[route(match={"field": {"a": 1}})])
    plan = Routing(found, "penstock").sources["events"]

    assert plan.fields(b'{"a":1,"b":{"c":[1,2]},"type":"x"}') == {"a": 1}
    with pytest.raises(DecodeError, match="expected JSON"):
        plan.fields(b'{"a":"\\ud800"}')


def test_many_fields_are_found_too() -> None:
    """Beyond a few, all of the event is decoded at once."""
    many = [route(f"r{number}", match={"field": {f"f{number}": 1}}) for number in range(100)]

    assert taker(document(routes=many), b'{"type":"x","f99":1.0}') == ["r99"]


def test_an_event_that_is_no_object_has_no_fields() -> None:
    """It is no fault: routes that ask for none may take it."""
    source = {"topic": "events", "format": "json", "type": {"header": "kind"}}
    found = document(sources=[source], routes=[route("a", match={"field": {"n": 1}}), route("b", match={})])
    plan = Routing(found, "penstock").sources["events"]

    (taken,) = plan.taken(Seen(plan, "x", b"[1]", None, None, 0, 0), lambda _: None)

    assert taken.way.way.route.name == "b"


def test_ten_thousand_routes_are_compiled_and_looked_up_at_once() -> None:
    """From the text to the tables within the time that a change may take, with room for a slow machine."""
    plain = {
        "version": 1,
        "sources": [SOURCES[0]],
        "routes": [
            route(f"r{number}", match={"type": f"t{number % 10}", "field": {"tenant": f"c{number}"}})
            for number in range(10_000)
        ],
        "models": {"iris-tree": {"job": "pmml"}},
    }
    text = json.dumps(plain)
    begun = time.process_time()
    plan = Routing(load(text), "penstock").sources["events"]
    took = time.process_time() - begun
    seen = Seen(plan, "t9", b'{"type":"t9","tenant":"c9999"}', None, None, 0, 0)

    assert len(list(plan.index._candidates(seen))) == 1
    assert took < 8
