"""The doctor's marked events."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from penstock.cli.probes import MARK, Probe, Probes, Untried
from penstock.models.descriptor import ModelDescriptor
from penstock.models.registry import Registry
from penstock.routing.compile import sources
from penstock.routing.document import parse

SAMPLE = {"a": 1.5, "b": "x"}
JSON_SOURCE = {"topic": "events", "format": "json", "type": {"field": "kind"}}


def probe(
    *,
    source: dict[str, Any] = JSON_SOURCE,
    transform: list[Any] | None = None,
    sample: dict[str, Any] | list[Any] | None = SAMPLE,
    types: list[str] | None = None,
    **changes: Any,
) -> Probe | Untried:
    """The event for the only route of a document with one source, whose model has this sample."""
    document = parse(
        {
            "version": 1,
            "sources": [source],
            "routes": [
                {
                    "name": "r",
                    "match": {"type": types or ["t"]},
                    "transform": transform or [],
                    "model": "m",
                    "output": {"topic": "out"},
                    **changes,
                }
            ],
            "models": {"m": {"job": "pmml"}, "n": {"job": "pmml"}},
        }
    )
    descriptor = ModelDescriptor.parse(
        {
            "name": "m",
            "version": 1,
            "job": "pmml",
            "format": "pmml",
            "uri": "m.pmml",
            "sha256": "0" * 64,
            "sample": sample,
        },
        "test",
    )
    plans = sources(document, "pen")
    return Probes(document, plans, Registry([descriptor]), "pen.results", "run1").make(document.routes[0])


def made(**options: Any) -> Probe:
    """The event, where one can be made."""
    found = probe(**options)
    assert isinstance(found, Probe), found
    return found


def test_an_event_is_marked_and_knows_its_way() -> None:
    """Every event has a ce_id and a mark of its own, and the topics that it passes in their order."""
    found = made()

    assert dict(found.headers) == {"ce_id": b"penstock-doctor-run1-r", MARK: b"run1"}
    assert found.topics == ("events", "pen.pmml.m", "pen.results", "out")
    assert (found.route, found.job) == ("r", "pmml")


@pytest.mark.parametrize(
    ("source", "transform", "value"),
    [
        (JSON_SOURCE, [], b'{"kind":"t","a":1.5,"b":"x"}'),
        ({"topic": "events", "format": "json", "type": {"constant": "t"}}, [], b'{"a":1.5,"b":"x"}'),
        ({"topic": "events", "format": "json", "type": {"header": "h"}}, ["as_is"], b'{"a":1.5,"b":"x"}'),
        (JSON_SOURCE, [{"select": ["b", "a"]}], b'{"kind":"t","a":1.5,"b":"x"}'),
        (JSON_SOURCE, [{"rename": {"old": "a"}}], b'{"kind":"t","old":1.5,"b":"x"}'),
        ({"topic": "events", "format": "tagged"}, [{"csv": {"columns": ["a", "b"]}}], b"t###1.5,x"),
        ({"topic": "events", "format": "tagged", "separator": "|"}, ["first_letter"], b"t|1.5,x"),
        ({"topic": "events", "format": "text", "type": {"constant": "t"}}, ["first_letter"], b"1.5,x"),
        ({"topic": "events", "format": "bytes", "type": {"constant": "t"}}, [], b"1.5,x"),
        (
            {
                "topic": "events",
                "format": "csv",
                "columns": ["b", "kind", "a"],
                "separator": ";",
                "type": {"field": "kind"},
            },
            [],
            b"x;t;1.5",
        ),
    ],
)
def test_values_by_format_and_transform(source: dict[str, Any], transform: list[Any], value: bytes) -> None:
    """An event holds the model's sample as its source writes it, with the transforms' renaming undone."""
    assert made(source=source, transform=transform).value == value


IMAGE = b"\x89PNG\r\n\x1a\n\x00"
BYTES_SOURCE = {"topic": "images", "format": "bytes", "type": {"constant": "t"}}


def test_bytes_of_a_sample_are_sent_as_they_are() -> None:
    """With the content type that they have, which their request needs."""
    found = made(source=BYTES_SOURCE, sample={"image_bytes": {"b64": base64.b64encode(IMAGE).decode()}})

    assert found.value == IMAGE
    assert dict(found.headers)["content-type"] == b"image/png"


def test_other_bytes_have_no_content_type() -> None:
    """Only images are known by their beginning."""
    found = made(source=BYTES_SOURCE, sample={"data": {"b64": base64.b64encode(b"\xff\x00").decode()}})

    assert found.value == b"\xff\x00"
    assert "content-type" not in dict(found.headers)


def test_a_list_sample_becomes_the_fields_of_the_vector() -> None:
    """A model that takes a list gets its sample through the route's ``vector``."""
    found = made(sample=[1.0, 2.0], transform=[{"vector": ["p", "q"]}])

    assert found.value == b'{"kind":"t","p":1.0,"q":2.0}'


def test_the_type_may_stand_in_a_header() -> None:
    """A source that finds the type in a header gets it there."""
    found = made(source={"topic": "events", "format": "json", "type": {"header": "h"}}, types=["t", "u"])

    assert dict(found.headers)["h"] == b"t"


def test_any_type_of_the_route_will_do() -> None:
    """A source with a constant type carries the route's type that it has."""
    found = made(source={"topic": "events", "format": "json", "type": {"constant": "u"}}, types=["t", "u"])

    assert found.value == b'{"a":1.5,"b":"x"}'


def test_a_model_without_sample_gets_an_iris() -> None:
    """Without a sample of its own a model is tried with an iris."""
    assert b'"sepal_length":5.1' in made(sample=None).value


def test_a_route_that_no_source_can_serve_is_said_so() -> None:
    """Where no source can carry the type there is no event, and the reason names the type."""
    found = probe(source={"topic": "events", "format": "json", "type": {"constant": "other"}})

    assert found == Untried(route="r", reason="no source can carry type 't'")


def test_a_sample_that_the_transform_refuses_is_said_so() -> None:
    """Where the route's transform refuses every event that can be made, its own reason is given."""
    found = probe(transform=[{"select": ["missing"]}])

    assert isinstance(found, Untried)
    assert found.reason.startswith("no event could be made from the model's sample: transform 'select': ")


def test_an_event_has_what_a_route_asks_for() -> None:
    """Headers, and fields beside those of the sample; a route without types takes an event of any."""
    match = {"header": {"tenant": ["eu", "uk"]}, "field": {"n": {"gt": 1, "lt": 2}, "c": {"gte": 5}, "s": ["x", "y"]}}
    found = made(match=match, when="event.n > 1.2")

    assert found.value == b'{"kind":"penstock-doctor","a":1.5,"b":"x","n":1.5,"c":6,"s":"x"}'
    assert dict(found.headers)["tenant"] == b"eu"


def test_the_way_is_that_of_the_variant() -> None:
    """The doctor's key decides it, as any key would."""
    found = made(model=None, split={"variants": [{"name": "v", "weight": 1, "model": "n:1"}]})

    assert found.topics == ("events", "pen.pmml.n", "pen.results", "out")


def test_an_expression_that_refuses_the_event_is_said_so() -> None:
    """What it asks for cannot be guessed."""
    found = probe(when="event.a > 100.0")

    assert isinstance(found, Untried)
    assert found.reason == "no event could be made from the model's sample: the event would not take this route"
