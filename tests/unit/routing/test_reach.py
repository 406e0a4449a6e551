"""Routes that no event can reach."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.errors import RoutingDocumentError
from penstock.testing.builders import document, route

SOURCES = [
    {"topic": "events", "format": "json", "type": {"field": "type"}},
    {"topic": "texts", "format": "text", "type": {"header": "kind"}},
]


def faults(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """What is said of a document with two routes."""
    try:
        document(sources=SOURCES, routes=[route("a", **first), route("b", **second)])
    except RoutingDocumentError as error:
        return list(error.faults)
    return []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({}, {"type": "x"}),
        ({}, {"field": {"n": {"gt": 1}}, "header": {"h": "1"}}),
        ({"type": ["x", "y"]}, {"type": "x", "topic": "events"}),
        ({"topic": ["events", "texts"]}, {"type": "x"}),
        ({"topic": "events"}, {"topic": "events", "header": {"h": "1"}}),
        ({"header": {"h": ["1", "2"]}}, {"header": {"h": "2"}, "type": "x"}),
        ({"field": {"n": [1, 2]}}, {"field": {"n": 1.0}}),
        ({"field": {"n": {"gt": 1}}}, {"field": {"n": {"gt": 1}}}),
        ({"field": {"n": {"gte": 1}}}, {"field": {"n": {"gt": 1, "lt": 5}}}),
        ({"field": {"n": {"gte": 1, "lt": 9}}}, {"field": {"n": [1, 8.9]}}),
    ],
)
def test_a_route_behind_one_that_takes_all_of_its_events(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Whatever the earlier one asks for, the later one asks for it too."""
    (fault,) = faults({"match": first}, {"match": second})

    assert fault.startswith("routes[1].match")
    assert "the first match wins, so this one is never reached" in fault
    assert not faults({"match": first, "continue": True}, {"match": second})
    assert not faults({"match": first, "when": "true"}, {"match": second})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"type": "x"}, {}),
        ({"type": "x"}, {"type": "y"}),
        ({"topic": "events"}, {"type": "x"}),
        ({"type": "x", "header": {"h": "1"}}, {"type": "x"}),
        ({"header": {"h": "1"}}, {"header": {"h": ["1", "2"]}}),
        ({"header": {"h": "1"}}, {"field": {"h": "1"}}),
        ({"field": {"n": 1}}, {"field": {"n": True}}),
        ({"field": {"n": {"gt": 1}}}, {"field": {"n": {"gte": 1}}}),
        ({"field": {"n": {"gt": 1, "lt": 5}}}, {"field": {"n": {"gt": 1}}}),
        ({"field": {"n": {"gt": 1}}}, {"field": {"n": [1, 2]}}),
        ({"field": {"n": {"gt": 1}}}, {"field": {"n": "5"}}),
    ],
)
def test_a_route_that_may_still_get_events(first: dict[str, Any], second: dict[str, Any]) -> None:
    """One event is enough."""
    assert not faults({"match": first}, {"match": second})


def test_of_several_types_those_that_are_taken_are_told() -> None:
    """The others may stay."""
    assert faults({"match": {"type": ["x", "y"]}}, {"match": {"type": ["y", "z", "z"]}}) == [
        "routes[1].match.type: routes[0] takes 'y'; the first match wins, so this one is never reached",
        "routes[1].match.type: routes[1] takes 'z'; the first match wins, so this one is never reached",
    ]


def test_a_field_of_sources_that_have_none() -> None:
    """Only objects have fields."""
    assert faults({"match": {"type": "x"}}, {"match": {"topic": "texts", "field": {"a": 1}}}) == [
        "routes[1].match.field: no source of this route has fields; only json and csv have"
    ]


def ranges(count: int) -> list[dict[str, Any]]:
    """Routes that differ in ranges only, the last of which is one of them again."""
    lows = [*range(count - 1), count - 2]
    return [route(f"r{at}", match={"field": {"n": {"gt": low, "lt": low + 2}}}) for at, low in enumerate(lows)]


def test_a_thousand_ranges_do_not_keep_the_check_busy() -> None:
    """It gives up in time: what was not looked at is not told."""
    with pytest.raises(RoutingDocumentError, match=r"routes\[98\] takes all events"):
        document(routes=ranges(100))

    assert len(document(routes=ranges(1_000)).routes) == 1_000
