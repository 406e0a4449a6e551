"""The checks of a routing document bear whatever stands in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


yaml_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["iris", "json", "events"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "version",
                    "sources",
                    "routes",
                    "models",
                    "topic",
                    "format",
                    "type",
                    "name",
                    "match",
                    "model",
                    "output",
                ]
            ),
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
        {"name": yaml_values, "match": yaml_values, "transform": yaml_values, "output": yaml_values}
    )
)
def test_whatever_stands_in_a_route_is_taken_or_told(data: dict[str, object]) -> None:
    """The checks of a route bear any nonsense in its parts."""
    faults(plain() | {"routes": [data, route("b") | data]})


@given(
    data=st.fixed_dictionaries({"topic": yaml_values, "type": yaml_values, "columns": yaml_values, "cast": yaml_values})
)
def test_whatever_stands_in_a_source_is_taken_or_told(data: dict[str, object]) -> None:
    """The checks of a source bear any nonsense in its parts."""
    faults(plain() | {"sources": [data, CSV | data, SOURCE | data]})
