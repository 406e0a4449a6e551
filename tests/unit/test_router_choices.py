"""The router where a type alone does not decide: matches, expressions, splits, shadows, several routes at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from input_adapter.router import Router
from penstock.event import Deliveries, added_size, unpack_headers, unpack_more
from penstock.routing import ways
from penstock.routing.split import Arm, chooser, seed
from penstock.testing.builders import Events, document, events, filled, route

EVENT = b'{"type":"iris","n":1,"user":"u7"}'
MODELS = {"iris-tree": {"job": "pmml"}, "forest": {"job": "pmml"}, "shade": {"job": "pmml"}}
VARIANTS = [
    {"name": "champion", "weight": 90, "model": "iris-tree:1"},
    {"name": "challenger", "weight": 10, "model": "forest"},
]


def router(*routes: dict[str, Any], limit: int = 10_000, clock: Any = lambda: 0, **changes: Any) -> Router:
    """A router of a document with these routes."""
    return Router(
        document(routes=list(routes), models=MODELS, **changes),
        prefix="penstock",
        max_request_bytes=limit,
        max_dead_letter_bytes=20_000,
        clock=clock,
        published_ms=0,
    )


def split(**changes: Any) -> dict[str, Any]:
    """A route with a split."""
    return route(model=None, split={"variants": VARIANTS} | changes)


def records(deliveries: Deliveries, row: int = 0) -> list[tuple[str | None, bytes | None, dict[str, str]]]:
    """All records of an event, their headers unpacked."""
    first = (deliveries.topics[row], deliveries.values[row], deliveries.headers[row])
    return [(topic, value, filled(headers)) for topic, value, headers in (first, *unpack_more(deliveries.more[row]))]


def names(deliveries: Deliveries, header: str = "penstock-route") -> list[str | None]:
    """One header of each record of the first event."""
    return [headers.get(header) for _, _, headers in records(deliveries)]


def variant(found: Router, **event: Any) -> str | None:
    """The variant of one event."""
    value = event.pop("value", EVENT)
    return names(found.route(*events(value, **event)), "penstock-variant")[0]


def expected(key: bytes, salt: str = "iris") -> str:
    """The variant that the public rule gives."""
    choose = chooser([Arm(seed(salt, each["name"]), float(each["weight"])) for each in VARIANTS])
    return str(VARIANTS[choose(key)]["name"])


@given(st.binary(max_size=10))
def test_a_split_goes_by_the_key(key: bytes) -> None:
    """The variant stands on the request, with its model and its topic."""
    deliveries = router(split()).route(*events(EVENT, key=key))
    ((topic, value, headers),) = records(deliveries)

    assert value is None
    assert headers["penstock-variant"] == expected(key)
    assert (topic, headers["penstock-model"]) == {
        "champion": ("penstock.pmml.iris-tree", "iris-tree:1"),
        "challenger": ("penstock.pmml.forest", "forest"),
    }[expected(key)]


@given(
    st.lists(st.tuples(st.sampled_from(["iris", "rose", "other"]), st.none() | st.binary(max_size=2)), max_size=30),
    st.integers(0, 100),
)
def test_what_is_remembered_of_a_key_is_what_it_gets(batch: list[tuple[str, bytes | None]], percent: int) -> None:
    """However often it comes, by whichever route: as a router that has seen nothing yet."""
    shadow = [{"model": "shade", "percent": percent}]
    routes = [
        {**split(), "shadow": shadow},
        {**split(), "name": "rose", "match": {"type": "rose", "field": {"n": 1}}},
        route("rest", match={}, shadow=shadow),
    ]
    found = router(*routes)
    for kind, key in batch:
        event = events(EVENT.replace(b"iris", kind.encode()), key=key)
        assert records(found.route(*event)) == records(router(*routes).route(*event))


def test_keys_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many keys the oldest are forgotten, long ones at once; each gets what it gets."""
    monkeypatch.setattr(ways, "_MOST_KEYS", 10)
    found = router(split())
    remembered = found._routing.sources["events"].keyed["iris"]
    for number in range(100):
        key = b"%d" % number * (number % 50 + 1)
        assert variant(found, key=key) == expected(key)
        assert len(remembered) <= 10
        assert all(key is not None and len(key) <= 64 for key in remembered)


def test_what_else_a_split_may_go_by() -> None:
    """A header, a field, or the event's coordinates; the salt may be given, too."""
    for number in range(30):
        text = f"u{number}"
        value = b'{"type":"iris","user":"%s"}' % text.encode()

        assert variant(router(split(by={"header": "user"})), headers={"user": text}) == expected(text.encode())
        assert variant(router(split(by={"field": "user"})), value=value, key=b"k") == expected(text.encode())
        assert variant(router(split(salt="s")), key=text.encode()) == expected(text.encode(), "s")
        batch = events(EVENT, key=b"k")._replace(offsets=[number], partitions=[3])
        by_event = router(split(by="event")).route(*batch)
        assert names(by_event, "penstock-variant") == [expected(f"events/3/{number}".encode())]


