"""The checks of a routing document bear whatever stands in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from penstock.routing import document as routing_document
from penstock.routing.checks import checked
from penstock.testing.builders import document, route

SOURCE = {"topic": "events", "format": "json", "type": {"field": "type"}}
CSV = {"topic": "rows", "format": "csv", "columns": ["kind", "n"], "type": {"field": "kind"}}


def plain() -> dict[str, Any]:
    """A sound document in plain data."""
    return document().model_dump()


def faults(data: object) -> list[str]:
    """What is said of a document."""
    return [str(fault) for fault in checked(data, "penstock")[1]]


#: Every key that a document has anywhere, under the name that it has there.
KEYS = sorted(
    {
        field.alias or name
        for part in vars(routing_document).values()
        if isinstance(part, type) and issubclass(part, BaseModel)
        for name, field in part.model_fields.items()
    }
)
yaml_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["iris", "json", "events", "iris-tree:1", "2h", "event.n > 1", "2026-01-02T03:04:05Z"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@given(
    data=st.dictionaries(
        st.sampled_from(["version", "sources", "routes", "models", "unmatched", "other"]), yaml_values, max_size=5
    )
)
def test_whatever_stands_in_a_document_is_taken_or_told(data: object) -> None:
    """No document makes any exception but the one with its faults, and each fault names its place."""
    for fault in faults(data):
        assert fault.split(":")[0]


@pytest.mark.parametrize("key", ["sources", "routes", "models", "unmatched"])
@given(data=yaml_values)
def test_whatever_stands_in_a_part_is_taken_or_told(key: str, data: object) -> None:
    """The checks between parts bear any nonsense in one of them."""
    faults(plain() | {key: data})


@given(
    data=st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(
            (
                *("name", "match", "transform", "output", "model", "split", "shadow"),
                *("when", "on_error", "continue", "deadline_ms"),
            ),
            yaml_values,
        ),
    )
)
def test_whatever_stands_in_a_route_is_taken_or_told(data: dict[str, object]) -> None:
    """The checks of a route bear any nonsense in its parts."""
    faults(plain() | {"routes": [data, route("b") | data]})


@given(
    split=st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("by", "salt", "variants"), yaml_values),
            "overrides": yaml_values | st.dictionaries(st.text(max_size=2), yaml_values, min_size=1, max_size=2),
        },
    ),
    variant=st.fixed_dictionaries({}, optional=dict.fromkeys(("name", "weight", "model"), yaml_values)),
    ramp=st.fixed_dictionaries({}, optional=dict.fromkeys(("from", "to", "over", "steps", "start"), yaml_values)),
    shadow=st.fixed_dictionaries({}, optional=dict.fromkeys(("model", "percent", "name"), yaml_values)),
)
def test_whatever_stands_in_a_split_is_taken_or_told(
    split: dict[str, object], variant: dict[str, object], ramp: dict[str, object], shadow: dict[str, object]
) -> None:
    """As do the checks of its variants, their ramps, and of shadows, beside sound ones."""
    sound = {"name": "a", "weight": 1, "model": "iris-tree:1"}
    sloping = {"name": "b", "ramp": {"from": 0, "to": 1, "over": "1h", "steps": 1} | ramp, "model": "iris-tree:2"}
    whole = {"variants": [sound, sound | variant, sloping]} | split
    faults(plain() | {"routes": [route(model=None, split=whole, shadow=[shadow, {"model": "iris-tree:3"} | shadow])]})


@given(
    data=st.fixed_dictionaries({"topic": yaml_values, "type": yaml_values, "columns": yaml_values, "cast": yaml_values})
)
def test_whatever_stands_in_a_source_is_taken_or_told(data: dict[str, object]) -> None:
    """The checks of a source bear any nonsense in its parts."""
    faults(plain() | {"sources": [data, CSV | data, SOURCE | data]})


def test_topics_that_kafka_would_take_for_one_are_refused() -> None:
    """Its metrics know no dot: of two names that are the same without, the second cannot be made."""
    routes = [route("a", output={"topic": "some.scores"}), route("b", output={"topic": "some_scores"})]
    data = {**plain(), "routes": routes}

    (found,) = faults(data)

    rule = "Kafka takes no two topics that differ in '.' and '_' only"
    assert found == f"routes[1].output.topic: {rule}: 'some_scores' and 'some.scores'"
