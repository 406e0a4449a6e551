"""Logs: events with facts, for people and for machines."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING

import pytest

from penstock import logs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def configured() -> Iterator[Callable[..., io.StringIO]]:
    """Configure logs into a buffer, and leave them afterwards as they were."""
    root, kafka = logging.getLogger(), logging.getLogger("kafka")
    before = (root.handlers[:], root.level, kafka.level)

    def configure(level: str = "INFO", layout: str = "text") -> io.StringIO:
        stream = io.StringIO()
        logs.configure(level, layout, stream)
        return stream

    yield configure
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    kafka.setLevel(before[2])


def test_text_has_facts_after_the_event(configured: Callable[..., io.StringIO]) -> None:
    """A person reads the event first, then key=value."""
    stream = configured()

    logs.get_logger("a.b").info("topic made", topic='with "quotes"', partitions=4)

    assert stream.getvalue().endswith('INFO a.b topic made topic="with \\"quotes\\"" partitions=4\n')


def test_facts_survive_a_formatter_of_somebody_elses(caplog: pytest.LogCaptureFixture) -> None:
    """Flink's workers write a line's message, and know nothing of facts."""
    logs.get_logger("a").warning("model not loaded", model="iris:1")

    assert caplog.messages == ['model not loaded model="iris:1"']


def test_json_is_one_valid_object_a_line(configured: Callable[..., io.StringIO]) -> None:
    """Whatever is in event or facts, each line parses; facts cannot pose as the logger."""
    stream = configured(layout="json")

    logs.get_logger("a").warning('a "quoted"\nevent', level="mine", odd=object)

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["logger"]) == ('a "quoted"\nevent', "WARNING", "a")
    assert "object" in line["odd"]


def test_exceptions_come_with_their_trace(configured: Callable[..., io.StringIO]) -> None:
    """The place of a fault is in the line that tells of it."""
    stream = configured(layout="json")

    try:
        int("broken")
    except ValueError:
        logs.get_logger("a").exception("failed", model="iris")

    line = json.loads(stream.getvalue())
    assert "ValueError: invalid literal" in line["trace"]
    assert line["model"] == "iris"


def test_level_cuts_off(configured: Callable[..., io.StringIO]) -> None:
    """Lines below the level are not written, and Kafka's client keeps quiet."""
    stream = configured(level="WARNING")

    logs.get_logger("a").info("unimportant")
    logs.get_logger("a").debug("less so")
    logging.getLogger("kafka.net").error("cannot connect")
    logs.get_logger("a").error("important")

    assert [line.split()[3:] for line in stream.getvalue().splitlines()] == [["a", "important"]]
