"""The demo: whether its events have a place, whose topics they would go to, and where scores come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.local import demo
from penstock.routing.document import load
from penstock.settings import Settings
from penstock.testing.builders import document, route

SHIPPED = Path(__file__).parents[3] / "config" / "routing.yaml"


def test_shipped_document_has_a_place_for_the_demo() -> None:
    """Its scores are what `up` points to."""
    shipped = load(SHIPPED)

    assert demo.misfit(shipped) is None
    assert demo.results_topic(shipped) == "iris-results"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"sources": [{"topic": "mine", "format": "json", "type": {"field": "type"}}]}, "no source 'events' in JSON"),
        ({"sources": [{"topic": "events", "format": "tagged"}]}, "no source 'events' in JSON"),
        ({"sources": [{"topic": "events", "format": "json", "type": {"field": "kind"}}]}, "no source 'events' in JSON"),
        ({"routes": [route("mine")]}, "no route for type 'iris'"),
    ],
)
def test_other_documents_may_have_none(changes: dict[str, Any], fault: str) -> None:
    """Events that nobody reads, or that become dead letters, are no demo."""
    assert fault in str(demo.misfit(document(**changes)))


def test_results_are_those_of_the_document() -> None:
    """Without a route for the demo the first one's."""
    assert demo.results_topic(document(routes=[route("mine"), route("yours")])) == "mine-results"
    assert demo.results_topic(document(routes=[route("mine"), route("iris")])) == "iris-results"


@pytest.mark.parametrize(
    ("kafka", "own"),
    [
        ({}, False),
        ({"external": {"bootstrap_servers": "mine:9092"}}, True),
        ({"external": {"bootstrap_servers": "mine:9092"}, "internal": {}}, True),
        ({"internal": {"bootstrap_servers": "mine:9092"}}, False),
    ],
)
def test_own_cluster_is_that_of_the_users_topics(kafka: dict[str, Any], *, own: bool) -> None:
    """Whoever has two clusters minds where the events go."""
    assert demo.on_own_cluster(Settings(kafka=kafka)) is own
