"""The table of topics."""

from __future__ import annotations

import pytest

from penstock.cli.inventory import Facts, Item, duration, inventory_table, purposes
from penstock.routing.document import RoutingDocument, parse


def document() -> RoutingDocument:
    """A document with two sources, two routes that share an output, and a topic for what does not match."""
    return parse(
        {
            "version": 1,
            "sources": [
                {"topic": "events", "format": "json", "type": {"field": "type"}},
                {"topic": "legacy", "format": "tagged"},
            ],
            "routes": [
                {
                    "name": "iris",
                    "match": {"type": "iris"},
                    "model": "tree",
                    "shadow": [{"model": "words:1"}],
                    "output": {"topic": "scores"},
                },
                {"name": "tweets", "match": {"type": "tweet"}, "model": "words", "output": {"topic": "scores"}},
            ],
            "unmatched": {"topic": "others"},
            "models": {"tree": {"job": "pmml"}, "words": {"job": "pmml"}},
        }
    )


def facts(partitions: int, messages: int, cleanup: str) -> Facts:
    """What the broker says, kept for a week."""
    return Facts(partitions=partitions, messages=messages, retention_ms=604_800_000, cleanup=cleanup)


def test_every_topic_says_what_it_is_for() -> None:
    """Topics stand in the order of an event's way; one with two uses names both."""
    found = purposes(document(), "pen")

    assert list(found)[:4] == ["events", "legacy", "pen.pmml.tree", "pen.pmml.words"]
    assert found["events"] == "events in (json)"
    assert found["pen.pmml.words"] == "requests to model words"
    assert found["pen.shadow-pmml.words"] == "copies of events for model words"
    assert found["pen.dead-letters"] == "what could not be handled, with the cause"
    assert found["scores"] == "scores of route iris; scores of route tweets"
    assert found["others"] == "events that no route takes"


def test_without_a_document_there_are_penstocks_own_topics() -> None:
    """A routing document that cannot be read leaves the topics that every installation has."""
    assert all(name.startswith("pen.") for name in purposes(None, "pen"))


def test_table_shows_facts_and_what_is_missing() -> None:
    """A topic that is not there has dashes and says so; a compacted one keeps no time."""
    items = [
        Item(name="events", cluster="external", purpose="in", facts=facts(4, 1200, "delete")),
        Item(name="pen.control", cluster="internal", purpose="doc", facts=facts(1, 3, "compact")),
        Item(name="scores", cluster="external", purpose="out"),
    ]

    assert inventory_table(items).splitlines() == [
        "TOPIC        CLUSTER   PARTITIONS  MESSAGES  RETENTION  CLEANUP  PURPOSE",
        "events       external           4     1,200  7d         delete   in",
        "pen.control  internal           1         3  -          compact  doc",
        "scores       external           -         -  -          -        out; MISSING: 'penstock up' makes it",
    ]


def test_json_of_a_missing_topic() -> None:
    """A topic that is not there has null for every number."""
    assert Item(name="scores", cluster="external", purpose="out").as_object() == {
        "topic": "scores",
        "cluster": "external",
        "exists": False,
        "partitions": None,
        "messages": None,
        "retention_ms": None,
        "cleanup": None,
        "purpose": "out",
    }


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(604_800_000, "7d"), (5_400_000, "90min"), (1500, "1500ms"), (30_000, "30s"), (-1, "for ever")],
)
def test_durations_have_their_largest_whole_unit(milliseconds: int, text: str) -> None:
    """Retention is shown in the largest unit that divides it."""
    assert duration(milliseconds) == text
