"""Expressions: what they compute, what they are refused for, and that they stay short work."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.errors import ExpressionError
from penstock.routing.compile import Routing
from penstock.routing.expressions import FUNCTIONS, LONGEST, Expression, fault_of
from penstock.routing.match import Seen
from penstock.testing.builders import document, route


def seen(
    event: bytes = b'{"type":"order","amount":120.5,"items":3,"vip":true,"user":"u-1","tags":["a","b"],"deep":{"x":1}}',
    headers: str | None = '{"tenant":"eu-1","x-y":"1"}',
    key: bytes | None = b"eu-77",
    when: str = "true",
) -> Seen:
    """An event as a route with this expression sees it."""
    plan = Routing(document(routes=[route(match={}, when=when)]), "penstock").sources["events"]
    kind, body = plan.read(event)
    return Seen(plan, kind, body, headers, key, 0, 12)


def holds(when: str, **event: Any) -> bool:
    """Whether an event meets an expression."""
    return Expression(when).holds(seen(when=when, **event))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ('event.amount > 100 && key.startsWith("eu-")', True),
        ("event.amount > 200.5", False),
        ("event.items == 3.0", True),
        ("event.vip == 1", False),
        ("event.vip", True),
        ('event["user"].matches("^u-[0-9]+$")', True),
        ('"b" in event.tags && size(event.tags) == 2', True),
        ("event.deep.x == 1 && !has(event.deep.y)", True),
        ("has(event.nothing)", False),
        ("has(event.nothing) && event.nothing > 1", False),
        ('headers.tenant == "eu-1" && headers["x-y"] == "1"', True),
        ('"tenant" in headers && !("other" in headers)', True),
        ('type == "order" && topic == "events"', True),
        ('event.type == type && type(event.items) == int ? type != "x" : false', True),
        ("type.size() == 5 // a comment that says type", True),
        ('event == {"a": 1}', False),
        ("event.nothing > 1 || true", True),
        ('timestamp("2026-01-31T18:00:00Z").getFullYear() == 2026', True),
    ],
)
def test_expressions_see_the_event(when: str, expected: bool) -> None:  # noqa: FBT001
    """Its fields, its key, its headers, its type and its topic; numbers compare across kinds."""
    assert holds(when) is expected


@pytest.mark.parametrize(
    ("when", "reason"),
    [
        ("event.nothing > 1", 'the expression cannot be computed: Key not found in map : "nothing"'),
        ("event.user > 1", "the expression cannot be computed: No matching overloads found : _>_(string, int64)"),
        ("event.user", "expected the expression to be true or false, got text"),
        ("1 / (event.items - 3) == 1", "the expression cannot be computed: divide by zero"),
        ('headers.other == "a"', 'the expression cannot be computed: Key not found in map : "other"'),
    ],
)
def test_what_cannot_be_computed_is_told(when: str, reason: str) -> None:
    """In one line, without the library's own codes."""
    with pytest.raises(ExpressionError) as caught:
        holds(when)

    assert str(caught.value) == reason


@pytest.mark.parametrize("key", [None, b"\xff"])
def test_a_key_that_is_no_text_is_null(key: bytes | None) -> None:
    """An expression can ask for that."""
    assert holds("key == null", key=key)
    with pytest.raises(ExpressionError, match="No matching overloads"):
        holds('key.startsWith("eu")', key=key)


def test_a_number_beyond_64_bits_fails_only_those_who_ask_for_it() -> None:
    """CEL has no such numbers."""
    event = b'{"type":"order","big":%d,"n":1}' % 2**70

    assert holds("event.n == 1", event=event)
    with pytest.raises(ExpressionError, match="out of"):
        holds("event.big > 1", event=event)


def test_an_event_that_is_no_object_has_no_fields() -> None:
    """As in matches."""
    found = document(
        sources=[{"topic": "events", "format": "text", "type": {"constant": "a"}}],
        routes=[route(match={}, when='event == "hello"')],
    )
    plan = Routing(found, "penstock").sources["events"]
    event = Seen(plan, "a", "hello", None, None, 0, 0)

    assert Expression('event == "hello"').holds(event)
    assert not Expression("has(event.a)").holds(event)


