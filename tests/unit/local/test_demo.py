"""The demo: which of its events have a place, and whose topics they would go to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from penstock.demo_events.mix import Kind
from penstock.deployables import SCORING, chosen
from penstock.local import demo
from penstock.local.layout import Layout
from penstock.routing.document import load
from penstock.settings import Settings
from penstock.testing.builders import document, route

SHIPPED = Path(__file__).parents[3] / "config" / "routing.yaml"


ALL = chosen(SCORING)


@pytest.mark.parametrize("kind", Kind)
def test_shipped_document_has_a_place_for_the_demo(kind: Kind) -> None:
    """For events of each kind."""
    assert demo.misfit(kind, load(SHIPPED), ALL) is None


@pytest.mark.parametrize(
    ("jobs", "kinds"),
    [(["pmml"], [Kind.IRIS]), (["pmml", "service"], [Kind.IRIS, Kind.IMAGES]), (["spark"], [Kind.TWEETS])],
)
def test_events_are_only_those_that_a_job_scores(jobs: list[str], kinds: list[Kind]) -> None:
    """Nobody asked for the others, and they would pile up."""
    faults = {kind: demo.misfit(kind, load(SHIPPED), chosen(jobs)) for kind in Kind}

    assert [kind for kind, fault in faults.items() if fault is None] == kinds
    assert all("does not run" in fault for fault in faults.values() if fault is not None)


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
    assert fault in str(demo.misfit(Kind.IRIS, document(**changes), ALL))


def test_texts_need_a_source_of_their_own_type() -> None:
    """They do not say what they are."""
    assert "no source 'images' in bytes that takes type 'image'" in str(demo.misfit(Kind.IMAGES, document(), ALL))


def test_choice_of_kinds_is_kept_for_the_next_start(tmp_path: Path) -> None:
    """It is told whether it is another one than before, so that the demo is begun anew only then."""
    layout = Layout(tmp_path)
    layout.make()

    assert demo.choose(layout, [Kind.IRIS])
    assert not demo.choose(layout, [Kind.IRIS])
    assert demo.choose(layout, [Kind.IRIS, Kind.TWEETS])
    assert demo.chosen(layout) == [Kind.IRIS, Kind.TWEETS]


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
