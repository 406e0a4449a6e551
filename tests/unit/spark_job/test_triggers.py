"""Triggers: real time, and batches where that cannot be."""

import pytest

from jobs.spark_job.triggers import MICRO_BATCH, REAL_TIME, Choice, Trigger, refusal
from penstock.engine_sections import SparkSettings

REFUSED = (
    "[STREAM_FAILED] Query [id = 1] terminated with exception: [STREAMING_REAL_TIME_MODE."
    "OPERATOR_OR_SINK_NOT_IN_ALLOWLIST] The operator(s):\n BatchEvalPython not in allowlist. SQLSTATE: 0A000"
)


def test_real_time_is_chosen_where_nothing_is_against_it() -> None:
    """With its interval, which is that of checkpoints."""
    choice = Choice(SparkSettings())
    assert (choice.trigger, choice.reason) == (Trigger(REAL_TIME, 300_000), None)
    assert choice.trigger.options() == {"realTime": "300000 milliseconds"}


def test_shortage_of_slots_means_batches_until_it_is_over() -> None:
    """As soon as Spark can, whatever the interval of real time is."""
    choice = Choice(SparkSettings())
    choice.short("too few")
    assert (choice.trigger, choice.reason) == (Trigger(MICRO_BATCH, 0), "too few")
    choice.short(None)
    assert choice.trigger.kind == REAL_TIME


def test_refusal_stays() -> None:
    """Spark would refuse it again."""
    choice = Choice(SparkSettings())
    choice.refused("no")
    choice.short(None)
    assert (choice.trigger.kind, choice.reason) == (MICRO_BATCH, "no")


def test_batches_that_were_asked_for_need_no_reason() -> None:
    """Slots do not matter then."""
    choice = Choice(SparkSettings(trigger="micro-batch", trigger_interval_ms=1_000))
    choice.short("too few")
    assert (choice.trigger, choice.reason) == (Trigger(MICRO_BATCH, 1_000), None)
    assert choice.trigger.options() == {"processingTime": "1000 milliseconds"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            REFUSED,
            "[STREAMING_REAL_TIME_MODE.OPERATOR_OR_SINK_NOT_IN_ALLOWLIST] The operator(s): BatchEvalPython not in",
        ),
        ("[INVALID_STREAMING_REAL_TIME_MODE_TRIGGER_INTERVAL] 1 second is too short", "[INVALID_STREAMING_REAL_TIME"),
    ],
)
def test_refusals_of_real_time_are_known(text: str, told: str) -> None:
    """By their condition, wherever in the text it is."""
    found = refusal(text)
    assert found is not None
    assert found.startswith(told)


def test_other_failures_are_no_refusals() -> None:
    """They end the driver."""
    assert refusal("[STREAM_FAILED] no broker") is None
