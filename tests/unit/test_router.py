"""The router: what becomes of every event, good or bad."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from input_adapter.router import Router, _remembered
from penstock.event import Deliveries, added_size, unpack_headers
from penstock.routing.document import RoutingDocument, load
from penstock.testing.builders import PLACE, document, events, filled, route

ROOT = Path(__file__).parents[2]
MESSAGES = ROOT / "tests" / "data" / "messages"
DEMO = load(ROOT / "config" / "routing.yaml")

EVENT = b'{"type":"iris","n":1}'
HEADERS = {
    "ce_specversion": "1.0",
    "ce_id": "events/0/12",
    "ce_source": "events",
    "ce_type": "iris",
    "ce_time": "2026-01-02T03:04:05.678Z",
    "content-type": "application/json",
    "penstock-route": "iris",
    "penstock-model": "iris-tree:1",
    "penstock-config-version": "7",
}


def router(found: RoutingDocument | None = None, *, limit: int = 10_000, letter_limit: int = 20_000) -> Router:
    """A router of a document."""
    return Router(found or document(), prefix="penstock", max_request_bytes=limit, max_dead_letter_bytes=letter_limit)


def source(form: str, **keys: Any) -> list[dict[str, Any]]:
    """The sources of a document with one source, whose topic is `events`."""
    return [{"topic": "events", "format": form, **keys}]


def only(deliveries: Deliveries) -> tuple[str | None, bytes | None, dict[str, str]]:
    """The one delivery of a batch of one, its headers unpacked."""
    assert len(deliveries.topics) == 1
    return deliveries.topics[0], deliveries.values[0], filled(deliveries.headers[0])


def cause(deliveries: Deliveries) -> tuple[str, str]:
    """Code and reason of the one delivery, which is a dead letter."""
    topic, value, headers = only(deliveries)
    assert (topic, value) == ("penstock.dead-letters", None)
    return headers["penstock-error-code"], headers["penstock-error-reason"]


def sample(name: str) -> bytes:
    """A sample message without the line end that editors want at the end of a file."""
    return (MESSAGES / name).read_bytes().removesuffix(b"\n")


def test_an_event_becomes_a_request_as_it_is() -> None:
    """The bytes stay, the envelope goes into headers, the topic is that of the model's job."""
    assert only(router().route(*events(EVENT))) == ("penstock.pmml.iris-tree", None, HEADERS)


@pytest.mark.parametrize(
    ("name", "topic", "content_type", "value"),
    [
        ("event.json", "events", "application/json", None),
        ("event.tagged", "legacy-events", "application/vnd.penstock.request+json", sample("request.json")),
        ("event.csv", "csv-events", "application/vnd.penstock.request+json", sample("request.json")),
    ],
)
def test_the_demo_takes_events_of_every_format(name: str, topic: str, content_type: str, value: bytes | None) -> None:
    """One route serves them all: rows of text become objects, objects pass."""
    to, made, headers = only(router(DEMO).route(*events(sample(name), topic=topic)))

    assert (to, made) == ("penstock.pmml.iris-forest", value)
    assert headers == HEADERS | {
        "ce_id": PLACE,
        "ce_source": topic,
        "content-type": content_type,
        "penstock-model": "iris-forest",
        "penstock-variant": "challenger",
        "penstock-config-version": "1",
    }


def test_a_transformed_event_keeps_its_own_text_beside_the_data() -> None:
    """Big numbers, `1.0` and the order of keys survive, because the text is not written anew."""
    found = document(routes=[route(transform=[{"select": ["n"]}])])
    event = b'{"type":"iris", "id": 12345678901234567890123, "x": 1.0, "n": 1.50}'

    _, value, headers = only(router(found).route(*events(event)))

    assert value == b'{"input":' + event + b',"data":{"n":1.5}}'
    assert headers["content-type"] == "application/vnd.penstock.request+json"


@pytest.mark.parametrize(
    ("sources", "value", "made", "content_type"),
    [
        (source("text", type={"constant": "iris"}), "Zürich".encode(), None, "text/plain"),
        (source("bytes", type={"constant": "iris"}), b"\xff\x00", None, "application/octet-stream"),
        (source("json", type={"constant": "iris"}), b"[1, 2]", None, "application/json"),
        (source("tagged"), b"iris###a###b", b"a###b", "text/plain"),
        (source("tagged", separator="|"), b"iris|a###b", b"a###b", "text/plain"),
        (
            source("csv", columns=["kind", "n"], type={"field": "kind"}, cast="int"),
            b"iris,5",
            b'{"input":"iris,5","data":{"kind":"iris","n":5}}',
            "application/vnd.penstock.request+json",
        ),
    ],
)
def test_every_format_without_a_transform(
    sources: list[dict[str, Any]], value: bytes, made: bytes | None, content_type: str
) -> None:
    """Bytes stay as they are; a tag is taken off; a row gets the names that only its source knows."""
    _, found, headers = only(router(document(sources=sources)).route(*events(value)))

    assert (found, headers["content-type"]) == (made, content_type)


