"""``penstock topics`` against a real broker."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from penstock import topics
from penstock.control.publisher import publish
from penstock.errors import TopicError
from penstock.routing.document import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Installation

ROUTING = """
version: 1
sources:
  - {{topic: events-{ending}, format: json, type: {{field: type}}}}
routes:
  - {{name: iris, match: {{type: iris}}, model: iris-tree, output: {{topic: scores-{ending}}}}}
models:
  iris-tree: {{job: pmml}}
"""


@pytest.fixture
def routed(make_installation: Callable[..., Installation], tmp_path: Path) -> Installation:
    """An installation with a routing document of its own."""
    file = tmp_path / "routing.yaml"
    found = make_installation(routing_file=str(file))
    file.write_text(ROUTING.format(ending=found.ending), encoding="utf-8")
    return found


def test_topics_with_facts_and_what_is_missing(routed: Installation) -> None:
    """Every topic of the document and of Penstock is listed with the broker's facts, or as missing."""
    plan = topics.topics_for(load(routed.settings.routing_file), routed.settings)
    topics.ensure(routed.cluster, [topic for topic in plan.external if topic.name.startswith("events")])
    topics.ensure(routed.cluster, plan.internal)
    routed.run("generate", "--topic", f"events-{routed.ending}", "--count", "7")
    found = {item["topic"]: item for item in routed.lines("topics")}
    prefix = routed.settings.topics.prefix

    assert found.keys() == {topic.name for topic in (*plan.external, *plan.internal)}
    assert found[f"events-{routed.ending}"] == {
        "topic": f"events-{routed.ending}",
        "cluster": "external",
        "exists": True,
        "partitions": 2,
        "messages": 7,
        "retention_ms": routed.settings.topics.retention_ms,
        "cleanup": "delete",
        "purpose": "events in (json)",
    }
    assert found[f"{prefix}.dead-letters"]["retention_ms"] == routed.settings.topics.dead_letter_retention_ms
    assert found[f"{prefix}.control.routing"]["cleanup"] == "compact"
    assert not found[f"scores-{routed.ending}"]["exists"]
    assert "MISSING" in routed.run("topics").stdout


def test_all_adds_the_others(routed: Installation) -> None:
    """--all adds topics that are not in the document, Kafka's own left out."""
    stranger = routed.topic("stranger")
    shown, everything = routed.lines("topics"), routed.lines("topics", "--all")

    assert stranger not in {item["topic"] for item in shown}
    assert {item["purpose"] for item in everything if item["topic"] == stranger} == {"not in the routing document"}
    assert not any(item["topic"].startswith("__") for item in everything)


def test_the_document_in_force_goes_before_the_file(routed: Installation) -> None:
    """What runs is what counts, whatever somebody is editing; without one in force the file is, and that is said."""
    file, output = routed.settings.routing_file, f"scores-{routed.ending}"
    before = routed.run("topics")
    topics.ensure(routed.cluster, topics.internal_topics(routed.settings))
    empty = routed.run("topics")
    publish(routed.settings, file.read_text(encoding="utf-8").replace(output, f"live-{routed.ending}"))
    file.write_text("version: 1\n", encoding="utf-8")
    after = routed.run("topics")

    assert output in before.stdout
    for said in (before, empty):
        assert f"routing document: version 1, of '{file}', as none is in force on " in said.stderr
    assert after.stderr == "routing document: version 1, in force\n"
    assert f"live-{routed.ending}" in after.stdout
    assert output not in after.stdout


def test_a_wrong_document_leaves_out_the_users_topics(routed: Installation) -> None:
    """A routing document with faults is told on standard error; Penstock's own topics are listed all the same."""
    routed.settings.routing_file.write_text("version: 1\n", encoding="utf-8")
    result = routed.run("topics")

    assert "the users' topics are left out: the routing document has" in result.stderr
    assert f"{routed.settings.topics.prefix}.results" in result.stdout


def test_topics_too_small_for_our_records_are_refused(routed: Installation) -> None:
    """Whoever made them: the job that writes to one would restart for ever. The doctor tells them, too."""
    plan = topics.topics_for(load(routed.settings.routing_file), routed.settings)
    (scores,) = (topic for topic in plan.external if topic.name.startswith("scores"))
    small = {"max.message.bytes": "1000"}
    topics.ensure(routed.cluster, [topics.Topic(name=scores.name, partitions=1, replication_factor=1, config=small)])
    told = rf"'{scores.name}' takes batches of 1000 bytes \(max.message.bytes\), it needs {scores.needs_bytes}"

    with pytest.raises(TopicError, match=told):
        topics.ensure(routed.cluster, plan.external)
    topics.ensure(routed.cluster, plan.internal)
    assert re.search(rf"FAIL  topics +the topic {told}", routed.run("doctor", "--timeout", "1", expect=None).output)


def test_a_topic_that_kafka_refuses_is_told_at_once(routed: Installation) -> None:
    """Kafka takes no two names that differ only in dots and underscores; what it does take is made and waited for."""
    first, second, third = (f"{name}-{routed.ending}" for name in ("some.scores", "some_scores", "other-scores"))
    topics.ensure(routed.cluster, [topics.Topic(name=first, partitions=1, replication_factor=1)])
    wanted = [topics.Topic(name=name, partitions=1, replication_factor=1) for name in (second, third)]

    with pytest.raises(TopicError, match=rf"the topic '{second}' was not made: .* collides with existing topic"):
        topics.ensure(routed.cluster, wanted)

    assert topics.ensure(routed.cluster, wanted[1:]) == ()