@pytest.mark.parametrize(
    ("when", "fields"),
    [
        ("event.a > 1 && event['b'] == 2", {"a", "b"}),
        ("event.a.b.c == 1", {"a"}),
        ("has(event.a)", {"a"}),
        ('"event.a" == key', set()),
        ("event == {}", None),
        ("event.size() > 1", None),
        ("event[key] == 1", None),
        ("event['a\\'b'] == 1", None),
    ],
)
def test_fields_that_are_looked_at_are_known(when: str, fields: set[str] | None) -> None:
    """Only these are decoded; None is the whole event."""
    assert Expression(when).fields == fields


@pytest.mark.parametrize(
    ("when", "fault"),
    [
        ("evnt.a > 1", "unknown name 'evnt'; did you mean 'event'?"),
        ("event.a >", "line 1, column 10: Syntax error: "),
        ("1 + 1", "expected an expression that is true or false, got one of type int"),
        ("headers.a > 5", "line 1, column 11: found no matching overload"),
        ("now() > 5", "expressions have no function 'now'; expected one of "),
        ("event.tags.exists(t, t == 1)", "expressions have no function 'exists'; expected one of "),
        ("event.tags.all(t, true)", "expressions have no function 'all'"),
        ("event.tags.map(t, t) == []", "expressions have no function 'map'"),
        ("event.tags . filter (t, true) == []", "expressions have no function 'filter'"),
        ('"""\\""" """ == key || event.a.exists(x, x) || key == """ """', "expressions have no function 'exists'"),
        ("key == r'\\' || event.a.exists(x, x) || key == r'\\'", "expressions have no function 'exists'"),
        ("__import__('os') == 1", "unknown name '__import__'"),
        ("_typ == 'a'", "unknown name '_typ'; did you mean 'type'?"),
        ('event.a.matches("(")', "matches(...) takes a regular expression of RE2: invalid regular expression"),
        ("event.a.matches(event.b)", "matches(...) takes one text in quotes"),
        ('event.a.contains("a" + event.b)', "contains(...) takes one text in quotes"),
        ('event.a.matches("((a{1,100}){1,100}){1,100}")', "matches(...) takes a regular expression of RE2: "),
        ("true" + " || true" * LONGEST, f"expected an expression of at most {LONGEST} characters, got "),
        ("(" * 200 + "true" + ")" * 200, "Expression recursion limit exceeded"),
        ("!" * 1_999 + "true", "expected an expression of at most"),
    ],
)
def test_wrong_expressions_are_refused(when: str, fault: str) -> None:
    """Before any event comes, with the place or with what was meant."""
    assert (fault_of(when) or "").startswith(fault)
    assert fault_of(when)


@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(
            ["event", ".a", "type", "(", ")", "key", '"', "'''", "\\", "&&", "[", "]", "1", "//", "r'", "matches", "in"]
        ),
        max_size=12,
    ).map(" ".join)
)
@example("\ud800")
@example("event['")
@example("matches(")
@example("\0")
def test_any_text_is_taken_or_told(when: str) -> None:
    """No text crashes the library, and whatever is refused is refused with a reason."""
    fault = fault_of(when)

    assert fault is None or fault


@pytest.mark.parametrize(
    "when",
    [
        'event.s.matches("(a+)+$") || event.s.matches("(x+x+)+y")',
        'event.s.contains("' + "a" * 900 + 'b")',
        " + ".join(["event.s"] * 20) + ' == "x"',
        "event.l == event.l",
        '"x" in event.l',
    ],
)
def test_a_large_event_is_no_long_work(when: str) -> None:
    """The engine of regular expressions is linear, and nothing else can be repeated."""
    event = b'{"type":"a","s":"%s","l":[%s]}' % (b"a" * 500_000 + b"b", b",".join([b'"a"'] * 50_000))
    found = seen(event=event, when=when)
    begun = time.thread_time()

    Expression(when).holds(found)

    assert time.thread_time() - begun < 100  # hours, where an engine goes back and forth


def test_functions_are_those_that_are_listed() -> None:
    """None of them loops, calls out or tells of the process."""
    assert not set(FUNCTIONS) & {"all", "exists", "exists_one", "map", "filter", "now"}
