"""Waiting with a deadline, and the lines that tell of each step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from penstock.local.waiting import Reporter, error_lines, failed, lines_since, log_sizes, log_tail, wait_until

if TYPE_CHECKING:
    from pathlib import Path


def test_waiting_ends_when_the_probe_says_yes() -> None:
    """The probe is asked until it is true, and not once more."""
    answers = iter([False, False, True])

    assert wait_until(lambda: next(answers), 60, 0.001)
    assert next(answers, "none left") == "none left"


def test_waiting_ends_at_the_deadline() -> None:
    """A probe that never says yes is given up."""
    assert not wait_until(lambda: False, 0.01, 0.001)


def test_what_a_probe_raises_ends_the_waiting() -> None:
    """A fault that no waiting can mend is told at once."""

    def probe() -> bool:
        raise RuntimeError("given up")

    with pytest.raises(RuntimeError, match="given up"):
        wait_until(probe, 60, 0.001)


def test_each_step_is_one_line_with_outcome_and_time() -> None:
    """The name is there while the step goes on, outcome and elapsed time when it ends."""
    written: list[str] = []
    moments = iter([0.0, 1.5, 3.25])
    reporter = Reporter(lambda text, nl=True: written.append(text + "\n" * nl), lambda: next(moments))

    with reporter.step("Kafka answers") as outcome:
        assert written == ["Kafka answers .................... "]
        outcome.append("a:1")
    with reporter.step("topics"):
        pass

    assert re.findall(r"\S.*", "".join(written)) == [
        "Kafka answers .................... a:1  [1.5 s]",
        "topics ........................... done  [3.2 s]",
    ]


def test_failed_step_says_so() -> None:
    """The line of a step that raised does not look as if all were well."""
    written: list[str] = []

    reporter = Reporter(lambda text, **_: written.append(text))

    with pytest.raises(RuntimeError, match="no"), reporter.step("x"):
        raise RuntimeError("no")
    assert written[-1].startswith("failed")


def test_failure_has_step_tail_and_advice(tmp_path: Path) -> None:
    """What failed, the last lines of its log, and what to do."""
    log = tmp_path / "kafka.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)), encoding="utf-8")

    text = str(failed("Kafka", log, "give it more memory"))

    assert text.startswith("step 'Kafka' failed; give it more memory")
    assert "line 99" in text
    assert "line 50\n" not in text


def test_missing_log_has_no_tail(tmp_path: Path) -> None:
    """A program that never started has not written anything."""
    assert log_tail(tmp_path / "none.log") == ""


def test_failure_has_the_errors_that_came_since(tmp_path: Path) -> None:
    """Those of an earlier start are left out, and so are the many innocent lines after the cause."""
    log = tmp_path / "kafka.log"
    log.write_text("ERROR of yesterday\n" * 30, encoding="utf-8")
    sizes = log_sizes(tmp_path)
    with log.open("a", encoding="utf-8") as file:
        file.write("java.net.BindException: Address already in use\n" + "all is well\n" * 30)

    text = str(failed("start kafka", log, "kafka ended 3 times", sizes))

    assert "errors in its log:\njava.net.BindException: Address already in use\nlast lines of its log:\nall" in text
    assert "yesterday" not in text


def test_log_that_was_begun_anew_is_read_whole(tmp_path: Path) -> None:
    """Logs are rotated; what is shorter than it was is another file."""
    log = tmp_path / "kafka.log"
    log.write_text("long ago\n" * 10, encoding="utf-8")
    sizes = log_sizes(tmp_path)
    log.write_text("anew\n", encoding="utf-8")

    assert list(lines_since(log, sizes)) == ["anew\n"]
    assert list(lines_since(tmp_path / "none.log", sizes)) == []


def test_lines_that_tell_the_cause_are_found_once_each() -> None:
    """Of each kind of program that a stack has; what differs in numbers only is the same start over again."""
    once = """\
[2025-11-21 21:00:01,123] INFO starting (kafka.server.KafkaRaftServer)
[2025-11-21 21:00:02,456] ERROR Unable to start (kafka.server.SharedServer)
org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: in use.
\tat kafka.network.Acceptor.openServerSocket(SocketServer.scala:741)
Caused by: java.net.BindException: Address already in use
\t... 14 more
Error occurred during initialization of VM
{"time": "2025-11-21 21:00:03,001", "level": "ERROR", "event": "no port"}
Traceback (most recent call last):
  File "program.py", line 7, in main

    serve()
queue.Empty
"""
    again = once.replace("21:00:", "21:07:")

    assert error_lines((once + again).splitlines(keepends=True)) == [
        "[2025-11-21 21:00:02,456] ERROR Unable to start (kafka.server.SharedServer)",
        "org.apache.kafka.common.KafkaException: Socket server failed to bind to 127.0.0.1:9092: in use.",
        "Caused by: java.net.BindException: Address already in use",
        "Error occurred during initialization of VM",
        '{"time": "2025-11-21 21:00:03,001", "level": "ERROR", "event": "no port"}',
        "queue.Empty",
    ]


def test_error_lines_are_few_and_short() -> None:
    """The first ones: what comes later mostly comes of them."""
    found = error_lines(f"ERROR {chr(ord('a') + number)} {'x' * 1000}\n" for number in range(20))

    assert [line[6] for line in found] == list("abcdefghij")
    assert {len(line) for line in found} == {300}