@pytest.mark.parametrize("by", ["key", {"header": "user"}, {"field": "nothing"}])
def test_an_event_without_what_a_split_goes_by_goes_by_its_coordinates(by: object) -> None:
    """So that the shares stay right."""
    found = router(split(by=by))

    for offset in range(30):
        deliveries = found.route(*events(EVENT)._replace(offsets=[offset]))
        assert names(deliveries, "penstock-variant") == [expected(f"events/0/{offset}".encode())]


def test_overrides_pin_keys() -> None:
    """Even to a variant that gets nothing else."""
    variants = [VARIANTS[0], VARIANTS[1] | {"weight": 0}]
    found = router(split(variants=variants, overrides={"vip": "challenger", "ü": "challenger"}))

    assert [variant(found, key=key) for key in (b"vip", "ü".encode(), b"other")] == [
        "challenger",
        "challenger",
        "champion",
    ]


def test_a_ramp_needs_no_message() -> None:
    """At the beginning of each batch the time says which weights are in force."""
    now = [0]
    ramp = {"from": 0, "to": 100, "over": "1h", "steps": 2}
    variants = [VARIANTS[0] | {"weight": None, "ramp": ramp | {"from": 100, "to": 0}}]
    variants.append(VARIANTS[1] | {"weight": None, "ramp": ramp})
    found = router(split(variants=variants), clock=lambda: now[0])
    batch = events(*[EVENT] * 200)

    def challengers() -> int:
        routed = found.route(*batch)
        return sum(unpack_headers(each)["penstock-variant"] == "challenger" for each in routed.headers)

    assert challengers() == 0
    now[0] = 1_799_999
    assert challengers() == 0
    now[0] = 1_800_000
    assert found.weights() == {"iris": {"champion": 50.0, "challenger": 50.0}}
    assert router(split()).weights() == {}
    assert 60 < challengers() < 140
    now[0] = 3_600_000
    assert challengers() == 200


def test_a_ramp_moves_keys_that_are_remembered() -> None:
    """Their variant is what the weights of the moment say."""
    now = [0]
    falling = VARIANTS[0] | {"weight": None, "ramp": {"from": 100, "to": 0, "over": "1h", "steps": 1}}
    found = router(split(variants=[falling, VARIANTS[1]]), clock=lambda: now[0])
    keys = [b"%d" % number for number in range(50)]

    assert "champion" in {variant(found, key=key) for key in keys}
    now[0] = 3_600_000
    assert {variant(found, key=key) for key in keys} == {"challenger"}


def test_shadows_get_copies() -> None:
    """On topics of their own, with the primary's value and headers, but their own model and name, and no variant."""
    shadows = [{"model": "shade:2"}, {"model": "forest", "name": "dark", "percent": 100}]
    found = router(split(variants=[VARIANTS[0]]) | {"shadow": shadows, "transform": [{"select": ["n"]}]})

    primary, first, second = records(found.route(*events(EVENT, headers={"user": "u1", "penstock-shadow": "x"})))

    assert primary[:2] == ("penstock.pmml.iris-tree", b'{"input":%b,"data":{"n":1}}' % EVENT)
    assert first[:2] == ("penstock.shadow-pmml.shade", primary[1])
    assert second[:2] == ("penstock.shadow-pmml.forest", primary[1])
    same = {name: text for name, text in primary[2].items() if name != "penstock-variant"}
    assert primary[2]["penstock-shadow"] == ""
    assert first[2] == same | {"penstock-model": "shade:2", "penstock-shadow": "shade:2"}
    assert second[2] == same | {"penstock-model": "forest", "penstock-shadow": "dark"}


def test_a_shadows_value_is_never_copied_here() -> None:
    """Where the event's own bytes go out, the engine has them already."""
    _, (_, value, _) = records(router(route(shadow=[{"model": "shade"}])).route(*events(EVENT)))

    assert value is None


def test_a_percentage_of_keys_is_copied() -> None:
    """A part of them, always the same."""
    found = router(route(shadow=[{"model": "shade", "percent": 25}]))
    copied = [
        len(records(found.route(*events(EVENT, key=b"%d" % number)))) == 2 for number in [*range(400), *range(400)]
    ]

    assert 60 < sum(copied[:400]) < 140
    assert copied[:400] == copied[400:]


def test_a_copy_that_is_too_large_does_not_touch_the_event() -> None:
    """A long name of a shadow is no reason to lose a score."""
    long = route(shadow=[{"model": "shade", "name": "s" * 100}])
    value = b'{"type":"iris","x":"' + b"a" * 600 + b'"}'
    whole = router(long).route(*events(value))
    found = router(long, limit=80 + len(value) + added_size(whole.headers[0]))

    assert len(records(whole)) == 2
    ((topic, _, _),) = records(found.route(*events(value)))
    assert topic == "penstock.pmml.iris-tree"
    assert found.skipped_shadows == {"iris": 1}


