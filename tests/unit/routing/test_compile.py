"""The compiled document: what routers and renderers look up."""

import pytest

from penstock.errors import TransformError
from penstock.event import Blank, unpack_headers
from penstock.routing.compile import outputs, sources
from penstock.routing.lanes import encoded
from penstock.testing.builders import document, route

TWO = document(
    routes=[route("iris", match={"type": ["iris", "rose"]}), route("tulip", model="tulips")],
    models={"iris-tree": {"job": "pmml"}, "tulips": {"job": "pmml"}},
)


def test_lanes_lead_to_the_job_that_has_the_model() -> None:
    """The topic has the model's name without its version."""
    lanes = sources(TWO, "mine")["events"].lanes

    assert {name: lane.topic for name, lane in lanes.items()} == {
        "iris": "mine.pmml.iris-tree",
        "rose": "mine.pmml.iris-tree",
        "tulip": "mine.pmml.tulips",
    }


def test_a_lane_has_the_headers_of_its_type() -> None:
    """They are packed once; what differs from event to event is blank."""
    headers = unpack_headers(sources(TWO, "mine")["events"].lanes["rose"].headers)

    assert headers["ce_type"] == "rose"
    assert headers["penstock-route"] == "iris"
    assert {name for name, text in headers.items() if text in set(Blank)} == {"ce_id", "ce_time"}


def test_outputs_stand_by_the_name_of_their_route() -> None:
    """An output without transforms in JSON has nothing to write."""
    plans = outputs(TWO)

    assert {name: plan.topic for name, plan in plans.items()} == {"iris": "iris-results", "tulip": "tulip-results"}
    assert plans["iris"].write is None
    assert plans["iris"].step is None


def test_what_json_does_not_have_is_a_fault_of_the_transform() -> None:
    """Only somebody else's transform can make it."""
    with pytest.raises(TransformError, match=r"what the transforms made cannot be written: .*object"):
        encoded({"a": object()})


def test_lanes_of_a_type_are_made_once_unless_it_is_very_long() -> None:
    """Whoever makes up long types would fill the memory with them."""
    plan = sources(document(routes=[route(match={})]), "penstock")["events"]
    way = plan.ways[0].way

    assert way.arms("short") is way.arms("short")
    assert way.arms("l" * 1000) is not way.arms("l" * 1000)