def test_bytes_that_are_transformed_are_left_out_of_the_request() -> None:
    """Bytes cannot stand in JSON, and a built-in transform cannot take them."""
    found = document(sources=source("bytes", type={"constant": "iris"}), routes=[route(transform=["first_letter"])])

    assert cause(router(found).route(*events(b"\xff"))) == (
        "TRANSFORM",
        "transform 'first_letter': expected text, got bytes",
    )


def test_the_type_may_stand_in_a_header() -> None:
    """A missing or empty header is a missing type."""
    found = document(sources=source("text", type={"header": "kind"}))

    assert only(router(found).route(*events(b"a", headers={"kind": "iris"})))[0] == "penstock.pmml.iris-tree"
    for headers in (None, {}, {"kind": ""}, {"kind": None}):
        assert cause(router(found).route(*events(b"a", headers=headers))) == (
            "TYPE_MISSING",
            "the event has no header 'kind' that says its type",
        )


def test_an_events_own_attributes_win() -> None:
    """What the producer says of its event is not replaced, so that a replay keeps its id; its place is told too."""
    own = {"ce_id": "order-5", "ce_time": "2020-01-01T00:00:00Z", "ce_source": "/shop", "user": "u1"}
    _, _, headers = only(router().route(*events(EVENT, headers=own)))

    kept = {name: text for name, text in HEADERS.items() if name not in own}
    assert headers == kept | {"penstock-source": "events/0/12"}


def test_an_empty_attribute_is_no_attribute() -> None:
    """Then ours are added."""
    assert only(router().route(*events(EVENT, headers={"ce_id": ""})))[2] == HEADERS


def test_an_event_cannot_pass_for_a_shadow() -> None:
    """Headers of ours that an event brings along are emptied or replaced."""
    own = {"penstock-shadow": "true", "penstock-route": "other", "penstock-error-code": "DECODE"}
    _, _, headers = only(router().route(*events(EVENT, headers=own)))

    assert headers == HEADERS | {"penstock-shadow": "", "penstock-error-code": ""}


def test_long_names_of_headers_are_not_remembered() -> None:
    """They are a producer's, and would fill the memory."""
    before = _remembered.cache_info().currsize
    _, _, headers = only(router().route(*events(EVENT, headers={f"penstock-{'x' * 5000}": "1"})))

    assert headers == HEADERS | {f"penstock-{'x' * 5000}": ""}
    assert _remembered.cache_info().currsize == before


@pytest.mark.parametrize(("form", "content_type"), [("bytes", None), ("text", "text/plain")])
def test_only_a_producer_of_bytes_says_their_content_type(form: str, content_type: str | None) -> None:
    """Of other formats the source knows better, and jobs rely on it."""
    found = document(sources=source(form, type={"constant": "iris"}))
    _, _, headers = only(router(found).route(*events(b"a", headers={"content-type": "image/png"})))

    assert headers.get("content-type") == content_type


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        (None, "DECODE", "expected JSON, got a null value (a tombstone)"),
        (b"\xff\xfe", "DECODE", "expected JSON, got b'\\xff\\xfe': JSON is malformed: invalid character (byte 0)"),
        (b"{}", "TYPE_MISSING", "the event has no field 'type' that says its type"),
        (b'{"type":"rose"}', "UNMATCHED", "no route of version 7 takes type 'rose'; add it to a route's match"),
    ],
)
def test_bad_events_become_dead_letters(value: bytes | None, code: str, reason: str) -> None:
    """The event stays as it was; added headers tell what, where and by which version."""
    deliveries = router().route(*events(value, headers={"ce_id": "order-5"}))

    assert cause(deliveries) == (code, reason)
    headers = only(deliveries)[2]
    assert datetime.fromisoformat(headers.pop("penstock-error-time")).tzinfo is UTC
    assert headers == {
        "penstock-error-code": code,
        "penstock-error-reason": reason,
        "penstock-error-stage": "input_adapter",
        "penstock-error-component": "router",
        "penstock-error-record": "events/0/12",
        "penstock-error-attempts": "1",
        "penstock-source": "events/0/12",
        "penstock-config-version": "7",
    }


def test_a_fault_in_a_route_names_route_and_model() -> None:
    """So that dead letters can be filtered by either."""
    found = document(routes=[route(transform=[{"vector": ["n", "m"]}])])
    deliveries = router(found).route(*events(EVENT))

    assert cause(deliveries) == ("TRANSFORM", "transform 'vector': field 'm' is missing")
    assert only(deliveries)[2]["penstock-route"] == "iris"
    assert only(deliveries)[2]["penstock-model"] == "iris-tree:1"


def test_a_topic_that_is_no_source_is_a_fault() -> None:
    """It happens between two versions of a document."""
    code, reason = cause(router().route(*events(EVENT, topic="other")))

    assert (code, reason) == ("UNKNOWN_SOURCE", "topic 'other' is no source of version 7 of the routing document")


def test_an_unforeseen_exception_is_a_fault_of_its_event() -> None:
    """Even our own bugs do not fail a batch."""
    batch = events(EVENT, EVENT)._replace(headers=[5, None])  # type: ignore[list-item]
    deliveries = router().route(*batch)

    assert deliveries.topics == ["penstock.dead-letters", "penstock.pmml.iris-tree"]
    assert unpack_headers(deliveries.headers[0])["penstock-error-code"] == "INTERNAL"


