"""``penstock simulate`` and ``penstock shadow diff`` on the topics of a real broker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from penstock import topics
from penstock.cli.exits import Exit
from penstock.event import CE_ID, MODEL, ROUTE, SHADOW, SOURCE
from penstock.testing import builders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Installation


@pytest.fixture
def document(installation: Installation, tmp_path: Path) -> Callable[..., str]:
    """Write a routing document whose topics only this test has."""

    def write(version: int, *types: str) -> str:
        file = tmp_path / f"{version}.json"
        source = {"topic": f"events-{installation.ending}", "format": "json", "type": {"field": "type"}}
        routes = [builders.route(name, output={"topic": f"scores-{installation.ending}"}) for name in types]
        made = builders.document(version=version, sources=[source], routes=routes)
        file.write_text(made.model_dump_json(exclude_none=True), encoding="utf-8")
        return str(file)

    return write


def test_newest_events_of_a_topic_can_be_tried(installation: Installation, document: Callable[..., str]) -> None:
    """Each with its own coordinates and key; against the document in force only what differs is shown."""
    topics.ensure(installation.cluster, topics.internal_topics(installation.settings))
    installation.run("apply", document(1, "iris"))
    topic = f"events-{installation.ending}"
    given = "".join(f'k{number}|{{"type":"{name}"}}\n' for number, name in enumerate(["iris", "tulip", "iris", "rose"]))
    installation.run("send", topic, "--key-separator", "|", given=given)

    newest = installation.lines("simulate", document(2, "iris", "tulip"), "--topic", topic, "--last", "3")
    differing = installation.run(
        "simulate", document(2, "iris", "tulip"), "--last", "10", "--against", "current"
    ).stdout

    routes = {"k0": "iris", "k1": "tulip", "k2": "iris", "k3": None}
    found = {line["key"]: line["outcomes"][0]["route"] for line in newest}
    assert len(found) == 3
    assert found.items() <= routes.items()
    assert differing.splitlines()[-1] == "1 of 4 events differ"
    assert "tulip/iris-tree:1" in differing


def test_topic_that_is_not_there_is_told(installation: Installation, document: Callable[..., str]) -> None:
    """And not made."""
    file = document(1, "iris")

    assert (
        "nowhere" in installation.run("simulate", file, "--topic", "nowhere", "--last", "1", expect=Exit.FAILED).stderr
    )


def send(installation: Installation, topic: str, prediction: object, event: int, **headers: str) -> None:
    """Write a result as a job does."""
    given = {CE_ID: f"id-{event}", ROUTE: "iris", MODEL: "iris-tree:1", SOURCE: f"events/0/{event}", **headers}
    value = {"input": "x", "prediction": prediction, "outputs": {}, "scored_at": "", "latency_ms": event}
    flags = [part for name, text in given.items() for part in ("--header", f"{name}={text}")]
    installation.run("send", topic, "--whole", *flags, given=json.dumps(value))


def test_shadows_are_compared_with_what_users_get(installation: Installation) -> None:
    """Joined by the event's id, over all partitions; others' results are left alone."""
    topics.ensure(installation.cluster, topics.internal_topics(installation.settings))
    prefix = installation.settings.topics.prefix
    dark: dict[str, Any] = {SHADOW: "dark", MODEL: "iris-forest:1"}
    for event in (1, 2, 3):
        send(installation, topics.results(prefix), event, event)
        send(installation, topics.shadow_results(prefix), min(event, 2), event, **dark)
    send(installation, topics.shadow_results(prefix), 1, 9, **dark)
    send(installation, topics.shadow_results(prefix), 1, 1, **{**dark, ROUTE: "other"})
    lines = installation.run("shadow", "diff", "iris").stdout.splitlines()
    (found,) = installation.lines("shadow", "diff", "iris")
    wrong = installation.run("shadow", "diff", "irsi", expect=Exit.FAILED).stderr

    (comparison,) = found["comparisons"]
    assert (comparison["agreements"], comparison["disagreements"], found["alone"]) == (2, 1, 1)
    assert comparison["samples"][0] == {
        "event": "events/0/3",
        "model": "iris-tree:1",
        "primary": 3,
        "shadow": 2,
        "input": '"x"',
    }
    assert comparison["latency_ms"] == {"p50": 2, "p95": 3, "p99": 3}
    assert lines[1].split() == ["dark", "-", "iris-tree:1", "3", "66.67", "%", "1", "2/3/3", "2/3/3"]
    assert "did you mean 'iris'?" in wrong
