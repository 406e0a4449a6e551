"""Matching: what the compiled tables find is what a plain reading of the document finds."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.errors import DecodeError
from penstock.routing.compile import Routing, SourcePlan
from penstock.routing.document import RoutingDocument, load
from penstock.routing.match import Index, Seen, asked
from penstock.routing.tracing import TrialKind, trials
from penstock.testing.builders import document, route
from tests.reference import SENT, SOURCES, interpreted, routes, sound

if TYPE_CHECKING:
    from collections.abc import Callable


def by_tables(found: RoutingDocument, topic: str) -> Index:
    """The look-ups of a source where no type has so few routes that they are tried one by one."""
    read = [each for each in found.routes if not each.match.topic or topic in each.match.topic]
    return Index([asked(each.match, when=bool(each.when), goes_on=each.continues) for each in read], few=-1)


def names(plan: SourcePlan, seen: Seen) -> list[tuple[str, bool]]:
    """The routes that take an event, and whether their expression failed."""
    return [(each.way.way.route.name, each.fault is not None) for each in plan.taken(seen, lambda _: None)]


@settings(max_examples=150, deadline=None)
@given(plain=st.lists(routes, min_size=1, max_size=6))
def test_tables_find_what_a_plain_reading_finds(plain: list[dict[str, Any]]) -> None:
    """For every event and every document: the same routes, in the same order, with the same failures."""
    found = sound(plain)
    if found is None:
        return
    routing = Routing(found, "penstock")
    for topic, text, headers, key in SENT:
        plan = routing.sources[topic]
        kind, body = plan.read(text.encode())
        kind = kind or plan.constant or headers["kind"]
        seen = Seen(plan, kind, body, json.dumps(headers), key, 0, 0)

        taken = names(plan, seen)

        assert taken == interpreted(found, topic, kind, plan.data(body), headers, key)
        assert taken == names(replace(plan, index=by_tables(found, topic)), seen)
        tried = list(trials(routing.ways, seen))
        ended = [each for each in tried if each.kind is not TrialKind.NO_MATCH]
        assert [(each.route, each.kind is TrialKind.DEAD_LETTER) for each in ended] == taken
        assert all(bool(each.why) == (each.kind is not TrialKind.TAKES) for each in tried)
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


def tenants(count: int) -> str:
    """A document with a route for each tenant."""
    plain = {
        "version": 1,
        "sources": [SOURCES[0]],
        "routes": [
            route(f"r{number}", match={"type": f"t{number % 10}", "field": {"tenant": f"c{number}"}})
            for number in range(count)
        ],
        "models": {"iris-tree": {"job": "pmml"}},
    }
    return json.dumps(plain)


def calls(do: Callable[[], object]) -> int:
    """How many functions something calls: unlike the time that it takes, that is no matter of the machine."""
    found = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal found
        found += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    finally:
        sys.setprofile(before)
    return found


def test_thousands_of_routes_are_compiled_and_looked_up_at_once() -> None:
    """Twice the routes are twice the work, from the text to the tables; an event looks at those of its own values."""
    few, many = tenants(2_000), tenants(4_000)
    plan = Routing(load(many), "penstock").sources["events"]
    seen = Seen(plan, "t9", b'{"type":"t9","tenant":"c3999"}', None, None, 0, 0)

    assert len(list(plan.index._candidates(seen))) == 1
    assert calls(lambda: Routing(load(many), "penstock")) < 2.5 * calls(lambda: Routing(load(few), "penstock"))