def test_one_bad_event_does_not_fail_its_batch() -> None:
    """Every event has its own delivery, in the order of the events."""
    deliveries = router().route(*events(EVENT, b"poison", None, EVENT))

    assert deliveries.topics == [
        "penstock.pmml.iris-tree",
        "penstock.dead-letters",
        "penstock.dead-letters",
        "penstock.pmml.iris-tree",
    ]
    assert filled(deliveries.headers[3], place="events/0/3")["ce_id"] == "events/0/3"


def test_unmatched_events_may_be_dropped() -> None:
    """Dropped is only what no route takes: poison is kept all the same."""
    deliveries = router(document(unmatched="drop")).route(*events(b'{"type":"rose"}', b"poison"))

    assert deliveries == Deliveries(
        topics=[None, "penstock.dead-letters"],
        values=[None, None],
        headers=["", deliveries.headers[1]],
        more=[None, None],
    )


def test_unmatched_events_may_have_a_topic() -> None:
    """They go there untouched, with the attributes of an event, and without a route."""
    topic, value, headers = only(
        router(document(sources=source("tagged"), unmatched={"topic": "others"})).route(*events(b"rose###a"))
    )

    assert (topic, value) == ("others", None)
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": "events/0/12",
        "ce_source": "events",
        "ce_type": "rose",
        "ce_time": "2026-01-02T03:04:05.678Z",
        "content-type": "text/plain",
        "penstock-config-version": "7",
    }


def test_a_route_may_take_several_types() -> None:
    """The type on the record is the event's."""
    found = document(routes=[route(match={"type": ["iris", "rose"]})])
    deliveries = router(found).route(*events(EVENT, b'{"type":"rose"}'))

    assert deliveries.topics == ["penstock.pmml.iris-tree"] * 2
    assert unpack_headers(deliveries.headers[1])["ce_type"] == "rose"


def test_an_event_too_large_is_told_before_it_is_sent() -> None:
    """The reason has both sizes; the original, which is smaller than its request, is kept whole."""
    code, reason = cause(router(limit=1_000).route(*events(b'{"type":"iris","x":"' + b"a" * 2_000 + b'"}')))

    assert code == "OVERSIZE"
    assert reason.startswith("the record would have ")
    assert reason.endswith("bytes, at most 1000 are allowed (limits.max_request_bytes)")


def test_an_event_too_large_for_a_dead_letter_is_left_out_of_it() -> None:
    """A producer that refuses a record for ever would stop all of the stream."""
    topic, value, headers = only(router(limit=1_000, letter_limit=3_000).route(*events(b"a" * 5_000)))

    assert (topic, value) == ("penstock.dead-letters", b"")
    assert headers["penstock-error-value-bytes"] == "5000"


@given(size=st.integers(0, 1_000), unseen=st.integers(70, 1_000))
def test_no_request_is_larger_than_allowed(size: int, unseen: int) -> None:
    """Whatever value, key and headers: what is let through fits, and what is refused would not."""
    limit = 1_500
    value = b'{"type":"iris","x":"' + b"a" * size + b'"}'
    deliveries = router(limit=limit).route(*events(value)._replace(unseen_bytes=[unseen]))
    needed = unseen + len(value) + added_size(router().route(*events(EVENT)).headers[0])

    assert (deliveries.topics[0] == "penstock.pmml.iris-tree") == (needed <= limit)


def test_an_empty_batch_has_no_deliveries() -> None:
    """Nothing in, nothing out."""
    assert router().route(*events()) == Deliveries()


def test_columns_of_different_lengths_are_our_own_fault() -> None:
    """No event is lost without a word."""
    with pytest.raises(ValueError, match="shorter"):
        router().route(*events(EVENT)._replace(unseen_bytes=[]))


@given(
    st.lists(
        st.binary(max_size=30)
        | st.none()
        | st.sampled_from([EVENT, b'{"type":"rose"}', b"iris###1,2", b"1,2"])
        | st.dictionaries(st.text(), st.text() | st.integers() | st.none()).map(msgspec.json.encode),
        max_size=5,
    ),
    st.sampled_from(["events", "legacy-events", "csv-events", "other"]),
    st.none() | st.dictionaries(st.text(max_size=10), st.text(max_size=10) | st.none(), max_size=3),
)
def test_every_event_has_one_delivery(
    values: list[bytes | None], topic: str, own: dict[str, str | None] | None
) -> None:
    """Whatever comes: columns of the batch's length, headers that can be unpacked, and never our own fault."""
    batch = events(*values, topic=topic, headers=own)
    deliveries = router(DEMO).route(*batch)

    assert len(deliveries.topics) == len(deliveries.values) == len(deliveries.headers) == len(values)
    for packed in deliveries.headers:
        packed.encode()
        headers = unpack_headers(packed)
        assert headers.get("penstock-error-code") != "INTERNAL"
        assert "penstock-config-version" in headers
        assert headers.keys() & {"ce_id", "penstock-source"}