def test_an_event_may_take_several_routes() -> None:
    """The first route's request is the row, the others come along, all with the same id."""
    found = router(
        route("a", match={"type": "iris"}, **{"continue": True}),
        route("b", match={"field": {"n": {"gte": 1}}}, **{"continue": True}, model="forest"),
        route("c", match={"type": "rose"}),
        route("d", match={}),
    )
    deliveries = found.route(*events(EVENT))

    assert names(deliveries) == ["a", "b", "d"]
    assert names(deliveries, "ce_id") == ["events/0/12"] * 3
    assert [topic for topic, _, _ in records(deliveries)][1] == "penstock.pmml.forest"


def test_ways_of_one_event_fail_each_for_itself() -> None:
    """One route's fault is a dead letter; the other routes' requests are made."""
    found = router(
        route("a", match={"type": "iris"}, transform=[{"select": ["nothing"]}], **{"continue": True}),
        route("b", match={"type": "iris"}),
    )
    (dead, _, cause), (topic, _, headers) = records(found.route(*events(EVENT)))

    assert (dead, cause["penstock-error-code"], cause["penstock-route"]) == ("penstock.dead-letters", "TRANSFORM", "a")
    assert cause["penstock-model"] == "iris-tree:1"
    assert (topic, headers["penstock-route"]) == ("penstock.pmml.iris-tree", "b")


def test_an_expression_that_fails_is_no_match_and_counted() -> None:
    """The next route has its turn."""
    found = router(route("a", match={}, when="event.nothing > 1"), route("b", match={}))

    assert names(found.route(*events(EVENT))) == ["b"]
    assert found.failed_expressions == {"a": 1}


def test_an_expression_that_fails_may_be_a_dead_letter() -> None:
    """It stands for the route: what comes behind has no turn."""
    found = router(route("a", match={}, when="event.nothing > 1", on_error="dead-letter"), route("b", match={}))
    ((topic, value, headers),) = records(found.route(*events(EVENT)))

    assert (topic, value) == ("penstock.dead-letters", None)
    assert headers["penstock-error-code"] == "EXPRESSION"
    assert headers["penstock-error-reason"] == 'the expression cannot be computed: Key not found in map : "nothing"'
    assert headers["penstock-route"] == "a"


def test_topics_of_sources_are_matched() -> None:
    """The same type may mean something else elsewhere."""
    two = [{"topic": topic, "format": "json", "type": {"field": "type"}} for topic in ("events", "other")]
    found = router(route("a", match={"topic": "other"}), route("b", match={"type": "iris"}), sources=two)

    assert names(found.route(*events(EVENT))) == ["b"]
    assert names(found.route(*events(EVENT, topic="other"))) == ["a"]


def test_events_that_nobody_takes_are_unmatched() -> None:
    """As with types alone, also into a topic of their own."""
    asking = route(match={"header": {"tenant": ["a", "b"]}})

    assert records(router(asking).route(*events(EVENT)))[0][2]["penstock-error-code"] == "UNMATCHED"
    (record,) = records(router(asking, unmatched={"topic": "others"}).route(*events(EVENT, headers={"tenant": "c"})))
    assert record[0] == "others"
    assert names(router(asking).route(*events(EVENT, headers={"tenant": "b"}))) == ["iris"]


def test_headers_that_are_none_are_an_events_own_fault() -> None:
    """As everywhere: the rest of the batch goes on."""
    found = router(route(match={"header": {"a": "1"}}), route("b", match={}))
    batch = events(EVENT, EVENT)._replace(headers=["{", None])

    assert found.route(*batch).topics == ["penstock.dead-letters", "penstock.pmml.iris-tree"]


def test_most_events_have_no_further_records() -> None:
    """Then there is nothing to hand over."""
    assert router(route(shadow=[{"model": "shade", "percent": 0}])).route(*events(EVENT, EVENT)).more == [None, None]


@pytest.mark.parametrize("column", ["keys", "partitions", "offsets"])
def test_a_column_of_another_length_is_our_own_fault(column: str) -> None:
    """Before any event is routed."""
    batch: Events = events(EVENT)._replace(**{column: []})

    with pytest.raises(ValueError, match="a column is longer or shorter than the others"):
        router(route()).route(*batch)


def test_a_deadline_stands_on_requests_only() -> None:
    """The same text for every event, so that it costs none; whoever compares shadows has time."""
    found = router(split() | {"shadow": [{"model": "shade"}], "deadline_ms": 2000})
    deliveries = found.route(*events(EVENT, headers={"penstock-deadline": "9"}))

    assert names(deliveries, "penstock-deadline") == ["2000", ""]
    assert "penstock-deadline" not in records(router(split()).route(*events(EVENT)))[0][2]
