"""``penstock tail`` against a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from penstock.local.waiting import wait_until
from tests.patience import CONNECT_MS, SOON_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Installation


def test_json_is_one_object_a_line(installation: Installation) -> None:
    """A line has topic, partition, offset, timestamp, key, headers and the value's text."""
    topic = installation.topic("events", partitions=1)
    begun = time.time()
    installation.run("send", topic, "--key", "u1", "--header", "a=b", given='{"big": 12345678901234567890, "x": 1.0}\n')
    (record,) = installation.lines("tail", topic, "--to-end")

    assert abs(record.pop("timestamp") / 1000 - begun) < SOON_S
    assert record == {
        "topic": topic,
        "partition": 0,
        "offset": 0,
        "key": "u1",
        "headers": {"a": "b"},
        "value": '{"big": 12345678901234567890, "x": 1.0}',
    }


def test_text_shows_key_headers_and_value(installation: Installation) -> None:
    """The text form is a block for each record."""
    topic = installation.topic("events", partitions=1)
    installation.run("send", topic, "--key", "u1", "--header", "a=b", given="hello\n")
    lines = installation.run("tail", topic, "--to-end").stdout.splitlines()

    assert lines[0].startswith(f"{topic}/0/0  ")
    assert lines[0].endswith("  key u1")
    assert lines[1:] == ["  a: b", "hello", ""]


def test_without_topics_all_results_are_shown(make_installation: Callable[..., Installation], tmp_path: Path) -> None:
    """The output topics of the document, and no others."""
    routing = tmp_path / "routing.yaml"
    installation = make_installation(routing_file=str(routing))
    first, second, other = (installation.topic(name, partitions=1) for name in ("first", "second", "other"))
    routes = [
        {"name": name, "match": {"type": name}, "model": "m", "output": {"topic": topic}}
        for name, topic in (("a", first), ("b", second))
    ]
    source = {"topic": "events", "format": "json", "type": {"field": "type"}}
    document = {"version": 1, "sources": [source], "routes": routes, "models": {"m": {"job": "pmml"}}}
    routing.write_text(json.dumps(document), encoding="utf-8")
    for topic in (first, second, other):
        installation.run("send", topic, given=topic)

    assert {record["value"] for record in installation.lines("tail", "--to-end")} == {first, second}


def test_only_what_comes_is_shown_without_from_beginning(installation: Installation) -> None:
    """By default reading begins with the next record, and --count ends it with status 0."""
    topic = installation.topic("events", partitions=1)
    installation.run("send", topic, given="before\n")
    arguments = ["tail", topic, "--count", "1", "--timeout", str(SOON_S), "--format", "value", "--settings"]
    with subprocess.Popen(
        [sys.executable, "-m", "penstock.cli", *arguments, str(installation.file)], stdout=subprocess.PIPE
    ) as process:
        # It does not say when it has begun, so records are sent until it has what it wants.
        wait_until(lambda: _sent_one_more(installation, topic) and process.poll() is not None, SOON_S, 0.2)
        shown, _ = process.communicate(timeout=SOON_S)

    assert process.returncode == 0
    assert shown == b"after\n"


def _sent_one_more(installation: Installation, topic: str) -> bool:
    installation.run("send", topic, given="after\n")
    return True


def test_timeout_before_count_is_status_4(installation: Installation) -> None:
    """A timeout that comes before --count gives status 4, with what there was; without --count it is a plain end."""
    topic = installation.topic("events")
    installation.run("send", topic, given="a\n")
    begun = time.monotonic()
    arguments = ("tail", topic, "--from-beginning", "--count", "2", "--timeout")
    # To connect is part of the time, which on a busy machine may take all of it: more is given until there is enough.
    tried = (installation.run(*arguments, seconds, expect=4) for seconds in ("3", "20", "120"))
    assert any("\na\n" in short.stdout for short in tried)
    installation.run("tail", topic, "--timeout", "0.2")

    assert time.monotonic() - begun < SOON_S


