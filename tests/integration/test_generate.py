"""``penstock generate`` against a real broker."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from penstock import topics
from tests.patience import SOON_S

if TYPE_CHECKING:
    from conftest import Installation


@pytest.mark.parametrize("form", ["json", "csv", "tagged"])
def test_events_arrive_as_the_recipe_says(installation: Installation, form: str) -> None:
    """The same seed writes the same keys and values again, in every form."""
    first, second = installation.topic("first", partitions=1), installation.topic("second", partitions=1)
    recipe = ("--format", form, "--count", "50", "--seed", "3", "--poison", "20")
    said = installation.run("generate", "--topic", first, *recipe).stdout
    installation.run("generate", "--topic", second, *recipe)

    one, two = (installation.lines("tail", topic, "--to-end") for topic in (first, second))

    assert "50 of 50 events acknowledged" in said
    assert len(one) == 50
    assert [(record["key"], record["value"]) for record in one] == [(record["key"], record["value"]) for record in two]


def test_poison_is_marked_by_a_header_and_counted(installation: Installation) -> None:
    """The closing line says how many events were spoilt, and each of them says how in a header."""
    topic = installation.topic("events")
    said = installation.run("generate", "--topic", topic, "--count", "200", "--seed", "1", "--poison", "25").stdout
    spoilt = [
        record["headers"]["poison"]
        for record in installation.lines("tail", topic, "--to-end")
        if "poison" in record["headers"]
    ]

    assert 20 < len(spoilt) < 80
    assert f"{len(spoilt)} spoilt" in said
    assert len(Counter(spoilt)) > 3


def test_kinds_take_turns_on_their_own_topics(installation: Installation) -> None:
    """Three events a second unless told otherwise; what is said at the end is said of each topic."""
    for name in ("events", "tweets", "images"):
        topics.ensure(installation.cluster, [topics.Topic(name=name, partitions=1, replication_factor=1)])
    begun = time.monotonic()
    said = installation.run("generate", "--kind", "iris,tweets,images", "--count", "7", "--seed", "1").stdout

    assert time.monotonic() - begun > 1.9
    counts = [line.partition(" events")[0] for line in said.splitlines()]
    assert counts == ["3 of 3", "2 of 2", "2 of 2"]
    image = installation.lines("tail", "images", "--to-end")[-1]
    assert image["headers"] == {"content-type": "image/png"}
    assert set(image["value"]) == {"base64"}


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--kind", "iris,dogs"), "there is no kind 'dogs'; there are iris, tweets, images"),
        (("--kind", "iris,tweets", "--topic", "events"), "--topic is for events of one kind"),
        (("--kind", "tweets", "--format", "csv"), "--format is for iris events"),
        (("--kind", "tweets,images", "--type", "iris"), "--type is for iris events"),
    ],
)
def test_mix_without_sense_is_wrong_usage(installation: Installation, arguments: tuple[str, ...], fault: str) -> None:
    """Nothing is written on a guess."""
    assert fault in installation.run("generate", *arguments, expect=2).stderr


def test_rate_is_kept(installation: Installation) -> None:
    """100 events at 100 a second take a second: the last is not due before 0.99 s have passed."""
    topic = installation.topic("events", partitions=1)
    begun = time.monotonic()
    installation.run("generate", "--topic", topic, "--count", "100", "--rate", "100")

    assert time.monotonic() - begun > 0.98
    assert len(installation.lines("tail", topic, "--to-end")) == 100


def test_a_topic_that_is_not_there_is_named_and_not_made(installation: Installation) -> None:
    """A mistyped topic ends with status 1 and near names; it still does not exist afterwards."""
    topic = installation.topic("orders")
    for _ in range(2):
        result = installation.run("generate", "--topic", topic.replace("orders", "oders"), "--count", "1", expect=1)
        assert f"does not exist at {installation.cluster.bootstrap_servers!r}; did you mean {topic!r}" in result.stderr


@pytest.mark.parametrize(
    ("signal_number", "count", "status"),
    [(signal.SIGINT, "0", 0), (signal.SIGTERM, "100000", 143)],
)
def test_a_signal_ends_it_with_everything_written(
    installation: Installation, signal_number: int, count: str, status: int
) -> None:
    """Ctrl-C and SIGTERM end it in good order: what it says was acknowledged is in the topic."""
    topic = installation.topic("events", partitions=1)
    command = ["generate", "--topic", topic, "--rate", "200", "--count", count, "--settings", str(installation.file)]
    with subprocess.Popen([sys.executable, "-m", "penstock.cli", *command], stdout=subprocess.PIPE) as process:
        installation.run("tail", topic, "--from-beginning", "--count", "20", "--timeout", str(SOON_S))
        process.send_signal(signal_number)
        said, _ = process.communicate(timeout=SOON_S)
    written = len(installation.lines("tail", topic, "--to-end"))

    assert process.returncode == status
    assert written >= 20
    assert said.decode().startswith(f"{written} of {written} events acknowledged by {topic!r}")


def test_keys_spread_over_partitions_as_the_record_says(installation: Installation) -> None:
    """The key of an event is its user, and all events of a key are in one partition, in order."""
    topic = installation.topic("events", partitions=2)
    installation.run("generate", "--topic", topic, "--count", "100", "--keys", "5", "--seed", "1")
    seen: dict[str, set[int]] = {}
    ids: dict[str, list[int]] = {}
    for record in installation.lines("tail", topic, "--to-end"):
        event = json.loads(record["value"])
        assert record["key"] == event["user"]
        seen.setdefault(record["key"], set()).add(record["partition"])
        ids.setdefault(record["key"], []).append(event["id"])

    assert all(len(partitions) == 1 for partitions in seen.values())
    assert all(numbers == sorted(numbers) for numbers in ids.values())
