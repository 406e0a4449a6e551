"""The compiled document: what routers and renderers look up."""

import pytest

from penstock.errors import TransformError
from penstock.event import Blank, unpack_headers
from penstock.routing.compile import encoded, outputs, sources
from penstock.routing.match import by_type
from penstock.testing.builders import document, route

TWO = document(
    routes=[route("iris", match={"type": ["iris", "rose"]}), route("tulip", model="tulips")],
    models={"iris-tree": {"job": "pmml"}, "tulips": {"job": "spark"}},
)


def test_every_type_has_its_route() -> None:
    """A list of types is as good as several routes."""
    assert {name: found.name for name, found in by_type(TWO.routes).items()} == {
        "iris": "iris",
        "rose": "iris",
        "tulip": "tulip",
    }


def test_of_two_routes_for_a_type_the_first_wins() -> None:
    """A document that was loaded has none such; expressions will."""
    first, second = document().routes[0], document(routes=[route(name="other", match={"type": "iris"})]).routes[0]

    assert by_type([first, second])["iris"] is first


def test_lanes_lead_to_the_job_that_has_the_model() -> None:
    """The topic has the model's name without its version."""
    lanes = sources(TWO, "mine")["events"].lanes

    assert {name: lane.topic for name, lane in lanes.items()} == {
        "iris": "mine.pmml.iris-tree",
        "rose": "mine.pmml.iris-tree",
        "tulip": "mine.spark.tulips",
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