def test_end_before_count_is_status_4(installation: Installation) -> None:
    """--to-end without enough records gives status 4 too."""
    topic = installation.topic("events")
    installation.run("tail", topic, "--to-end", "--count", "1", expect=4)


def test_filters_count_only_what_they_show(installation: Installation) -> None:
    """--key and --header choose records, and --count counts the chosen ones."""
    topic = installation.topic("events", partitions=1)
    installation.run("send", topic, "--key-separator", ":", "--header", "a=1", given="u1:x\nu2:y\n")
    installation.run("send", topic, "--key", "u2", "--header", "a=2", given="z\nzz\n")

    by_key = installation.lines("tail", topic, "--to-end", "--key", "u2", "--count", "2")
    by_both = installation.lines("tail", topic, "--to-end", "--key", "u2", "--header", "a=1")

    assert [record["value"] for record in by_key] == ["y", "z"]
    assert [record["value"] for record in by_both] == ["y"]


def test_patterns_and_several_topics(installation: Installation) -> None:
    """A pattern and names may be mixed; a topic that both mean is read once."""
    one, two = installation.topic("one"), installation.topic("two")
    for topic in (one, two):
        installation.run("send", topic, given=f"{topic}\n")
    shown = installation.lines("tail", f"*-{installation.ending}", one, "--to-end")

    assert sorted(record["value"] for record in shown) == [one, two]


def test_internal_topics_are_read_from_the_internal_cluster(make_installation: Callable[..., Installation]) -> None:
    """With two clusters a topic with the internal prefix is looked for on the internal one only."""
    whole = make_installation()
    inner = whole.topic(f"{whole.settings.topics.prefix}.results")
    whole.run("send", inner, given="a score\n")
    address = whole.cluster.bootstrap_servers
    apart = make_installation(
        **{
            "topics.prefix": whole.settings.topics.prefix,
            "kafka.external.bootstrap_servers": "127.0.0.1:1",
            "kafka.external.connect_timeout_ms": 500,
            "kafka.internal.bootstrap_servers": address,
            "kafka.internal.connect_timeout_ms": CONNECT_MS,
        }
    )

    assert [record["value"] for record in apart.lines("tail", inner, "--to-end")] == ["a score"]
    assert "no Kafka broker answers at '127.0.0.1:1'" in apart.run("tail", "events", expect=3).stderr


def test_nothing_is_consumed(installation: Installation) -> None:
    """Reading twice shows the same: no group's offsets move."""
    topic = installation.topic("events")
    installation.run("generate", "--topic", topic, "--count", "20")

    first, second = (
        sorted(
            installation.lines("tail", topic, "--to-end"), key=lambda record: (record["partition"], record["offset"])
        )
        for _ in range(2)
    )
    assert len(first) == 20
    assert first == second


@pytest.mark.parametrize(
    "command",
    [["tail", "t"], ["send", "t"], ["generate"], ["topics"], ["deadletters", "list"], ["deadletters", "count"]],
    ids=" ".join,
)
def test_a_broker_that_is_not_there_is_one_line_within_seconds(
    make_installation: Callable[..., Installation], command: list[str]
) -> None:
    """Every command says in one line that no broker answers, with status 3, soon after `connect_timeout_ms`."""
    nowhere = make_installation(
        **{
            "kafka.external.bootstrap_servers": "127.0.0.1:1",
            "kafka.external.connect_timeout_ms": 1000,
            "kafka.external.request_timeout_ms": 1500 * SOON_S,
        }
    )
    begun = time.monotonic()
    result = nowhere.run(*command, expect=3)

    assert time.monotonic() - begun < SOON_S
    assert result.stderr.startswith("Error: no Kafka broker answers at '127.0.0.1:1'")
    assert result.stderr.count("\n") == 1


def test_a_large_topic_is_read_to_its_end(installation: Installation) -> None:
    """All of a topic with many batches in several partitions is shown, each record once."""
    topic = installation.topic("events", partitions=4)
    installation.run("generate", "--topic", topic, "--count", "5000")
    ids = [json.loads(record["value"])["id"] for record in installation.lines("tail", topic, "--to-end")]

    assert sorted(ids) == list(range(1, 5001))
