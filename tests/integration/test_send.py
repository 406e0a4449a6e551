"""``penstock send`` against a real broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock import kafka
from penstock.local.waiting import wait_until
from tests.patience import SOON_S

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Installation

    from tests.brokers import Broker


def test_lines_become_events(installation: Installation) -> None:
    """Each line of standard input is an event, with the headers asked for."""
    topic = installation.topic("events", partitions=1)
    said = installation.run("send", topic, "--header", "a=1", "--header", "b=x=y", given='{"n":1}\n\n{"n":2}\n').stdout
    sent = installation.lines("tail", topic, "--to-end")

    assert said == f"2 of 2 events acknowledged by {topic!r}\n"
    assert [(record["key"], record["value"]) for record in sent] == [(None, '{"n":1}'), (None, '{"n":2}')]
    assert all(record["headers"] == {"a": "1", "b": "x=y"} for record in sent)


def test_a_file_arrives_byte_for_byte(installation: Installation, tmp_path: Path) -> None:
    """--whole sends a file as one event, whatever is in it."""
    topic = installation.topic("images")
    file = tmp_path / "image"
    file.write_bytes(bytes(range(256)) + b"\n\n")
    installation.run("send", topic, "--file", str(file), "--whole", "--key", "cat")
    arrived = installation.run("tail", topic, "--to-end", "--format", "value").stdout_bytes

    assert arrived == file.read_bytes() + b"\n"


def test_a_line_without_separator_is_left_out_and_named(installation: Installation) -> None:
    """With --key-separator a line that has none is named on standard error; the others are sent; the status is 1."""
    topic = installation.topic("events", partitions=1)
    result = installation.run("send", topic, "--key-separator", ":", given="u1:a\nnothing\nu2:b:c\n", expect=1)
    sent = installation.lines("tail", topic, "--to-end")

    assert "line 2: no separator ':' between key and value; not sent" in result.stderr
    assert [(record["key"], record["value"]) for record in sent] == [("u1", "a"), ("u2", "b:c")]


def test_an_event_that_is_too_large_is_named(installation: Installation) -> None:
    """What the topic does not take is counted as not acknowledged, and the message says which event and why."""
    topic = installation.topic("events")
    result = installation.run("send", topic, given=b"small\n" + b"x" * 5_000_000 + b"\n", expect=1)

    assert "1 of 2 events acknowledged" in result.stdout
    assert "1 of 2 were not acknowledged; the first was line 2: larger than the topic" in result.stderr


def test_a_topic_that_is_not_there_is_never_made(installation: Installation) -> None:
    """Sending to a mistyped topic fails the same way twice: it was not created by the first try."""
    topic = installation.topic("events")
    for _ in range(2):
        result = installation.run("send", f"x{topic}", given="a\n", expect=1)
        assert f"did you mean {topic!r}" in result.stderr


def test_a_producer_that_is_given_up_is_closed(session_broker: Broker, installation: Installation) -> None:
    """Whatever the broker does: else its thread would go on, and its end raise in whatever comes later."""
    producer = kafka.producer(installation.cluster)
    topic = installation.topic("events")
    producer.partitions_for(topic)
    with session_broker.paused():
        producer.send(topic, b"never acknowledged")
        kafka.close(producer, 0.1)
        assert wait_until(lambda: not producer._sender.is_alive(), SOON_S, 0.02)

    producer.close(timeout=0)
